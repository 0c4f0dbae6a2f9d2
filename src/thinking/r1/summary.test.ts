import { expect, test } from 'vitest'
import { parseSummary } from './summary.ts'

test.each([
  ['<think>\n1+1=2\n</think>\nIt is 2.', '1+1=2', 'It is 2.', null],
  ['Hello!', null, 'Hello!', null],
  ['<think>\n\n</think>\nHello!', '', 'Hello!', null],
  ['<think>\n1+1', '1+1', null, '</think> is missing'],
  ['<think>1</think>', '1', null, 'nothing follows the thinking'],
  ['', null, null, 'it is empty'],
  ['<think>1</think>\u200b', '1', null, 'nothing follows the thinking'],
  [
    '<think>1</think>a<think>2</think>b',
    '1',
    'a<think>2</think>b',
    'its tags are <think> </think> <think> </think>',
  ],
  [
    '<think>1</think><answer>2</answer>',
    '1',
    '<answer>2</answer>',
    'its tags are <think> </think> <answer> </answer>',
  ],
  ['Well. <think>1</think> 2', null, 'Well. <think>1</think> 2', 'its thinking is not at the beginning'],
])('%j', (text, thinking, summary, problem) => {
  expect(parseSummary(text)).toEqual({ thinking, summary, wellFormed: problem === null, problem })
})

test.each([
  ['1+1=2\n</think>\nIt is 2.', '1+1=2', 'It is 2.', null],
  ['1+1', '1+1', null, '</think> is missing'],
  ['<think>1</think> 2', '1', '2', 'its tags are <think> </think>'],
])('opened by the prompt: %j', (text, thinking, summary, problem) => {
  expect(parseSummary(text, { opened: true })).toEqual({
    thinking,
    summary,
    wellFormed: problem === null,
    problem,
  })
})
