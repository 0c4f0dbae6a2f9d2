import { describe, expect, test } from 'vitest'
import { readable, verify } from './verify.ts'

test.each<[gold: string, answer: string, equal: boolean | null, reason: RegExp]>([
  ['5', '5', true, /same text/],
  ['May 5', '5 May', true, /date/],
  ['B', '(B)', true, /choice/],
  ['odd', 'Odd', true, /words/],
  ['5', '', false, /no answer was found/],
  ['5', '<think>5', false, /no answer was found/],
  ['5', '\\frac{1', false, /cannot be read/],
  ['5', '9^{9^{9^9}}', false, /cannot be computed/],
  ['5', '1/0', false, /cannot be computed/],
  ['5', '6', false, /"6" is different/],
  ['', '5', null, /empty/],
  ['\\frac{1', '5', null, /cannot be read/],
  ['9^{9^{9^9}}', '5', null, /cannot be computed/],
])('%j, %j: %j', (gold, answer, equal, reason) => {
  expect(verify(gold, answer)).toEqual({ equal, reason: expect.stringMatching(reason) })
  expect(readable(gold).ok).toBe(equal !== null)
})

test('the ways are tried in the given order', () => {
  expect(verify('5', '#### 5 \\boxed{6}').equal).toBe(false)
  expect(verify('5', '#### 5\n\\boxed{6}', { order: ['hash', 'boxed'] }).equal).toBe(true)
})

test('an unexpected error becomes a verdict', () => {
  const broken = {
    get order(): never {
      throw new Error('unexpected')
    },
  }
  expect(verify('5', '5', broken)).toEqual({ equal: false, reason: expect.stringMatching(/unexpected/) })
})

test('with the way `boxed` alone, only a box counts', () => {
  expect(verify('5', '5', { order: ['boxed'] }).equal).toBe(false)
  expect(verify('5', '\\boxed{5}', { order: ['boxed'] }).equal).toBe(true)
})

describe('numbers that differ only in distant digits', () => {
  test.each([
    ['e^{-700}+1', '1'],
    ['e^{100}+10^{-100}', 'e^{100}'],
    ['\\sqrt{10^{60}+1}', '10^{30}'],
    ['\\sin(10^{-40})', '10^{-40}'],
    ['e^{\\pi\\sqrt{163}}', '640320^3+744'],
    ['2^{-3000}', '2^{-3001}'],
  ])('%s is not %s', (gold, answer) => {
    expect(verify(gold, answer).equal).toBe(false)
    expect(verify(answer, gold).equal).toBe(false)
  })
  test.each([
    ['e^{-700}', '\\frac{1}{e^{700}}'],
    ['\\sqrt{10^{60}+1}-10^{30}', '\\frac{1}{\\sqrt{10^{60}+1}+10^{30}}'],
    ['(\\sqrt{2}+\\sqrt{3})^{20}', '(5+2\\sqrt{6})^{10}'],
    ['\\cos\\frac{\\pi}{7}\\cos\\frac{2\\pi}{7}\\cos\\frac{3\\pi}{7}', '\\frac18'],
  ])('%s is %s', (gold, answer) => {
    expect(verify(gold, answer).equal).toBe(true)
  })
})
