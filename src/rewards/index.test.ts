import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fake-rollout.ts'
import type { WeightedReward } from './compose.ts'
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
const limits = { maxTokens: 100, template: 'r1-zero' } as const

test('every reward has its name in the settings, and null does not run it', () => {
  const all: RewardSettings = {
    accuracy: 1,
    code: 7,
    format: 0.5,
    language: 0,
    summary: 2,
    boxed: 3,
    repetition: { weight: 4, n: 8 },
    overlong: { weight: 5, buffer: null },
    cosine: { weight: 6, correct: [2, 1], wrong: [-10, 0], exceeded: -10 },
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

test.each([
  ['r1-zero', '<think>1</think><answer>2</answer>', 1],
  ['r1-zero', '<think>1</think>2', 0],
  ['chat', '<think>1</think>2', 1],
  ['chat', '2', 0],
] as const)('the format depends on the template: %s, %s', async (template, response, score) => {
  const [{ reward }] = namedRewards({ ...none, format: 1 }, { maxTokens: 100, template }) as [WeightedReward]
  expect(reward.name).toBe('format')
  expect(await reward.score(fakeRollout({ response }))).toBe(score)
})

test('invalid options are refused when the rewards are made', () => {
  expect(() => namedRewards({ ...none, overlong: { weight: 1, buffer: 101 } }, limits)).toThrow(/1 to 100/)
})
