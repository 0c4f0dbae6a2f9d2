import { describe, expect, test } from 'vitest'
import { PromptTooLong } from '../../common/errors.ts'
import { fakeTextModel } from '../../testing/fakes/fake-text-model.ts'
import { textOf, writingModel } from '../../testing/fakes/writing-model.ts'
import { collect } from '../collect.ts'
import type { TextCapabilities, TextModel, TextRequest } from '../model.ts'
import { type Effort, withEffort } from './effort.ts'
import { CHECK, withRefinement } from './refine.ts'
import { type StrategyParts, type StrategySpec, withStrategy } from './strategy.ts'

const request: TextRequest = { messages: [{ role: 'user', content: '1+2?' }], seed: 3 }
const same = (a: string, b: string): boolean => a === b

async function read(model: TextModel, more: Partial<TextRequest> = {}) {
  const progress: string[] = []
  async function* noted() {
    for await (const event of model.respond({ ...request, ...more })) {
      if (event.type === 'progress') progress.push(event.text)
      yield event
    }
  }
  return { ...(await collect(noted())), progress }
}

describe('refinement', () => {
  /** Answers in turn. */
  const answering = (answers: readonly (string | Error)[], can: Partial<TextCapabilities> = {}) => {
    let at = 0
    return fakeTextModel(
      () => {
        const answer = answers[at++]!
        if (answer instanceof Error) throw answer
        return { thinking: [`t${at}`], answer: answer === '' ? [] : [answer] }
      },
      { can },
    )
  }

  test.each<[string, (string | Error)[], number, number, string, string, string | undefined]>([
    ['ends when the answer repeats', ['1', '3', '3', '4'], 5, 3, 't3', '3', 'the answer was confirmed'],
    ['ends after its rounds', ['1', '2', '3', '4'], 2, 3, 't3', '3', 'answer 2: 2'],
    [
      'keeps an answer if the next is missing',
      ['1', ''],
      5,
      2,
      't1',
      '1',
      'the check ended without an answer, so the one before it is kept',
    ],
    [
      'keeps an answer if there is no room',
      ['1', new PromptTooLong('full')],
      5,
      2,
      't1',
      '1',
      'no room to check it again: full',
    ],
  ])('%s', async (_, answers, rounds, requests, thinking, answer, progress) => {
    const model = answering(answers)
    const response = await read(withRefinement(model, { rounds, same }))
    expect(response).toMatchObject({ thinking, answer })
    expect(model.requests).toHaveLength(requests)
    expect(response.progress.at(-1)).toBe(progress)
    expect(response.end.usage.completionTokens).toBe(
      answers.slice(0, requests).flatMap((a) => (a instanceof Error ? [] : a === '' ? [1] : [1, 1])).length,
    )
  })

  test('the model sees its answer, without the thinking, and is asked to check it', async () => {
    const model = answering(['1', '3', '3'])
    await read(withRefinement(model, { rounds: 2, same }))
    const asked = { role: 'user', content: CHECK }
    const first = [...request.messages, { role: 'assistant', content: '1' }, asked]
    expect(model.requests.map(({ messages }) => messages)).toEqual([
      request.messages,
      first,
      [...request.messages, { role: 'assistant', content: '3' }, asked],
    ])
  })

  test('a model that sees only the last message gets the answer with the question', async () => {
    const model = answering(['1', '1'], { remembers: false })
    await read(withRefinement(model, { rounds: 1, same }))
    expect(model.requests[1]!.messages).toEqual([
      { role: 'user', content: `1+2?\n\nYour answer was: 1\n\n${CHECK}` },
    ])
  })

  test('other errors, and prompts without a conversation, are errors', async () => {
    await expect(
      read(withRefinement(answering(['1', new Error('cut')]), { rounds: 2, same })),
    ).rejects.toThrow('cut')
    await expect(
      read(withRefinement(answering(['1']), { rounds: 2, same }), { prompt: 'a' }),
    ).rejects.toThrow('in a conversation')
  })
})

