import { Random } from '../../common/random.ts'

/** A mean with its 95 % interval. */
export interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** Resamples of the bootstrap. */
const RESAMPLES = 2000
const ALPHA = 0.05

/**
 * The mean of one value per question, with a bootstrap percentile interval: the questions are drawn again with replacement,
 * each with all its responses, since responses to one question are not independent of each other (Efron & Tibshirani 1993,
 * chapter 13). NaN values are unknown and left out.
 *
 * Shares that are all 0 or all 1 have the exact interval of Clopper and Pearson instead, since all resamples are alike.
 */
export function estimate(
  values: readonly number[],
  seed: number,
  { share = true }: { share?: boolean } = {},
): Estimate {
  const known = values.filter((value) => !Number.isNaN(value))
  const n = known.length
  const mean = known.reduce((sum, value) => sum + value, 0) / n
  if (n === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN }
  // Clopper–Pearson for 0 or n of n: 1 − (α/2)^(1/n) away from the mean
  const exact = 1 - (ALPHA / 2) ** (1 / n)
  if (share && known.every((value) => value === 0)) return { mean, low: 0, high: exact }
  if (share && known.every((value) => value === 1)) return { mean, low: 1 - exact, high: 1 }
  return { mean, ...percentiles(known, seed) }
}

/** The bounds between which 95 % of the resampled means lie. */
export function percentiles(values: readonly number[], seed: number): { low: number; high: number } {
  const random = new Random(seed, 'bootstrap')
  const n = values.length
  const means = new Float64Array(RESAMPLES)
  for (let r = 0; r < RESAMPLES; r++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += values[Math.floor(random.uniform() * n)]!
    means[r] = sum / n
  }
  means.sort()
  const at = (share: number): number => means[Math.round(share * (RESAMPLES - 1))]!
  return { low: at(ALPHA / 2), high: at(1 - ALPHA / 2) }
}
