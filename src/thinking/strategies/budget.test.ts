import { describe, expect, test } from 'vitest'
import { textOf, writingModel } from '../../testing/writing-model.ts'
import { collect } from '../collect.ts'
import type { TextModel, TextRequest, ThinkingFormat } from '../model.ts'
import { type BudgetOptions, withBudget } from './budget.ts'

const R1_ZERO: ThinkingFormat = {
  name: 'r1-zero',
  thinking: { start: '<think>', end: '</think>' },
  answer: { start: '<answer>', end: '</answer>' },
}
const MAGISTRAL: ThinkingFormat = {
  name: 'magistral',
  thinking: { start: '[THINK]', end: '[/THINK]' },
  answer: null,
}
const request: TextRequest = { messages: [{ role: 'user', content: '1+2?' }], seed: 3 }

/** Continues `whole` where the beginning agrees with it; otherwise thinks `more` if it is thinking, and answers `answer`. */
const script =
  (whole: string, { end = '</think>', more = 'm', answer = 'A' } = {}) =>
  (begun: string): string =>
    whole.startsWith(begun)
      ? whole.slice(begun.length)
      : begun.includes(end)
        ? answer
        : `${more}${end}${answer}`

const respond = (model: TextModel, options: BudgetOptions, more: Partial<TextRequest> = {}) =>
  collect(withBudget(model, options).respond({ ...request, ...more }))

/** What each request continued. */
const begun = ({ requests }: { requests: readonly TextRequest[] }): string[] =>
  requests.map(({ prefix = [] }) => prefix.map(textOf).join('|'))

describe('at most', () => {
  test.each<[string, string, ThinkingFormat | undefined, BudgetOptions, string[], string | null, string]>([
    ['ends by itself', '<think>abc</think>3', undefined, { max: 50 }, [''], 'abc', '3'],
    [
      'is cut',
      '<think>abcdef</think>3',
      undefined,
      { max: 10 },
      ['', '<think>abc|\n</think>\n\n'],
      'abc',
      'A',
    ],
    [
      'is cut with a sentence',
      '<think>abcdef</think>3',
      undefined,
      { max: 10, closing: 'So now.' },
      ['', '<think>abc|\nSo now.|\n</think>\n\n'],
      'abc\nSo now.',
      'A',
    ],
    [
      'is cut in the answer',
      '<think>ab</think>345',
      undefined,
      { max: 18 },
      ['', '<think>ab</think>3'],
      'ab',
      '345',
    ],
    [
      'is cut after a line',
      '<think>ab\ncd</think>3',
      undefined,
      { max: 10 },
      ['', '<think>ab\n|</think>\n\n'],
      'ab',
      'A',
    ],
    [
      'is cut in the end',
      '<think>ab</think>3',
      undefined,
      { max: 12 },
      ['', '<think>ab</t|\n</think>\n\n'],
      'ab</t',
      'A',
    ],
    ['is not allowed', '<think>ab</think>3', undefined, { max: 0 }, ['<think>\n|</think>\n\n'], null, 'A'],
    [
      'R1-Zero’s format',
      ' <think>abcdef</think>\n<answer>3</answer>',
      R1_ZERO,
      { max: 11 },
      ['', ' <think>abc|\n</think>\n<answer>'],
      'abc',
      'A',
    ],
    [
      'R1-Zero’s format, cut before the answer',
      ' <think>a</think>\n<answer>3</answer>',
      R1_ZERO,
      { max: 17 },
      ['', ' <think>a</think>'],
      'a',
      '3',
    ],
    [
      'other delimiters',
      '[THINK]abcdef[/THINK]3',
      MAGISTRAL,
      { max: 10 },
      ['', '[THINK]abc|[/THINK]'],
      'abc',
      'A',
    ],
    [
      'without tags',
      'The answer is 3.',
      undefined,
      { max: 4 },
      ['', '<think>\n', '<think>\n|mmmm|\n</think>\n\n'],
      'mmmm',
      'A',
    ],
  ])('thinking that %s', async (_, whole, format, options, expected, thinking, answer) => {
    const end = format?.thinking.end ?? '</think>'
    const more = whole.startsWith('The') ? 'mmmmmm' : 'm'
    const model = writingModel(script(whole, { end, more }), format ? { can: { format } } : {})
    const response = await respond(model, options)
    expect(begun(model)).toEqual(expected)
    expect(response).toMatchObject({ thinking, answer, end: { reason: 'stop' } })
    if (options.max! > 0) expect(response.end.usage.thinkingTokens).toBeLessThanOrEqual(options.max!)
  })
})
