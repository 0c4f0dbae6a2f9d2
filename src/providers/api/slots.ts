/** Places for requests that run at the same time; further ones wait for their turn. */
export class Slots {
  #free: number
  readonly #waiting: { start: () => void; fail: (error: unknown) => void }[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Resolves to a function that gives the place back, when a place is free.
   *
   * @throws the signal's reason when it is aborted before, or the error of `failWaiting`.
   */
  take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const release = once(() => {
      const next = this.#waiting.shift()
      if (next) next.start()
      else this.#free++
    })
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve(release)
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason)
      }
      const waiter = {
        start: () => {
          signal.removeEventListener('abort', leave)
          resolve(release)
        },
        fail: (error: unknown) => {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiter)
    })
  }

  /** Fails everything that waits for its turn. */
  failWaiting(error: unknown): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error)
  }
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
