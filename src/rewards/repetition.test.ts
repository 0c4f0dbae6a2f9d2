import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { repeatedShare, repetition } from './repetition.ts'

test.each<[text: string, n: number, share: number]>([
  ['a b c d', 1, 0],
  ['a b a b', 1, 1 / 2],
  ['a b a b', 2, 1 / 3],
  ['a b A B', 2, 1 / 3],
  ['a b a b', 4, 0],
  ['a b', 3, 0],
  ['', 1, 0],
  ['a a a a', 1, 3 / 4],
  ['检查检查', 2, 1 / 3],
  ['1+1=2 1+1=2', 5, 1 / 6],
  ['1 1', 1, 1 / 2],
  ['a, b. a, b.', 4, 1 / 5],
])('%j, n %i: %s', (text, n, share) => {
  expect(repeatedShare(text, n)).toBeCloseTo(share, 12)
})

const score = (response: string, n?: number) =>
  repetition(n === undefined ? {} : { n }).score(fakeRollout({ response }))

test('0 for an honest response, nearly −1 for a loop', () => {
  expect(score('First 6*9=54, then 54+17=71. Let me check: 71-17=54, and 54/9=6. So the result is 71.')).toBe(
    0,
  )
  expect(score('Wait, let me check this again. '.repeat(50))).toBeLessThan(-0.97)
})

test.each(['ha'.repeat(2000), 'ahem'.repeat(2000), '!'.repeat(2000), '\n'.repeat(2000), '哈'.repeat(2000)])(
  'a loop without white space counts too',
  (response) => expect(score(response, 4)).toBeLessThan(-0.9),
)

test('fooled by a counter in the loop', () => {
  const loop = Array.from({ length: 50 }, (_, i) => `Step ${i}: check again.`).join(' ')
  expect(score(loop)).toBe(0)
  expect(score(loop, 4)).toBeLessThan(-0.3)
})

test('n is a whole number of at least 1', () => {
  for (const n of [0, -1, 1.5, Number.NaN])
    expect(() => repetition({ n })).toThrow(/n must be a whole number/)
})
