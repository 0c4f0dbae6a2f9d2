import type { AdamSettings, Datum, Scorer, Trainer } from '../../engines/contract.ts'
import { optimizerStep } from './optimizer-step.ts'

/** A tokenised text, with a mask of the tokens to learn. */
export interface Sequence {
  readonly tokens: Int32Array
  /** 1 for each token that is to be predicted from the tokens before it. */
  readonly learned: Uint8Array
}

/** The result of a step. */
export interface Learned {
  /** −1/n Σ log π over the n learned tokens of the batch, before the update. */
  readonly loss: number
  /** Null if the engine does not report it. */
  readonly gradNorm: number | null
  /** Mean entropy in nats at the positions that predict learned tokens; null if the engine does not report it. */
  readonly entropy: number | null
  /** Number of learned tokens. */
  readonly learned: number
  readonly flops: number | null
  readonly seconds: number
}

/**
 * One optimizer step on a batch of sequences (pretraining, supervised fine-tuning).
 *
 * @throws UserError if the loss is not finite; the weights are then unchanged.
 */
export async function learn(
  trainer: Trainer,
  batch: readonly Sequence[],
  adam: AdamSettings,
  step: number,
): Promise<Learned> {
  const learned = batch.reduce((sum, sequence) => sum + countLearned(sequence), 0)
  const datums = batch.map((sequence) => nextTokenDatum(sequence, 1 / learned))
  const { loss, flops, entropies, gradNorm, seconds } = await optimizerStep(trainer, adam, step, () =>
    trainer.forwardBackward(datums, { kind: 'cross_entropy' }),
  )
  const entropy = entropies === null ? null : sumLearned(batch, entropies) / learned
  return { loss, gradNorm, entropy, learned, flops, seconds }
}

export interface HeldOutLoss {
  /** −1/n Σ log π over all learned tokens. */
  readonly loss: number
  readonly tokens: number
  readonly sequences: number
}

/** Sequences sent to the engine at once. */
const AT_ONCE = 256

/** The loss of the scorer's weights on sequences that are not trained on. */
export async function heldOutLoss(scorer: Scorer, sequences: readonly Sequence[]): Promise<HeldOutLoss> {
  let sum = 0
  for (let from = 0; from < sequences.length; from += AT_ONCE) {
    const batch = sequences.slice(from, from + AT_ONCE)
    sum -= sumLearned(batch, await scorer.logprobs(batch.map((sequence) => nextTokenDatum(sequence, 1))))
  }
  const tokens = sequences.reduce((total, sequence) => total + countLearned(sequence), 0)
  return { loss: sum / tokens, tokens, sequences: sequences.length }
}

/**
 * Next-token prediction on a sequence of n tokens, as n − 1 positions; the loss term of each learned token has this
 * weight.
 */
export function nextTokenDatum({ tokens, learned }: Sequence, weight: number): Datum {
  return {
    tokens: tokens.subarray(0, -1),
    targets: tokens.subarray(1),
    weights: Float32Array.from(learned.subarray(1), (one) => one * weight),
  }
}

/** Counts the learned tokens. The first token is never learned, since no token precedes it. */
function countLearned({ learned }: Sequence): number {
  let count = 0
  for (let t = 1; t < learned.length; t++) count += learned[t]!
  return count
}

/** The sum over the positions that predict a learned token; NaN if one of them is NaN, as in a model that diverged. */
function sumLearned(sequences: readonly Sequence[], positions: readonly Float32Array[]): number {
  let sum = 0
  for (const [i, { learned }] of sequences.entries())
    for (let t = 1; t < learned.length; t++) if (learned[t]) sum += positions[i]![t - 1]!
  return sum
}
