/** The data of the studio's server: `GET /studio/api/…`. */

export type Status = 'running' | 'stopped' | 'interrupted' | 'failed' | 'done'

export interface RunSummary {
  /** The path below the folder of the runs, such as `r1-1/rl-1`. */
  readonly id: string
  readonly parent: string | null
  readonly recipe: string
  readonly model: string | null
  readonly task: string | null
  readonly status: Status
  /** ISO 8601. */
  readonly created: string
  readonly steps: { readonly done: number; readonly planned: number | null }
  readonly secondsLeft: number | null
  /** A share from 0 to 1. */
  readonly accuracy: { readonly step: number; readonly value: number } | null
  readonly spark: readonly (number | null)[]
  readonly sparkName: string | null
  readonly note: string | null
  readonly tags: readonly string[]
  /** Why the run cannot be read, or what went wrong in it. */
  readonly problem: string | null
}

export interface RunEvent {
  readonly step: number
  readonly level: string
  readonly message: string
}

/** A stage of a run of several stages, from its first to its last step. */
export interface Section {
  readonly name: string
  readonly id: string
  readonly from: number
  readonly to: number
}

export interface RunDetail extends RunSummary {
  readonly settings: unknown
  readonly versions: Readonly<Record<string, string>>
  readonly result: unknown
  readonly checkpoints: readonly { step: number; path: string; score: number | null }[]
  readonly events: readonly RunEvent[]
  readonly metricNames: readonly string[]
  readonly sections: readonly Section[]
}

/** Values of a metric by step; null is unknown. `min` and `max` are those of each bucket where the server has put steps together. */
export interface Series {
  readonly step: readonly number[]
  readonly value: readonly (number | null)[]
  readonly min?: readonly (number | null)[]
  readonly max?: readonly (number | null)[]
}

export interface Reward {
  readonly name: string
  /** Null if it is unknown or failed. */
  readonly value: number | null
  readonly weight?: number | null
  readonly reason?: string | null
}

export interface Sample {
  readonly id: number
  readonly step: number
  readonly split: string
  /** The key of the question, which is the same in all steps. */
  readonly question: string
  /** The question as text, where the server can tell; null or left out where it cannot. */
  readonly asked?: string | null
  readonly kind: string
  readonly gold: string
  readonly prompt: string
  readonly thinking: string | null
  readonly answer: string | null
  /** The whole response. */
  readonly text: string
  /** Has the server cut long texts? Those of a sample's own page are whole. */
  readonly cut: boolean
  readonly rewards: readonly Reward[]
  readonly total: number | null
  readonly advantage: number | null
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, where the run has stored it. */
  readonly reason?: string | null
  readonly stopReason: string
  /** In tokens. */
  readonly length: number
}

export interface Token {
  readonly text: string
  readonly logprob: number | null
  readonly entropy: number | null
  readonly advantage: number | null
}

export interface SampleDetail extends Sample {
  /** All responses to the same question in the same step, this one among them. */
  readonly group: readonly Sample[]
  /** The samples before and after this one, in the order of sampling. */
  readonly previous: number | null
  readonly next: number | null
  /** Null, with the reason, where the run has no tokenizer. */
  readonly tokens: readonly Token[] | null
  readonly tokensProblem?: string | null
}

export interface SamplePage {
  readonly samples: readonly Sample[]
  readonly next: string | null
  readonly total: number | null
}

export interface QuestionHistory {
  readonly question: string
  readonly gold: string
  /** All of them or, if there are too many, some of steps that are evenly spaced. */
  readonly samples: readonly Sample[]
  readonly total: number
}

export interface AhaStory {
  readonly firstReflection: { readonly step: number; readonly sampleId: number } | null
  /** From where the reflective words stay clearly above those of the beginning. */
  readonly rise?: { readonly step: number; readonly sampleId: number | null } | null
  readonly reflection: Series
  readonly length: Series
  readonly accuracy: Series
  readonly changed: { readonly question: string; readonly before: Sample; readonly after: Sample } | null
}

