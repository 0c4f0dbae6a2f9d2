import { samePrefix, together } from './model/batches/microbatch.ts'
import type { Sequence } from './model/batches/sequences.ts'
import type { SampleRequest } from './model/sampling/drawing.ts'

/** A part of a list: the indices of its items, ascending. */
type Part = readonly number[]

/**
 * Distributes sequences over `parts` replicas, with about equally many tokens each. If there are enough prompts,
 * sequences with the same prompt stay together, since they share its computation. The texts of a comparison always stay
 * together.
 */
export function partitionSequences(sequences: readonly Sequence[], parts: number): Part[] {
  const groups = samePrefix(sequences)
  const single = together([...sequences.keys()], (i) => sequences[i]!.comparison)
  const units = single.length === sequences.length && groups.length >= 2 * parts ? groups : single
  return balance(units, (i) => sequences[i]!.tokens.length, parts)
}

/** Merges the results of the parts into the order of the whole list. */
export function gather<T>(parts: readonly Part[], results: readonly (readonly T[])[]): T[] {
  const whole: T[] = []
  for (const [k, part] of parts.entries()) for (const [j, i] of part.entries()) whole[i] = results[k]![j]!
  return whole
}

/** Distributes requests over `parts` replicas; if there are too few requests, they are split into smaller ones. */
export function partitionRequests<R extends SampleRequest>(
  requests: readonly R[],
  parts: number,
): { request: R; index: number }[][] {
  const pieces = requests.flatMap((request, index) =>
    (requests.length >= 2 * parts ? [request] : split(request, parts)).map((piece) => ({
      request: piece,
      index,
    })),
  )
  const units = pieces.map((_, i) => [i])
  return balance(units, (i) => pieces[i]!.request.options.n, parts).map((part) => part.map((i) => pieces[i]!))
}

/** Splits a request for n sequences into at most `parts` requests. */
function split<R extends SampleRequest>(request: R, parts: number): R[] {
  const { n } = request.options
  const edges = Array.from({ length: parts + 1 }, (_, k) => Math.round((k * n) / parts))
  return edges.slice(0, -1).flatMap((from, k) => {
    const size = edges[k + 1]! - from
    const first = (request.first ?? 0) + from
    return size === 0 ? [] : [{ ...request, first, options: { ...request.options, n: size } }]
  })
}

/**
 * Assigns units to parts, heaviest first, each to the lightest part so far. The items of a part are in ascending order.
 */
function balance(units: readonly Part[], weight: (item: number) => number, parts: number): number[][] {
  const weightOf = (unit: Part) => unit.reduce((sum, item) => sum + weight(item), 0)
  const heaviestFirst = units
    .map((unit) => ({ unit, weight: weightOf(unit) }))
    .sort((a, b) => b.weight - a.weight || a.unit[0]! - b.unit[0]!)
  const loads = new Array<number>(parts).fill(0)
  const result: number[][] = loads.map(() => [])
  for (const { unit, weight } of heaviestFirst) {
    const least = loads.indexOf(Math.min(...loads))
    loads[least]! += weight
    result[least]!.push(...unit)
  }
  return result.map((part) => part.sort((a, b) => a - b))
}
