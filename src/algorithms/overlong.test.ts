import { expect, test } from 'vitest'
import { overlongPunishment } from './overlong.ts'

test.each([
  [0, 0],
  [80, 0],
  [85, -0.25],
  [90, -0.5],
  [100, -1],
  [120, -1],
])('%d of 100 tokens, with a buffer of 20: %d', (length, expected) =>
  expect(overlongPunishment(length, 100, 20)).toBe(expected),
)

test.each([0, -1, 101, Number.NaN])('a buffer of %d is an error', (buffer) =>
  expect(() => overlongPunishment(1, 100, buffer)).toThrow(/buffer must be 1 … 100 tokens/),
)
