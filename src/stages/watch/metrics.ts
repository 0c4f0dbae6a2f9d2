import { isZeroVariance } from '../../algorithms/advantages.ts'
import { klEstimate } from '../../algorithms/kl.ts'
import { isMixed } from '../../rewards/language.ts'
import { NGRAM, repeatedShare } from '../../rewards/repetition.ts'
import { countReflection } from '../../thinking/reflection.ts'
import type { Judgement, SampledRollout } from '../sample/rollouts.ts'

/** The mean; NaN (unknown) of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The share of `true`; NaN (unknown) of nothing. */
function share(flags: readonly boolean[]): number {
  return flags.filter(Boolean).length / flags.length
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null)

/** The chain of thought or, where there is none, the whole response. */
const thought = (rollout: SampledRollout): string => rollout.thinking ?? rollout.response

/** What can be said of responses alone: length, form, reflection, repetition, languages. */
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

/** Rewards by name, their weighted total, and accuracy; the mean over the rollouts where each is known. */
export function rewardMetrics(judgements: readonly Judgement[]): Record<string, number> {
  const metrics: Record<string, number> = {
    accuracy: share(judgements.map(({ correct }) => correct).filter((correct) => correct !== null)),
    'reward/total': mean(known(judgements.map(({ total }) => total))),
    'rewards/errors': judgements.reduce((sum, { errors }) => sum + errors.length, 0),
  }
  for (const name of new Set(judgements.flatMap(({ rewards }) => Object.keys(rewards))))
    metrics[`reward/${name}`] = mean(known(judgements.map(({ rewards }) => rewards[name] ?? null)))
  return metrics
}

/** Share of groups in which all known totals are the same, so that no advantage differs from 0. */
export function zeroVarianceShare(totals_P_G: readonly (readonly (number | null)[])[]): number {
  return share(totals_P_G.map(isZeroVariance))
}

/** One trained sequence as the trainer saw it; entries with weight 0 are left out of every mean. */
export interface TrainedSequence {
  readonly weights: Float32Array
  /** log π_θ of the trainer. */
  readonly trainer: Float32Array
  /** log π_old, of which the ratio is taken. */
  readonly old: Float32Array
  /** What the sampler gave. */
  readonly sampler: Float32Array
  readonly entropies: Float32Array
  readonly clipped: Float32Array
  readonly reference: Float32Array
  /** Were the trainer's weights still those that were sampled from? Only then does a gap mean a mismatch. */
  readonly onPolicy: boolean
}

/** Entropy, KL, clip shares, ratio and the sampler/trainer gap, over all trained tokens. */
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
      entropy += s.entropies[t]!
      ratioSum += ratio
      ratioMax = Math.max(ratioMax, ratio)
      if (s.clipped[t]! < 0) clipLow++
      if (s.clipped[t]! > 0) clipHigh++
      if (s.onPolicy) {
        gapTokens++
        gapSum += gap
        gapMax = Math.max(gapMax, gap)
      }
      kl += klEstimate('k3', s.trainer[t]!, s.reference[t]!)
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
