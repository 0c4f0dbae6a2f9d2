import { describe, expect, test } from 'vitest'
import { Random } from '../../../../common/random.ts'
import { Candidates } from './candidates.ts'
import { choose } from './choose.ts'

interface Truncation {
  readonly topK: number
  readonly topP: number
  readonly minP: number
}
const OFF: Truncation = { topK: 0, topP: 1, minP: 0 }

/** The definition: sort, then cut. */
function keptBySorting(probs: Float32Array, { topK, topP, minP }: Truncation): number[] {
  const order = [...probs.keys()].sort((a, b) => probs[b]! - probs[a]! || a - b)
  const likeliest = topK > 0 ? order.slice(0, topK) : order
  const limit = topP * likeliest.reduce((sum, i) => sum + probs[i]!, 0)
  let kept = 0
  for (let sum = 0; kept < likeliest.length && sum < limit; kept++) sum += probs[likeliest[kept]!]!
  const nucleus = topP < 1 ? likeliest.slice(0, Math.max(1, kept)) : likeliest
  return nucleus.filter((i) => probs[i]! >= minP * probs[order[0]!]!).sort((a, b) => a - b)
}

const candidates = new Candidates()
function keptBySelection(probs: Float32Array, { topK, topP, minP }: Truncation): number[] {
  candidates.load(probs, 0, probs.length)
  if (topK > 0) candidates.keepCount(topK)
  if (topP < 1) candidates.keepShare(topP)
  if (minP > 0) candidates.keepNearTop(minP)
  return candidates.tokens
}

/** `weights` divided by their sum. */
function normalised(weights: ArrayLike<number>): Float32Array {
  const sum = Array.from(weights).reduce((a, b) => a + b, 0)
  return Float32Array.from(weights, (w) => w / sum)
}

const random = new Random('rows')
const noise = (size: number, deviation: number) =>
  normalised(Array.from({ length: size }, () => Math.exp(deviation * random.normal())))
const denormal = 2 ** -140
const rows: Readonly<Record<string, Float32Array>> = {
  'two tokens': noise(2, 1),
  'near uniform': noise(500, 0.01),
  broad: noise(3000, 2),
  peaked: noise(3000, 8),
  'all equal': normalised(new Float32Array(1024).fill(1)),
  'all equal, not a power of two': normalised(new Float32Array(300).fill(1)),
  'few values, many ties': normalised(Array.from({ length: 400 }, () => random.int(1, 3))),
  'one spike': Float32Array.from({ length: 200 }, (_, i) => Number(i === 77)),
  'a spike and zeros': normalised(Array.from({ length: 200 }, (_, i) => [0, 0, 0.3, 5][i % 4]!)),
  'a spike and denormals': Float32Array.from({ length: 200 }, (_, i) => (i === 9 ? 1 : denormal)),
  'neighbouring floats': Float32Array.from({ length: 64 }, (_, i) => (1 + ((i * 37) % 64) * 2 ** -23) / 64),
  'halves down to denormals': Float32Array.from({ length: 149 }, (_, i) => 2 ** -(((i * 50) % 149) + 1)),
}
const truncations: Truncation[] = [
  OFF,
  ...[1, 2, 3, 50, 199, 1e6].map((topK) => ({ ...OFF, topK })),
  ...[1e-9, 0.1, 0.25, 0.5, 0.9, 0.95, 0.999, 1 - 1e-7].map((topP) => ({ ...OFF, topP })),
  ...[1e-30, 0.02, 0.05, 0.5, 1 / 3, 1].map((minP) => ({ ...OFF, minP })),
  { topK: 50, topP: 0.9, minP: 0 },
  { topK: 3, topP: 0.5, minP: 0 },
  { topK: 0, topP: 0.9, minP: 0.1 },
  { topK: 50, topP: 0.95, minP: 0.05 },
]

