import { expect, test } from 'vitest'
import { opensThinking, withOpening } from './opened.ts'

test.each([
  ['<｜User｜>q<｜Assistant｜><think>\n', true],
  ['<|im_start|>assistant\n<think>', true],
  ['<|im_start|>assistant\n<think> \r\n\t\n', true],
  ['', false],
  ['<|im_start|>assistant\n', false],
  ['<|im_start|>assistant\n<think>\n\n</think>\n\n', false],
  ['<think></think>', false],
  ['What does <think> mean?<|im_end|>\n<|im_start|>assistant\n', false],
  ['are enclosed within <think>...</think> tags. Assistant:', false],
  [`<think>${'\n'.repeat(200_000)}x`, false],
])('%j', (prompt, opened) => expect(opensThinking(prompt)).toBe(opened))

test('a response with the tag that its prompt left open', () => {
  expect(withOpening({ response: 'a</think>4', opened: true })).toBe('<think>\na</think>4')
  expect(withOpening({ response: '<think>a</think>4', opened: false })).toBe('<think>a</think>4')
})
