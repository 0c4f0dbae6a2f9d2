import { expect, test } from 'vitest'
import { mixture } from './mixture.ts'

const rows = (name: string, n: number) => Array.from({ length: n }, (_, i) => `${name} ${i}`)
const mixed = (reasoning: number, general: number, { ratio = 3, seed = 1 } = {}) =>
  mixture({ reasoning: rows('r', reasoning), general: rows('g', general), ratio, seed })

test.each([
  [600, 200, 3, 600, 200],
  [600, 100, 3, 300, 100],
  [90, 200, 3, 90, 30],
  [100, 200, 3, 100, 33],
  [10, 10, 1, 10, 10],
  [10, 10, 0.5, 5, 10],
])('%i and %i at %f : 1', (reasoning, general, ratio, r, g) => {
  const { rows, used, given } = mixed(reasoning, general, { ratio })
  expect(used).toEqual({ reasoning: r, general: g })
  expect(given).toEqual({ reasoning, general })
  expect(rows.filter((row) => row.startsWith('r'))).toHaveLength(r)
  expect(new Set(rows).size).toBe(r + g)
  expect([...new Set(rows.map((row) => row[0]))].sort()).toEqual(['g', 'r'])
})

test('the order is random, and equal for equal seeds', () => {
  expect(mixed(60, 30)).toEqual(mixed(60, 30))
  expect(mixed(60, 30).rows).not.toEqual(mixed(60, 30, { seed: 2 }).rows)
  // both kinds are in each half
  for (const half of [mixed(60, 30).rows.slice(0, 40), mixed(60, 30).rows.slice(40)])
    expect(new Set(half.map((row) => row[0])).size).toBe(2)
})

test.each([
  [0, 10, 3, /0 reasoning rows and 10 general rows/],
  [10, 0, 3, /too few for a mixture of 3 : 1/],
  [1, 1, 3, /too few/],
  [10, 10, 0, /ratio is 0/],
  [10, 10, Number.NaN, /ratio is NaN/],
])('%i and %i at %f : 1 cannot be mixed', (reasoning, general, ratio, message) => {
  expect(() => mixed(reasoning, general, { ratio })).toThrow(message)
})
