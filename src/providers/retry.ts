import { setTimeout as sleep } from 'node:timers/promises'
import type { UserError } from '../common/errors.ts'
import type { Random } from '../common/random.ts'

/** An attempt that failed for a reason that may pass. */
export class Trouble extends Error {
  override name = 'Trouble'
  constructor(
    message: string,
    /** Seconds that the other side asks to wait. */
    readonly retryAfter: number | null = null,
  ) {
    super(message)
  }
}

export interface RetrySettings {
  /** Attempts in all. */
  readonly tries: number
  /** Seconds before the second attempt; doubled before each further one, up to a minute. */
  readonly firstWait: number
  /** Longest wait that the other side may ask for, in seconds. */
  readonly patience: number
}

const LONGEST_WAIT = 60

/**
 * Attempts again after `Trouble`, later each time, at a moment of its own so that requests that failed together do not
 * come back together.
 *
 * @throws UserError after the last attempt, with what `giveUp` says to do.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { tries, firstWait, patience }: RetrySettings,
  random: Random,
  {
    failed,
    giveUp,
    signal,
  }: {
    failed: (line: string) => void
    giveUp: (why: string) => UserError
    /** Raised: there is no further attempt. */
    signal?: AbortSignal | undefined
  },
): Promise<T> {
  for (let n = 1; ; n++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Trouble)) throw error
      const { message, retryAfter } = error
      if (n === tries) {
        failed(message)
        throw giveUp(`${message}, in ${tries === 1 ? 'one try' : `${tries} tries`}`)
      }
      // wait = Retry-After + (½·w … w), w = firstWait · 2^(n−1)
      const backoff = Math.min(LONGEST_WAIT, firstWait * 2 ** (n - 1)) * (0.5 + 0.5 * random.uniform())
      const wait = (retryAfter ?? 0) + backoff
      if (retryAfter !== null && retryAfter > patience) {
        failed(message)
        throw giveUp(`${message}, and asks to wait for ${Math.ceil(retryAfter)} s`)
      }
      failed(`${message}; try ${n + 1} of ${tries} in ${wait.toFixed(1)} s`)
      // cut short by the signal, which is looked at before the next attempt
      await sleep(1000 * wait, undefined, { signal }).catch(() => {})
    }
  }
}

/** Seconds that a response's `Retry-After` (seconds or a date) asks to wait, or `null`. */
export function retryAfterOf(response: Response): number | null {
  const asked = response.headers.get('retry-after')
  if (asked === null) return null
  const seconds = /^\d+(\.\d+)?$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null
}
