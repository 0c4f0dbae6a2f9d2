import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { percent, percentInterval, table } from './output.ts'
import { plot } from './plot.ts'
import { displayWidth, oneLine, padEnd, padStart, shorten, tail, truncate, wrap } from './width.ts'

const WORDS = [
  'a',
  'step',
  'accuracy,',
  '检查',
  '等等,错了。',
  '한국어',
  '👍🏽',
  '👨‍👩‍👧',
  '❤️',
  'e\u0301',
  '→',
  '7-4+2',
]
const WIDTHS = [1, 2, 3, 7, 20, 40, 60, 79, 80, 120]

/** Texts of up to 30 words in several scripts. */
const texts = Array.from({ length: 40 }, (_, i) => {
  const random = new Random(i, 'texts')
  return Array.from({ length: random.int(1, 30) }, () => random.pick(WORDS)).join(random.pick([' ', '  ']))
})

test.each([
  ['abc', 3],
  ['检查', 4],
  ['한국', 4],
  ['e\u0301', 1],
  ['👍', 2],
  ['\u001b[1mbold\u001b[22m', 4],
])('%j takes %d columns', (text, width) => {
  expect(displayWidth(text)).toBe(width)
  expect(displayWidth(padEnd(text, 6))).toBe(6)
  expect(displayWidth(padStart(text, 6))).toBe(6)
})

test.each([
  [truncate, 'abcdef', 4, 'abc…'],
  [truncate, 'abcd', 4, 'abcd'],
  [truncate, '检查一下', 5, '检查…'],
  [truncate, '检查一下', 4, '检…'],
  [tail, 'one\n two  three', 6, '…three'],
  [tail, '等等,错了', 5, '…错了'],
  [tail, 'a\u001b[31mb\u0007c', 9, 'a [31mb c'],
  [shorten, 'downloading owner/model/file: 3 %', 20, 'downlo…del/file: 3 %'],
] as const)('%o of %j in %d columns', (cut, text, width, expected) => {
  expect(cut(text, width)).toBe(expected)
})

describe('no line is wider than the terminal', () => {
  test.each(WIDTHS)('%d columns', (width) => {
    for (const text of texts) {
      expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width)
      expect(displayWidth(tail(text, width))).toBeLessThanOrEqual(width)
      expect(displayWidth(shorten(text, width))).toBeLessThanOrEqual(width)
      // a word without wide characters is never broken
      const longest = Math.max(
        ...text.split(/\s+/).map((word) => (/^[\x20-\x7e]+$/.test(word) ? word.length : 4)),
      )
      const room = Math.max(width, 2 + longest)
      for (const line of wrap(text, room, 2).split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(room)
    }
  })
  test.each([40, 60, 80])('tables and plots of %d columns', (width) => {
    for (const [i, text] of texts.entries()) {
      const rows = texts.slice(i, i + 5).map((name) => [oneLine(name), '12.0 % ± 1.9', '13.0 %'])
      for (const line of table([[text, 'before', 'after'], ...rows], width).split('\n'))
        expect(displayWidth(line)).toBeLessThanOrEqual(width)
    }
    const points = [0, 5, 3].map((value, step) => ({ step, value: value * 1000 }))
    const lines = plot('p', points, { columns: width }).split('\n')
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width)
    expect(Math.max(...lines.map(displayWidth))).toBeGreaterThan(width - 20)
  })
})

test('wrapping loses nothing but the spaces at line ends', () => {
  const bare = (text: string): string => text.replace(/\s/g, '')
  for (const text of texts) for (const width of WIDTHS) expect(bare(wrap(text, width, 2))).toBe(bare(text))
})

test.each([
  ['short', 10, 'short'],
  ['one two three', 7, 'one two\n  three'],
  ['  a margin stays', 10, '  a margin\n    stays'],
  ['first\nsecond line', 8, 'first\nsecond\n  line'],
  ['go on with `ruminate resume zero-1`, or', 20, 'go on with\n  `ruminate resume zero-1`,\n  or'],
  [
    'the folder /a/very/long/path/without/spaces is',
    12,
    'the folder\n  /a/very/long/path/without/spaces\n  is',
  ],
  ['harm refused 80.0 % of', 17, 'harm refused\n  80.0 % of'],
  ['检查检查检查。', 7, '检查检\n  查检\n  查。'],
])('wrap(%j, %d)', (text, width, expected) => {
  expect(wrap(text, width, 2)).toBe(expected)
})

test('percent and table', () => {
  expect([percent(0.1234), percent(null), percent(Number.NaN)]).toEqual(['12.3 %', '–', '–'])
  expect([percentInterval(0.5, 0.012), percentInterval(1, Number.NaN)]).toEqual(['50.0 % ± 1.2', '100.0 %'])
  const rows = [
    ['a', '1'],
    ['long', '22'],
    ['检查', '3'],
  ]
  expect(table(rows)).toBe('  a       1\n  long   22\n  检查    3')
  expect(table(rows, 10)).toBe('  a      1\n  long  22\n  检查   3')
  expect(table(rows, 9)).toBe('  a     1\n  long 22\n  检查  3')
})
