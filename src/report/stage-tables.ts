import pc from 'picocolors'
import {
  beginsGroup,
  type Cell,
  type Metric,
  metricNames,
  metricOf,
  type StageReport,
} from './stage-metrics.ts'

const formatted = (metric: Metric, value: number): string => (metric.share ? 100 * value : value).toFixed(1)

const cellText = (metric: Metric, { mean, runs }: Cell, seeds: number): string =>
  mean === null ? '–' : `${formatted(metric, mean)}${runs < seeds ? '*' : ''}`

const spreadText = (metric: Metric, { spread }: Cell): string =>
  spread === null ? '' : `±${formatted(metric, spread)}`

/** Name of the spread of the report's numbers. */
export const spreadName = ({ seeds }: StageReport): string =>
  seeds.length > 1 ? 'the standard deviation over the seeds' : 'the standard error over the questions'

/** The seeds, as a sentence. */
export const seedNames = ({ seeds }: StageReport): string =>
  `${seeds.length === 1 ? 'Seed' : `${seeds.length} seeds:`} ${seeds.join(', ')}.`

/** The meaning of the symbols in a table. */
function caption(report: StageReport): string {
  const partial = report.stages.some(({ cells }) =>
    metricNames.some((name) => cells[name].runs > 0 && cells[name].runs < report.seeds.length),
  )
  const star = partial ? '; * is the mean of only the seeds with a known value' : ''
  return `Shares in %; ± is ${spreadName(report)}; – is unknown${star}. ${seedNames(report)}`
}

/**
 * The table for a terminal: one column per stage, with its name wrapped, in blocks of as many columns as fit into
 * `width` characters.
 */
export function textTable(report: StageReport, { width = 100 } = {}): string {
  const { seeds, stages } = report
  const labels = Math.max(...metricNames.map((name) => metricOf(name).label.length))
  const columns = stages.map(({ stage, cells }) => {
    const head = stageLines(stage)
    const body = metricNames.map((name) => [
      cellText(metricOf(name), cells[name], seeds.length),
      spreadText(metricOf(name), cells[name]),
    ])
    return { head, body, width: Math.max(...[...head, ...body.flat()].map((text) => text.length)) }
  })
  const blocks: (typeof columns)[] = []
  let room = 0
  for (const column of columns) {
    const needs = 2 + column.width
    if (blocks.length === 0 || room < needs) {
      blocks.push([])
      room = width - 2 - labels
    }
    blocks.at(-1)!.push(column)
    room -= needs
  }
  const drawn = blocks.map((block) => {
    const line = (label: string, texts: readonly string[]): string =>
      `  ${label.padEnd(labels)}${texts.map((text, i) => `  ${text.padStart(block[i]!.width)}`).join('')}`.trimEnd()
    const height = Math.max(...block.map(({ head }) => head.length))
    const lines: string[] = []
    for (let i = 0; i < height; i++)
      lines.push(
        pc.bold(
          line(
            '',
            block.map(({ head }) => head[i - height + head.length] ?? ''),
          ),
        ),
      )
    lines.push(pc.dim(`  ${'─'.repeat(labels + block.reduce((sum, column) => sum + 2 + column.width, 0))}`))
    metricNames.forEach((name, i) => {
      const metric = metricOf(name)
      if (beginsGroup(i)) lines.push(...(i === 0 ? [] : ['']), `  ${pc.bold(metric.group)}`)
      lines.push(
        line(
          metric.label,
          block.map(({ body }) => body[i]![0]!),
        ),
      )
      const spreads = block.map(({ body }) => body[i]![1]!)
      if (spreads.some(Boolean)) lines.push(pc.dim(line('', spreads)))
    })
    return lines.join('\n')
  })
  return `${drawn.join('\n\n')}\n\n${wrap(caption(report), width - 2)
    .map((text) => `  ${pc.dim(text)}`)
    .join('\n')}`
}

/** Wraps text into lines of at most `width` characters; longer words get their own line. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** A stage's name as the lines above its column: broken at commas and wrapped. */
export const stageLines = (stage: string): string[] => stage.split(/(?<=,) /).flatMap((part) => wrap(part, 9))

/** The table in Markdown, with the meaning of its symbols. */
export function markdownTable(report: StageReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rows = metricNames.map((name, i) => {
    const metric = metricOf(name)
    return line([
      beginsGroup(i) ? `**${metric.group}**` : '',
      metric.label,
      ...report.stages.map(({ cells }) =>
        [cellText(metric, cells[name], report.seeds.length), spreadText(metric, cells[name])]
          .filter(Boolean)
          .join(' '),
      ),
    ])
  })
  return [
    line(['', '', ...report.stages.map(({ stage }) => stage.replaceAll('|', '\\|'))]),
    line(['---', '---', ...report.stages.map(() => '---:')]),
    ...rows,
    '',
    caption(report),
  ].join('\n')
}
