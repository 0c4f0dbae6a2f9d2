import { Random } from '../../common/random.ts'
import { type Estimate, percentiles } from './interval.ts'

/** How two evaluations of the same questions differ. */
export interface Paired {
  /** Mean over questions of b − a, with a paired bootstrap interval: questions are drawn with both their values. */
  readonly difference: Estimate
  /** Probability of a difference at least as large if neither were better: two-sided. */
  readonly p: number
  /** `mcnemar`: exact, for one right or wrong answer a question; `permutation`: random changes of sign. */
  readonly test: 'mcnemar' | 'permutation'
  /** Questions on which b is better, and worse. */
  readonly better: number
  readonly worse: number
}

/** Random changes of sign in the permutation test. */
const PERMUTATIONS = 10_000

/** Compares b with a, question by question; the values are shares of right answers, in the same order. */
export function comparePaired(a: readonly number[], b: readonly number[], seed: number): Paired {
  const differences = b.map((value, i) => value - a[i]!)
  const n = differences.length
  const better = differences.filter((d) => d > 0).length
  const worse = differences.filter((d) => d < 0).length
  const binary = [...a, ...b].every((value) => value === 0 || value === 1)
  return {
    difference: {
      mean: differences.reduce((sum, d) => sum + d, 0) / n,
      ...(n === 0 ? { low: Number.NaN, high: Number.NaN } : percentiles(differences, seed)),
    },
    ...(binary
      ? { p: mcnemar(better, worse), test: 'mcnemar' as const }
      : { p: signFlips(differences, seed), test: 'permutation' as const }),
    better,
    worse,
  }
}

/**
 * McNemar's exact test: if neither is better, each question on which they differ goes either way with probability 1/2. The
 * two-sided p value of `b` against `c` such questions.
 */
export function mcnemar(b: number, c: number): number {
  const n = b + c
  // 2 · Σ_{i ≤ min(b, c)} C(n, i) / 2ⁿ, in logarithms
  let log = -n * Math.LN2
  let tail = 0
  for (let i = 0; i <= Math.min(b, c); i++) {
    tail += Math.exp(log)
    log += Math.log((n - i) / (i + 1))
  }
  return Math.min(1, 2 * tail)
}

/** The share of random signs that give a sum at least as far from 0; the observed signs count as one of them. */
function signFlips(differences: readonly number[], seed: number): number {
  const random = new Random(seed, 'permutation')
  const moved = differences.filter((d) => d !== 0)
  const observed = Math.abs(moved.reduce((sum, d) => sum + d, 0))
  let extreme = 1
  for (let p = 0; p < PERMUTATIONS; p++) {
    const sum = moved.reduce((total, d) => total + (random.uniform() < 0.5 ? d : -d), 0)
    // sums of shares such as 1/3 are rounded
    if (Math.abs(sum) >= observed - 1e-9) extreme++
  }
  return extreme / (PERMUTATIONS + 1)
}