describe('effort', () => {
  const think = (begun: string): string => (begun.includes('</think>') ? 'A' : `${'m'.repeat(900)}</think>A`)

  test.each<[Effort, number | null | undefined, number | null, number | undefined]>([
    ['low', 500, 1000, 100],
    ['medium', 500, 1000, 250],
    ['high', 500, 1000, 400],
    ['low', undefined, 1000, 200],
    ['high', null, null, 16384],
    ['low', 1, 1000, 1],
  ])('%s, of at most %s tokens in a context of %s: %s', async (effort, maxTokens, context, budget) => {
    const model = writingModel(think, { can: { maxTokens: context }, opened: true })
    await read(withEffort(model, effort), { maxTokens })
    expect(model.requests[0]!.maxTokens).toBe(budget)
  })

  test('none turns the thinking off, or gives it no token', async () => {
    const switched = writingModel(() => 'A', { can: { switchThinking: true } })
    await read(withEffort(switched, 'none'))
    expect(switched.requests).toMatchObject([{ thinking: false }])
    const closed = writingModel(think)
    expect(await read(withEffort(closed, 'none'))).toMatchObject({ answer: 'A' })
    expect(closed.requests[0]!.prefix!.map(textOf).join('')).toBe('<think>\n</think>\n\n')
  })

  test('a provider that cannot continue a response gets the effort itself', async () => {
    const model = writingModel(() => 'A', { can: { prefix: false } })
    await read(withEffort(model, 'low'), { extra: { other: 1 } })
    expect(model.requests).toMatchObject([{ effort: 'low', extra: { other: 1 } }])
  })
})

describe('a spec', () => {
  const think = (begun: string): string => (begun.includes('</think>') ? 'A' : 'mmmmmmmmm</think>B')
  const parts: StrategyParts = { same }

  test('a vote over responses that each have a budget', async () => {
    const model = writingModel(think, { opened: true })
    const response = await read(withStrategy(model, { kind: 'vote', samples: 2, budget: { max: 4 } }, parts))
    expect(response.answer).toBe('A')
    expect(model.requests.map(({ sample, maxTokens }) => [sample, maxTokens])).toEqual(
      expect.arrayContaining([
        [0, 4],
        [1, 4],
        [0, undefined],
        [1, undefined],
      ]),
    )
    expect(response.end.usage.thinkingTokens).toBe(8)
  })

  test('nothing is the model itself', () => {
    const model = writingModel(() => 'A')
    for (const spec of [{}, { kind: 'sample' as const }, { budget: {} }])
      expect(withStrategy(model, spec, parts)).toBe(model)
  })

  test('specs and settings that matter are in the identity', () => {
    const model = writingModel(() => 'A')
    const identities = [
      {},
      { kind: 'vote', samples: 2 },
      { kind: 'vote', samples: 3 },
      { kind: 'best-of-n', samples: 2 },
      { kind: 'refine', rounds: 2 },
      { budget: { max: 2 } },
      { budget: { min: 2 } },
      { effort: 'low' },
      { kind: 'vote', samples: 2, budget: { max: 2 } },
    ].map((spec) => withStrategy(model, spec as StrategySpec, { same, score: async () => 1 }).identity)
    expect(new Set(identities).size).toBe(identities.length)
  })

  test.each<[StrategySpec, StrategyParts, RegExp]>([
    [{ kind: 'vote' }, parts, /needs a number of samples/],
    [{ kind: 'best-of-n', samples: 2 }, parts, /a reward model or a judge/],
    [{ kind: 'refine' }, parts, /needs a number of rounds/],
    [{ kind: 'vote', samples: 2, weighted: true }, parts, /weighted vote needs a reward model/],
    [{ kind: 'refine', rounds: 2, weighted: true }, parts, /only a vote can be weighted/],
    [{ effort: 'low', budget: { max: 2 } }, parts, /a budget or an effort/],
  ])('refused: %j', (spec, given, message) => {
    expect(() =>
      withStrategy(
        writingModel(() => 'A'),
        spec,
        given,
      ),
    ).toThrow(message)
  })
})
