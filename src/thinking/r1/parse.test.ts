import { expect, test } from 'vitest'
import { parseResponse } from './parse.ts'

test.each<[text: string, thinking: string | null, answer: string | null, problem: RegExp | null]>([
  [' <think>\na\nb\n</think>\n<answer>71</answer>', 'a\nb', '71', null],
  ['<think>a</think><answer> 7\n1 </answer>\n', 'a', '7\n1', null],
  ['<think></think><answer></answer>', '', '', /the thinking is empty/],
  ['<think> \n </think><answer>5</answer>', '', '5', /the thinking is empty/],
  ['<think>a</think><answer>\n</answer>', 'a', '', /the answer is empty/],
  ['', null, null, /<think> is missing/],
  ['just text', null, null, /<think> is missing/],
  ['<answer>1</answer>', null, '1', /<think> is missing/],
  ['<think>a', 'a', null, /<\/think> is missing/],
  ['<think>a<answer>1</answer>', 'a', '1', /<\/think> is missing/],
  ['<think>a</think>', 'a', null, /<answer> is missing/],
  ['<think>a</think><answer>1', 'a', null, /<\/answer> is missing/],
  ['<think>a</think> The answer is 1.', 'a', null, /<answer> is missing/],
  ['hm <think>a</think><answer>1</answer>', 'a', '1', /before <think>/],
  ['<think>a</think> so <answer>1</answer>', 'a', '1', /between/],
  ['<think>a</think><answer>1</answer> done', 'a', '1', /after <\/answer>/],
  ['<think>a<think>b</think></think><answer>1</answer>', 'a<think>b', '1', /<think> appears 2 times/],
  ['<think>a</think><think>b</think><answer>1</answer>', 'a', '1', /<think> appears 2 times/],
  ['<think>a</think><answer>1</answer><answer>2</answer>', 'a', '2', /<answer> appears 2 times/],
  ['<answer>1</answer><think>a</think>', 'a', null, /out of order/],
  ['<think><answer>1</answer></think>', '<answer>1</answer>', null, /out of order/],
  ['</think>a<think><answer>1</answer>', '', '1', /out of order/],
  ['<think>a</think></answer>1<answer>', 'a', null, /out of order/],
  ['<Think>a</Think><answer>1</answer>', null, '1', /<think> is missing/],
])('%j', (text, thinking, answer, problem) => {
  const parsed = parseResponse(text)
  expect(parsed).toMatchObject({ thinking, answer, wellFormed: problem === null })
  if (problem) expect(parsed.problem).toMatch(problem)
  else expect(parsed.problem).toBeNull()
})

test.each<[text: string, thinking: string | null, answer: string | null, wellFormed: boolean]>([
  ['a</think><answer>1</answer>', 'a', '1', true],
  ['\na\nb', 'a\nb', null, false],
  ['<think>a</think><answer>1</answer>', '<think>a', '1', false],
  ['</think><answer>1</answer>', '', '1', false],
])('opened by the prompt: %j', (text, thinking, answer, wellFormed) => {
  expect(parseResponse(text, { opened: true })).toMatchObject({ thinking, answer, wellFormed })
})
