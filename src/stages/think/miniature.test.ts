import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine, Sampler } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import { localTextModel } from '../../providers/local/text-model.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextModel, TextRequest } from '../../thinking/model.ts'
import { parseResponse } from '../../thinking/r1/parse.ts'
import { withBudget } from '../../thinking/strategies/budget.ts'
import { majority } from '../../thinking/strategies/majority.ts'
import { openStrategy } from './open-strategy.ts'
import { sameAnswer } from './same-answer.ts'

/* Strategies on top of the embedded miniature, checked against its sampler. */

const folder = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const renderer = Renderer.load(folder)
const questions = [
  'What is 17 + 25?',
  'Compute 3*4+5.',
  'Ada has 12 marbles and loses 5. How many has she?',
  'Sort 3, 1, 2.',
]
const ask = (content: string, more: Partial<TextRequest> = {}): TextRequest => ({
  messages: [{ role: 'user', content }],
  seed: 5,
  temperature: 1,
  maxTokens: 200,
  ...more,
})

let engine: Engine
let sampler: Sampler
let model: TextModel
beforeAll(async () => {
  engine = await openEngine({ model: folder, threads: 1 })
  sampler = await engine.sampler(engine.base)
  model = localTextModel(sampler, { name: 'miniature', renderer, maxPositions: 1024, identity: 'w' })
})
afterAll(() => engine.close())

describe('a budget', () => {
  test('is exact in tokens, and changes nothing in thinking that is shorter', async () => {
    for (const question of questions) {
      const free = await collect(model.respond(ask(question)))
      const thought = free.end.usage.thinkingTokens!
      for (const max of [
        1,
        2,
        3,
        5,
        8,
        13,
        150,
        ...(thought > 0 ? [thought - 1, thought, thought + 1] : []),
      ]) {
        const { end, thinking } = await collect(withBudget(model, { max }).respond(ask(question)))
        if (thought === 0) {
          // the base model sometimes answers without thinking, and is then begun again
          expect(end.usage.thinkingTokens).toBeLessThanOrEqual(max)
          expect(end.text).toMatch(/^ ?<think>/)
          continue
        }
        // the first token is the space before <think>
        expect(end.usage.thinkingTokens).toBe(max === 1 ? 0 : Math.min(max, thought))
        expect(end.text).toMatch(/^ ?<think>/)
        if (max < thought) expect(end.text).toContain('</think>')
        if (max > thought) expect(thinking).toBe(free.thinking)
        if (max >= free.end.usage.completionTokens!) expect(end).toEqual(free.end)
      }
    }
  })

  test('by hand: the sampler’s tokens up to the budget, the closing delimiters, and the sampler’s answer', async () => {
    const [question, max] = ['Compute 3*4+5.', 7]
    const { tokens: prompt } = renderer.prompt({ prompt: question })
    const greedy = { n: 1, temperature: 0, seed: 0, stopTokens: renderer.stopTokens }
    const [thought] = await sampler.sample(prompt, { ...greedy, maxTokens: max })
    const text = renderer.decode(thought!.tokens)
    const closing = `${text.endsWith('\n') ? '' : '\n'}</think>\n<answer>`
    const continued = Int32Array.of(...prompt, ...thought!.tokens, ...renderer.encode(closing))
    const [answered] = await sampler.sample(continued, { ...greedy, maxTokens: 200 - max })
    const { end } = await collect(withBudget(model, { max }).respond(ask(question, { temperature: 0 })))
    expect(end.text).toBe(text + closing + renderer.response(answered!.tokens))
    expect(end.text).toMatch(/^ <think>[^<]*<\/think>\n<answer>[^<]*<\/answer>$/)
  })

  test('at least: the model thinks on after "Wait"', async () => {
    for (const question of questions) {
      const min = 60
      const { end, thinking, answer } = await collect(
        withBudget(model, { min, waits: 64 }).respond(ask(question, { maxTokens: 700 })),
      )
      expect(end.usage.thinkingTokens).toBeGreaterThanOrEqual(min)
      expect(thinking).toContain('Wait')
      expect(thinking).not.toContain('</think>')
      expect(answer).not.toBeNull()
    }
  })

  test('of 0: no thinking', async () => {
    const { end, thinking, answer } = await collect(withBudget(model, { max: 0 }).respond(ask(questions[0]!)))
    expect(end.usage.thinkingTokens).toBe(0)
    expect(thinking).toBeNull()
    expect(answer).not.toBe('')
    expect(end.text).toMatch(/^ <think>\n<\/think>\n<answer>/)
  })
})

test('a vote has the responses that the sampler gives for its seeds, and the answer of their majority', async () => {
  for (const question of questions) {
    const sequences = await sampler.sample(renderer.prompt({ prompt: question }).tokens, {
      n: 6,
      maxTokens: 200,
      temperature: 1,
      seed: 5,
      stopTokens: renderer.stopTokens,
    })
    const texts = sequences.map(({ tokens }) => renderer.response(tokens))
    const answers = texts.map((text) => parseResponse(text).answer)
    const vote = await openStrategy(model, { kind: 'vote', samples: 6 })
    const { end } = await collect(vote.respond(ask(question)))
    expect(end.text).toBe(texts[majority(answers, sameAnswer)?.members[0] ?? 0])
  }
})

test('a vote over budgets, and refinement, give answers; their usage counts every response', async () => {
  const vote = await openStrategy(model, { kind: 'vote', samples: 3, budget: { max: 5 } })
  const voted = await collect(vote.respond(ask(questions[0]!)))
  expect(voted.answer).not.toBeNull()
  expect(voted.end.usage.thinkingTokens).toBeLessThanOrEqual(15)
  const refined = await collect(
    (await openStrategy(model, { kind: 'refine', rounds: 2 })).respond(ask(questions[0]!)),
  )
  expect(refined.answer).not.toBeNull()
})
