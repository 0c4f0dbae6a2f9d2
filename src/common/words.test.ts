import { expect, test } from 'vitest'
import { counted } from './progress.ts'
import { abridged, clock, fileSize, oneLine, plural } from './words.ts'

test.each([
  [0, 'step', undefined, '0 steps'],
  [1, 'step', undefined, '1 step'],
  [2, 'step', undefined, '2 steps'],
  [1, 'reply', 'replies', '1 reply'],
  [3, 'reply', 'replies', '3 replies'],
  [1, 'row is', 'rows are', '1 row is'],
])('plural(%s, %s, %s) is %s', (count, one, many, text) => {
  expect(plural(count, one, many)).toBe(text)
})

test.each([
  [5, '0:05'],
  [75, '1:15'],
  [3675, '1:01:15'],
  [Number.NaN, '–'],
])('clock(%s) is %s', (seconds, shown) => {
  expect(clock(seconds)).toBe(shown)
})

test('counted work reports what is done, and the time left once it is known', () => {
  const lines: string[] = []
  const done = counted((line) => lines.push(line), 'answering', 2)
  done()
  done()
  expect(lines).toEqual([
    'answering: 0 of 2',
    expect.stringMatching(/^answering: 1 of 2, \d+:\d\d left$/),
    'answering: 2 of 2',
  ])
})

test.each([
  ['a\n  b\tc ', 'a b c'],
  ['1234567890', '1234567890'],
  ['12345678901', '123456789…'],
])('%j on one line of 10 characters is %j', (text, line) => {
  expect(oneLine(text, 10)).toBe(line)
})

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1234, '1.2 kB'],
  [98_362_432, '98 MB'],
  [999_600, '1 MB'],
  [1.36e9, '1.4 GB'],
])('%s bytes are %s', (bytes, text) => {
  expect(fileSize(bytes)).toBe(text)
})

test.each([
  [['a', 'b'], 'a, b'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'a, b, c, d, e and 2 more'],
])('%j is abridged to %s', (names, text) => {
  expect(abridged(names)).toBe(text)
})
