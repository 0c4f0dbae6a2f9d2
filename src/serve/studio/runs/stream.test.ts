import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import type { RunsFolder } from './runs-folder.ts'
import { eventStream } from './stream.ts'
import { Watcher } from './watcher.ts'

/** A folder without runs that cannot be read at first. */
function failingOnce(): RunsFolder {
  let isRead = false
  return {
    root: '/runs',
    list() {
      if (isRead) return []
      isRead = true
      throw new UserError('cannot read /runs: permission denied')
    },
  } as unknown as RunsFolder
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('where the folder of the runs cannot be read', () => {
  test('a stream of events fails and leaves nothing behind that would write to it', () => {
    const watcher = new Watcher(failingOnce())
    expect(() => eventStream(watcher, 'start', new AbortController().signal)).toThrow('permission denied')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('who could not be told is forgotten, and the next one may listen and leave', () => {
    const watcher = new Watcher(failingOnce())
    expect(() => watcher.listen(() => {})).toThrow('permission denied')
    const leave = watcher.listen(() => {})
    expect(vi.getTimerCount()).toBe(1)
    leave()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a stream ends with the page that reads it', async () => {
  const leave = vi.fn()
  const { body } = eventStream({ listen: () => leave }, 'start', new AbortController().signal)
  await body!.cancel()
  expect(leave).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})
