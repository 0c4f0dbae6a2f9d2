/** Items that one side pushes as they come and the other reads in their order. */
export class Queue<T> implements AsyncIterable<T> {
  #items: T[] = []
  #ended: { readonly error: unknown } | 'ended' | null = null
  #wake: () => void = () => {}

  push(...items: readonly T[]): void {
    this.#items.push(...items)
    this.#wake()
  }

  /** Nothing follows. */
  end(): void {
    this.#ended ??= 'ended'
    this.#wake()
  }

  /** The reader gets the error after the items that were pushed before it. */
  fail(error: unknown): void {
    this.#ended ??= { error }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const items = this.#items
      this.#items = []
      yield* items
      if (this.#items.length > 0) continue
      if (this.#ended === 'ended') return
      if (this.#ended !== null) throw this.#ended.error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
