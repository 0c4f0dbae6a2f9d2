import { expect, test } from 'vitest'
import type { TextResponse } from '../model.ts'
import { FORMATS, type FormatName } from '../parser/formats.ts'
import { parseThinking } from '../parser/parser.ts'
import { gradedAnswer } from './graded.ts'

test.each<[FormatName, string, string | null, boolean]>([
  ['r1-zero', ' <think>a</think> <answer>7</answer>', '7', true],
  // what stands outside of the answer part does not count
  ['r1-zero', '<think>a</think>7', null, false],
  ['r1-zero', '<think>a</think> So: <answer>7</answer> Done.', '7', false],
  ['r1-zero', '<think>a</think><answer>7', null, false],
  ['deepseek', '<think>a</think>7', '7', true],
  ['deepseek', '<think>a</think> ', null, false],
  ['granite-3.3', '<think>a</think><response>7</response>', '7', true],
  [
    'openthinker',
    '<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>7<|end_of_solution|>',
    '7',
    true,
  ],
  ['magistral', '[THINK]a[/THINK]7', '7', true],
  ['magistral', '[THINK]a', null, false],
])('%s: %j', (name, text, answer, wellFormed) => {
  const format = FORMATS[name]
  const usage = { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null }
  const response: TextResponse = {
    ...parseThinking(text, { format }),
    toolCalls: [],
    end: { type: 'end', reason: 'stop', usage, text, tokens: null },
  }
  expect(gradedAnswer(response, format)).toMatchObject({ answer, wellFormed })
  // a provider that separated the thinking knows no text
  const separated = { ...response, end: { ...response.end, text: null } }
  expect(gradedAnswer(separated, format)).toEqual({ answer: response.answer, wellFormed: null })
})
