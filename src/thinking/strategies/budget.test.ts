import { describe, expect, test } from 'vitest'
import { PromptTooLong } from '../../common/errors.ts'
import { textOf, writingModel } from '../../testing/fakes/writing-model.ts'
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

describe('at least', () => {
  /** Ends its thinking after each of `thoughts`. */
  const thinks =
    (...thoughts: string[]) =>
    (before: string): string => {
      if (before.includes('</think>')) return 'A'
      const at = before.split('Wait').length - 1
      return `${thoughts[at] ?? 'm'}</think>A`
    }

  test.each<[string, string[], BudgetOptions, string[], string]>([
    ['reached at once', ['abcdef'], { min: 5 }, ['', 'abcdef|</think>'], 'abcdef'],
    ['with a wait', ['ab', 'cde'], { min: 5 }, ['', 'ab|\nWait', 'ab|\nWait|cde|</think>'], 'ab\nWaitcde'],
    [
      'with as many waits as allowed',
      ['ab', 'c', 'd'],
      { min: 50, waits: 2 },
      ['', 'ab|\nWait', 'ab|\nWait|c|\nWait', 'ab|\nWait|c|\nWait|d|</think>'],
      'ab\nWaitc\nWaitd',
    ],
    [
      'and at most',
      ['ab', 'cdefghijklmnopqrstuvwxyz'],
      { min: 5, max: 20 },
      ['', 'ab|\nWait', 'ab|\nWait|cdefghijkl|\n</think>\n\n'],
      'ab\nWaitcdefghijkl',
    ],
  ])('thinking %s', async (_, thoughts, options, expected, thinking) => {
    const model = writingModel(thinks(...thoughts), { opened: true })
    const response = await respond(model, options)
    expect(begun(model)).toEqual(expected)
    expect(response).toMatchObject({ thinking, answer: 'A', end: { reason: 'stop' } })
    const { usage } = response.end
    if (options.max !== undefined) expect(usage.thinkingTokens).toBeLessThanOrEqual(options.max)
    expect(response.end.text).toBe(`${thinking}${options.max ? '\n</think>\n\n' : '</think>'}A`)
  })

  test('a response that begins with an answer is begun again', async () => {
    const model = writingModel((before) => (before === '' ? 'The answer is 3.' : thinks('abcdef')(before)))
    expect(await respond(model, { min: 5 })).toMatchObject({ thinking: 'abcdef', answer: 'A' })
    expect(begun(model)).toEqual(['', '<think>\n', '<think>\n|abcdef|</think>'])
  })

  test('the model’s own end of its thinking is the one that is held back, and stop strings wait until then', async () => {
    const model = writingModel(thinks('ab', 'cdef'), { opened: true })
    await respond(model, { min: 5 }, { stop: ['e'] })
    expect(model.requests.map(({ stop }) => stop)).toEqual([['</think>'], ['</think>'], ['e']])
  })

  test('a response that is as long as it may be, when its thinking ends too early, ends', async () => {
    const model = writingModel(thinks('ab'), { opened: true })
    const longest = 'ab</think>'.length
    expect(await respond(model, { min: 50 }, { maxTokens: longest })).toMatchObject({
      thinking: 'ab\nWait',
      answer: null,
      end: { reason: 'length', usage: { completionTokens: longest } },
    })
    expect(model.requests).toHaveLength(1)
  })

  test('a response that the context has no room to continue ends', async () => {
    const full = (before: string): string => {
      if (before.length > 4) throw new PromptTooLong('full')
      return thinks('ab')(before)
    }
    for (const options of [{ min: 50 }, { max: 1 }])
      expect(await respond(writingModel(full, { opened: true }), options)).toMatchObject({
        answer: null,
        end: { reason: 'length' },
      })
    const model = writingModel(() => full('too long'), { opened: true })
    await expect(respond(model, { min: 50 })).rejects.toThrow('full')
  })

  test('a model that does not report its tokens cannot think at least so long', async () => {
    await expect(
      respond(writingModel(thinks('ab'), { tokens: false, opened: true }), { min: 5 }),
    ).rejects.toThrow('writer does not report its tokens')
  })
})

