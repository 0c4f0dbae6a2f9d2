import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { accuracy } from './accuracy.ts'
import { code } from './code.ts'
import { scoreRollout } from './compose.ts'
import { boxed, format, summary } from './format.ts'
import { judge } from './judge.ts'
import { language } from './language-consistency.ts'
import { cosine, overlong } from './length.ts'
import { repetition } from './repetition.ts'
import type { Reward, Rollout } from './reward.ts'

const reasonOf = async (reward: Reward, rollout: Partial<Rollout>) => {
  const { reasons } = await scoreRollout([{ reward, weight: 1 }], fakeRollout(rollout), { timeoutMs: 60_000 })
  return reasons?.[reward.name]
}
const verdict = () => ({ correct: false, reason: '12 is not 14', share: () => Promise.resolve(0.5) })
const generator = (text: string) =>
  ({
    generate: async (messages: { content: string }[]) => ({
      text: messages[1]!.content.match(/VERDICT \w+: /)![0] + text,
      finishReason: 'stop',
    }),
  }) as never

test.each<[string, Reward, Partial<Rollout>, string]>([
  ['a wrong answer', accuracy, { verdict }, '12 is not 14'],
  ['tests that fail', code, { verdict }, '12 is not 14'],
  ['the format', format(), {}, 'well formed'],
  ['no answer part', format(), { response: '<think>a</think>' }, 'not well formed: <answer> is missing'],
  ['no thinking in R1’s format', summary(), { response: 'so' }, 'not well formed: there is no thinking'],
  ['no end of the thinking', summary(), { response: '<think>so' }, 'not well formed: </think> is missing'],
  [
    'a cut response',
    summary(),
    { response: '<think>a</think>b', stopReason: 'length' },
    'not well formed: it was cut off',
  ],
  [
    'two thoughts',
    summary(),
    { response: '<think>a</think>b<think>c</think>' },
    'not well formed: its tags are <think> </think> <think> </think>',
  ],
  ['one box', boxed(), { response: '<think>a</think>\\boxed{5}' }, 'one box in the summary'],
  [
    'no box',
    boxed(),
    { response: '<think>a</think>5' },
    'not well formed: there is not exactly one box, closed and not empty',
  ],
  [
    'the language',
    language,
    { thinking: 'I think that this is the answer, and so it is.' },
    '100 % of its words are English',
  ],
  ['no thinking', language, { thinking: null }, 'there is no thinking'],
  [
    'repetition',
    repetition({ n: 1 }),
    { response: 'a a a a' },
    '75 % of its runs of 1 words are repetitions',
  ],
  ['none', repetition(), { response: 'a b' }, 'no 16 words in a row are repeated'],
  ['too long', overlong({ maxTokens: 10, buffer: 2 }), { tokens: 9 }, '9 tokens; more than 8 are punished'],
  ['a length', cosine({ maxTokens: 10 }), { verdict, tokens: 9 }, '12 is not 14; 9 of at most 10 tokens'],
  [
    'a cut length',
    cosine({ maxTokens: 10 }),
    { tokens: 10, stopReason: 'length' },
    'cut off after 10 tokens',
  ],
  ['a judge', judge(generator('WRONG')), {}, 'the judge finds it wrong'],
  ['a judge without an answer', judge(generator('WRONG')), { answer: null }, 'no answer was found'],
  ['its own', { name: 'own', score: () => 2, reason: (_, score) => `it is ${score}` }, {}, 'it is 2'],
])('the reason for %s', async (_, reward, rollout, reason) => {
  expect(await reasonOf(reward, rollout)).toBe(reason)
})

test('a reward that gives no reason has none, and a reason that fails changes no score', async () => {
  expect(await reasonOf({ name: 'own', score: () => 1 }, {})).toBeUndefined()
  const failing: Reward = {
    name: 'own',
    score: () => 1,
    reason: () => {
      throw new Error('no words')
    },
  }
  const { total, byName, errors } = await scoreRollout([{ reward: failing, weight: 1 }], fakeRollout(), {
    timeoutMs: 1000,
  })
  expect({ total, byName }).toEqual({ total: 1, byName: { own: 1 } })
  expect(errors).toEqual([{ name: 'own', message: 'no words' }])
})
