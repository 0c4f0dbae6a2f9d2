import { expect, test } from 'vitest'
import { printable, styledPrintable } from './printable.ts'

test.each([
  ['plain text, 中文, emoji 🙂 and é', 'plain text, 中文, emoji 🙂 and é'],
  ['a\tb\nc\r\nd', 'a\tb\nc\nd'],
  ['\x1b[31mred\x1b[0m', '␛[31mred␛[0m'],
  ['\x1b]0;title\x07', '␛]0;title␇'],
  ['over\rwritten\b\b', 'over␍written␈␈'],
  ['nul \0 and del \x7f', 'nul ␀ and del ␡'],
  ['C1 \x9b31m', 'C1 \ufffd31m'],
  ['half \ud83d of a pair \ude42', 'half \ufffd of a pair \ufffd'],
  ['\u202etxt.exe\u2066', '\ufffdtxt.exe\ufffd'],
])('%j', (text, shown) => {
  expect(printable(text)).toBe(shown)
  expect(printable(shown)).toBe(shown)
})

test('text with colours of its own keeps them and no other escape sequence', () => {
  expect(styledPrintable('\x1b[1mbold\x1b[22m \x1b[2J\x1b]0;t\x07 \x1b[38;5;1mx')).toBe(
    '\x1b[1mbold\x1b[22m ␛[2J␛]0;t␇ \x1b[38;5;1mx',
  )
})
