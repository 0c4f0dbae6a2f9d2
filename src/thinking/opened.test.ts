import { expect, test } from 'vitest'
import { opensThinking } from './opened.ts'

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
