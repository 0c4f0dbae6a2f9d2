/** The status that a run stores. */
export type RunStatus = 'running' | 'interrupted' | 'failed' | 'done'

/** A run's own record, with its last step. */
export interface RunInfo {
  readonly directory: string
  readonly recipe: string
  readonly seed: number
  /** 'running' while a process writes the run; 'stopped' if that process ended without setting another status. */
  readonly status: RunStatus | 'stopped'
  /** ISO 8601. */
  readonly created: string
  readonly settings: unknown
  readonly versions: Readonly<Record<string, string>>
  /** The result, once the run is done; null before. */
  readonly result: unknown
  /** The last step with a metric. */
  readonly step: number
  /** What somebody noted about the run, or null. */
  readonly note: string | null
  /** By which somebody finds the run again; in alphabetical order. */
  readonly tags: readonly string[]
}

/** The metric of the seconds of all sessions until a step was done, without the pauses between them. */
export const TIME = 'time/total'

export interface MetricPoint {
  readonly step: number
  readonly value: number
}

export interface RunEvent {
  readonly step: number
  /** `error`: why the run failed. */
  readonly level: 'info' | 'warning' | 'error'
  readonly message: string
}

export interface Checkpoint {
  readonly step: number
  readonly path: string
  /** The higher the better: held-out pass@1, or the negative loss; null if unknown. */
  readonly score: number | null
}

/** One sampled response with its rewards and its part in the update. */
export interface RolloutRow {
  readonly step: number
  /** 'train', 'eval-before', 'eval-40', 'eval-after', … */
  readonly split: string
  /** The question's id. */
  readonly question: string
  /** The question as text; missing in runs of earlier releases. */
  readonly asked?: string | undefined
  readonly kind: string
  readonly gold: string
  readonly prompt: string
  readonly tokens: Int32Array
  readonly text: string
  readonly thinking: string | null
  readonly answer: string | null
  /** log π of each token at the temperature it was sampled at: see `SampledSequence.logprobs`. */
  readonly logprobs: Float32Array
  /**
   * The policy's entropy at each token, in nats, as it was trained on; missing if it was not, or the engine reports none.
   * Stored in steps of 1/4096, up to 16.
   */
  readonly entropies?: Float32Array | undefined
  /** Each reward by name; null if it is unknown or failed. */
  readonly rewards: Readonly<Record<string, number | null>>
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, or could not tell; missing if it is unknown, as in runs of earlier releases. */
  readonly reason?: string | undefined
  /** Why the rewards are what they are, by name: of those that say it. */
  readonly reasons?: Readonly<Record<string, string>>
  /** Weighted sum of the rewards; null if the rollout is not used in the update. */
  readonly total: number | null
  readonly advantage: number | null
  readonly stopReason: 'stop' | 'length'
  readonly length: number
}

/** What one step adds to a run. */
export interface StepRecord {
  readonly metrics?: Readonly<Record<string, number>>
  readonly rollouts?: readonly Omit<RolloutRow, 'step'>[]
  readonly events?: readonly Omit<RunEvent, 'step'>[]
}
