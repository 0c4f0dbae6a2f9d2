import { describe, expect, test } from 'vitest'
import { maskTruncated, type Normalisation, tokenWeights, truncatedImportance } from './weights.ts'

describe('token weights', () => {
  test.each<[Normalisation, number[], number[]]>([
    ['sequence_mean', [4, 1, 5], [1 / 12, 1 / 3, 1 / 15]],
    ['token_mean', [4, 1, 5], [1 / 10, 1 / 10, 1 / 10]],
    ['fixed_length', [4, 1, 5], [1 / 24, 1 / 24, 1 / 24]],
    ['sequence_sum', [4, 1, 5], [1 / 3, 1 / 3, 1 / 3]],
    // A masked response still counts in N, but not among the tokens.
    ['sequence_mean', [4, 0], [1 / 8, 0]],
    ['token_mean', [4, 0], [1 / 4, 0]],
    ['fixed_length', [4, 0], [1 / 16, 0]],
    ['sequence_sum', [4, 0], [1 / 2, 0]],
    ['token_mean', [0, 0], [0, 0]],
    ['sequence_mean', [], []],
  ])('%s of %j', (normalisation, lengths, expected) => {
    const weights = tokenWeights(normalisation, lengths, 8)
    expect(weights).toHaveLength(expected.length)
    for (const [i, w] of expected.entries()) expect(weights[i]).toBeCloseTo(w, 12)
  })

  test.each<[number[], string[], number[]]>([
    // two questions with 5 and 10 tokens
    [
      [4, 1, 10],
      ['a', 'a', 'b'],
      [1 / 10, 1 / 10, 1 / 20],
    ],
    // masked responses, and a question that has no others
    [
      [4, 0, 10, 0],
      ['a', 'a', 'b', 'c'],
      [1 / 8, 0, 1 / 20, 0],
    ],
    [
      [0, 0],
      ['a', 'b'],
      [0, 0],
    ],
  ])('question_mean of %j', (lengths, questions, expected) => {
    const weights = tokenWeights('question_mean', lengths, 16, questions)
    for (const [i, w] of expected.entries()) expect(weights[i]).toBeCloseTo(w, 12)
  })

  test('a length out of range is an error', () =>
    expect(() => tokenWeights('fixed_length', [9], 8)).toThrow(/a response has 9 tokens, outside 0 … 8/))
})

test('truncated responses are masked', () => {
  expect(maskTruncated([3, 8, 5], [false, true, false])).toEqual([3, 0, 5])
  expect(() => maskTruncated([3], [])).toThrow(/1 lengths, 0 flags/)
})

test('importance weights are ratios up to the cap', () => {
  const weights = truncatedImportance(
    [Math.log(0.5), Math.log(0.2), -1],
    [Math.log(0.4), Math.log(0.4), -9],
    2,
  )
  expect(Array.from(weights, (w) => Number(w.toFixed(6)))).toEqual([1.25, 0.5, 2])
  expect(() => truncatedImportance([-1], [], 2)).toThrow(/1 trainer log-probs, 0 sampler log-probs/)
})
