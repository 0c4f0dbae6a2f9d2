import { expect, test } from 'vitest'
import { comparePaired, mcnemar } from './paired.ts'

// exact two-sided binomial probabilities, as scipy.stats.binomtest(min(b, c), b + c).pvalue gives them
test.each([
  [0, 0, 1],
  [5, 0, 0.0625],
  [10, 2, 0.03857421875],
  [6, 6, 1],
  [1, 9, 0.021484375],
  [400, 300, 0.00018],
])('McNemar with %i against %i: p = %d', (b, c, p) => expect(mcnemar(b, c)).toBeCloseTo(p, 4))

test('right and wrong answers are compared by McNemar', () => {
  const a = [0, 0, 0, 0, 0, 0, 1, 1]
  const b = [1, 1, 1, 1, 1, 1, 1, 1]
  const found = comparePaired(a, b, 0)
  expect(found).toMatchObject({ test: 'mcnemar', better: 6, worse: 0 })
  expect(found.p).toBeCloseTo(0.03125, 12)
  expect(found.difference.mean).toBeCloseTo(0.75, 12)
  expect(found.difference.low).toBeGreaterThan(0.3)
})

test('shares are compared by changes of sign, with about the p value of McNemar where both apply', () => {
  const a = [0, 0, 0, 0, 0, 0, 1, 1, 0.5]
  const b = [1, 1, 1, 1, 1, 1, 1, 1, 0.5]
  const found = comparePaired(a, b, 0)
  expect(found.test).toBe('permutation')
  expect(Math.abs(found.p - 0.03125)).toBeLessThan(0.006)
})

test('what does not differ has p = 1', () => {
  expect(comparePaired([0.5, 1], [0.5, 1], 0)).toMatchObject({ p: 1, better: 0, worse: 0 })
})
