import { describe, expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { cosine, overlong } from './length.ts'
import { repetition } from './repetition.ts'

describe('overlong', () => {
  const reward = overlong({ maxTokens: 100, buffer: 20 })
  test.each([
    [1, 0],
    [80, 0],
    [85, -0.25],
    [90, -0.5],
    [100, -1],
    [130, -1],
  ])('%i tokens: %d', (tokens, score) => expect(reward.score(fakeRollout({ tokens }))).toBe(score))

  test.each([0, 101, Number.NaN])('a buffer of %d is refused', (buffer) => {
    expect(() => overlong({ maxTokens: 100, buffer })).toThrow(/the buffer must be 1 to 100 tokens/)
  })

  test('fooled by a short wrong answer, which costs nothing', () => {
    expect(reward.score(fakeRollout({ tokens: 1, answer: 'no idea' }))).toBe(0)
  })
})

describe('cosine', () => {
  const reward = cosine({ maxTokens: 100 })
  const score = (answer: string | null, tokens: number, more = {}) =>
    reward.score(fakeRollout({ answer, tokens, ...more }))

  test.each<[answer: string | null, tokens: number, score: number]>([
    ['71', 0, 2],
    ['71', 50, 1.5],
    ['71', 100, 1],
    ['17', 0, -10],
    ['17', 50, -5],
    ['17', 100, 0],
    [null, 50, -5],
  ])('%s in %i tokens: %d', async (answer, tokens, expected) => {
    expect(await score(answer, tokens)).toBeCloseTo(expected, 12)
  })

  test('right short > right long > wrong long > wrong short, at every length', async () => {
    const lengths = [0, 10, 25, 50, 75, 99, 100]
    const right = (await Promise.all(lengths.map((tokens) => score('71', tokens)))) as number[]
    const wrong = (await Promise.all(lengths.map((tokens) => score('17', tokens)))) as number[]
    expect(right).toEqual([...right].sort((a, b) => b - a))
    expect(wrong).toEqual([...wrong].sort((a, b) => a - b))
    expect(Math.min(...right)).toBeGreaterThan(Math.max(...wrong))
  })

  test('cut off, whatever the answer; unknown if the task cannot tell', async () => {
    expect(await score('71', 100, { stopReason: 'length' })).toBe(-10)
    expect(await score('71', 50, { gold: '?' })).toBeNull()
  })

  test('numbers that score a wrong answer as high as a right one are refused', () => {
    expect(() => cosine({ maxTokens: 100, wrong: [0, 1] })).toThrow(/a wrong answer must never pay/)
  })

  test('fooled by padding a wrong answer; a repetition penalty cancels the gain', async () => {
    const padding = 'Let me think about it once more. '.repeat(12)
    const short = fakeRollout({ answer: '17', response: 'I guess 17.', tokens: 10 })
    const padded = fakeRollout({ answer: '17', response: `${padding}I guess 17.`, tokens: 95 })
    expect(await reward.score(padded)).toBeGreaterThan(((await reward.score(short)) as number) + 9)
    const gain = async (weight: number) =>
      ((await reward.score(padded)) as number) -
      ((await reward.score(short)) as number) +
      weight * ((repetition().score(padded) as number) - (repetition().score(short) as number))
    expect(await gain(12)).toBeLessThan(0)
  })
})
