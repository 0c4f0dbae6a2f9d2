import { Places } from '../../common/places.ts'
import { RequestError } from '../problem.ts'

/**
 * Lets `running` responses be written at a time and `waiting` requests wait, first come, first served. A request for several
 * responses starts when there is room for all of them or, if it has more than may run, when it is alone.
 */
export class RequestQueue {
  readonly #places: Places
  readonly #most: number
  /** Mean seconds that a request runs, over the recent ones; null before the first. */
  #seconds: number | null = null

  constructor({ running, waiting }: { readonly running: number; readonly waiting: number }) {
    this.#places = new Places(running)
    this.#most = waiting
  }

  get running(): number {
    return this.#places.taken
  }
  get waiting(): number {
    return this.#places.waiting
  }

  /**
   * Resolves when the request may run, to a function that ends it.
   *
   * @throws RequestError if too many wait already, or the signal's reason.
   */
  async enter(responses: number, signal: AbortSignal): Promise<() => void> {
    const places = Math.min(responses, this.#places.total)
    if (this.#places.mustWait(places) && this.waiting >= this.#most)
      throw new RequestError(
        'queueFull',
        `the server is busy: ${this.running} responses are being written and ${this.waiting} requests wait; try again later`,
        { headers: { 'retry-after': String(this.#retryAfter()) } },
      )
    const release = await this.#places.take(places, signal)
    const since = performance.now()
    let isEnded = false
    return () => {
      if (isEnded) return
      isEnded = true
      const seconds = (performance.now() - since) / 1000
      this.#seconds = this.#seconds === null ? seconds : 0.8 * this.#seconds + 0.2 * seconds
      release()
    }
  }

  /** Seconds until a place is likely to be free: between 1 and 60. */
  #retryAfter(): number {
    const rounds = (this.waiting + 1) / this.#places.total
    return Math.min(60, Math.max(1, Math.ceil(rounds * (this.#seconds ?? 1))))
  }
}
