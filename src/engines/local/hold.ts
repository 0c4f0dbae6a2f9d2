/** A claim on a version of the weights, by an open sampler or scorer. */
export class Hold {
  readonly version: number
  readonly #holder: string
  readonly #end: () => Promise<void>
  readonly #pending = new Set<Promise<unknown>>()
  #released: Promise<void> | null = null

  /**
   * @param holder What holds it, for messages.
   * @param end Drops the claim; called once.
   */
  constructor(version: number, holder: string, end: () => Promise<void>) {
    this.version = version
    this.#holder = holder
    this.#end = end
  }

  /**
   * Runs `work`, which may use the version until it is done, even if the hold is released meanwhile.
   *
   * @throws Error if the hold was released.
   */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#released) throw new Error(`this ${this.#holder} was closed`)
    const result = work()
    this.#pending.add(result)
    try {
      return await result
    } finally {
      this.#pending.delete(result)
    }
  }

  /** Drops the claim, after `before`, once all work that has begun is done. Further calls do nothing else. */
  release(before: () => Promise<void> = async () => {}): Promise<void> {
    this.#released ??= Promise.allSettled(this.#pending).then(before).finally(this.#end)
    return this.#released
  }
}
