import { expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import type { Generator } from '../../providers/generator.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { fakeRenderer, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { fakeGenerator } from '../../testing/fakes/fake-generator.ts'
import { winRate } from '../evaluate/win-rate.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import { fromGenerator } from './candidates.ts'
import { safetyLabels } from './preferences/preferences.ts'
import { checkCandidates } from './rejection.ts'

const limits = { maxTokens: 40, maxParagraph: 100, maxRepetition: 0.1, minLanguage: 0 }
const task: Task = { ...fakeTask, check: () => ({ correct: true, reason: '' }) }
const questions = ['a', 'long', 'b'].map((prompt): Question => ({ id: prompt, prompt, gold: 'a', kind: '' }))
const sample = (failure: Error) => {
  const usual = fakeGenerator(() => 'a')
  const generator: typeof usual = {
    ...usual,
    generate: async (messages, options) => {
      if (messages[0]!.content === 'long') throw failure
      return usual.generate(messages, options)
    },
  }
  const messages = (content: string) => [{ role: 'user', content }]
  return fromGenerator({ generator, renderer: fakeRenderer, samples: 1, messages })(task, questions, [1])
}

test('a question that leaves the generator no room for a reply is rejected, and the others are kept', async () => {
  const candidates = await sample(new PromptTooLong('the prompt has 9 tokens'))
  const rows = await checkCandidates(candidates, { limits, judge: null, source: 'x', stream: [1] })
  expect(rows.map(({ rejected }) => rejected)).toEqual([null, 'no room for a reply', null])
})

test('what a judge has no room to read is unknown', async () => {
  const judge: Generator = {
    ...fakeGenerator(() => ''),
    generate: () => Promise.reject(new PromptTooLong('the prompt has 9 tokens')),
  }
  const [candidate] = await sample(new PromptTooLong(''))
  const rows = await checkCandidates([{ ...candidate!, verdict: () => ({ correct: null, reason: '' }) }], {
    limits,
    judge,
    source: 'x',
    stream: [1],
  })
  expect(rows.map(({ rejected }) => rejected)).toEqual(['unknown'])
  const answers = (answer: string) => ({ q: { question: 'q', kind: 'talk', answer } })
  expect(await winRate(judge, answers('a'), answers('b'))).toMatchObject({ rate: null, unknown: 1 })
  expect(
    await safetyLabels([{ question: questions[0]!, response: 'a' } as SampledRollout], {
      judge,
      seed: 1,
      times: 2,
    }),
  ).toMatchObject({ judged: 1, unknown: 1 })
})

test('any other failure ends the sampling', async () => {
  await expect(sample(new UserError('no credit left'))).rejects.toThrow('no credit left')
})
