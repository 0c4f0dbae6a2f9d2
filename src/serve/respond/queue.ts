import { RequestError } from '../problem.ts'

/**
 * Lets `running` requests run at a time and `waiting` more wait, first come, first served. One request may count as several:
 * it starts when as many places are free, or, if it needs more than there are, when it is alone.
 */
export class Queue {
  private readonly waiters: { readonly places: number; readonly start: () => void }[] = []
  private taken = 0
  /** Mean seconds that a request holds its places, over the recent ones; null before the first. */
  private seconds: number | null = null
  constructor(private readonly limits: { readonly running: number; readonly waiting: number }) {}

  get running(): number {
    return this.taken
  }
  get waiting(): number {
    return this.waiters.length
  }

  /**
   * Resolves when the request may run, to a function that ends it.
   *
   * @throws RequestError if too many wait already.
   */
  async enter(choices: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const places = Math.min(choices, this.limits.running)
    if (this.waiters.length > 0 || this.taken + places > this.limits.running) {
      if (this.waiters.length >= this.limits.waiting)
        throw new RequestError(
          'queueFull',
          `the server is busy: ${this.taken} responses are being written and ${this.waiters.length} requests wait; try again later`,
          { headers: { 'retry-after': String(this.retryAfter()) } },
        )
      await this.turn(places, signal)
    } else this.taken += places
    const since = performance.now()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.taken -= places
      const seconds = (performance.now() - since) / 1000
      this.seconds = this.seconds === null ? seconds : 0.8 * this.seconds + 0.2 * seconds
      this.admit()
    }
  }

  private turn(places: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1)
        reject(signal.reason)
        this.admit()
      }
      const waiter = {
        places,
        start: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      this.waiters.push(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  private admit(): void {
    for (;;) {
      const next = this.waiters[0]
      if (!next || this.taken + next.places > this.limits.running) return
      this.waiters.shift()
      this.taken += next.places
      next.start()
    }
  }

  /** Seconds until a place is likely to be free: between 1 and 60. */
  private retryAfter(): number {
    const rounds = (this.waiters.length + 1) / this.limits.running
    return Math.min(60, Math.max(1, Math.ceil(rounds * (this.seconds ?? 1))))
  }
}
