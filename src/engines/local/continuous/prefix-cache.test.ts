import { describe, expect, test } from 'vitest'
import { PrefixCache } from './prefix-cache.ts'
import { BLOCK } from './program.ts'
import { Router } from './route.ts'

/** A text whose block k has only the token `values[k]`. */
const text = (...values: number[]) =>
  Int32Array.from({ length: values.length * BLOCK }, (_, t) => values[Math.floor(t / BLOCK)]!)
const contents = (value: number) => Float32Array.of(value)

describe('the prefix cache', () => {
  const store = (cache: PrefixCache, ...values: number[]) => {
    const read: number[] = []
    cache.store(text(...values), values.length, (k) => {
      read.push(k)
      return contents(values[k]!)
    })
    return read
  }
  const find = (cache: PrefixCache, values: number[], from = 0) =>
    cache.find(text(...values), from, values.length).map(([value]) => value)

  test('finds the longest known beginning, and reads only blocks that are new', () => {
    const cache = new PrefixCache(10)
    expect(store(cache, 1, 2, 3)).toEqual([0, 1, 2])
    expect(store(cache, 1, 2, 4)).toEqual([2])
    expect(find(cache, [1, 2, 4, 5])).toEqual([1, 2, 4])
    expect(find(cache, [1, 2, 3], 2)).toEqual([3])
    expect(find(cache, [2, 1])).toEqual([])
    expect(find(cache, [1], 3)).toEqual([])
  })

  test('drops what was not used for the longest time, and never a block that another one continues', () => {
    const cache = new PrefixCache(4)
    store(cache, 1, 2, 3)
    store(cache, 5)
    find(cache, [1])
    store(cache, 6)
    expect(find(cache, [1, 2, 3])).toEqual([1, 2])
    store(cache, 7)
    expect([find(cache, [5]), find(cache, [1, 2]), find(cache, [6]), find(cache, [7])]).toEqual([
      [],
      [1, 2],
      [6],
      [7],
    ])
    store(cache, 1, 2, 3, 4, 5, 6)
    expect(find(cache, [1, 2, 3, 4, 5, 6])).toEqual([1, 2, 3, 4])
  })

  test('without room keeps nothing', () => {
    const cache = new PrefixCache(0)
    store(cache, 1, 2)
    expect(find(cache, [1, 2])).toEqual([])
  })
})

describe('the router', () => {
  test('sends few sequences to one replica, and others where there is least to do', () => {
    const router = new Router(2)
    const begin = (value: number, n: number) => router.begin(text(value), n)
    expect([begin(1, 8), begin(2, 8)].map(({ replica }) => replica)).toEqual([0, 0])
    const third = begin(3, 3)
    expect([third, begin(4, 12), begin(5, 4)].map(({ replica }) => replica)).toEqual([1, 1, 1])
    expect(begin(6, 1).replica).toBe(0)
    expect(router.outstanding).toBe(36)
    third.done()
    expect(router.outstanding).toBe(33)
  })

  test('sends a prompt to the replica that knows its beginning, unless it has much more to do', () => {
    const router = new Router(2)
    router.begin(text(1, 2), 16)
    router.begin(text(3, 4), 16)
    expect(router.begin(text(3, 4, 5), 3).replica).toBe(1)
    expect(router.begin(text(3, 4, 6), 8).replica).toBe(1)
    expect(router.begin(text(3, 4, 7), 1).replica).toBe(0)
  })

  test('does not send everything to one replica', () => {
    const router = new Router(2)
    const counts = [0, 0]
    for (let i = 0; i < 40; i++) counts[router.begin(text(1, 2), 1).replica]!++
    for (const count of counts) expect(count).toBeGreaterThan(14)
  })
})
