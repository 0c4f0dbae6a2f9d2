/** Lets so many pieces of work go on at once; the others wait in line. */
export class Gate {
  #free: number
  #line: { enter(): void; refuse(error: unknown): void }[] = []

  constructor(width: number) {
    this.#free = width
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((enter, refuse) => this.#line.push({ enter, refuse }))
    try {
      return await work()
    } finally {
      const next = this.#line.shift()
      if (next) next.enter()
      else this.#free++
    }
  }

  /** Sends away all that wait in line. */
  refuseWaiting(error: unknown): void {
    const waiting = this.#line
    this.#line = []
    for (const { refuse } of waiting) refuse(error)
  }
}
