import { expect, test } from 'vitest'
import type { TextUsage } from '../../../thinking/model.ts'
import { totalsOf } from './shared.ts'

const usage = (completionTokens: number | null): TextUsage => ({
  promptTokens: 5,
  cachedTokens: null,
  completionTokens,
  thinkingTokens: 2,
})

test.each([
  ['the prompt counts once', [3, 4], [0, 0], { prompt: 5, cached: null, completion: 7, thinking: 4 }],
  ['two prompts', [3, 4], [0, 1], { prompt: 10, cached: null, completion: 7, thinking: 4 }],
  [
    'a count that one response does not know',
    [3, null],
    [0, 0],
    { prompt: 5, cached: null, completion: null, thinking: 4 },
  ],
])('totals of usage: %s', (_, counts, prompts, totals) => {
  expect(totalsOf(counts.map(usage), prompts)).toEqual(totals)
})
