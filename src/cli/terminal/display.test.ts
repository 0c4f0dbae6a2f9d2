import { describe, expect, test } from 'vitest'
import { editDistance, nearest } from '../../common/nearest.ts'
import { plot, smooth } from './plot.ts'

describe('plot', () => {
  const lines = (values: number[], options = {}): string[] =>
    plot(
      'p',
      values.map((value, step) => ({ step, value })),
      { width: 2, height: 1, ...options },
    ).split('\n')
  test('a rising line goes from the lower left to the upper right', () => {
    expect(lines([0, 1])).toEqual(['p', '  1.00 │⡠⠊', '       └──', '        step 0 1'])
  })
  test('a flat line is flat', () => {
    expect(lines([1, 1, 1])[1]).toBe('  1.00 │⣀⣀')
  })
  test('no label stands twice', () => {
    expect(lines([1, 1], { height: 3 })).toEqual([
      'p',
      '       │⠀⠀',
      '       │⠀⠀',
      '  1.00 │⣀⣀',
      '       └──',
      '        step 0 1',
    ])
    expect(lines([0.001, 0.002], { height: 2 }).map((line) => line.slice(0, 6))).toEqual([
      'p',
      '      ',
      '  0.00',
      '      ',
      '      ',
    ])
    expect(lines([7]).at(-1)).toBe('        step 0')
  })
  test('the floor is part of the axis', () => {
    expect(lines([3, 4], { height: 2, floor: 0 })[2]).toMatch(/^ {2}0\.00 /)
  })
  test('nothing to plot', () => {
    expect(plot('p', [])).toBe('p: no values')
  })
  test('smooth takes means of neighbours', () => {
    const points = [1, 3, 5, 7, 9].map((value, step) => ({ step, value }))
    expect(smooth(points, 3)).toEqual([
      { step: 1, value: 2 },
      { step: 3, value: 6 },
      { step: 4, value: 9 },
    ])
  })
})

test.each([
  ['abc', 'abc', 0],
  ['stpes', 'steps', 1],
  ['kitten', 'sitting', 3],
  ['', 'ab', 2],
])('editDistance(%s, %s) is %s', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance)
})

test('nearest gives up on what is far', () => {
  expect(nearest('modle', ['model', 'task'])).toBe('model')
  expect(nearest('xyz', ['model', 'task'])).toBeNull()
})
