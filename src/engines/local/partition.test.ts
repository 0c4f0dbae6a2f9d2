import { describe, expect, test } from 'vitest'
import type { Datum } from '../contract.ts'
import { partitionDatums, partitionRequests } from './partition.ts'

/** A datum whose first token, its prompt, is `prompt`. */
const datum = (prompt: number, length: number): Datum => ({
  tokens: Int32Array.from({ length }, (_, i) => (i === 0 ? prompt : i)),
  targets: new Int32Array(length),
  weights: Float32Array.from({ length }, (_, i) => Number(i > 0)),
})
const request = (prompt: number, n: number) => ({
  prompt: Int32Array.of(prompt),
  options: { n, maxTokens: 1, temperature: 1, seed: 0 },
})

describe('datums', () => {
  const lengths = (parts: readonly (readonly number[])[], datums: readonly Datum[]) =>
    parts.map((part) => part.reduce((sum, i) => sum + datums[i]!.tokens.length, 0))

  test('every datum once, the parts about equally long', () => {
    const datums = Array.from({ length: 40 }, (_, i) => datum(i, 10 + ((i * 7) % 23)))
    const parts = partitionDatums(datums, 3)
    expect(parts.flat().sort((a, b) => a - b)).toEqual(datums.map((_, i) => i))
    const loads = lengths(parts, datums)
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(33)
  })

  test('a prompt stays in one part while there are prompts enough', () => {
    const datums = Array.from({ length: 32 }, (_, i) => datum(i % 4, 10))
    for (const part of partitionDatums(datums, 2))
      for (const prompt of [0, 1, 2, 3]) expect([0, 8]).toContain(part.filter((i) => i % 4 === prompt).length)
  })

  test('a single prompt is spread over all parts', () => {
    const datums = Array.from({ length: 8 }, () => datum(0, 10))
    expect(lengths(partitionDatums(datums, 2), datums)).toEqual([40, 40])
  })

  test('the texts of a comparison are never parted', () => {
    const datums = Array.from({ length: 30 }, (_, i) => ({ ...datum(i, 5 + i), comparison: i % 15 }))
    const parts = partitionDatums(datums, 4)
    expect(parts.flat().sort((a, b) => a - b)).toEqual(datums.map((_, i) => i))
    for (const part of parts) for (const i of part) expect(part).toContain((i + 15) % 30)
  })

  test('fewer datums than parts: some parts are empty', () => {
    expect(partitionDatums([datum(0, 5)], 3)).toEqual([[0], [], []])
  })
})

describe('requests', () => {
  /** [prompt, index of the request, first sequence, sequences] of every piece. */
  const show = (parts: ReturnType<typeof partitionRequests>) =>
    parts.map((part) => part.map(({ request: r, index }) => [r.prompt[0], index, r.first ?? 0, r.options.n]))

  test('many requests are dealt out whole', () => {
    const requests = [0, 1, 2, 3].map((p) => request(p, 4))
    expect(
      show(partitionRequests(requests, 2))
        .flat()
        .map(([, , , n]) => n),
    ).toEqual([4, 4, 4, 4])
  })

  test('a single request is cut, its sequences keep their numbers', () => {
    expect(show(partitionRequests([request(7, 5)], 2))).toEqual(
      [[[7, 0, 0, 3]], [[7, 0, 3, 2]]].map((p) => p),
    )
  })

  test('one sequence goes to one part', () => {
    expect(show(partitionRequests([request(7, 1)], 2)).flat()).toHaveLength(1)
  })
})
