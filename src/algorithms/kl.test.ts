import { expect, test } from 'vitest'
import { klEstimate, klPenalty } from './kl.ts'

// log r = log π_ref − log π_θ
test.each([
  ['k1', -1, -2, 1],
  ['k1', -2, -1, -1],
  ['k2', -1, -2, 0.5],
  ['k2', -2, -1, 0.5],
  ['k3', -1, -2, Math.exp(-1)],
  ['k3', -2, -1, Math.E - 2],
  ['k3', -1, -1, 0],
] as const)('%s of log π_θ %d and log π_ref %d', (estimator, policy, reference, expected) =>
  expect(klEstimate(estimator, policy, reference)).toBeCloseTo(expected, 12),
)

test('k1, k3 and (to second order) k2 average to the KL divergence', () => {
  const [p, q] = [
    [0.5, 0.3, 0.2],
    [0.45, 0.33, 0.22],
  ]
  const kl = p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]!), 0)
  const average = (estimator: 'k1' | 'k2' | 'k3') =>
    p.reduce((sum, x, i) => sum + x * klEstimate(estimator, Math.log(x), Math.log(q[i]!)), 0)
  expect(average('k1')).toBeCloseTo(kl, 12)
  expect(average('k3')).toBeCloseTo(kl, 12)
  expect(Math.abs(average('k2') / kl - 1)).toBeLessThan(0.05)
})

test('the penalty of a response is β Σ kl', () => {
  const penalty = klPenalty(Float32Array.of(-1, -2, -3), Float32Array.of(-2, -2, -2.5), {
    beta: 0.1,
    estimator: 'k1',
  })
  expect(penalty).toBeCloseTo(0.05, 12)
  expect(() => klPenalty([-1], [], { beta: 0.1, estimator: 'k1' })).toThrow(
    /1 policy log-probs, 0 reference log-probs/,
  )
})
