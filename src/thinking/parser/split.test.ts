import { expect, test } from 'vitest'
import { splitThinking } from './split.ts'

test.each<[string, boolean, string | null, string | null]>([
  ['4', false, null, '4'],
  ['<think>a</think>4', false, 'a', '4'],
  ['\n<think>\na\n</think>\n\n4\n', false, 'a', '4'],
  ['<think></think>4', false, '', '4'],
  ['<think>cut', false, 'cut', null],
  ['a</think>4', true, 'a', '4'],
  ['cut', true, 'cut', null],
  ['<think>a</think>4', true, 'a', '4'],
  // the prompt opened the thinking, but `opened` does not say so
  ['a</think>4', false, 'a', '4'],
  ['<think>a</think>it ends with </think>', false, 'a', 'it ends with </think>'],
  ['The tags are <think> and </think>.', false, null, 'The tags are <think> and </think>.'],
])('%j, opened %j', (text, opened, thinking, answer) => {
  expect(splitThinking(text, { opened })).toEqual({ thinking, answer })
})
