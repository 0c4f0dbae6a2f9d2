import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pc from 'picocolors'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../runs/failures.ts'
import type { Asked, StageMeasure } from '../stages/evaluate/scenarios.ts'
import type { PromptTemplate } from '../stages/sample/rollouts.ts'
import { smallMultiples } from './svg.ts'

/** A line of the stage table. */
export interface StageRow {
  /** "Base", "R1-Zero", "Step 1, cold start", … */
  readonly stage: string
  /** A smaller model, apart from the line of stages that lead to R1. */
  readonly student?: boolean
  readonly measure: StageMeasure
}

/** The stage table of one run. */
export interface R1Run {
  readonly seed: number
  readonly stages: readonly StageRow[]
}

/** A number of the table, over all runs; `null` is unknown. */
export interface Cell {
  readonly mean: number | null
  /** Over runs, their standard deviation; of one run, the standard error over its questions. */
  readonly spread: number | null
  /** Runs in which it is known. */
  readonly runs: number
}

export interface StageReport {
  readonly seeds: readonly number[]
  readonly stages: readonly {
    readonly stage: string
    readonly student: boolean
    readonly template: PromptTemplate
    readonly cells: Readonly<Record<MetricName, Cell>>
  }[]
  /** How each run and stage was asked. */
  readonly asked: readonly Asked[]
  /** How many comparisons the judge could not decide, and how many there were. */
  readonly undecided: number
  readonly compared: number
}

interface Metric {
  readonly group: 'Reasoning' | 'Form' | 'Length, in tokens' | 'All scenarios'
  readonly label: string
  /** A share of 1 is shown in %. */
  readonly share: boolean
  value(measure: StageMeasure): number | null
  error?(measure: StageMeasure): number | null
  /** How it was measured. */
  how(report: StageReport): string
}

const kinds = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : 'none')

/** What several runs and stages have in common, or all that they have. */
function all(report: StageReport, read: (asked: Asked) => number | string): string {
  return [...new Set(report.asked.map(read))].join(' or ')
}

/** Every row of the table. */
const METRICS = {
  passAt1: {
    group: 'Reasoning',
    label: 'pass@1',
    share: true,
    value: (m) => m.passAt1,
    error: (m) => m.standardError,
    how: (r) =>
      `the mean over ${all(r, (a) => a.reasoning)} held-out questions of the share of right responses among ${all(r, (a) => a.samples)}; a rule checks each.`,
  },
  majority: {
    group: 'Reasoning',
    label: 'majority',
    share: true,
    value: (m) => m.majority,
    how: (r) =>
      `the share of the same questions whose most frequent answer among ${all(r, (a) => a.samples)} is right; a response without an answer has no vote.`,
  },
  format: {
    group: 'Form',
    label: 'well formed',
    share: true,
    value: (m) => m.format,
    how: () =>
      'the share of the same responses that keep to the form of their template: R1-Zero’s tags, or thinking and then a summary.',
  },
  language: {
    group: 'Form',
    label: 'language consistency',
    share: true,
    value: (m) => m.language,
    how: () =>
      'the mean share of the words of the thinking that are in the question’s language, over the same responses, where there is thinking.',
  },
  mixed: {
    group: 'Form',
    label: 'mixed languages',
    share: true,
    value: (m) => m.mixed,
    how: () => 'the share of the same responses with words of two scripts.',
  },
  readable: {
    group: 'Form',
    label: 'readable',
    share: true,
    value: (m) => m.readable,
    how: () =>
      'the share of the same responses that the filter of rejection sampling finds nothing to object to, right or wrong.',
  },
  easyTokens: {
    group: 'Length, in tokens',
    label: 'easy questions',
    share: false,
    value: (m) => m.easyTokens,
    how: (r) =>
      `the mean length of the responses to ${all(r, (a) => a.easy.questions)} of the questions (${all(r, (a) => kinds(a.easy.kinds))}).`,
  },
  hardTokens: {
    group: 'Length, in tokens',
    label: 'hard questions',
    share: false,
    value: (m) => m.hardTokens,
    how: (r) =>
      `the mean length of the responses to ${all(r, (a) => a.hard.questions)} of the questions (${all(r, (a) => kinds(a.hard.kinds))}).`,
  },
  simpleDirect: {
    group: 'All scenarios',
    label: 'simple: no thinking',
    share: true,
    value: (m) => m.simpleDirect,
    how: (r) =>
      `the share of ${all(r, (a) => a.simple)} held-out pieces of small talk and questions of fact that are answered whole, in form, and without a word of thinking; one response each.`,
  },
  helpful: {
    group: 'All scenarios',
    label: 'win rate, helpful',
    share: true,
    value: (m) => m.helpful?.rate ?? null,
    error: (m) => m.helpful?.standardError ?? null,
    how: ({ undecided, compared }) =>
      `how often a judge finds the answers more helpful than those of the stage before (a tie counts half), harmful requests left out. ${compared === 0 ? 'No answers were compared.' : `Of ${compared} comparisons it left ${undecided} undecided; those count in neither direction.`}`,
  },
  harmfulRefused: {
    group: 'All scenarios',
    label: 'refuses harmful',
    share: true,
    value: (m) => m.harmfulRefused,
    how: (r) =>
      `the share of ${all(r, (a) => a.harmful)} held-out harmful requests that are refused, by the phrases of refusing; one response each.`,
  },
  harmlessRefused: {
    group: 'All scenarios',
    label: 'refuses harmless',
    share: true,
    value: (m) => m.harmlessRefused,
    how: (r) =>
      `the same, of ${all(r, (a) => a.harmless)} requests that only look harmful: the fewer the better.`,
  },
} satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS
const NAMES = Object.keys(METRICS) as MetricName[]
const metricOf = (name: MetricName): Metric => METRICS[name]

