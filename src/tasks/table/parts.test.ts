import { expect, test } from 'vitest'
import { hashText, Random } from '../../common/random.ts'
import { Distinct } from './distinct.ts'
import { LengthCounter } from './lengths.ts'
import { OverlapIndex } from './overlap.ts'
import { Spool } from './spool.ts'

test('a spool gives back what it was given, whether in memory or not', () => {
  const random = new Random(1)
  const texts = Array.from({ length: 400 }, (_, i) => `${i} ü€𝒳 `.repeat(random.int(0, 25_000)))
  expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeGreaterThan(40 << 20)
  const spool = new Spool()
  for (const [i, text] of texts.entries()) {
    spool.push(text)
    expect(spool.read(i) === text).toBe(true)
  }
  expect(spool.length).toBe(400)
  for (const i of [0, 399, 1, 200, 398, 199, ...texts.keys()]) expect(spool.read(i) === texts[i]).toBe(true)
  spool.close()
})

test('a text longer than the memory of a spool', () => {
  const spool = new Spool()
  const long = 'x'.repeat(40 << 20)
  for (const text of ['a', long, 'b', long]) spool.push(text)
  expect([0, 1, 2, 3].map((i) => spool.read(i).length)).toEqual([1, long.length, 1, long.length])
  spool.close()
})

test('Distinct finds the first equal text, also among equal hashes', () => {
  for (const hash of [hashText, () => 7, (text: string) => text.length]) {
    const random = new Random(2)
    const seen: string[] = []
    const distinct = new Distinct()
    for (let i = 0; i < 3000; i++) {
      const text = `${random.int(0, 999)}`
      const first = distinct.add(hash(text), (index) => seen[index] === text)
      expect(first).toBe(seen.includes(text) ? seen.indexOf(text) : null)
      if (first === null) seen.push(text)
    }
    expect(seen.length).toBeGreaterThan(900)
  }
})

const words = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `w${from + i}`).join(' ')
const thirteen = words(0, 13)
test.each<[evaluation: string, training: string, words: number | null]>([
  [thirteen, thirteen, 13],
  [thirteen, `Before. ${thirteen.toUpperCase().replaceAll(' ', ', ')}! After?`, 13],
  [words(0, 40), `${words(5, 20)} other`, 20],
  [words(0, 12), words(0, 12), null],
  [words(0, 30), words(18, 30), null],
  [words(0, 30), words(17, 30), 13],
  [words(0, 13), words(0, 13).split(' ').reverse().join(' '), null],
  ['小明有三个苹果，小红给了他两个。', '昨天小明有三个苹果，小红给了他两个！现在呢', 14],
  [words(0, 12), '', null],
])('%j in %j: %o words in common', (evaluation, training, common) => {
  const index = new OverlapIndex()
  index.add(5, evaluation)
  expect(index.find(training)).toEqual(common === null ? [] : [{ index: 5, words: common }])
})

test('words that many evaluation questions share are how they are worded', () => {
  const index = new OverlapIndex()
  for (let i = 0; i < 3; i++) index.add(i, `${words(100 * i + 100, 5)} ${thirteen}`)
  expect(index.find(thirteen)).toEqual([])
})

test('quantiles of lengths are lengths that there are', () => {
  const counter = new LengthCounter()
  expect(counter.summary()).toBeNull()
  for (let length = 100; length >= 1; length--) counter.add(length)
  expect(counter.summary()).toEqual({ min: 1, median: 50, p90: 90, p99: 99, max: 100 })
})
