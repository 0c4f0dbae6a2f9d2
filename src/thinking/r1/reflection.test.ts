import { expect, test } from 'vitest'
import { countReflection, REFLECTIVE_WORDS } from './reflection.ts'

test.each([
  ['', 0],
  ['Wait, wrong.\ncheck 8-5=3', 3],
  ['WAIT wait Wait', 3],
  ['await butter checked errors wrongly', 0],
  ['(but) however; error: verify? evaluate! retry-mistake', 7],
  ['等等, 错了.', 0],
  [REFLECTIVE_WORDS.join(' '), 10],
])('%j has %i reflective words', (text, n) => expect(countReflection(text)).toBe(n))