describe('requests', () => {
  test('the longest response counts everything that was generated', async () => {
    const model = writingModel(script('<think>abcdef</think>3', { answer: 'ABCDEF' }))
    const response = await respond(model, { max: 10 }, { maxTokens: 13 })
    expect(model.requests.map(({ maxTokens }) => maxTokens)).toEqual([10, 3])
    expect(response).toMatchObject({ answer: 'ABC', end: { reason: 'length' } })
    const short = writingModel(script('<think>abcdef</think>3'))
    expect((await respond(short, { max: 10 }, { maxTokens: 10 })).end.reason).toBe('length')
    expect(short.requests).toHaveLength(1)
  })

  test('usage is the sum of all requests, and tokens are those of the whole where nothing was put in', async () => {
    const model = writingModel(script('<think>ab</think>345'))
    const { end } = await respond(model, { max: 18 })
    expect(end.usage).toEqual({
      promptTokens: 10 + 10 + '<think>ab</think>3'.length,
      cachedTokens: null,
      completionTokens: 20,
      thinkingTokens: '<think>ab</think>'.length,
    })
    expect(textOf(end.tokens!)).toBe('<think>ab</think>345')
    const cut = await respond(writingModel(script('<think>abcdef</think>3')), { max: 10 })
    expect(cut.end).toMatchObject({ tokens: null, text: '<think>abc\n</think>\n\nA' })
  })

  test('only the first request draws from the random stream of the seed', async () => {
    const model = writingModel(script('<think>abcdef</think>3'))
    await respond(model, { max: 10 }, { sample: 5 })
    expect(model.requests.map(({ sample }) => sample)).toEqual([5, 5])
    expect(model.requests[0]!.seed).toBe(3)
    expect(model.requests[1]!.seed).not.toBe(3)
  })

  test('a model that reports text alone is continued by it', async () => {
    const model = writingModel(script('<think>abcdef</think>3'), { tokens: false })
    expect(await respond(model, { max: 10 })).toMatchObject({ thinking: 'abc', answer: 'A' })
    expect(begun(model)).toEqual(['', '<think>abc|\n</think>\n\n'])
  })

  test('where the prompt opened the thinking and only text is known, the beginning gets its delimiter', async () => {
    const model = writingModel((before) => (before.includes('</think>') ? 'A' : 'abcdef</think>3'), {
      tokens: false,
      opened: true,
    })
    expect(await respond(model, { max: 3 })).toMatchObject({ thinking: 'abc', answer: 'A' })
    expect(begun(model)).toEqual(['', '<think>\nabc|\n</think>\n\n'])
  })

  test('without thinking, there is no budget', async () => {
    const model = writingModel(() => '3')
    expect(await respond(model, { max: 5 }, { thinking: false })).toMatchObject({ answer: '3' })
    expect(model.requests).toHaveLength(1)
  })

  test('each piece comes as it is generated', async () => {
    const seen: string[] = []
    const model = writingModel(script('<think>abcdefghijk</think>3'))
    for await (const event of withBudget(model, { max: 14 }).respond(request)) {
      if (event.type === 'thinking' || event.type === 'answer')
        seen.push(`${model.requests.length}${event.text}`)
    }
    expect(seen).toEqual(['1a', '1b', '1c', '1d', '1e', '1f', '1g', '2A'])
  })

  test('an abort reaches every request', async () => {
    const controller = new AbortController()
    const model = writingModel(script('<think>abcdef</think>3', { answer: 'ABCDEF' }))
    const responded = withBudget(model, { max: 10 }).respond({ ...request, signal: controller.signal })
    await expect(
      (async () => {
        for await (const event of responded) if (event.type === 'answer') controller.abort(new Error('gone'))
      })(),
    ).rejects.toThrow('gone')
    expect(model.requests).toHaveLength(2)
  })
})

test.each<[BudgetOptions, RegExp]>([
  [{ max: -1 }, /largest budget must be a whole number of at least 0/],
  [{ max: 1.5 }, /largest budget/],
  [{ min: Number.NaN }, /smallest budget/],
  [{ min: 9, max: 5 }, /at least 9 and at most 5/],
])('refused: %j', (options, message) => {
  expect(() =>
    withBudget(
      writingModel(() => ''),
      options,
    ),
  ).toThrow(message)
})

test('a model that cannot continue a response is refused before it is asked, by its name', () => {
  const model = writingModel(() => '', { can: { prefix: false } })
  expect(() => withBudget(model, { max: 5 })).toThrow(/^writer cannot continue a response/)
  expect(model.requests).toHaveLength(0)
})
