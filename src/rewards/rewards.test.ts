import { describe, expect, test } from 'vitest'
import { accuracy } from './accuracy.ts'
import { scoreRollout } from './compose.ts'
import { format } from './format.ts'
import { isMixed, language, languageShare } from './language.ts'
import type { Checker } from './question.ts'
import type { Reward, Rollout } from './reward.ts'

const task: Checker = {
  name: 'test',
  language: 'en',
  check: (question, answer) => ({
    correct: question.gold === '?' ? null : answer === question.gold,
    reason: '',
  }),
}
const rollout = (of: Partial<Rollout> & { gold?: string } = {}): Rollout => ({
  question: { id: '1', prompt: 'q', gold: of.gold ?? '71', kind: 'k' },
  task,
  prompt: '',
  response: '<think>a</think><answer>71</answer>',
  thinking: 'a',
  answer: '71',
  tokens: 9,
  stopReason: 'stop',
  ...of,
})

test.each<[gold: string, answer: string | null, score: number | null]>([
  ['71', '71', 1],
  ['71', '17', 0],
  ['71', null, 0],
  ['?', '71', null],
])('accuracy: gold %s, answer %s: %s', async (gold, answer, score) => {
  expect(await accuracy.score(rollout({ gold, answer }))).toBe(score)
})

test.each<[response: string, opened: boolean, score: number]>([
  [' <think>\na\n</think>\n<answer>1</answer>', false, 1],
  ['a\n</think>\n<answer>1</answer>', true, 1],
  ['a\n</think>\n<answer>1</answer>', false, 0],
  ['<think>a</think><answer>1</answer>', true, 0],
  ['<think>a</think><answer>1</answer> more', false, 0],
  ['', false, 0],
])('format: %j, opened %o: %i', (response, opened, score) => {
  expect(format({ opened }).score(rollout({ response }))).toBe(score)
})

test.each<[text: string, en: number | null, zh: number | null, mixed: boolean]>([
  ['First 6*9=54\nSo the result is 71.', 1, 0, false],
  ['首先 6*9=54\n对.', 0, 1, false],
  ['Try 2*5=10\n等等, wrong.', 2 / 3, 1 / 3, true],
  ['Wait 检查', 1 / 2, 1 / 2, true],
  ['naïve café', 1, 0, false],
  ['да нет', 0, 0, false],
  ['yes да', 1 / 2, 0, false],
  ['6*9=54', null, null, false],
  ['', null, null, false],
  ['检查 `const x = 1` 检查', 0, 1, false],
  ['检查 $\\frac{x}{y} = abc$', 0, 1, false],
  ['检查 \\(abc\\) \\[d\\] $$e$$ \\alpha', 0, 1, false],
  ['检查\n```js\nlet word = 1\n```', 0, 1, false],
  ['the word \\(等\\)', 1, 0, false],
])('language of %j: English %s, Chinese %s, mixed %s', (text, en, zh, mixed) => {
  for (const [of, expected] of [
    ['en', en],
    ['zh', zh],
  ] as const) {
    if (expected === null) expect(languageShare(text, of)).toBeNull()
    else expect(languageShare(text, of)).toBeCloseTo(expected, 12)
  }
  expect(isMixed(text)).toBe(mixed)
})

test.each<[thinking: string | null, language: 'en' | 'zh', score: number]>([
  ['Wait 检查', 'en', 0.5],
  ['Wait', 'zh', 0],
  ['1+1=2', 'en', 1],
  ['', 'en', 0],
  [null, 'en', 0],
])('language reward: %j in %s: %s', (thinking, of, score) => {
  expect(language.score(rollout({ thinking, task: { ...task, language: of } }))).toBe(score)
})

describe('scoreRollout', () => {
  const giving = (name: string, score: Reward['score']): Reward => ({ name, score })
  const later = (ms: number, score: number | null) => () =>
    new Promise<number | null>((resolve) => setTimeout(() => resolve(score), ms))
  const busy = (ms: number) => () => {
    const end = performance.now() + ms
    while (performance.now() < end);
    return 1
  }
  const throwing = () => {
    throw new Error('no judge')
  }
  const one = giving('one', () => 1)
  const score = (...rewards: [Reward, number][]) =>
    scoreRollout(
      rewards.map(([reward, weight]) => ({ reward, weight })),
      rollout(),
      { timeoutMs: 50 },
    )

  test.each<[string, Reward, unknown]>([
    ['a number', giving('x', () => -2), { total: 0, byName: { one: 1, x: -2 }, errors: [] }],
    ['a promise', giving('x', later(1, 0.5)), { total: 1.25, byName: { one: 1, x: 0.5 }, errors: [] }],
    ['unknown', giving('x', () => null), { total: null, byName: { one: 1, x: null }, errors: [] }],
    ['unknown later', giving('x', later(1, null)), { total: null, byName: { one: 1, x: null }, errors: [] }],
    [
      'throwing',
      giving('x', throwing),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'no judge' }] },
    ],
    [
      'rejecting',
      giving('x', () => Promise.reject('down')),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'down' }] },
    ],
    [
      'slow',
      giving('x', later(5000, 1)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'took longer than 50 ms' }],
      },
    ],
    [
      'busy',
      giving('x', busy(60)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'took longer than 50 ms' }],
      },
    ],
    [
      'NaN',
      giving('x', () => Number.NaN),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave NaN, not a finite number or null' }],
      },
    ],
    [
      'Infinity later',
      giving('x', later(1, Infinity)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave Infinity, not a finite number or null' }],
      },
    ],
    [
      'undefined',
      giving('x', () => undefined as unknown as number),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave undefined, not a finite number or null' }],
      },
    ],
  ])('%s', async (_, reward, expected) => {
    expect(await score([one, 1], [reward, 0.5])).toEqual(expected)
  })

  test('weight 0 measures only', async () => {
    expect(await score([one, 1], [giving('x', throwing), 0])).toEqual({
      total: 1,
      byName: { one: 1, x: null },
      errors: [{ name: 'x', message: 'no judge' }],
    })
  })

  test('a reward may have more time than the others', async () => {
    expect(await score([{ ...giving('x', later(80, 1)), timeoutMs: 60_000 }, 1])).toMatchObject({ total: 1 })
  })

  test('errors come in the order of the rewards', async () => {
    const { errors } = await score([giving('a', later(5000, 1)), 1], [giving('b', throwing), 1])
    expect(errors.map((e) => e.name)).toEqual(['a', 'b'])
  })

  test('two rewards of one name are refused', async () => {
    await expect(score([one, 1], [one, 1])).rejects.toThrow('Two rewards are named "one"')
  })
})
