import { expect, test } from 'vitest'
import { LengthCounter } from './lengths.ts'
import { OverlapIndex } from './overlap.ts'

const words = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `w${from + i}`).join(' ')
const thirteen = words(0, 13)
test.each<[heldOut: string, training: string, words: number | null]>([
  [thirteen, thirteen, 13],
  [thirteen, `Before. ${thirteen.toUpperCase().replaceAll(' ', ', ')}! After?`, 13],
  [words(0, 40), `${words(5, 20)} other`, 20],
  [words(0, 12), words(0, 12), null],
  [words(0, 30), words(18, 30), null],
  [words(0, 30), words(17, 30), 13],
  [words(0, 13), words(0, 13).split(' ').reverse().join(' '), null],
  ['小明有三个苹果，小红给了他两个。', '昨天小明有三个苹果，小红给了他两个！现在呢', 14],
  [words(0, 12), '', null],
])('%j in %j: %o words in common', (heldOut, training, common) => {
  const index = new OverlapIndex()
  index.add(5, heldOut)
  expect(index.find(training)).toEqual(common === null ? [] : [{ index: 5, words: common }])
})

test('words that many held-out questions share are ignored', () => {
  const index = new OverlapIndex()
  for (let i = 0; i < 3; i++) index.add(i, `${words(100 * i + 100, 5)} ${thirteen}`)
  expect(index.find(thirteen)).toEqual([])
})

test('quantiles of lengths are lengths that occur', () => {
  const counter = new LengthCounter()
  expect(counter.summary()).toBeNull()
  for (let length = 100; length >= 1; length--) counter.add(length)
  expect(counter.summary()).toEqual({ min: 1, median: 50, p90: 90, p99: 99, max: 100 })
})
