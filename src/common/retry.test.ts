import { expect, test } from 'vitest'
import { Random } from './random.ts'
import { retryAfterOf, TransientError, withRetries } from './retry.ts'

const giveUp = (why: string) => new Error(`gave up: ${why}`)
const settings = { tries: 3, firstWait: 0.001, patience: 10 }
const random = () => new Random(1)

/** Fails with each of `errors` in turn, then gives "done". */
function failing(errors: readonly Error[]) {
  let calls = 0
  return {
    attempt: async () => {
      const error = errors[calls++]
      if (error) throw error
      return 'done'
    },
    calls: () => calls,
  }
}

const busy = (retryAfter: number | null = null) => new TransientError('it is busy', retryAfter)

test.each<[errors: Error[], result: string, calls: number]>([
  [[], 'done', 1],
  [[busy(), busy(0)], 'done', 3],
  [[busy(), busy(), busy()], 'gave up: it is busy, in 3 tries', 3],
  [[busy(11)], 'gave up: it is busy, and asks to wait for 11 s', 1],
  [[busy(), new Error('no such model')], 'no such model', 2],
])('%o: %s', async (errors, result, calls) => {
  const { attempt, calls: made } = failing(errors)
  const outcome = await withRetries(attempt, settings, { random: random(), giveUp }).catch(
    (error: Error) => error.message,
  )
  expect([outcome, made()]).toEqual([result, calls])
})

test('an aborted signal ends a wait at once', async () => {
  const { attempt, calls } = failing([busy()])
  const controller = new AbortController()
  const started = performance.now()
  const result = withRetries(
    attempt,
    { ...settings, firstWait: 60 },
    {
      random: random(),
      giveUp,
      signal: controller.signal,
      onFailure: () => controller.abort(new Error('stop')),
    },
  )
  await expect(result).rejects.toThrow('stop')
  expect(calls()).toBe(1)
  expect(performance.now() - started).toBeLessThan(5000)
})

test.each<[header: string | null, seconds: number | null]>([
  [null, null],
  ['7', 7],
  ['0.5', 0.5],
  [new Date(0).toUTCString(), 0],
  ['soon', null],
])('Retry-After: %s', (header, seconds) => {
  const response = new Response(null, header === null ? {} : { headers: { 'retry-after': header } })
  expect(retryAfterOf(response)).toBe(seconds)
})
