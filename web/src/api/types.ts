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
  readonly sections?: readonly Section[]
}

/** Values of a metric by step. `min` and `max` are those of each bucket where the server has left out steps. */
export interface Series {
  readonly step: readonly number[]
  readonly value: readonly number[]
  readonly min?: readonly number[]
  readonly max?: readonly number[]
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
  readonly rewards: readonly Reward[]
  readonly total: number | null
  readonly advantage: number | null
  readonly correct: boolean | null
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
  readonly samples: readonly Sample[]
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

/** Data that a run made. Its rows are samples of the run. */
export interface DataSet {
  readonly name: string
  /** Rows that were kept, and rows that were looked at; null if unknown. */
  readonly rows: number | null
  readonly seen: number | null
  /** Markdown. */
  readonly card: string | null
  readonly splits: readonly string[]
}

/** A model of a run that can be talked to. */
export interface ChatModel {
  readonly name: string
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
