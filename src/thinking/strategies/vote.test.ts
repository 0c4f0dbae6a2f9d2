import { describe, expect, test } from 'vitest'
import { type FakeResponse, fakeTextModel } from '../../testing/fakes/fake-text-model.ts'
import { collect } from '../collect.ts'
import type { TextEvent, TextModel, TextRequest } from '../model.ts'
import { FORMATS } from '../parser/formats.ts'
import { highest, withBestOf } from './best-of.ts'
import { type VoteOptions, withVote } from './vote.ts'

const request: TextRequest = { messages: [{ role: 'user', content: '1+2?' }], seed: 3, temperature: 1 }
const same = (a: string, b: string): boolean => a === b

/** Responds with one answer for each sample, after as many turns of the event loop as `turns` says; null: never. */
function answering(
  answers: readonly (string | Error)[],
  { turns = answers.map(() => 0) }: { turns?: readonly (number | null)[] } = {},
) {
  const aborted: number[] = []
  const model = fakeTextModel(
    ({ sample = 0 }): FakeResponse => {
      const answer = answers[sample % answers.length]!
      if (answer instanceof Error) throw answer
      return { thinking: [`t${sample}`], answer: answer === '' ? [] : [answer] }
    },
    {
      wait: async ({ sample = 0, signal }) => {
        const left = turns[sample % answers.length]!
        for (let i = 0; i < (left ?? 0); i++) await new Promise(setImmediate)
        if (left !== null) return
        await new Promise((_, reject) =>
          signal!.addEventListener('abort', () => {
            aborted.push(sample)
            reject(signal!.reason)
          }),
        )
      },
    },
  )
  return { model, aborted }
}

async function read(model: TextModel, more: Partial<TextRequest> = {}) {
  const events: TextEvent[] = []
  for await (const event of model.respond({ ...request, ...more })) events.push(event)
  const progress = events.flatMap((event) => (event.type === 'progress' ? [event.text] : []))
  async function* again() {
    yield* events
  }
  return { ...(await collect(again())), progress }
}

/** A response of R1-Zero's. */
const zero = (answers: readonly string[]) =>
  fakeTextModel(({ sample = 0 }) => ({ thinking: ['t'], answer: [answers[sample]!] }), {
    can: { format: FORMATS['r1-zero'] },
  })

