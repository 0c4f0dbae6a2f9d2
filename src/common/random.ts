/** 32-bit finaliser of MurmurHash3: a bijection whose output bits all depend on all input bits. */
function mix(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A 32-bit hash of text (FNV-1a, then mixed), the same on every platform. */
export function hashText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}

/**
 * A stream of random numbers, a pure function of its seeds (sfc32). Streams with different seeds are independent,
 * so there is nothing to save for a resumed run. Name a stream by its purpose, e.g. `new Random(seed, 'questions', step)`.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1
  constructor(...seeds: (number | string)[]) {
    let h = 0x9e3779b9
    const state: number[] = []
    for (const [i, s] of seeds.entries())
      h = mix(h ^ mix(typeof s === 'string' ? hashText(s) : fold(s)) ^ Math.imul(i + 1, 0x9e3779b9))
    for (let i = 0; i < 3; i++) {
      h = mix(h + 0x6d2b79f5)
      state.push(h)
    }
    this.#a = state[0]!
    this.#b = state[1]!
    this.#c = state[2]!
    for (let i = 0; i < 12; i++) this.bits()
  }
  /** 32 random bits. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + t) | 0
    return t >>> 0
  }
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 0x4000000 + (this.bits() >>> 6)) / 0x20000000000000
  }
  /** Uniform integer in lo..hi, both included. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.uniform() * (hi - lo + 1))
  }
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('Random.pick: the list is empty')
    return items[this.int(0, items.length - 1)]!
  }
  /** An item with probability proportional to its weight. */
  weighted<T>(items: readonly T[], weights: readonly number[]): T {
    let u = this.uniform() * weights.reduce((a, b) => a + b, 0)
    for (const [i, item] of items.entries()) {
      u -= weights[i]!
      if (u < 0) return item
    }
    return items[items.length - 1]!
  }
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<L extends unknown[] | Uint32Array>(items: L): L {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(0, i)
      const t = items[i]!
      items[i] = items[j]!
      items[j] = t
    }
    return items
  }
  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
}

function fold(n: number): number {
  return mix(n | 0) ^ mix(Math.floor(n / 0x100000000) ^ 0x5bd1e995)
}
