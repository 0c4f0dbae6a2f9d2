import { expect, test } from 'vitest'
import { parseSummary } from './summary.ts'

test.each([
  ['<think>\n1+1=2\n</think>\nIt is 2.', '1+1=2', 'It is 2.', true],
  ['Hello!', null, 'Hello!', true],
  ['<think>\n\n</think>\nHello!', '', 'Hello!', true],
  ['<think>\n1+1', '1+1', null, false],
  ['<think>1</think>', '1', null, false],
  ['', null, null, false],
  ['<think>1</think>\u200b', '1', null, false],
  ['<think>1</think>a<think>2</think>b', '1', 'a<think>2</think>b', false],
  ['<think>1</think><answer>2</answer>', '1', '<answer>2</answer>', false],
  ['Well. <think>1</think> 2', null, 'Well. <think>1</think> 2', false],
])('%j', (text, thinking, summary, wellFormed) => {
  expect(parseSummary(text)).toEqual({ thinking, summary, wellFormed })
})

test.each([
  ['1+1=2\n</think>\nIt is 2.', '1+1=2', 'It is 2.', true],
  ['1+1', '1+1', null, false],
  ['<think>1</think> 2', '1', '2', false],
])('opened by the prompt: %j', (text, thinking, summary, wellFormed) => {
  expect(parseSummary(text, { opened: true })).toEqual({ thinking, summary, wellFormed })
})
