import type { DpoObjective } from '../../../../algorithms/dpo.ts'
import { UserError } from '../../../../common/errors.ts'
import type { Comparison, Datum } from '../../../contract.ts'

/** Input of the programs: a training sequence, or one text of a comparison. All arrays have the same length. */
export interface Sequence {
  readonly tokens: Int32Array
  readonly targets: Int32Array
  /** Factor of each position's loss term; for a text, 0 except at the position of its reward. */
  readonly weights: Float32Array
  /** log π_old(target). */
  readonly old?: Float32Array | undefined
  /** log π_ref(target). */
  readonly reference?: Float32Array | undefined
  /** The advantage of each position; for a text, its sign, at the position of its reward. */
  readonly advantages?: Float32Array | undefined
  /** 1 for each position with KL-Cov's penalty, else 0. */
  readonly marked?: Float32Array | undefined
  /** The number of the comparison that a text belongs to. Texts of one comparison are computed together. */
  readonly comparison?: number | undefined
}

/** Output of the programs for sequences: one number for each position, NaN where the weight is 0. */
export interface SequencesResult {
  readonly loss: number
  /** log π_θ(target); for a text, its reward. */
  readonly logprobs: Float32Array[]
  /** In nats; for a text, NaN. */
  readonly entropies: Float32Array[]
  readonly clipped: Float32Array[]
  /** Floating point operations spent. */
  readonly flops: number
}

/** A datum as input of the programs. */
export const datumSequence = ({ logprobs, ...datum }: Datum): Sequence => ({ ...datum, old: logprobs })

/**
 * The answers of pairs as input of the programs: the weights of a pair's positions add up to the pair's, and advantages are the
 * signs of the answers, divided by their numbers of tokens if the objective is of means.
 */
export function pairSequences(datums: readonly Datum[], { lengthNormalised }: DpoObjective): Sequence[] {
  const counts = datums.map(({ weights }) => weights.reduce((n, w) => n + Number(w !== 0), 0))
  return datums.map((datum, i) => {
    const sign = i % 2 === 0 ? 1 : -1
    const tokens = counts[i - (i % 2)]! + counts[i + 1 - (i % 2)]!
    return {
      ...datumSequence(datum),
      weights: datum.weights.map((w) => w / tokens),
      advantages: new Float32Array(datum.tokens.length).fill(lengthNormalised ? sign / counts[i]! : sign),
      comparison: (i - (i % 2)) / 2,
    }
  })
}

/** The texts of comparison `number`; their weights add up to the comparison's. */
export const comparisonSequences = (
  { texts, weight }: Comparison,
  number: number,
  padId: number,
): Sequence[] =>
  texts.map(({ tokens, sign }) => ({
    ...textSequence(tokens, padId, { weight: weight / texts.length, sign }),
    comparison: number,
  }))

/**
 * A text whose reward is read at its last token other than padding, as Transformers' sequence classifiers do. If a text
 * itself ends with the padding token, that is an earlier token.
 *
 * @throws UserError for a text that is only padding.
 */
export function textSequence(tokens: Int32Array, padId: number, { weight = 1, sign = 1 } = {}): Sequence {
  const at = tokens.findLastIndex((token) => token !== padId)
  if (at < 0) throw new UserError('a text that is only padding has no reward')
  const there = (value: number): Float32Array => {
    const values = new Float32Array(tokens.length)
    values[at] = value
    return values
  }
  return { tokens, targets: tokens, weights: there(weight), advantages: there(sign) }
}

/** The reward of a text, from the one position that has a value. */
export const rewardIn = (positions: Float32Array): number =>
  positions.find((value) => !Number.isNaN(value)) ?? Number.NaN
