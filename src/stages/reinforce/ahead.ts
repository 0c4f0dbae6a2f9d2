import type { Groups } from './groups.ts'

/** The groups of a step, and how many updates the weights are older that they were sampled with. */
export interface Sampled {
  readonly groups: Groups
  readonly staleness: number
}

/**
 * Samples the groups of coming steps while the policy is being updated: those of step s are asked for before the update of step
 * s − staleness, so that their weights are at most that many updates old. With 0, each step is sampled when it begins.
 */
export class SampledAhead {
  readonly #sample: (step: number) => Promise<Groups>
  readonly #staleness: number
  readonly #last: number
  readonly #asked = new Map<number, { readonly at: number; readonly groups: Promise<Groups> }>()

  constructor(sample: (step: number) => Promise<Groups>, staleness: number, last: number) {
    this.#sample = sample
    this.#staleness = staleness
    this.#last = last
  }

  /** The groups of a step; also asks for those of the steps that may be sampled with the weights of now. */
  async take(step: number): Promise<Sampled> {
    for (let next = step; next <= Math.min(step + this.#staleness, this.#last); next++) {
      if (this.#asked.has(next)) continue
      const groups = this.#sample(next)
      // a failure is told when the step takes its groups
      groups.catch(() => {})
      this.#asked.set(next, { at: step, groups })
    }
    const { at, groups } = this.#asked.get(step)!
    this.#asked.delete(step)
    return { groups: await groups, staleness: step - at }
  }

  /** Waits for the sampling under way, whose groups nobody takes. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#asked.values()].map(({ groups }) => groups))
  }
}
