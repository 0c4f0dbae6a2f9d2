import { expect, test } from 'vitest'
import { countPhrases, mostSpread, phrasesOf } from './phrases.ts'

test.each<[string, string, string, string[]]>([
  ['words', 'Happy to help! Happy', 'words', ['happy to help', 'to help happy']],
  ['each once', 'a b c a b c a', 'words', ['a b c', 'b c a', 'c a b']],
  [
    'numbers and signs left out',
    'Tom has \\boxed{71} apples.',
    'words',
    ['tom has boxed', 'has boxed apples'],
  ],
  ['characters', '乐意帮忙! 乐意', 'characters', ['乐意帮忙乐', '意帮忙乐意']],
  ['characters beside a word', '巴黎 Paris 是首都', 'characters', ['巴黎是首都']],
  ['a word with a character in it', 'the 猫cat is here', 'words', ['the cat is', 'cat is here']],
  ['too short', 'Hi there.', 'words', []],
  ['nothing', '', 'words', []],
])('phrases: %s', (_, text, writing, phrases) => {
  expect(phrasesOf(text)).toEqual({ writing, found: new Set(phrases) })
})

/** Steps with two answers to each of `questions` questions; `text(i)` is answer i. */
const steps = (questions: number, text: (i: number) => string, from = 0) =>
  Array.from({ length: 5 }, (_, step) =>
    countPhrases(
      Array.from({ length: questions * 2 }, (_, i) => ({
        question: `${from}.${step}.${i >> 1}`,
        text: text(i),
      })),
    ),
  )
const distinct = (i: number): string => `answer${i} goes here${i}`
const padded = (i: number): string => `${distinct(i)} and I am glad`

test('finds the phrase that spread most, in either writing system', () => {
  const mixed = (i: number): string => (i % 2 ? '我很高兴' : 'so it is')
  const glad = (i: number): string => (i % 2 ? '我很高兴帮忙' : 'so it is')
  expect(mostSpread(steps(4, distinct), steps(4, padded, 1))).toMatchObject({ was: 0, is: 1 })
  expect(mostSpread(steps(4, mixed), steps(4, glad, 1))).toEqual({ phrase: '我很高兴帮', was: 0, is: 1 })
})

test.each<[string, ReturnType<typeof steps>, ReturnType<typeof steps>]>([
  ['it was frequent from the start', steps(4, padded), steps(4, padded, 1)],
  [
    'it was not rare at first',
    steps(4, (i) => (i < 3 ? padded(i) : '')),
    steps(4, (i) => (i < 3 ? padded(i) : ''), 1),
  ],
  ['there are too few questions', steps(1, distinct), steps(1, padded, 1)],
])('no phrase if %s', (_, first, last) => {
  expect(mostSpread(first, last)).toBeNull()
})
