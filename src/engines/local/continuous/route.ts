import { BLOCK } from './program.ts'

/**
 * Up to so many sequences are sampled by one replica: a step for them takes hardly longer than for a few, and leaves the
 * other cores free.
 */
const TOGETHER = 16
/** So many more sequences than the others the replica that knows the beginning of a prompt may have. */
const SLACK = 4
/** Beginnings of prompts that are remembered. */
const MOST = 2 ** 16

/**
 * Chooses a replica for each request: the one that has computed the longest beginning of the prompt, unless it has much more
 * to do than the others; else the busiest with fewer than `TOGETHER` sequences; else the one with the least to do.
 */
export class Router {
  readonly #loads: number[]
  /** The replica that computed a beginning last, by a hash of its tokens, the least recently used first. */
  readonly #seen = new Map<number, number>()

  constructor(replicas: number) {
    this.#loads = new Array<number>(replicas).fill(0)
  }

  /** Sequences that have not ended. */
  get outstanding(): number {
    return this.#loads.reduce((a, b) => a + b, 0)
  }

  /** The replica for a prompt with `n` sequences, which are counted until `done`. */
  begin(prompt: Int32Array, n: number): { replica: number; done(): void } {
    const hashes = beginnings(prompt)
    const least = Math.min(...this.#loads)
    const known = hashes.findLast((hash) => this.#seen.has(hash))
    let replica = known === undefined ? -1 : this.#seen.get(known)!
    if (replica < 0 || this.#loads[replica]! >= Math.max(TOGETHER, least + SLACK)) {
      const some = this.#loads.filter((load) => load < TOGETHER)
      replica = this.#loads.indexOf(some.length > 0 ? Math.max(...some) : least)
    }
    for (const hash of hashes) {
      this.#seen.delete(hash)
      this.#seen.set(hash, replica)
    }
    for (const hash of this.#seen.keys()) {
      if (this.#seen.size <= MOST) break
      this.#seen.delete(hash)
    }
    this.#loads[replica]! += n
    return {
      replica,
      done: () => {
        this.#loads[replica]! -= n
      },
    }
  }
}

/** A hash of the first block of tokens, of the first two, and so on (FNV-1a, 32 bits). */
function beginnings(tokens: Int32Array): number[] {
  const hashes: number[] = []
  let hash = 0x811c9dc5
  for (const [i, token] of tokens.entries()) {
    hash = Math.imul(hash ^ token, 0x01000193)
    if ((i + 1) % BLOCK === 0) hashes.push(hash)
  }
  return hashes
}
