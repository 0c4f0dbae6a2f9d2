import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { accuracy } from './accuracy.ts'

test.each<[gold: string, answer: string | null, score: number | null]>([
  ['71', '71', 1],
  ['71', '17', 0],
  ['71', null, 0],
  ['?', '71', null],
])('gold %s, answer %s: %s', async (gold, answer, score) => {
  expect(await accuracy.score(fakeRollout({ gold, answer }))).toBe(score)
})

test('fooled by a lucky guess: it does not read the thinking', async () => {
  const guess = fakeRollout({ thinking: 'I guess.', response: '<think>I guess.</think><answer>71</answer>' })
  expect(await accuracy.score(guess)).toBe(1)
})
