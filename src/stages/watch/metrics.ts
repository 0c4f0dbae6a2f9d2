import { isZeroVariance } from '../../algorithms/advantages.ts'
import { klEstimate } from '../../algorithms/kl.ts'
import { isMixed } from '../../rewards/language/prose.ts'
import { NGRAM, repeatedShare } from '../../rewards/repetition.ts'
import { countReflection } from '../../thinking/r1/reflection.ts'
import type { RolloutScores, SampledRollout } from '../sample/rollouts.ts'

/** The mean; NaN (unknown) if there are no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The share of `true`; NaN (unknown) if there are no flags. */
function share(flags: readonly boolean[]): number {
  return flags.filter(Boolean).length / flags.length
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null)

/** The chain of thought or, if there is none, the whole response. */
const thought = (rollout: SampledRollout): string => rollout.thinking ?? rollout.response

/** Metrics of responses that need no rewards: length, format, reflection, repetition, languages. */
export function responseMetrics(rollouts: readonly SampledRollout[]): Record<string, number> {
  const lengths = rollouts.map((rollout) => rollout.tokens)
  const reflections = rollouts.map((rollout) => countReflection(rollout.response))
  return {
    format: share(rollouts.map((rollout) => rollout.wellFormed)),
    'length/mean': mean(lengths),
    'length/max': lengths.length ? lengths.reduce((a, b) => Math.max(a, b)) : Number.NaN,
    'length/cut': share(rollouts.map((rollout) => rollout.stopReason === 'length')),
    // reflective words / tokens · 1000, over all responses together
    'reflection/per_1000': (1000 * mean(reflections)) / mean(lengths),
    'reflection/per_response': mean(reflections),
    'repetition/mean': mean(rollouts.map((rollout) => repeatedShare(rollout.response, NGRAM))),
    'language/mixed': share(rollouts.map((rollout) => isMixed(thought(rollout)))),
  }
}

/** Accuracy, each reward by name, and their weighted total: means over the rollouts with a known value. */
export function rewardMetrics(scores: readonly RolloutScores[]): Record<string, number> {
  const metrics: Record<string, number> = {
    accuracy: share(scores.map(({ correct }) => correct).filter((correct) => correct !== null)),
    'reward/total': mean(known(scores.map(({ total }) => total))),
    'rewards/errors': scores.reduce((sum, { errors }) => sum + errors.length, 0),
  }
  for (const name of new Set(scores.flatMap(({ rewards }) => Object.keys(rewards))))
    metrics[`reward/${name}`] = mean(known(scores.map(({ rewards }) => rewards[name] ?? null)))
  return metrics
}

/** Share of groups whose known totals are all equal, so that all advantages are 0. */
export function zeroVarianceShare(totals_P_G: readonly (readonly (number | null)[])[]): number {
  return share(totals_P_G.map(isZeroVariance))
}

/**
 * One training sequence with the trainer's results. Positions with weight 0 are left out of every mean. All log-probs and
 * entropies are those of the policy's temperature, untruncated.
 */
export interface TrainedSequence {
  readonly weights: Float32Array
  /** log π_θ of the trainer. */
  readonly trainer: Float32Array
  /** log π_old, for the ratio π_θ / π_old. */
  readonly old: Float32Array
  /** log π of the sampler. */
  readonly sampler: Float32Array
  /** Null if the engine does not report it. */
  readonly entropies: Float32Array | null
  readonly clipped: Float32Array | null
  /** log π_ref; null without a reference policy. */
  readonly reference: Float32Array | null
  /** Did the trainer still have the weights that were sampled from? Only then is a gap a mismatch. */
  readonly onPolicy: boolean
}

/** Entropy, KL, clip shares, ratio and the gap between sampler and trainer, over all trained tokens. NaN is unknown. */
export function tokenMetrics(sequences: readonly TrainedSequence[]): Record<string, number> {
  let tokens = 0
  let entropy = 0
  let kl = 0
  let clipLow = 0
  let clipHigh = 0
  let gapSum = 0
  let gapMax = 0
  let gapTokens = 0
  let ratioSum = 0
  let ratioMax = 0
  for (const s of sequences)
    for (let t = 0; t < s.weights.length; t++) {
      if (s.weights[t] === 0) continue
      const gap = Math.abs(s.trainer[t]! - s.sampler[t]!)
      const ratio = Math.exp(s.trainer[t]! - s.old[t]!)
      tokens++
      entropy += s.entropies?.[t] ?? Number.NaN
      ratioSum += ratio
      ratioMax = Math.max(ratioMax, ratio)
      const clipped = s.clipped?.[t] ?? Number.NaN
      clipLow += Number.isNaN(clipped) ? clipped : Number(clipped < 0)
      clipHigh += Number.isNaN(clipped) ? clipped : Number(clipped > 0)
      if (s.onPolicy) {
        gapTokens++
        gapSum += gap
        gapMax = Math.max(gapMax, gap)
      }
      kl += s.reference ? klEstimate('k3', s.trainer[t]!, s.reference[t]!) : Number.NaN
    }
  return {
    entropy: entropy / tokens,
    kl: kl / tokens,
    'clip/low': clipLow / tokens,
    'clip/high': clipHigh / tokens,
    'mismatch/mean': gapSum / gapTokens,
    'mismatch/max': gapTokens ? gapMax : Number.NaN,
    'ratio/mean': ratioSum / tokens,
    'ratio/max': tokens ? ratioMax : Number.NaN,
  }
}

/**
 * A total over the steps of a run, such as its FLOPs: the total in the previous step's metrics plus `amount`. From the
 * first step with an unknown amount (null), the total is unknown (NaN).
 */
export function runningTotal(
  before: Readonly<Record<string, number>>,
  name: string,
  step: number,
  amount: number | null,
): number {
  const total = before[name] ?? (step === 1 ? 0 : Number.NaN)
  return total + (amount ?? Number.NaN)
}
