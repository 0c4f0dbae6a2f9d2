import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from './random.ts'

/** A failure that may not happen again: the same attempt is worth repeating. */
export class TransientError extends Error {
  override name = 'TransientError'
  constructor(
    message: string,
    /** Seconds that the server asks to wait, or `null`. */
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
  /** Longest wait that a server may ask for, in seconds. */
  readonly patience: number
}

export interface RetryOptions {
  /** Spreads the waits, so that requests that failed together are not repeated together. */
  readonly random: Random
  /** Called after each failed attempt, with a line that says why and when the next one is. */
  readonly onFailure?: (line: string) => void
  /** Makes the error to throw when there is no further attempt; `why` ends with the number of tries. */
  readonly giveUp: (why: string, last: TransientError) => Error
  /** When aborted, the current wait ends at once and there is no further attempt. */
  readonly signal?: AbortSignal | undefined
}

const LONGEST_WAIT = 60

/**
 * Repeats `attempt` as long as it fails with a `TransientError`, waiting longer each time.
 *
 * @throws what `giveUp` makes after the last attempt, or when the server asks to wait longer than `patience`; the
 *   signal's reason when it is aborted; any other error of an attempt as it is.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { tries, firstWait, patience }: RetrySettings,
  { random, onFailure = () => {}, giveUp, signal }: RetryOptions,
): Promise<T> {
  for (let n = 1; ; n++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      const { message, retryAfter } = error
      if (n === tries) {
        onFailure(message)
        throw giveUp(`${message}, in ${tries === 1 ? 'one try' : `${tries} tries`}`, error)
      }
      // backoff = u · min(60 s, firstWait · 2^(n−1)), u uniform in [½, 1)
      const backoff = Math.min(LONGEST_WAIT, firstWait * 2 ** (n - 1)) * (0.5 + 0.5 * random.uniform())
      if (retryAfter !== null && retryAfter > patience) {
        onFailure(message)
        throw giveUp(`${message}, and asks to wait for ${Math.ceil(retryAfter)} s`, error)
      }
      const wait = (retryAfter ?? 0) + backoff
      onFailure(`${message}; try ${n + 1} of ${tries} in ${wait.toFixed(1)} s`)
      // An aborted wait rejects; the loop then throws the signal's reason.
      await sleep(1000 * wait, undefined, { signal }).catch(() => {})
    }
  }
}

/** Seconds to wait according to a response's `Retry-After`; `null` if it has none. */
export const retryAfterOf = (response: Response): number | null =>
  retryAfterSeconds(response.headers.get('retry-after'))

/** Seconds to wait according to the value of a `Retry-After` (seconds or a date); `null` if it is neither. */
export function retryAfterSeconds(value: string | null): number | null {
  if (value === null) return null
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null
}

/** Why a `fetch` failed, in a word such as "ECONNREFUSED": it hides the reason in the error's cause. */
export function connectionFailure(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string }
  return cause?.code ?? cause?.message ?? message
}