describe.each(Object.entries(rows))('%s: the same tokens as by sorting', (_, probs) => {
  test.each(truncations)('top-k $topK, top-p $topP, min-p $minP', (truncation) => {
    expect(keptBySelection(probs, truncation)).toEqual(keptBySorting(probs, truncation))
  })
})

test('random rows and truncations keep the same tokens as by sorting', () => {
  for (let i = 0; i < 2000; i++) {
    const probs = noise(random.int(2, 200), 3 * random.uniform())
    const truncation = {
      topK: random.int(0, 1) * random.int(1, 200),
      topP: 1 - random.int(0, 1) * random.uniform(),
      minP: random.int(0, 1) * random.uniform(),
    }
    expect(keptBySelection(probs, truncation)).toEqual(keptBySorting(probs, truncation))
  }
})

describe('drawing', () => {
  const probs = Float32Array.of(0.5, 0, 0.25, 0.125, 0.125)
  /** A stream that gives one number. */
  const at = (u: number) => Object.assign(new Random(), { uniform: () => u })
  const drawn = (u: number, options: object, row = probs) =>
    choose(row, 0, row.length, { temperature: 1, ...options }, at(u))

  test.each<[string, object, [number, number, number][]]>([
    // u, token, its probability
    ['everything', {}, [[0, 0, 0.5], [0.49, 0, 0.5], [0.51, 2, 0.25], [0.76, 3, 0.125], [0.999, 4, 0.125]]], // biome-ignore format: a table
    [
      'top-k 2',
      { topK: 2 },
      [
        [0, 0, 2 / 3],
        [0.66, 0, 2 / 3],
        [0.67, 2, 1 / 3],
        [0.999, 2, 1 / 3],
      ],
    ],
    ['top-k 3: of two equal ones the lower id', { topK: 3 }, [[0.999, 3, 1 / 7]]],
    ['top-p 0.5', { topP: 0.5 }, [[0.999, 0, 1]]],
    ['top-p 0.7', { topP: 0.7 }, [[0.999, 2, 1 / 3]]],
    ['min-p 0.5', { minP: 0.5 }, [[0.999, 2, 1 / 3]]],
    ['top-k 3, top-p 0.9 of their mass, min-p 0.3', { topK: 3, topP: 0.9, minP: 0.3 }, [[0.999, 2, 1 / 3]]],
    ['greedy', { temperature: 0 }, [[0.999, 0, 1]]],
  ])('%s', (_, options, expected) => {
    for (const [u, token, probability] of expected) {
      const choice = drawn(u, options)
      expect(choice.token).toBe(token)
      expect(Math.exp(choice.samplingLogprob)).toBeCloseTo(probability, 6)
    }
  })

  test('a row inside a batch is drawn like the row alone', () => {
    const batch = Float32Array.of(0.9, 0.1, 0, 0, 0, ...probs, 0.2, 0.8, 0, 0, 0)
    for (const options of [{}, { topK: 2 }, { topP: 0.8 }, { minP: 0.3 }])
      for (const u of [0.1, 0.6, 0.9])
        expect(choose(batch, 5, 5, { temperature: 1, ...options }, at(u))).toEqual(drawn(u, options))
  })

  const modes = [{}, { temperature: 0 }, { topK: 2 }, { topP: 0.5 }, { minP: 0.1 }, { topK: 3, minP: 0.1 }]
  test.each(modes)('%o: probabilities that are not finite are an error', (options) => {
    for (const bad of [Number.NaN, 0, Number.POSITIVE_INFINITY])
      expect(() => drawn(0.5, options, new Float32Array(4).fill(bad))).toThrow(/diverged/)
  })

  test('the kept shares are drawn as often as they are likely', () => {
    const stream = new Random(1)
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < 20_000; i++)
      counts[choose(probs, 0, 5, { temperature: 1, topK: 3 }, stream).token]! += 1 / 20_000
    for (const [i, share] of [4 / 7, 0, 2 / 7, 1 / 7, 0].entries())
      expect(Math.abs(counts[i]! - share)).toBeLessThan(0.015)
  })
})
