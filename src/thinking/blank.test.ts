import { expect, test } from 'vitest'
import { isBlank } from './blank.ts'

test.each([
  '',
  ' \t\r\n',
  '\u00a0\u3000\u2003',
  '\u200b\u200c\u200d\u2060\ufeff',
  '\u00ad\u034f\u115f\u3164\u2800',
  '\u202e\u2066\u2069',
  '\u0000\u0007',
  '\ufe0f\u0301',
  '\ufffd\ufffd',
  '...',
  ' … ',
  '. . .',
  '。',
  '<|im_end|>',
  '<｜end▁of▁sentence｜>\n',
])('%j is blank', (text) => expect(isBlank(text)).toBe(true))

test.each([
  'a',
  '5',
  '-',
  '+',
  '*',
  '/',
  '?',
  '%',
  '是',
  '√',
  '😀',
  '\u200b7',
  '<x>',
  '<',
  '$0.5$',
  'न\u093f',
])('%j is not', (text) => expect(isBlank(text)).toBe(false))