/** Data that a run made. */
export interface DataSet {
  readonly name: string
  /** Rows that were kept, and rows that were looked at; null if unknown. */
  readonly rows: number | null
  readonly seen: number | null
  /** Markdown. */
  readonly card: string | null
  /** Of its candidates, which are samples of the run; none for data that was not sampled. */
  readonly splits: readonly string[]
  /** How preferences were judged. */
  readonly counts: Readonly<Record<string, number>> | null
  readonly file: { readonly kind: DataKind; readonly rows: number | null } | null
}

/** A page of the file of a data set. What its rows are, `kind` says; a row that is null is a damaged line. */
export interface DataPage {
  readonly kind: DataKind
  readonly rows: readonly (Readonly<Record<string, unknown>> | null)[]
  readonly next: string | null
}

export type DataKind = 'demonstrations' | 'completions' | 'pairs' | 'labels' | 'other'

/** A model of a run that can be talked to. */
export interface ChatModel {
  readonly name: string
  readonly run: string
  /** Null: the trained model, or the base. */
  readonly step: number | null
  readonly kind: 'base' | 'checkpoint' | 'trained'
}

/** The part of JSON Schema that settings use. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
}

/** An evaluation that `ruminate eval --out` has kept. */
export interface EvaluationSummary {
  readonly id: string
  /** ISO 8601. */
  readonly created: string | null
  readonly models: readonly string[]
  readonly tasks: readonly string[]
  /** Why it cannot be read. */
  readonly problem: string | null
}

/** A mean with its 95 % interval; null is unknown. */
export interface Estimate {
  readonly mean: number | null
  readonly low: number | null
  readonly high: number | null
}

export interface Evaluation {
  readonly id: string
  readonly created: string
  readonly rows: readonly EvaluationRow[]
  readonly cells: readonly EvaluationCell[]
  readonly figures: readonly Figure[]
}

/** An accuracy: a line of the table of `eval`. */
export interface EvaluationRow {
  readonly number: number
  readonly measure: string
  readonly accuracy: Estimate
  /** Of all responses to a question together. */
  readonly thinkingTokens: number | null
  /** Its place in the cells. */
  readonly cell: number
}

/** A model that was asked the questions of a task in one way. */
export interface EvaluationCell {
  readonly model: string
  readonly task: string
  readonly strategy: string
  /** Thinking tokens at most; null: no limit. */
  readonly budget: number | null
  readonly effort: string | null
  readonly questions: number
  readonly values: readonly {
    readonly key: string
    readonly id: string
    readonly kind: string
    /** The share of right answers. */
    readonly passAt1: number | null
  }[]
}

/** A picture of `eval`, as data. */
export interface Figure {
  readonly title: string
  readonly note: string
  readonly panels: readonly FigurePanel[]
}

export interface FigurePanel {
  readonly title: string
  readonly x: {
    readonly label: string
    readonly scale: 'log' | 'linear' | 'point'
    readonly ticks: readonly (readonly [number, string])[] | null
  }
  readonly y: { readonly label: string; readonly share: boolean }
  readonly series: readonly FigureSeries[]
}

export interface FigureSeries {
  readonly name: string
  readonly dashed?: boolean
  readonly points: readonly FigurePoint[]
}

export interface FigurePoint {
  readonly x: number
  readonly y: number | null
  readonly low: number | null
  readonly high: number | null
  /** The answers that it was measured with; null for what a run recorded. */
  readonly of: { readonly cell: number; readonly measure: string; readonly difficulty: string | null } | null
}

/** An answer that an evaluation has kept. */
export interface KeptAnswer {
  readonly question: {
    readonly key: string
    readonly id: string
    readonly kind: string
    readonly prompt: string
    readonly gold: string
  }
  readonly sample: number
  readonly seed: number
  readonly answer: string | null
  readonly correct: boolean | null
  /** Why the answer is right or wrong. */
  readonly verdict: string | null
  readonly thinking: string | null
  /** What follows the thinking. */
  readonly text: string
  readonly stopReason: string
  readonly thinkingTokens: number | null
  readonly completionTokens: number | null
}
