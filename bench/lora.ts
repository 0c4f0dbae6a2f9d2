import type { Trainable } from '../src/engines/contract.ts'

/** Settings of a comparison. */
export interface BenchOptions {
  readonly repetitions?: number | undefined
  /** The rank of low-rank adapters, which are then trained alone; null trains all weights. */
  readonly lora?: number | null | undefined
}

/** What is trained with adapters of rank `lora`, with alpha = 2 · rank on both sides. */
export const trainableOf = (lora: number | null): Trainable =>
  lora === null ? 'all' : { lora: { rank: lora, alpha: 2 * lora, targets: 'all-linear', seed: 0 } }
