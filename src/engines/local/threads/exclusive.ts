/** Runs one task at a time, in the order of the calls. */
export class Exclusive {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {}) // the caller handles the error
    return result
  }
}
