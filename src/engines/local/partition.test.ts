import { describe, expect, test } from 'vitest'
import type { Sequence } from './model/batches/sequences.ts'
import { partitionRequests, partitionSequences } from './partition.ts'

/** A sequence whose first token, its prompt, is `prompt`. */
const sequence = (prompt: number, length: number): Sequence => ({
  tokens: Int32Array.from({ length }, (_, i) => (i === 0 ? prompt : i)),
  targets: new Int32Array(length),
  weights: Float32Array.from({ length }, (_, i) => Number(i > 0)),
})
const request = (prompt: number, n: number) => ({
  prompt: Int32Array.of(prompt),
  options: { n, maxTokens: 1, temperature: 1, seed: 0 },
})

describe('sequences', () => {
  const lengths = (parts: readonly (readonly number[])[], sequences: readonly Sequence[]) =>
    parts.map((part) => part.reduce((sum, i) => sum + sequences[i]!.tokens.length, 0))

  test('every sequence is in one part, and the parts are about equally long', () => {
    const sequences = Array.from({ length: 40 }, (_, i) => sequence(i, 10 + ((i * 7) % 23)))
    const parts = partitionSequences(sequences, 3)
    expect(parts.flat().sort((a, b) => a - b)).toEqual(sequences.map((_, i) => i))
    const loads = lengths(parts, sequences)
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(33)
  })

  test('a prompt stays in one part if there are enough prompts', () => {
    const sequences = Array.from({ length: 32 }, (_, i) => sequence(i % 4, 10))
    for (const part of partitionSequences(sequences, 2))
      for (const prompt of [0, 1, 2, 3]) expect([0, 8]).toContain(part.filter((i) => i % 4 === prompt).length)
  })

  test('a single prompt is spread over all parts', () => {
    const sequences = Array.from({ length: 8 }, () => sequence(0, 10))
    expect(lengths(partitionSequences(sequences, 2), sequences)).toEqual([40, 40])
  })

  test('the texts of a comparison stay in one part', () => {
    const sequences = Array.from({ length: 30 }, (_, i) => ({ ...sequence(i, 5 + i), comparison: i % 15 }))
    const parts = partitionSequences(sequences, 4)
    expect(parts.flat().sort((a, b) => a - b)).toEqual(sequences.map((_, i) => i))
    for (const part of parts) for (const i of part) expect(part).toContain((i + 15) % 30)
  })

  test('fewer sequences than parts: some parts are empty', () => {
    expect(partitionSequences([sequence(0, 5)], 3)).toEqual([[0], [], []])
  })
})

describe('requests', () => {
  /** [prompt, index of the request, first sequence, sequences] of every piece. */
  const show = (parts: ReturnType<typeof partitionRequests>) =>
    parts.map((part) => part.map(({ request: r, index }) => [r.prompt[0], index, r.first ?? 0, r.options.n]))

  test('many requests are not split', () => {
    const requests = [0, 1, 2, 3].map((p) => request(p, 4))
    expect(
      show(partitionRequests(requests, 2))
        .flat()
        .map(([, , , n]) => n),
    ).toEqual([4, 4, 4, 4])
  })

  test('a single request is split, and its sequences keep their numbers', () => {
    expect(show(partitionRequests([request(7, 5)], 2))).toEqual(
      [[[7, 0, 0, 3]], [[7, 0, 3, 2]]].map((p) => p),
    )
  })

  test('one sequence goes to one part', () => {
    expect(show(partitionRequests([request(7, 1)], 2)).flat()).toHaveLength(1)
  })
})