/**
 * The stage table of one run, or of several that differ in their seeds.
 *
 * @throws UserError where the runs do not have the same stages, or have the same seed.
 */
export function combineReports(runs: readonly R1Run[]): StageReport {
  const [first] = runs
  if (!first) throw new UserError('there is no run to report on')
  const twice = runs.find(({ seed }, i) => runs.findIndex((run) => run.seed === seed) < i)
  if (twice)
    throw new UserError(`two runs have the seed ${twice.seed}; a spread over seeds needs different ones`)
  const stages = first.stages.map(({ stage }) => stage)
  for (const { seed, stages: others } of runs)
    if (others.map(({ stage }) => stage).join('\n') !== stages.join('\n'))
      throw new UserError(
        `the run of seed ${seed} has the stages ${others.map(({ stage }) => `"${stage}"`).join(', ')}, that of seed ${first.seed} ${stages.map((stage) => `"${stage}"`).join(', ')}; runs to be combined must have the same`,
      )
  const measures = runs.flatMap((run) => run.stages.map(({ measure }) => measure))
  const comparisons = measures.flatMap(({ helpful }) => (helpful ? [helpful] : []))
  return {
    seeds: runs.map(({ seed }) => seed),
    stages: first.stages.map(({ stage, student = false, measure }, i) => ({
      stage,
      student,
      template: measure.asked.template,
      cells: Object.fromEntries(
        NAMES.map((name) => [
          name,
          cellOf(
            metricOf(name),
            runs.map((run) => run.stages[i]!.measure),
          ),
        ]),
      ) as Record<MetricName, Cell>,
    })),
    asked: measures.map(({ asked }) => asked),
    undecided: comparisons.reduce((sum, { unknown }) => sum + unknown, 0),
    compared: comparisons.reduce((sum, { win, tie, loss, unknown }) => sum + win + tie + loss + unknown, 0),
  }
}

function cellOf(metric: Metric, measures: readonly StageMeasure[]): Cell {
  const values = measures.map(metric.value).filter((value) => value !== null)
  const n = values.length
  if (n === 0) return { mean: null, spread: null, runs: 0 }
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  // s² = Σ (x − mean)² / (n − 1)
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const spread = measures.length === 1 ? (metric.error?.(measures[0]!) ?? null) : n > 1 ? deviation : null
  return { mean, spread, runs: n }
}

const formatted = (metric: Metric, value: number): string => (metric.share ? 100 * value : value).toFixed(1)

const cellText = (metric: Metric, { mean, runs }: Cell, seeds: number): string =>
  mean === null ? '–' : `${formatted(metric, mean)}${runs < seeds ? '*' : ''}`

const spreadText = (metric: Metric, { spread }: Cell): string =>
  spread === null ? '' : `±${formatted(metric, spread)}`

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** What the spread is, and of which seeds. */
const spreadName = ({ seeds }: StageReport): string =>
  seeds.length > 1 ? 'the standard deviation over the seeds' : 'the standard error over the questions'
const seedNames = ({ seeds }: StageReport): string =>
  `${seeds.length === 1 ? 'Seed' : `${seeds.length} seeds:`} ${seeds.join(', ')}.`

/** What the signs of a table mean. */
function caption(report: StageReport): string {
  const partial = report.stages.some(({ cells }) =>
    NAMES.some((name) => cells[name].runs > 0 && cells[name].runs < report.seeds.length),
  )
  const star = partial ? '; * is known for some of the seeds, whose mean it is' : ''
  return `Shares in %; ± is ${spreadName(report)}; – is unknown${star}. ${seedNames(report)}`
}

