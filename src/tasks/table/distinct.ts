import { Numbers } from './numbers.ts'

/** Finds texts that were there before, in some bytes a text: an open-addressed table of 32-bit hashes. */
export class Distinct {
  readonly #hashes = new Numbers(4)
  /** Indices + 1; 0 is free. */
  #slots = new Uint32Array(1 << 10)

  /**
   * Adds the next text (the n-th added has index n) unless it is there: then the index of the first such.
   *
   * @param same compares it with an earlier text whose hash is equal.
   */
  add(hash: number, same: (index: number) => boolean): number | null {
    let slot = this.#find(hash, same)
    const there = this.#slots[slot]!
    if (there) return there - 1
    this.#hashes.push(hash)
    this.#slots[slot] = this.#hashes.length
    if (2 * this.#hashes.length <= this.#slots.length) return null
    this.#slots = new Uint32Array(2 * this.#slots.length)
    for (let index = 0; index < this.#hashes.length; index++) {
      slot = this.#find(this.#hashes.at(index), () => false)
      this.#slots[slot] = index + 1
    }
    return null
  }

  /** The slot of an equal text, or the free one where it belongs. */
  #find(hash: number, same: (index: number) => boolean): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const index = this.#slots[slot]! - 1
      if (index < 0 || (this.#hashes.at(index) === hash && same(index))) return slot
      slot = (slot + 1) & mask
    }
  }
}
