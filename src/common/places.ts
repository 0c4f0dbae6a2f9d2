interface Waiter {
  readonly count: number
  readonly start: () => void
  readonly fail: (error: unknown) => void
}

/** Places for work that goes on at the same time; further work waits for its turn, first come, first served. */
export class Places {
  #taken = 0
  readonly #waiting: Waiter[] = []

  constructor(readonly total: number) {}

  get taken(): number {
    return this.#taken
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Must work that takes so many places wait? */
  mustWait(count: number): boolean {
    return this.#waiting.length > 0 || this.#taken + count > this.total
  }

  /**
   * Resolves, once `count` places are free, to a function that gives them back.
   *
   * @throws the signal's reason if it is aborted before that, or the error of `failWaiting`.
   */
  async take(count: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.mustWait(count)) await this.#turn(count, signal)
    else this.#taken += count
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      this.#taken -= count
      this.#admit()
    }
  }

  /** Fails everything that waits. */
  failWaiting(error: unknown): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error)
  }

  #turn(count: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        signal.removeEventListener('abort', leave)
        reject(error)
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        fail(signal.reason)
        this.#admit()
      }
      const waiter: Waiter = {
        count,
        start: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
        fail,
      }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[0]
      if (!next || this.#taken + next.count > this.total) return
      this.#waiting.shift()
      this.#taken += next.count
      next.start()
    }
  }
}
