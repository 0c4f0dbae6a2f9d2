import { expect, test } from 'vitest'
import { namedRewards, type RewardSettings } from './index.ts'

const none: RewardSettings = {
  accuracy: null,
  code: null,
  format: null,
  language: null,
  summary: null,
  boxed: null,
  repetition: null,
  overlong: null,
  cosine: null,
}
const limits = { maxTokens: 100 }

test('every reward goes by the name that settings give it, and null does not run it', () => {
  const all: RewardSettings = {
    accuracy: 1,
    code: 7,
    format: 0.5,
    language: 0,
    summary: 2,
    boxed: 3,
    repetition: { weight: 4, n: 8 },
    overlong: { weight: 5, buffer: null },
    cosine: { weight: 6 },
  }
  const weights = Object.fromEntries(
    namedRewards(all, limits).map(({ reward, weight }) => [reward.name, weight]),
  )
  expect(weights).toEqual({
    accuracy: 1,
    code: 7,
    format: 0.5,
    language: 0,
    summary: 2,
    boxed: 3,
    repetition: 4,
    overlong: 5,
    cosine: 6,
  })
  expect(namedRewards(none, limits)).toEqual([])
})

test('numbers that make no sense are refused when the rewards are made', () => {
  expect(() => namedRewards({ ...none, overlong: { weight: 1, buffer: 101 } }, limits)).toThrow(/1 to 100/)
})
