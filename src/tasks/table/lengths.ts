/** Lengths of the texts of a table, in characters. */
export interface Lengths {
  readonly min: number
  readonly median: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Counts how often each length occurs. */
export class LengthCounter {
  readonly #counts = new Map<number, number>()
  #total = 0

  add(length: number): void {
    this.#counts.set(length, (this.#counts.get(length) ?? 0) + 1)
    this.#total++
  }

  /** `null` if nothing was counted. */
  summary(): Lengths | null {
    if (this.#total === 0) return null
    const sorted = [...this.#counts].sort(([a], [b]) => a - b)
    // The smallest length such that at least the share q of the texts is not longer.
    const quantile = (q: number): number => {
      let below = 0
      for (const [length, count] of sorted) {
        below += count
        if (below >= q * this.#total) return length
      }
      return sorted.at(-1)![0]
    }
    return {
      min: quantile(0),
      median: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
      max: quantile(1),
    }
  }
}
