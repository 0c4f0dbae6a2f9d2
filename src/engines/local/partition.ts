import type { Datum } from '../contract.ts'
import { samePrefix, together } from './microbatch.ts'
import type { SampleRequest } from './sampler.ts'

/** A part of a list: which of its items, in order. */
export type Part = readonly number[]

/**
 * Datums for each of `parts` replicas, about equally many tokens each. Datums with a common prompt stay together while
 * there are enough prompts to go round, since they share its computation. The texts of a comparison are never parted.
 */
export function partitionDatums(datums: readonly Datum[], parts: number): Part[] {
  const groups = samePrefix(datums)
  const single = together([...datums.keys()], (i) => datums[i]!.comparison)
  const units = single.length === datums.length && groups.length >= 2 * parts ? groups : single
  return balance(units, (i) => datums[i]!.tokens.length, parts)
}

/** Sequences for each of `parts` replicas: requests as they are or, where there are too few, cut into smaller ones. */
export function partitionRequests<R extends SampleRequest>(
  requests: readonly R[],
  parts: number,
): { request: R; index: number }[][] {
  const pieces = requests.flatMap((request, index) =>
    (requests.length >= 2 * parts ? [request] : cut(request, parts)).map((piece) => ({
      request: piece,
      index,
    })),
  )
  const units = pieces.map((_, i) => [i])
  return balance(units, (i) => pieces[i]!.request.options.n, parts).map((part) => part.map((i) => pieces[i]!))
}

/** A request for n sequences as up to `parts` requests for some of them each. */
function cut<R extends SampleRequest>(request: R, parts: number): R[] {
  const { n } = request.options
  const edges = Array.from({ length: parts + 1 }, (_, k) => Math.round((k * n) / parts))
  return edges.slice(0, -1).flatMap((from, k) => {
    const size = edges[k + 1]! - from
    const first = (request.first ?? 0) + from
    return size === 0 ? [] : [{ ...request, first, options: { ...request.options, n: size } }]
  })
}

/** Heaviest first, each unit to the part with the least so far; the items of a part in their old order. */
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
