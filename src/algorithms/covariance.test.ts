import { describe, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import { covarianceSelection } from './covariance.ts'

// log π: mean −2; A: mean 0; covariances 2, −1, 0, −3, 2
const logprobs = [-1, -1, -2, -3.5, -2.5]
const advantages = [2, -1, 0, 2, -4].map((a) => a + 0.2)
const select = (control: Parameters<typeof covarianceSelection>[0], seed = 0) =>
  covarianceSelection(control, logprobs, advantages, new Random(seed))

describe('KL-Cov takes the tokens with the largest covariance', () => {
  test.each([
    [2e-4, [0]],
    [0.4, [0, 4]],
    [0.79, [0, 2, 4]],
    [1, [0, 1, 2, 3, 4]],
  ])('share %d', (share, expected) => {
    expect(select({ kind: 'kl', share, beta: 1 })).toEqual(expected)
  })
})

describe('Clip-Cov draws from the tokens whose covariance is in the range', () => {
  test('all of them, if they are few', () => {
    expect(select({ kind: 'clip', share: 1, from: 1, to: 5 })).toEqual([0, 4])
    expect(select({ kind: 'clip', share: 1, from: -2, to: 1 })).toEqual([1, 2])
    expect(select({ kind: 'clip', share: 1, from: 5, to: 9 })).toEqual([])
  })

  test('otherwise as many as the share allows, at least one, by the random stream', () => {
    const drawn = Array.from({ length: 40 }, (_, seed) =>
      select({ kind: 'clip', share: 0.01, from: 1, to: 5 }, seed),
    )
    expect(drawn.every((tokens) => tokens.length === 1)).toBe(true)
    expect(new Set(drawn.flat())).toEqual(new Set([0, 4]))
  })
})

test('no tokens, and lists of different lengths', () => {
  const kl = { kind: 'kl', share: 0.5, beta: 1 } as const
  expect(covarianceSelection(kl, [], [], new Random(0))).toEqual([])
  expect(() => covarianceSelection(kl, [1], [], new Random(0))).toThrow('1 log-probs, 0 advantages')
})
