import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withEngine } from '../../engines/open.ts'
import type { Generator } from '../../providers/generator.ts'
import { openRewardModel, textScorer } from '../../rewards/preference.ts'
import { fakeTextModel } from '../../testing/fakes/fake-text-model.ts'
import { writingModel } from '../../testing/fakes/writing-model.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextModel, TextRequest } from '../../thinking/model.ts'
import { choiceBy, openStrategy } from './open-strategy.ts'
import { sameAnswer } from './same-answer.ts'
import { readStrategy } from './spec.ts'

const base = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ruminate-think-'))
const reward = join(root, 'reward')
beforeAll(() =>
  withEngine({ model: base, rewardHead: { seed: 1 }, threads: 1 }, (engine) =>
    engine.save(engine.base, reward),
  ),
)
afterAll(() => rmSync(root, { recursive: true }))

const request: TextRequest = { messages: [{ role: 'user', content: '1+2?' }], seed: 3, temperature: 1 }
const answering = (answers: readonly string[]) =>
  fakeTextModel(({ sample = 0 }) => ({ thinking: ['t'], answer: [answers[sample]!] }))

test.each<[string, string, boolean]>([
  ['12', '12', true],
  ['12', 'The answer is 12.', true],
  ['So it is $\\boxed{\\frac12}$', '0.5', true],
  ['#### 7', '**7**', true],
  ['Paris', 'paris', true],
  ['12', '13', false],
  ['x > 3', '(3, \\infty)', true],
  ['Paris', 'London', false],
  ['{', '{', true],
  ['{', '(', false],
])('the same answer: %j and %j: %s', (a, b, same) => {
  expect(sameAnswer(a, b)).toBe(same)
  expect(sameAnswer(b, a)).toBe(same)
})

test('a vote groups answers by what they mean', async () => {
  const model = answering(['It is 4.', '3', 'The answer is 3.', '4', '\\boxed{3}'])
  const vote = await openStrategy(model, { kind: 'vote', samples: 5 })
  expect((await collect(vote.respond(request))).answer).toBe('3')
})

test('a reward model chooses the best of several, and weighs votes', async () => {
  const answers = ['2', '3', '4', '5']
  const opened = await openRewardModel(reward, { threads: 1 })
  const score = textScorer(opened, 'reward')
  const rewards = await Promise.all(
    answers.map((content) => score({ messages: [...request.messages, { role: 'assistant', content }] })),
  )
  await opened.close()
  const best = answers[rewards.indexOf(Math.max(...rewards))]!
  for (const spec of [
    { kind: 'best-of-n', samples: 4 } as const,
    { kind: 'vote', samples: 4, weighted: true } as const,
  ]) {
    const model = await openStrategy(answering(answers), spec, { reward, threads: 1 })
    expect((await collect(model.respond(request))).answer).toBe(best)
    await model.close()
  }
})

test('a judge is shown the question and two responses, and leaves the earlier one where it gives no verdict', async () => {
  const asked: string[] = []
  const judge: Generator = {
    identity: 'judge',
    async generate(messages) {
      const text = messages.map(({ content }) => content).join('\n')
      asked.push(text)
      return { text: '', reasoning: null, finishReason: 'stop', usage: null }
    },
    spent: () => {
      throw new Error('not asked')
    },
    close: async () => {},
  }
  const responses = await Promise.all(
    ['3', '4'].map((answer) => collect(answering([answer]).respond(request))),
  )
  expect(await choiceBy(judge)(request, responses, { signal: undefined })).toBe(0)
  expect(asked[0]).toContain('1+2?')
})

test.each<[string, unknown, RegExp]>([
  ['a budget for a model that cannot continue', { budget: { max: 5 } }, /cannot continue a response/],
  ['the best without anything that chooses', { kind: 'best-of-n', samples: 2 }, /a reward model or a judge/],
])('refused before anything is asked: %s', async (_, spec, message) => {
  const model: TextModel & { requests: TextRequest[] } = writingModel(() => '', { can: { prefix: false } })
  await expect(openStrategy(model, readStrategy(spec))).rejects.toThrow(message)
  expect(model.requests).toHaveLength(0)
})

test('a folder that is not a reward model', async () => {
  await expect(
    openStrategy(answering(['1']), { kind: 'best-of-n', samples: 2 }, { reward: base, threads: 1 }),
  ).rejects.toThrow('is not a reward model')
})

test.each<[unknown, RegExp]>([
  [{ kind: 'votes' }, /^strategy\.kind: /],
  [{ samples: 0 }, /^strategy\.samples: /],
  [{ budget: { max: -1 } }, /^strategy\.budget\.max: /],
  [{ budget: { most: 1 } }, /^strategy\.budget: .*most/],
  [{ effort: 'extreme' }, /^strategy\.effort: /],
  ['vote', /^strategy: /],
])('settings that are wrong: %j', (given, message) => {
  expect(() => readStrategy(given)).toThrow(message)
})

test('settings that are right are the spec', () => {
  const spec = { kind: 'vote', samples: 8, budget: { max: 64, closing: 'So:' } }
  expect(readStrategy(spec)).toEqual(spec)
})
