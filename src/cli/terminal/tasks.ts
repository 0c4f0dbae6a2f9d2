import pc from 'picocolors'
import { BENCHMARKS, type loadTable, TASKS } from '../../tasks/index.ts'
import { type Output, table } from './output.ts'
import { displayWidth, oneLine, padEnd, truncate, wrap } from './width.ts'

type Table = Awaited<ReturnType<typeof loadTable>>
type TableWatch = Required<
  Pick<NonNullable<Parameters<typeof loadTable>[1]>, 'warn' | 'progress' | 'onIssue'>
>

/** Every task with its first held-out question. */
export function showTasks(output: Output): void {
  const generated = TASKS.map((task) => ({ ...task, sample: task.heldOut({ count: 1 })[0]! }))
  for (const task of [...generated, ...BENCHMARKS]) {
    const { name, description, sample } = task
    const dataset = 'dataset' in task ? { dataset: task.dataset, columns: task.columns } : {}
    output.emit({
      type: 'task',
      name,
      description,
      ...dataset,
      sample: { prompt: sample.prompt, gold: sample.gold },
    })
    if (output.json) continue
    const width = Math.min(output.width, 80)
    output.result(wrap(`${pc.bold(padEnd(name, 22))}${description}`, width, 22))
    output.result(pc.dim(`  ${example(sample, width - 2)}`))
  }
  if (!output.json)
    output.say('\nor a table of your own: a file (.jsonl, .csv, .parquet), a folder, or a dataset of the hub')
}

/** A question and its gold answer on one line of at most `width` columns. */
function example({ prompt, gold }: { prompt: string; gold: string }, width: number): string {
  const answer = gold === '' ? '' : ` → ${truncate(oneLine(gold), Math.floor(width / 2))}`
  return truncate(oneLine(prompt), width - displayWidth(answer)) + answer
}

/** What was found while a table was read. */
export interface Issues {
  /** Rows in question, by kind of issue. */
  readonly counts: Record<string, number>
  /** In words. */
  readonly problems: string[]
}

/** Shows what is wrong with a table while it is read, and collects it in `issues`. */
export function watchTable(output: Output): TableWatch & { readonly issues: Issues } {
  const issues: Issues = { counts: { torn: 0, unreadable: 0, duplicate: 0, overlap: 0 }, problems: [] }
  return {
    issues,
    warn: (message) => void issues.problems.push(message),
    progress: (line) => output.live(line),
    onIssue: ({ kind, ...issue }) => {
      issues.counts[kind]!++
      output.emit({ type: kind, ...issue })
    },
  }
}

/** How many rows of a table can be used, how long they are, and what is wrong with the others. */
export function showTable(
  output: Output,
  file: string,
  { name, size, lengths, compared }: Table,
  { counts, problems }: Issues,
): void {
  output.emit({ type: 'result', name, ...size, ...counts, compared, lengths })
  if (output.json) return
  const count = (n: number): string => n.toLocaleString('en')
  output.result(`${file}: ${count(size.rows)} ${size.rows === 1 ? 'row' : 'rows'}\n`)
  output.result(
    table([
      ['training questions', count(size.training)],
      ['held-out questions', count(size.heldOut)],
      ['unusable rows', count(counts.unreadable!)],
      ['duplicates', count(counts.duplicate!)],
      ['overlap of the two', count(counts.overlap!)],
    ]),
  )
  const measured = Object.entries(lengths).flatMap(([what, l]) =>
    l ? [[what, ...[l.min, l.median, l.p90, l.p99, l.max].map(count)]] : [],
  )
  output.result(
    `\n${table([['characters', 'least', 'median', '90 %', '99 %', 'most'], ...measured], output.width)}`,
  )
  for (const problem of problems) output.prose(`\n${pc.yellow('!')} ${problem.replace(`${file}: `, '')}`)
}
