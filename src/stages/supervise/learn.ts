import type { AdamSettings, Datum, Trainer } from '../../engines/contract.ts'
import { refuseDivergence } from './epochs.ts'

/** Tokens, and which of them are to be learned. */
export interface Sequence {
  readonly tokens: Int32Array
  /** 1 where a token is to be predicted from those before it. */
  readonly learned: Uint8Array
}

export interface Learned {
  /** −1/n Σ log π over the n learned tokens of the batch, before the update. */
  readonly loss: number
  readonly gradNorm: number
  /** Mean entropy in nats where the learned tokens were predicted. */
  readonly entropy: number
  readonly learned: number
  readonly flops: number
  readonly seconds: number
}

/** One optimizer step towards a batch of sequences (pretraining, supervised fine-tuning). */
export async function learn(
  trainer: Trainer,
  batch: readonly Sequence[],
  adam: AdamSettings,
  step: number,
): Promise<Learned> {
  const started = performance.now()
  const learned = batch.reduce((sum, sequence) => sum + countLearned(sequence), 0)
  const datums = batch.map((sequence) => nextTokenDatum(sequence, 1 / learned))
  const { loss, flops, entropies } = await trainer.forwardBackward(datums, { kind: 'cross_entropy' })
  const { gradNorm } = await trainer.optimStep(adam)
  const seconds = (performance.now() - started) / 1000
  refuseDivergence(step, loss, gradNorm)
  return { loss, gradNorm, entropy: sumKnown(entropies) / learned, learned, flops, seconds }
}

export interface HeldOutLoss {
  /** −1/n Σ log π over all learned tokens. */
  readonly loss: number
  readonly tokens: number
  readonly sequences: number
}

/** Sequences that go to the engine at once. */
const AT_ONCE = 256

/** The loss on sequences that are not trained on. */
export async function heldOutLoss(trainer: Trainer, sequences: readonly Sequence[]): Promise<HeldOutLoss> {
  let sum = 0
  for (let from = 0; from < sequences.length; from += AT_ONCE) {
    const datums = sequences.slice(from, from + AT_ONCE).map((sequence) => nextTokenDatum(sequence, 1))
    sum -= sumKnown((await trainer.forward(datums)).logprobs)
  }
  const tokens = sequences.reduce((total, sequence) => total + countLearned(sequence), 0)
  return { loss: sum / tokens, tokens, sequences: sequences.length }
}

/** Every token predicts the next; those that are learned have a loss of this weight. Sequences see nothing of each other. */
export function nextTokenDatum({ tokens, learned }: Sequence, weight: number): Datum {
  return {
    tokens: tokens.subarray(0, -1),
    targets: tokens.subarray(1),
    weights: Float32Array.from(learned.subarray(1), (one) => one * weight),
  }
}

/** The first token follows from nothing, so it is never learned. */
function countLearned({ learned }: Sequence): number {
  let count = 0
  for (let t = 1; t < learned.length; t++) count += learned[t]!
  return count
}

function sumKnown(positions: readonly Float32Array[]): number {
  let sum = 0
  for (const values of positions) for (const value of values) if (!Number.isNaN(value)) sum += value
  return sum
}
