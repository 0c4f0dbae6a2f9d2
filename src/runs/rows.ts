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

/** The values of a row of the `rollouts` table, without its id. */
export function toParameters(
  step: number,
  row: Omit<RolloutRow, 'step'>,
): (string | number | Buffer | null)[] {
  return [
    step,
    row.split,
    row.question,
    row.kind,
    row.gold,
    row.prompt,
    bytes(row.tokens),
    row.text,
    row.thinking,
    row.answer,
    bytes(row.logprobs),
    JSON.stringify(row.rewards),
    row.correct === null ? null : Number(row.correct),
    row.total,
    row.advantage,
    row.stopReason,
    row.length,
    row.reason ?? null,
    row.reasons === undefined ? null : JSON.stringify(row.reasons),
    row.entropies === undefined ? null : bytes(quantised(row.entropies)),
    row.asked ?? null,
  ]
}

/** The inverse of `toParameters`, from a row as the driver returns it and the text of its question. */
export function fromRow(row: Record<string, unknown>, asked: string | undefined): RolloutRow {
  return {
    step: row.step as number,
    split: row.split as string,
    question: row.question as string,
    kind: row.kind as string,
    gold: row.gold as string,
    prompt: row.prompt as string,
    tokens: new Int32Array(arrayBuffer(row.tokens)),
    text: row.text as string,
    thinking: row.thinking as string | null,
    answer: row.answer as string | null,
    logprobs: new Float32Array(arrayBuffer(row.logprobs)),
    rewards: JSON.parse(row.rewards as string),
    correct: row.correct === null ? null : row.correct === 1,
    total: row.total as number | null,
    advantage: row.advantage as number | null,
    stopReason: row.stop_reason as 'stop' | 'length',
    length: row.length as number,
    ...(row.entropies != null && { entropies: entropiesIn(row.entropies) }),
    ...(asked !== undefined && { asked }),
    ...(typeof row.reason === 'string' && { reason: row.reason }),
    ...(typeof row.reasons === 'string' && { reasons: JSON.parse(row.reasons) }),
  }
}

/** Steps of a stored entropy in one nat, and the value that stands for an unknown one. */
const [STEPS, UNKNOWN] = [4096, 65_535]

const quantised = (entropies: Float32Array): Uint16Array =>
  Uint16Array.from(entropies, (nats) =>
    Number.isNaN(nats) ? UNKNOWN : Math.min(UNKNOWN - 1, Math.max(0, Math.round(nats * STEPS))),
  )

/** The entropies in a stored blob; NaN is unknown. */
export const entropiesIn = (blob: unknown): Float32Array =>
  Float32Array.from(new Uint16Array(arrayBuffer(blob)), (value) =>
    value === UNKNOWN ? Number.NaN : value / STEPS,
  )

function bytes(array: Int32Array | Float32Array | Uint16Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

/** The driver returns blobs as ArrayBuffer from `all` and as Buffer from `get`. */
function arrayBuffer(blob: unknown): ArrayBuffer {
  if (blob instanceof ArrayBuffer) return blob
  return new Uint8Array(blob as Uint8Array).buffer
}
