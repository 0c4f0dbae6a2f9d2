import { expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { estimate } from './interval.ts'

test('the bootstrap interval covers the true mean about 95 times of 100', () => {
  const random = new Random(3)
  const p = 0.3
  const trials = 300
  let covered = 0
  for (let t = 0; t < trials; t++) {
    const values = Array.from({ length: 60 }, () => Number(random.uniform() < p))
    const { low, high } = estimate(values, t)
    covered += Number(low <= p && p <= high)
  }
  expect(covered / trials).toBeGreaterThan(0.9)
  expect(covered / trials).toBeLessThan(0.99)
})

test('the same seed gives the same interval', () => {
  const values = [0, 1, 1, 0.5, 0.25, 1]
  expect(estimate(values, 1)).toEqual(estimate(values, 1))
  expect(estimate(values, 1).mean).toBeCloseTo(0.625, 12)
})

// Clopper–Pearson's bound for 20 of 20 at 95 %: 83.2 %
test.each([
  [1, 0.8316, 1],
  [0, 0, 0.1684],
])('shares that are all %d have the interval of Clopper and Pearson', (value, low, high) => {
  const found = estimate(Array(20).fill(value), 0)
  expect(found.low).toBeCloseTo(low, 4)
  expect(found.high).toBeCloseTo(high, 4)
})

test('numbers that are no shares have no such bound, and unknown ones are left out', () => {
  expect(estimate([1, 1, Number.NaN], 0, { share: false })).toEqual({ mean: 1, low: 1, high: 1 })
  expect(estimate([Number.NaN], 0).mean).toBeNaN()
})