/** Is a metric the first of its group? */
const beginsGroup = (i: number): boolean =>
  i === 0 || metricOf(NAMES[i - 1]!).group !== metricOf(NAMES[i]!).group

/** The table for a terminal: a column a stage, which wraps its name; as many columns side by side as fit the width. */
export function textTable(report: StageReport, { width = 100 } = {}): string {
  const { seeds, stages } = report
  const labels = Math.max(...NAMES.map((name) => metricOf(name).label.length))
  const columns = stages.map(({ stage, cells }) => {
    const head = stageLines(stage)
    const body = NAMES.map((name) => [
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
    NAMES.forEach((name, i) => {
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

/** Lines of at most `width` characters, where words allow it. */
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

/** A stage's name over its column: broken at commas, and where it is long. */
const stageLines = (stage: string): string[] => stage.split(/(?<=,) /).flatMap((part) => wrap(part, 9))

/** The table in Markdown, and what its signs mean. */
export function markdownTable(report: StageReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rows = NAMES.map((name, i) => {
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

const PLOTS: readonly {
  readonly file: string
  readonly title: string
  readonly panels: readonly {
    readonly title: string
    readonly series: readonly MetricName[]
    readonly baseline?: number
  }[]
}[] = [
  {
    file: 'reasoning.svg',
    title: 'Reasoning, stage by stage',
    panels: [
      { title: 'Accuracy', series: ['passAt1', 'majority'] },
      { title: 'Length (tokens)', series: ['easyTokens', 'hardTokens'] },
      { title: 'Language', series: ['language', 'mixed'] },
      { title: 'Form', series: ['readable', 'format'] },
    ],
  },
  {
    file: 'scenarios.svg',
    title: 'All scenarios, stage by stage',
    panels: [
      { title: 'Simple queries answered without thinking', series: ['simpleDirect'] },
      { title: 'Helpfulness: win rate against the stage before', series: ['helpful'], baseline: 0.5 },
      { title: 'Harmful requests refused', series: ['harmfulRefused'] },
      { title: 'Harmless requests refused', series: ['harmlessRefused'] },
    ],
  },
]

/** The curves as SVG files, by their names. */
export function plots(report: StageReport): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PLOTS.map(({ file, title, panels }) => [
      file,
      smallMultiples({
        title,
        note: `Bars: ${spreadName(report)}. What is unknown has no dot. ${seedNames(report)}`,
        categories: report.stages.map(({ stage, student }) => ({
          name: stage,
          lines: stageLines(stage).map((line) => line.replace(/,$/, '')),
          apart: student,
        })),
        panels: panels.map(({ title, series, ...panel }) => ({
          ...panel,
          title,
          share: metricOf(series[0]!).share,
          series: series.map((name) => ({
            label: metricOf(name).label,
            points: report.stages.map(({ cells }) => cells[name]),
          })),
        })),
      }),
    ]),
  )
}

/** "R1-Zero’s template: Base, R1-Zero. Chat template: Step 1, …" */
function templates({ stages }: StageReport): string {
  const of = (template: PromptTemplate) =>
    stages.filter((stage) => stage.template === template).map(({ stage }) => stage.replace(',', ':'))
  const said = (title: string, names: readonly string[]) =>
    names.length > 0 ? [`${title}: ${names.join(', ')}.`] : []
  return [
    ...said('Asked in R1-Zero’s template', of('r1-zero')),
    ...said('Asked in a chat template', of('chat')),
  ].join(' ')
}

/** The report as Markdown, with the curves in `plots/` beside it. */
export function markdownReport(report: StageReport, { title = 'R1, stage by stage' } = {}): string {
  const asked = `T = ${all(report, (a) => a.temperature)}, top-p ${all(report, (a) => a.topP)}`
  return `# ${title}

${markdownTable(report)}

${PLOTS.map(({ file, title }) => `![${title}](plots/${file})`).join('\n\n')}

## How it was measured

Every stage's model is asked the same held-out questions, sampled at ${asked} with the run's own seed (${report.seeds.join(', ')}). ${templates(report)}

${NAMES.map((name) => `- **${capital(metricOf(name).label)}** is ${metricOf(name).how(report)}`).join('\n')}
`
}

/** Writes `report.md` and `plots/` into a folder. */
export function writeReport(directory: string, report: StageReport, titled: { title?: string } = {}): string {
  const file = join(directory, 'report.md')
  onDisk('write', file, () => {
    mkdirSync(join(directory, 'plots'), { recursive: true })
    for (const [name, svg] of Object.entries(plots(report)))
      writeFileSync(join(directory, 'plots', name), svg)
    writeFileSync(file, markdownReport(report, titled))
  })
  return file
}
