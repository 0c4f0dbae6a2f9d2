import { expect, test } from 'vitest'
import { z } from 'zod'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import type { WeightedReward } from './compose.ts'
import { namedRewards, rewardShape } from './index.ts'

/** Settings of all rewards, in which those that are not given are off. */
const settings = (given: object) => z.strictObject(rewardShape).parse(given)
const none = settings({})
const limits = { maxTokens: 100, template: 'r1-zero' } as const

/** The names and weights of the rewards that settings turn on. */
const weights = (given: object) =>
  Object.fromEntries(namedRewards(settings(given), limits).map(({ reward, weight }) => [reward.name, weight]))

test('every reward has its name in the settings, and null does not run it', () => {
  const all = Object.fromEntries(Object.keys(rewardShape).map((name, i) => [name, i]))
  expect(weights(all)).toEqual(all)
  expect(weights({})).toEqual({})
})

test('a reward with options has its weight among them', () => {
  expect(weights({ format: 0, repetition: { weight: 4, n: 8 } })).toEqual({ format: 0, repetition: 4 })
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
