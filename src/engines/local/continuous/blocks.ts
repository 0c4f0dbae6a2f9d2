import type { ModelConfig } from '../../../models/config.ts'
import type { Tensor } from '../../../onnx/session.ts'
import { vectorNames } from '../model/sampling/cache.ts'
import { BLOCK } from './program.ts'

/** Bytes of one block: keys and values of every layer. */
export const blockBytes = ({ numLayers, numKvHeads, headDim }: ModelConfig): number =>
  numLayers * 2 * numKvHeads * BLOCK * headDim * Float32Array.BYTES_PER_ELEMENT

/** Memory for the keys and values of numbered blocks: for each of `vectorNames`, [blocks, kvHeads, BLOCK, headDim]. */
export class Blocks {
  readonly #config: ModelConfig
  /** Elements of a block in one vector. */
  readonly #size: number
  readonly #names: readonly string[]
  #vectors: Float32Array[]
  #capacity: number

  constructor(config: ModelConfig, capacity: number) {
    this.#config = config
    this.#size = config.numKvHeads * BLOCK * config.headDim
    this.#names = vectorNames(config)
    this.#capacity = capacity
    this.#vectors = this.#names.map(() => new Float32Array(capacity * this.#size))
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Makes room for `count` blocks, and more, so that the cost of copying does not depend on how often it grows. */
  grow(count: number, most: number): void {
    if (count <= this.#capacity) return
    this.#capacity = Math.min(Math.max(count, Math.ceil(1.5 * this.#capacity)), Math.max(count, most))
    this.#vectors = this.#vectors.map((vector) => {
      const larger = new Float32Array(this.#capacity * this.#size)
      larger.set(vector)
      return larger
    })
  }

  /** The first `count` blocks as inputs of the step program, named `NAMEKey.0` and so on. */
  feeds(name: string, count: number): Record<string, Tensor> {
    const { numKvHeads, headDim } = this.#config
    const dims = [count, numKvHeads, BLOCK, headDim]
    return Object.fromEntries(
      this.#names.map((vector, i) => [
        name + vector,
        { data: this.#vectors[i]!.subarray(0, count * this.#size), dims },
      ]),
    )
  }

  /** Copies the first `count` blocks of `from` to the blocks from `target` on. */
  copyFirst(from: Blocks, count: number, target: number): void {
    const size = this.#size
    for (const [i, vector] of this.#vectors.entries())
      vector.set(from.#vectors[i]!.subarray(0, count * size), target * size)
  }

  /** Copies block `source` of `from` to block `target`. */
  copy(from: Blocks, source: number, target: number): void {
    const size = this.#size
    for (const [i, vector] of this.#vectors.entries())
      vector.set(from.#vectors[i]!.subarray(source * size, (source + 1) * size), target * size)
  }

  /** A block's contents, all vectors one after the other. */
  read(block: number): Float32Array {
    const size = this.#size
    const contents = new Float32Array(this.#vectors.length * size)
    for (const [i, vector] of this.#vectors.entries())
      contents.set(vector.subarray(block * size, (block + 1) * size), i * size)
    return contents
  }

  /** Stores what `read` returned. */
  write(block: number, contents: Float32Array): void {
    const size = this.#size
    for (const [i, vector] of this.#vectors.entries())
      vector.set(contents.subarray(i * size, (i + 1) * size), block * size)
  }

  /**
   * Stores one token's keys and values: row `row` of the `rows` in a run's output `newest`
   * [2·layers·rows, kvHeads, 1, headDim].
   */
  append(newest: Float32Array, row: number, rows: number, block: number, offset: number): void {
    const { numKvHeads, headDim } = this.#config
    for (const [i, vector] of this.#vectors.entries())
      for (let h = 0; h < numKvHeads; h++) {
        const source = ((i * rows + row) * numKvHeads + h) * headDim
        const target = ((block * numKvHeads + h) * BLOCK + offset) * headDim
        // a few numbers, for which `set` would be slower
        for (let d = 0; d < headDim; d++) vector[target + d] = newest[source + d]!
      }
  }
}
