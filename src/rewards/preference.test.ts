import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { Trainer } from '../engines/contract.ts'
import { LocalEngine } from '../engines/local/engine.ts'
import { loadModel } from '../models/directory.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { fakeRollout } from '../testing/fake-rollout.ts'
import { betterThan, openPreference, preference, type Scorer } from './preference.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const folder = path('../stages/supervise/fixtures/reward')
const { rows, steps } = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'))
const model = loadModel(folder)
const engine = new LocalEngine({ ...model, tokenizer: null, source: null, threads: 1 })
const forward = vi.fn<Trainer['forward']>(async (datums) => engine.forward(datums, 'policy'))
const scorer: Scorer = {
  trainer: { forward },
  codec: Tokenizer.load(path('../../models/miniature-base')),
  padId: model.config.padTokenId!,
  maxTokens: model.config.maxPositions,
}
/** The first two pairs have a question of one message. */
const [first, second] = rows.map(({ prompt }: { prompt: { content: string }[] }) => prompt[0]!.content)
const said = (row: number, side: string): string => rows[row][side][0].content

test('the rewards of Transformers, of what is asked for at once in one pass', async () => {
  forward.mockClear()
  const { score } = preference(scorer)
  const rewards = await Promise.all([
    score(fakeRollout({ asked: first, response: said(0, 'chosen') })),
    score(fakeRollout({ asked: second, response: said(1, 'chosen') })),
    score(fakeRollout({ asked: second, response: said(1, 'rejected') })),
  ])
  for (const [i, expected] of [steps[0].chosen[0], steps[0].chosen[1], steps[0].rejected[1]].entries())
    expect(rewards[i]).toBeCloseTo(expected, 4)
  expect(forward).toHaveBeenCalledTimes(1)
})

test('of the summary alone; without one the reward is unknown', async () => {
  const { name, learned, score } = preference(scorer, { name: 'helpful', part: 'summary' })
  expect({ name, learned }).toEqual({ name: 'helpful', learned: true })
  const summary = said(1, 'chosen')
  const thought = fakeRollout({ asked: second, response: `<think>Hm</think> ${summary}`, summary })
  expect(await score(thought)).toBeCloseTo(steps[0].chosen[1], 4)
  expect(await score(fakeRollout({ summary: null }))).toBeNull()
})

test('what it cannot read is an error', async () => {
  const { score } = preference({ ...scorer, maxTokens: 20 })
  expect(() => score(fakeRollout({ response: 'a b c d '.repeat(20) }))).toThrow(
    /preference: the response has \d+ tokens with its question; the reward model reads 20/,
  )
  await expect(openPreference(path('../stages/supervise/fixtures/sft'))).rejects.toThrow(/sft is no reward model/)
})

test.each([
  [0, 'p', 0.5 * (1 / (1 + Math.exp(1)) + 1 / (1 + Math.exp(-1)))],
  [1, 'p', 0.5 * (1 / 2 + 1 / (1 + Math.exp(-2)))],
  [5, 'q', 0.5],
  [40, 'q', 1],
  [-40, 'p', 0],
  // of any prompt
  [1, 'r', (1 / 2 + 1 / (1 + Math.exp(-2)) + 1 / (1 + Math.exp(4))) / 3],
])('the probability that a reward of %d for %s is the better one', (reward, prompt, expected) => {
  const shape = betterThan([
    { prompt: 'p', reward: 1 },
    { prompt: 'q', reward: 5 },
    { prompt: 'p', reward: -1 },
  ])
  expect(shape(reward, prompt)).toBeCloseTo(expected, 10)
})

test('what is compared with reference answers', async () => {
  const { score } = preference(scorer, {
    shape: betterThan([{ prompt: second, reward: steps[0].rejected[1] }]),
  })
  const rewards = await Promise.all(
    ['chosen', 'rejected'].map((side) => score(fakeRollout({ asked: second, response: said(1, side) }))),
  )
  const margin = steps[0].chosen[1] - steps[0].rejected[1]
  expect(rewards[0]).toBeCloseTo(1 / (1 + Math.exp(-margin)), 4)
  expect(rewards[1]).toBeCloseTo(0.5, 4)
})
