import { namingGgufs } from '../common/files/conversions.ts'
import { countRejections, type DataRow, isKept, responseOf } from '../stages/data/rows.ts'

/** A data card in Markdown: the size of a data set, how it was made, and what it contains. */
export function dataCard({
  title,
  rows,
  made,
}: {
  readonly title: string
  /** All rows; the rejected ones are counted by their reasons. */
  readonly rows: readonly DataRow[]
  /** How the data was made: models, seed, settings. */
  readonly made: Readonly<Record<string, unknown>>
}): string {
  const kept = rows.filter(isKept)
  const sources = [...new Set(rows.map(({ source }) => source))].map((name) => {
    const all = rows.filter(({ source }) => source === name)
    return { name, all, kept: all.filter(isKept) }
  })
  const rejections = Object.entries(countRejections(rows))
  return `# ${title}

${count(kept.length)} rows kept of ${count(rows.length)} candidates.

## How it was made

${Object.entries(made)
  .map(
    ([name, value]) => `- ${name}: ${namingGgufs(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
  .join('\n')}

## Sources

${table(
  ['source', 'kept', 'share', 'candidates', 'yield', 'with a chain'],
  sources.map((s) => [
    s.name,
    count(s.kept.length),
    percent(s.kept.length, kept.length),
    count(s.all.length),
    percent(s.kept.length, s.all.length),
    percent(s.kept.filter(({ thinking }) => thinking !== null).length, s.kept.length),
  ]),
)}

## Rejected

${
  rejections.length === 0
    ? 'Nothing.'
    : table(
        ['reason', ...sources.map(({ name }) => name), 'all'],
        rejections.map(([reason, n]) => [
          reason,
          ...sources.map(({ all }) => count(all.filter(({ rejected }) => rejected === reason).length)),
          count(n),
        ]),
      )
}

## Lengths

Tokens of a response.

${table(
  ['source', 'least', '10 %', 'median', '90 %', 'most'],
  sources
    .filter((s) => s.kept.length > 0)
    .map((s) => [s.name, ...quantiles(s.kept.map(({ tokens }) => tokens.length)).map(count)]),
)}

## Languages

${tally(kept, 'language', ({ language }) => language)}

## Kinds

${tally(kept, 'kind', ({ question }) => question.kind)}

## Samples

${sources.flatMap((s) => samples(s.kept).map((row) => sample(row))).join('\n\n')}
`
}

/** The first, the middle and the last row. */
function samples(rows: readonly DataRow[]): DataRow[] {
  const at = new Set([0, Math.floor(rows.length / 2), rows.length - 1])
  return rows.filter((_, i) => at.has(i))
}

/** A row as text in a fence that is longer than any fence in the text. */
function sample({ source, question, thinking, summary }: DataRow): string {
  const response = responseOf(thinking, summary!)
  const text = `${question.prompt}\n\n${response}`
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${source}, ${question.kind}:\n\n${fence}text\n${text}\n${fence}`
}

/** A table of the numbers of rows by the value of `of`. */
function tally(rows: readonly DataRow[], name: string, of: (row: DataRow) => string): string {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1)
  return table(
    [name, 'rows', 'share'],
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, n]) => [key, count(n), percent(n, rows.length)]),
  )
}

/** Least, 10 %, median, 90 % and most: for each p the value at rank ⌈p · n⌉. */
function quantiles(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return [0, 0.1, 0.5, 0.9, 1].map((p) => sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]!)
}

const count = (n: number): string => n.toLocaleString('en-US')
const percent = (part: number, whole: number): string =>
  whole === 0 ? 'unknown' : `${((100 * part) / whole).toFixed(1)} %`

/** A table in Markdown. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
