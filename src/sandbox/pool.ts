import { availableParallelism } from 'node:os'

/** Runs tasks in the order they come, at most `size` at a time. */
class Pool {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(size: number) {
    this.#free = size
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    // A task that ends hands its place on, so that nobody overtakes the queue.
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}

/** Of this process: one program a core. */
export const pool = new Pool(availableParallelism())