describe('a vote', () => {
  const vote = (model: TextModel, options: Partial<VoteOptions> & { samples: number }) =>
    withVote(model, { same, ...options })

  test('has no voice of what is not graded: text outside of R1-Zero’s answer', async () => {
    const model = zero(['5', '5', '5', '<answer>3</answer>'])
    expect(await read(vote(model, { samples: 4 }))).toMatchObject({
      end: { text: '<think>t</think><answer>3</answer>' },
      progress: [
        '1 of 4 sampled: no answer yet',
        '2 of 4 sampled: no answer yet',
        '3 of 4 sampled: no answer yet',
        '4 of 4 sampled: 3 × 1',
      ],
    })
    expect(await read(withBestOf(model, { samples: 4, choose: async () => 0 }))).toMatchObject({
      end: { text: '<think>t</think><answer>3</answer>' },
    })
  })

  test('an abort while the last response is scored ends the vote', async () => {
    for (const strategy of [withVote, withBestOf]) {
      const leaving = new AbortController()
      const score = async () => {
        leaving.abort(new Error('left'))
        return 1
      }
      const { model } = answering(['1'])
      const used = strategy(model, { samples: 2, same, score, choose: highest(score) })
      await expect(read(used, { signal: leaving.signal })).rejects.toThrow('left')
    }
  })

  test('a score that is not a number is unknown', async () => {
    const { model } = answering(['1', '2', '2'])
    const score = async (_: unknown, { answer }: { answer: string | null }) =>
      answer === '1' ? Number.NaN : 0.5
    expect(await read(vote(model, { samples: 3, score }))).toMatchObject({ answer: '2' })
    expect(await read(withBestOf(model, { samples: 3, choose: highest(score) }))).toMatchObject({
      answer: '2',
    })
    const none = highest(async () => Number.NaN)
    expect(await read(withBestOf(model, { samples: 3, choose: none }))).toMatchObject({ answer: '1' })
  })

  test('asks for the samples with their own numbers, and gives the first response with the majority’s answer', async () => {
    const { model } = answering(['1', '3', '', '3'])
    const response = await read(vote(model, { samples: 4 }), { sample: 2 })
    expect(model.requests.map(({ sample, seed }) => [sample, seed])).toEqual(
      [8, 9, 10, 11].map((n) => [n, 3]),
    )
    expect(response).toMatchObject({ thinking: 't9', answer: '3' })
    expect(response.end.usage).toEqual({
      promptTokens: 16,
      cachedTokens: null,
      completionTokens: 7,
      thinkingTokens: 4,
    })
    expect(response.progress.at(-1)).toBe('4 of 4 sampled: 3 × 2, 1 × 1')
  })

  test('ends once it is decided, and aborts what it no longer needs', async () => {
    const { model, aborted } = answering(['3', '3', '1', '3', '2'], { turns: [0, 0, null, 0, null] })
    const response = await read(vote(model, { samples: 5 }))
    expect(response).toMatchObject({ thinking: 't0', answer: '3' })
    expect(aborted).toEqual([2, 4])
    expect(response.end.usage).toMatchObject({ promptTokens: 20, completionTokens: 6, thinkingTokens: 3 })
  })

  test('the order in which the samples end does not matter', async () => {
    const answers = ['1', '2', '2', '1']
    for (const turns of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [9, 1, 1, 2],
      [0, 9, 9, 1],
    ]) {
      const { model } = answering(answers, { turns })
      expect(await read(vote(model, { samples: 4 }))).toMatchObject({ thinking: 't0', answer: '1' })
    }
  })

  test('goes on where samples fail, and says so', async () => {
    const { model } = answering([new Error('cut\nat a line'), '3', '3'])
    const response = await read(vote(model, { samples: 3 }))
    expect(response).toMatchObject({ thinking: 't1', answer: '3' })
    expect(response.progress).toContain('sample 1 failed: cut')
  })

  test('fails with the first error if all fail', async () => {
    const { model } = answering([new Error('first'), new Error('second')])
    await expect(read(vote(model, { samples: 2 }))).rejects.toThrow('first')
  })

  test('gives the first response if none has an answer', async () => {
    const { model } = answering(['', ''])
    expect(await read(vote(model, { samples: 2 }))).toMatchObject({ thinking: 't0', answer: null })
  })

  test('weighs the votes by σ(reward); an unknown reward has no vote', async () => {
    const rewards: Record<string, number | null> = { t0: -2, t1: -2, t2: 3, t3: null, t4: null, t5: null }
    const { model } = answering(['1', '1', '2', '1', '1', '1'])
    const response = await read(
      vote(model, { samples: 6, score: async (_, { thinking }) => rewards[thinking!]! }),
    )
    expect(response).toMatchObject({ thinking: 't2', answer: '2' })
    expect(response.progress.at(-1)).toMatch(/: 2 × 0\.95, 1 × 0\.24$/)
  })

  test('asks once in greedy decoding', async () => {
    const { model } = answering(['1'])
    await read(vote(model, { samples: 9 }), { temperature: 0 })
    expect(model.requests).toHaveLength(1)
  })

  test('aborts its samples when the caller leaves or aborts', async () => {
    const { model, aborted } = answering(['1', '2', '3'], { turns: [0, null, null] })
    for await (const event of vote(model, { samples: 3 }).respond(request))
      if (event.type === 'progress') break
    await new Promise(setImmediate)
    expect(aborted).toEqual([1, 2])
    const controller = new AbortController()
    const responded = read(vote(model, { samples: 3 }), { signal: controller.signal })
    await new Promise(setImmediate)
    controller.abort(new Error('gone'))
    await expect(responded).rejects.toThrow('gone')
    expect(aborted).toEqual([1, 2, 1, 2])
  })

  test('over votes, each sample has a random stream of its own', async () => {
    const { model } = answering(['1'])
    await read(vote(vote(model, { samples: 2 }), { samples: 3 }), { sample: 1 })
    const samples = model.requests.map(({ sample }) => sample!)
    expect(new Set(samples).size).toBe(samples.length)
  })

  test.each([0, -1, 1.5, Number.NaN])('of %s samples is refused', (samples) => {
    expect(() => vote(answering(['1']).model, { samples })).toThrow('samples must be a whole number')
  })
})

describe('the best of several', () => {
  const byThinking = highest(
    async (_, { thinking }) => ({ t0: 1, t1: null, t2: 5, t3: 5 })[thinking!] ?? null,
  )

  test('gives the response with the highest score, the first of those', async () => {
    const { model } = answering(['a', 'b', 'c', 'd'], { turns: [3, 2, 1, 0] })
    const response = await read(withBestOf(model, { samples: 4, choose: byThinking }))
    expect(response).toMatchObject({ thinking: 't2', answer: 'c' })
    expect(response.progress.at(-1)).toBe('sample 3 is the best of 4')
  })

  test('leaves out responses without an answer, and those that fail', async () => {
    const { model } = answering(['a', new Error('cut'), '', ''])
    expect(await read(withBestOf(model, { samples: 4, choose: byThinking }))).toMatchObject({ answer: 'a' })
  })

  test('fails with the first error if all fail, and with that of the choice', async () => {
    const fails = answering([new Error('first'), new Error('second')]).model
    await expect(read(withBestOf(fails, { samples: 2, choose: byThinking }))).rejects.toThrow('first')
    const choose = async () => {
      throw new Error('no judge')
    }
    await expect(read(withBestOf(answering(['a']).model, { samples: 2, choose }))).rejects.toThrow('no judge')
  })
})
