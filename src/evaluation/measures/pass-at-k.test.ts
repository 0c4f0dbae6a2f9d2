import { expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { bestOfK, passAtK } from './pass-at-k.ts'

// 1 − C(n−c, k) / C(n, k), by hand
test.each([
  [10, 0, 1, 0],
  [10, 3, 1, 0.3],
  [10, 3, 2, 1 - 21 / 45],
  [10, 3, 5, 1 - 21 / 252],
  [10, 3, 8, 1],
  [10, 10, 1, 1],
  [1, 1, 1, 1],
  [64, 1, 64, 1],
  [4, 2, 3, 1],
  [2000, 1, 1000, 0.5],
])('of %i responses %i right: pass@%i is %d', (n, c, k, value) => {
  expect(passAtK(n, c, k)).toBeCloseTo(value, 12)
})

test('pass@k of fewer than k responses is unknown', () => {
  expect(passAtK(3, 1, 4)).toBeNaN()
  expect(bestOfK([{ score: 1, right: true }], 2)).toBeNaN()
})

test('pass@k is unbiased: its mean over many draws of n responses is 1 − (1 − p)^k', () => {
  const random = new Random(1)
  for (const [p, n, k] of [
    [0.3, 8, 4],
    [0.1, 10, 5],
  ] as const) {
    let sum = 0
    const trials = 40_000
    for (let i = 0; i < trials; i++) {
      let c = 0
      for (let j = 0; j < n; j++) c += Number(random.uniform() < p)
      sum += passAtK(n, c, k)
    }
    expect(sum / trials).toBeCloseTo(1 - (1 - p) ** k, 2)
  }
})

/** best-of-k by going through all subsets of k. */
function bestOfAllSubsets(responses: readonly { score: number; right: boolean }[], k: number): number {
  let [sum, count] = [0, 0]
  for (let mask = 0; mask < 2 ** responses.length; mask++) {
    const subset = responses.filter((_, i) => mask & (1 << i))
    if (subset.length !== k) continue
    count++
    sum += Number(subset.reduce((best, one) => (one.score > best.score ? one : best)).right)
  }
  return sum / count
}

test('best-of-k is the mean over all subsets of k responses', () => {
  const random = new Random(2)
  for (let trial = 0; trial < 20; trial++) {
    const responses = Array.from({ length: random.int(1, 9) }, () => ({
      score: random.int(0, 4),
      right: random.uniform() < 0.5,
    }))
    for (let k = 1; k <= responses.length; k++)
      expect(bestOfK(responses, k)).toBeCloseTo(bestOfAllSubsets(responses, k), 12)
  }
})
