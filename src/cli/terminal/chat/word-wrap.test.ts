import { expect, test } from 'vitest'
import { WordWrap } from './word-wrap.ts'

test.each([
  ['one two three four', 'one two\nthree four'],
  ['a\n\n- one two three', 'a\n\n- one two\nthree'],
  ['averyverylongword two', 'averyverylongword\ntwo'],
  ['```\none two three four\n```\none two three', '```\none two three four\n```\none two\nthree'],
  ['  one two', '  one two'],
  ['中文字 中文 中', '中文字\n中文 中'],
])('%j at ten columns', (text, expected) => {
  for (const chunks of [[text], text.split('')]) {
    const wrap = new WordWrap(() => 10)
    expect(chunks.map((chunk) => wrap.push(chunk)).join('') + wrap.end()).toBe(expected)
  }
})
