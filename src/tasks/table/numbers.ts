const KINDS = { 1: Uint8Array, 4: Uint32Array, 8: Float64Array }

/** A list of whole numbers that grows, in 1 byte each (below 2^8), 4 (below 2^32) or 8 (below 2^53). */
export class Numbers {
  length = 0
  #data: InstanceType<(typeof KINDS)[keyof typeof KINDS]>
  constructor(bytes: keyof typeof KINDS) {
    this.#data = new KINDS[bytes](1 << 10)
  }

  push(value: number): void {
    if (this.length === this.#data.length) {
      const larger = new KINDS[this.#data.BYTES_PER_ELEMENT as keyof typeof KINDS](2 * this.length)
      larger.set(this.#data)
      this.#data = larger
    }
    this.#data[this.length++] = value
  }

  at(index: number): number {
    return this.#data[index]!
  }

  set(index: number, value: number): void {
    this.#data[index] = value
  }
}
