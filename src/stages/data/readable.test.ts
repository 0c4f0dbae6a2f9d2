import { expect, test } from 'vitest'
import { fakeRollout } from '../../testing/fakes/fake-rollout.ts'
import { unreadable } from './readable.ts'

const LIMITS = { maxTokens: 50, maxParagraph: 40, maxRepetition: 0.1, minLanguage: 0.9 }
const read = ({ wellFormed = true, ...of }: Parameters<typeof fakeRollout>[0] & { wellFormed?: boolean }) =>
  unreadable({ ...fakeRollout({ response: '', ...of }), wellFormed }, LIMITS)

const loop = 'Try 3 and then 4, no. '.repeat(12)

test.each<[string, Parameters<typeof read>[0], ReturnType<typeof unreadable>]>([
  ['a chain of short lines', { thinking: 'First 5+2=7\nSo the result is 7.' }, null],
  ['sums without words', { thinking: '5+2=7' }, null],
  ['no chain', { thinking: null }, null],
  ['no chain, cut off', { thinking: null, stopReason: 'length' }, 'cut off'],
  ['cut off', { stopReason: 'length' }, 'cut off'],
  ['ill-formed', { wellFormed: false }, 'ill-formed'],
  ['an empty chain', { thinking: '' }, 'ill-formed'],
  ['as long as allowed', { tokens: 50 }, null],
  ['too long', { tokens: 51 }, 'too long'],
  ['a loop', { response: loop, thinking: 'a' }, 'repetition'],
  ['two languages', { thinking: 'First we add, 接着 then' }, 'mixed languages'],
  ['the wrong language', { thinking: '首先' }, 'mixed languages'],
  ['Chinese for a Chinese question', { thinking: '首先', language: 'zh' }, null],
  [
    'a name from a Chinese question',
    { thinking: '首先 Tom 有', language: 'zh', questionText: 'Tom 有 3 本书' },
    null,
  ],
  ['a translation in the summary', { thinking: 'The word for cat', response: 'It is 猫.' }, null],
  ['a line as long as allowed', { thinking: 'a '.repeat(20) }, null],
  ['a long paragraph', { thinking: 'a '.repeat(21) }, 'long paragraph'],
  ['long lines after the chain', { response: 'word '.repeat(12), thinking: 'a' }, null],
  ['a code block', { thinking: 'I run\n```python\n1\n```' }, 'code block'],
  ['code in a line', { thinking: 'I call `f`' }, null],
  ['a code block in the summary', { thinking: 'a', response: '```\n1\n```' }, null],
])('%s', (_, of, reason) => {
  expect(read(of)).toBe(reason)
})

test("a question's own language overrides its task's", () => {
  const rollout = { ...fakeRollout({ thinking: '首先', response: '' }), wellFormed: true }
  expect(unreadable(rollout, LIMITS)).toBe('mixed languages')
  expect(
    unreadable({ ...rollout, question: { ...rollout.question, language: 'zh' as const } }, LIMITS),
  ).toBeNull()
})
