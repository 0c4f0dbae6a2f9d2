import { expect, test } from 'vitest'
import { Places } from './places.ts'

const never = new AbortController().signal

/** Takes places and notes the name when they are there. */
function taker(places: Places) {
  const order: string[] = []
  const take = async (name: string, count = 1, signal = never): Promise<() => void> => {
    const release = await places.take(count, signal)
    order.push(name)
    return release
  }
  return { order, take }
}

test('work waits for its turn, and a large piece is not overtaken', async () => {
  const places = new Places(3)
  const { order, take } = taker(places)
  const first = await take('a', 2)
  const large = take('b', 3)
  const small = take('c')
  expect([places.taken, places.waiting]).toEqual([2, 2])
  first()
  first() // gives nothing back a second time
  ;(await large)()
  await small
  expect(order).toEqual(['a', 'b', 'c'])
  expect([places.taken, places.waiting]).toEqual([1, 0])
})

test('who leaves the queue lets those behind in, and takes no place', async () => {
  const places = new Places(2)
  const { order, take } = taker(places)
  await take('a')
  const leaving = new AbortController()
  const large = take('b', 2, leaving.signal)
  const small = take('c')
  leaving.abort(new Error('left'))
  await expect(large).rejects.toThrow('left')
  await small
  expect(order).toEqual(['a', 'c'])
  expect([places.taken, places.waiting]).toEqual([2, 0])
})

test('an aborted signal takes no place', async () => {
  const places = new Places(1)
  await expect(places.take(1, AbortSignal.abort(new Error('left')))).rejects.toThrow('left')
  expect(places.taken).toBe(0)
})

test('everything that waits can be failed, and the place that is taken is given back', async () => {
  const places = new Places(1)
  const { take } = taker(places)
  const release = await take('a')
  const waiting = [take('b'), take('c')]
  places.failWaiting(new Error('refused'))
  for (const one of waiting) await expect(one).rejects.toThrow('refused')
  release()
  expect([places.taken, places.waiting]).toEqual([0, 0])
})
