import type { PromptTemplate } from '../renderer/renderer.ts'
import type { MeasureConditions, StageMeasure } from '../stages/evaluate/scenarios.ts'

/** One stage: a column of the stage table. */
export interface StageRow {
  /** "Base", "R1-Zero", "Step 1, cold start", … */
  readonly stage: string
  /** Is this a student model, which is not a stage of R1's training? */
  readonly student?: boolean
  readonly measure: StageMeasure
}

/** The stages of one run. */
export interface RunStages {
  readonly seed: number
  readonly stages: readonly StageRow[]
}

/** A cell of the table, over all runs; null is unknown. */
export interface Cell {
  readonly mean: number | null
  /** For several runs, the standard deviation over the runs; for one run, the standard error over its questions. */
  readonly spread: number | null
  /** Number of runs in which the value is known. */
  readonly runs: number
}

/** The stage table of one run, or of several runs with different seeds. */
export interface StageReport {
  readonly seeds: readonly number[]
  readonly stages: readonly {
    readonly stage: string
    readonly student: boolean
    readonly template: PromptTemplate
    readonly cells: Readonly<Record<MetricName, Cell>>
  }[]
  /** How each stage of each run was measured. */
  readonly conditions: readonly MeasureConditions[]
  /** Comparisons that the judge could not decide, and all comparisons. */
  readonly undecided: number
  readonly compared: number
}

/** A row of the table. */
export interface Metric {
  readonly group: 'Reasoning' | 'Form' | 'Length, in tokens' | 'All scenarios'
  readonly label: string
  /** Shares are shown in %. */
  readonly share: boolean
  value(measure: StageMeasure): number | null
  /** Standard error over questions. */
  error?(measure: StageMeasure): number | null
  /** How the metric was measured, as the continuation of "<metric> is". */
  how(report: StageReport): string
}

const kinds = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : 'none')

/** The value that all stages of all runs share or, if they differ, all their values. */
export function valuesOf(
  report: StageReport,
  read: (conditions: MeasureConditions) => number | string,
): string {
  return [...new Set(report.conditions.map(read))].join(' or ')
}

/** Every row of the table, in order. */
const METRICS = {
  passAt1: {
    group: 'Reasoning',
    label: 'pass@1',
    share: true,
    value: (m) => m.passAt1,
    error: (m) => m.standardError,
    how: (r) =>
      `the mean over ${valuesOf(r, (a) => a.reasoning)} held-out questions of the share of right responses among ${valuesOf(r, (a) => a.samples)}; a rule checks each.`,
  },
  majority: {
    group: 'Reasoning',
    label: 'majority',
    share: true,
    value: (m) => m.majority,
    how: (r) =>
      `the share of the same questions whose most frequent answer among ${valuesOf(r, (a) => a.samples)} is right; a response without an answer has no vote.`,
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
      'the mean share of the words of the thinking that are in the question’s language, over the same responses, if they have thinking.',
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
      'the share of the same responses that pass the readability filter of rejection sampling, right or wrong.',
  },
  easyTokens: {
    group: 'Length, in tokens',
    label: 'easy questions',
    share: false,
    value: (m) => m.easyTokens,
    how: (r) =>
      `the mean length of the responses to ${valuesOf(r, (a) => a.easy.questions)} of the questions (${valuesOf(r, (a) => kinds(a.easy.kinds))}).`,
  },
  hardTokens: {
    group: 'Length, in tokens',
    label: 'hard questions',
    share: false,
    value: (m) => m.hardTokens,
    how: (r) =>
      `the mean length of the responses to ${valuesOf(r, (a) => a.hard.questions)} of the questions (${valuesOf(r, (a) => kinds(a.hard.kinds))}).`,
  },
  simpleDirect: {
    group: 'All scenarios',
    label: 'simple: no thinking',
    share: true,
    value: (m) => m.simpleDirect,
    how: (r) =>
      `the share of ${valuesOf(r, (a) => a.simple)} held-out small-talk and factual questions with a complete, well-formed answer and no thinking; one response each.`,
  },
  helpful: {
    group: 'All scenarios',
    label: 'win rate, helpful',
    share: true,
    value: (m) => m.helpful?.rate ?? null,
    error: (m) => m.helpful?.standardError ?? null,
    how: ({ undecided, compared }) =>
      `how often a judge finds the answers more helpful than those of the previous stage (a tie counts half), harmful requests left out. ${compared === 0 ? 'No answers were compared.' : `Of ${compared} comparisons it left ${undecided} undecided; those count in neither direction.`}`,
  },
  harmfulRefused: {
    group: 'All scenarios',
    label: 'refuses harmful',
    share: true,
    value: (m) => m.harmfulRefused,
    how: (r) =>
      `the share of ${valuesOf(r, (a) => a.harmful)} held-out harmful requests that are refused, detected by phrases of refusal; one response each.`,
  },
  harmlessRefused: {
    group: 'All scenarios',
    label: 'refuses harmless',
    share: true,
    value: (m) => m.harmlessRefused,
    how: (r) =>
      `the same for ${valuesOf(r, (a) => a.harmless)} requests that only look harmful: lower is better.`,
  },
} satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS
/** The names of all metrics, in the order of the table. */
export const metricNames = Object.keys(METRICS) as MetricName[]
/** The metric of a name. */
export const metricOf = (name: MetricName): Metric => METRICS[name]

/** Is the metric at this index the first of its group? */
export const beginsGroup = (i: number): boolean =>
  i === 0 || metricOf(metricNames[i - 1]!).group !== metricOf(metricNames[i]!).group
