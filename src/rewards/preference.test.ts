import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test, vi } from 'vitest'
import { openEngine } from '../engines/open.ts'
import { loadModel } from '../models/checkpoint/directory.ts'
import { Renderer } from '../renderer/renderer.ts'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { scoreRollout } from './compose.ts'
import { betterThan, openPreference, preference } from './preference.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const folder = path('../stages/supervise/fixtures/reward')
const { rows, steps } = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'))
const renderer = Renderer.load(path('../../models/miniature-base'))
const model = loadModel(folder)
const engine = await openEngine({
  model: { ...model, tokenizerFrom: path('../../models/miniature-base') },
  threads: 1,
})
afterAll(() => engine.close())
const scorer = await engine.rewardScorer(engine.base)
const rewards = vi.fn(scorer.rewards)
const open = { scorer: { rewards }, renderer, maxTokens: model.config.maxPositions }
/** The first two pairs have a question of one message. */
const [first, second] = rows.map(({ prompt }: { prompt: { content: string }[] }) => prompt[0]!.content)
const textOf = (row: number, side: string): string => rows[row][side][0].content

test('the rewards of Transformers; calls of one tick are scored in one pass', async () => {
  rewards.mockClear()
  const { score } = preference(open)
  const given = await Promise.all([
    score(fakeRollout({ questionText: first, response: textOf(0, 'chosen') })),
    score(fakeRollout({ questionText: second, response: textOf(1, 'chosen') })),
    score(fakeRollout({ questionText: second, response: textOf(1, 'rejected') })),
  ])
  for (const [i, expected] of [steps[0].chosen[0], steps[0].chosen[1], steps[0].rejected[1]].entries())
    expect(given[i]).toBeCloseTo(expected, 4)
  expect(rewards).toHaveBeenCalledTimes(1)
})

test('scores the summary alone; without one the reward is unknown', async () => {
  const { name, learned, score } = preference(open, { name: 'helpful', part: 'summary' })
  expect({ name, learned }).toEqual({ name: 'helpful', learned: true })
  const summary = textOf(1, 'chosen')
  const thought = fakeRollout({ questionText: second, response: `<think>Hm</think> ${summary}`, summary })
  expect(await score(thought)).toBeCloseTo(steps[0].chosen[1], 4)
  expect(await score(fakeRollout({ summary: null }))).toBeNull()
})

test('what is scored is the whole chat, with the thinking that a template leaves out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-preference-'))
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(path(`../../models/miniature-base/${file}`), join(folder, file))
  writeFileSync(
    join(folder, 'chat_template.jinja'),
    "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}<|pad|>{% endfor %}{% if add_generation_prompt %}<assistant><think>\n{% endif %}",
  )
  const template = Renderer.load(folder)
  rmSync(folder, { recursive: true })
  const scored: string[] = []
  const scorer = {
    rewards: async (texts: readonly Int32Array[]) =>
      texts.map((tokens) => scored.push(template.decode(tokens))),
  }
  const { score } = preference({ scorer, renderer: template, maxTokens: 1000 })
  const messages = ['system', 'user', 'assistant', 'user'].map((role, i) => ({ role, content: `${i}` }))
  const question = { id: '1', prompt: '3', messages, gold: '', kind: 'k' }
  await score(fakeRollout({ question, response: 'Hm\n</think>\n\nYes.' }))
  await score(fakeRollout({ questionText: 'q', response: 'Yes.' }))
  expect(scored).toEqual([
    '<system>0<|pad|><user>1<|pad|><assistant>2<|pad|><user>3<|pad|><assistant><think>\nHm\n</think>\n\nYes.<|pad|>',
    '<user>q<|pad|><assistant>Yes.<|pad|>',
  ])
})

test('a response whose prompt opened the thinking is scored with the tag', async () => {
  const { score } = preference(open)
  const [whole, continued] = await Promise.all([
    score(fakeRollout({ questionText: second, response: '<think>\nHm</think> Yes.' })),
    score(fakeRollout({ questionText: second, prompt: 'Assistant: <think>\n', response: 'Hm</think> Yes.' })),
  ])
  expect(continued).toBe(whole)
})

test('a response that is too long, or a folder that is not a reward model, is an error', async () => {
  const { score } = preference({ ...open, maxTokens: 20 })
  expect(() => score(fakeRollout({ response: 'a b c d '.repeat(20) }))).toThrow(
    /preference: the response has \d+ tokens with its question; the reward model reads 20/,
  )
  await expect(openPreference(path('../stages/supervise/fixtures/sft'))).rejects.toThrow(
    /sft is not a reward model/,
  )
})

test.each([
  [0, 'p', 0.5 * (1 / (1 + Math.exp(1)) + 1 / (1 + Math.exp(-1)))],
  [1, 'p', 0.5 * (1 / 2 + 1 / (1 + Math.exp(-2)))],
  [5, 'q', 0.5],
  [40, 'q', 1],
  [-40, 'p', 0],
  // a prompt without reference answers is compared with all
  [1, 'r', (1 / 2 + 1 / (1 + Math.exp(-2)) + 1 / (1 + Math.exp(4))) / 3],
])('the probability that a reward of %d for %s is the better one', (reward, prompt, expected) => {
  const shape = betterThan([
    { prompt: 'p', reward: 1 },
    { prompt: 'q', reward: 5 },
    { prompt: 'p', reward: -1 },
  ])
  expect(shape(reward, prompt)).toBeCloseTo(expected, 10)
})

test('with reference answers, the probability of being better', async () => {
  const { score } = preference(open, {
    shape: betterThan([{ prompt: second, reward: steps[0].rejected[1] }]),
  })
  const given = await Promise.all(
    ['chosen', 'rejected'].map((side) =>
      score(fakeRollout({ questionText: second, response: textOf(1, side) })),
    ),
  )
  const margin = steps[0].chosen[1] - steps[0].rejected[1]
  expect(given[0]).toBeCloseTo(1 / (1 + Math.exp(-margin)), 4)
  expect(given[1]).toBeCloseTo(0.5, 4)
})

test('a slow reward model has the time that it needs, whatever the time limit of other rewards', async () => {
  vi.useFakeTimers()
  try {
    const slow = vi.fn(async (batch: readonly Int32Array[]) => {
      await new Promise((resolve) => setTimeout(resolve, 3600_000))
      return batch.map(() => 0.5)
    })
    const reward = preference({ ...open, scorer: { rewards: slow } }, { name: 'helpful' })
    const scored = Promise.all(
      ['a', 'b'].map((response) =>
        scoreRollout([{ reward, weight: 1 }], fakeRollout({ response }), { timeoutMs: 10 }),
      ),
    )
    await vi.advanceTimersByTimeAsync(3600_001)
    expect(await scored).toEqual([
      { total: 0.5, byName: { helpful: 0.5 }, errors: [] },
      { total: 0.5, byName: { helpful: 0.5 }, errors: [] },
    ])
    expect(slow).toHaveBeenCalledTimes(1)
  } finally {
    vi.useRealTimers()
  }
})
