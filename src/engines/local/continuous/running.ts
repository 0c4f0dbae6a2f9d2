import { MASKED } from '../../../models/attention.ts'
import type { ModelConfig } from '../../../models/config.ts'
import type { Tensor } from '../../../onnx/session.ts'
import { maskName } from '../model/sampling/cache.ts'
import type { Drawing } from '../model/sampling/drawing.ts'
import { Blocks } from './blocks.ts'
import { BLOCK } from './program.ts'

/** A sequence being sampled: the keys and values of its first `length` tokens are in `blocks`. */
export interface Running extends Drawing {
  readonly blocks: number[]
  length: number
}

/** The runtime adds up this many blocks at a time; with other counts, padding would change the order of a sum. */
const SUMMED = 4

/**
 * The sequences being sampled and their blocks, which lie one after the other without gaps, in any order. Block 0 belongs
 * to nobody: all its positions are masked.
 */
export class RunningSequences<R extends Running> {
  readonly rows: R[] = []
  readonly #blocks: Blocks
  readonly #most: number
  /** The sequence of each block, and the block's number in the sequence. */
  readonly #users: (readonly [R, number] | null)[] = [null]
  /** One for each window of the model's layers. */
  readonly #masks: Map<number | null, Float32Array>
  #table: Record<string, Tensor> | null = null

  /** @param most The number of blocks that fit, at least 2. */
  constructor(config: ModelConfig, most: number) {
    this.#most = most
    this.#blocks = new Blocks(config, Math.min(most, 64))
    const size = this.#blocks.capacity * BLOCK
    this.#masks = new Map(config.windows.map((window) => [window, new Float32Array(size).fill(MASKED)]))
  }

  get room(): number {
    return this.#most - this.#users.length
  }

  /** Adds a sequence whose prompt's keys and values are in the first blocks of `from`. There must be room. */
  add(row: R, from: Blocks): void {
    this.rows.push(row)
    for (let k = 0; k * BLOCK < row.length; k++) {
      const block = this.#allocate(row)
      this.#blocks.copy(from, k, block)
    }
    for (const [window, mask] of this.#masks)
      for (let position = firstSeen(row, window); position < row.length; position++)
        mask[column(row, position)] = 0
    this.#table = null
  }

  /** Removes a sequence; the last block takes the place of each that becomes free. */
  remove(row: R): void {
    const at = this.rows.indexOf(row)
    const last = this.rows.pop()!
    if (last !== row) this.rows[at] = last
    for (const block of [...row.blocks].sort((a, b) => b - a)) {
      const from = this.#users.length - 1
      const user = this.#users.pop()!
      if (from === block) continue
      this.#users[block] = user
      user![0].blocks[user![1]] = block
      this.#blocks.copy(this.#blocks, from, block)
      for (const mask of this.#masks.values())
        mask.copyWithin(block * BLOCK, from * BLOCK, (from + 1) * BLOCK)
    }
    this.#table = null
  }

  /** Does the sequence need a block for its next token? */
  needsBlock = (row: R): boolean => row.length === row.blocks.length * BLOCK

  /** Adds a block to a sequence. There must be room. */
  extend(row: R): void {
    this.#allocate(row)
    this.#table = null
  }

  /** Stores the keys and values of each sequence's newest token, from a run's output with `rows` rows. */
  append(newest: Float32Array, rows: number): void {
    for (const [i, row] of this.rows.entries()) {
      const [block, offset] = [row.blocks.at(-1)!, row.length % BLOCK]
      this.#blocks.append(newest, i, rows, block, offset)
      row.length++
      for (const [window, mask] of this.#masks) {
        mask[column(row, row.length - 1)] = 0
        const first = firstSeen(row, window)
        if (first > 0) mask[column(row, first - 1)] = MASKED
      }
    }
  }

  /** The contents of a sequence's block `k`. */
  read = (row: R, k: number): Float32Array => this.#blocks.read(row.blocks[k]!)

  /** Inputs of the step program for `places` sequences, of which the last may not exist. */
  feeds(places: number): Record<string, Tensor> {
    this.#table ??= this.#makeTable(places)
    return this.#table
  }

  #makeTable(places: number): Record<string, Tensor> {
    const count = this.#users.length
    const most = Math.max(1, ...this.rows.map(({ blocks }) => blocks.length))
    const width = Math.ceil(most / SUMMED) * SUMMED
    const owner = new BigInt64Array(count)
    const table = new BigInt64Array(places * width)
    for (const [i, { blocks }] of this.rows.entries())
      for (const [k, block] of blocks.entries()) {
        owner[block] = BigInt(i)
        table[i * width + k] = BigInt(block)
      }
    return {
      ...this.#blocks.feeds('own', count),
      owner: { data: owner, dims: [count] },
      table: { data: table, dims: [places, width] },
      ...Object.fromEntries(
        [...this.#masks].map(([window, mask]) => [
          maskName(window),
          { data: mask.subarray(0, count * BLOCK), dims: [count, 1, 1, BLOCK] },
        ]),
      ),
    }
  }

  #allocate(row: R): number {
    const block = this.#users.length
    this.#blocks.grow(block + 1, this.#most)
    for (const [window, mask] of this.#masks) {
      const larger = mask.length < this.#blocks.capacity * BLOCK
      const roomy = larger ? new Float32Array(this.#blocks.capacity * BLOCK).fill(MASKED) : mask
      if (larger) roomy.set(mask)
      roomy.fill(MASKED, block * BLOCK, (block + 1) * BLOCK)
      this.#masks.set(window, roomy)
    }
    this.#users.push([row, row.blocks.length])
    row.blocks.push(block)
    return block
  }
}

/** The first position that a sequence's next token attends to. */
const firstSeen = ({ length }: Running, window: number | null): number =>
  window === null ? 0 : Math.max(0, length - window + 1)

/** The place in a mask of a sequence's position. */
const column = ({ blocks }: Running, position: number): number =>
  blocks[Math.floor(position / BLOCK)]! * BLOCK + (position % BLOCK)
