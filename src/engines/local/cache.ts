import type { ModelConfig } from '../../models/config.ts'
import type { Tensor } from '../../onnx/session.ts'

/** Keys and values of one prompt: per layer [kvHeads, length, headDim]. */
export interface PromptCache {
  readonly length: number
  readonly layers: readonly Layer[]
}
interface Layer {
  readonly key: Float32Array
  readonly value: Float32Array
}

/** A sequence with a prompt and so many tokens of its own in the cache. */
export interface Cached {
  readonly prompt: PromptCache
  own: number
}

/** A sequence's own cache grows by this many positions at a time. */
const STEP = 32
const MASKED = -1e9

/**
 * Keys and values of the sequences being sampled, in U tiles of W sequences with a common prompt, which is kept once a
 * tile. A place may be empty. Made anew when sequences have left or need more room.
 */
export class Cache<S extends Cached> {
  /** Tile u's place w is `places[u · width + w]`. */
  readonly places: readonly (S | null)[]
  readonly width: number
  readonly #config: ModelConfig
  /** Positions of a prompt, and of a sequence's own tokens. */
  readonly #promptLength: number
  readonly #capacity: number
  readonly #prompts: readonly Layer[]
  readonly #own: readonly Layer[]
  readonly #mask: Float32Array

  /** The sequences of a group have one prompt. What they have said so far lies in `from`. */
  constructor(config: ModelConfig, groups: readonly (readonly S[])[], from: Cache<S> | null) {
    this.#config = config
    this.width = bestWidth(groups.map((group) => group.length))
    this.places = groups.flatMap((group) =>
      Array.from(
        { length: Math.ceil(group.length / this.width) * this.width },
        (_, i): S | null => group[i] ?? null,
      ),
    )
    const sequences = groups.flat()
    this.#promptLength = Math.max(...sequences.map(({ prompt }) => prompt.length))
    this.#capacity = (Math.floor(Math.max(...sequences.map(({ own }) => own)) / STEP) + 1) * STEP
    const { numKvHeads, headDim } = config
    this.#prompts = this.#layers(this.#tiles * numKvHeads * this.#promptLength * headDim)
    this.#own = this.#layers(this.places.length * numKvHeads * this.#capacity * headDim)
    this.#mask = new Float32Array(this.places.length * this.#maskWidth).fill(MASKED)
    this.#fillMask()
    this.#copyPrompts()
    if (from) this.#copyOwn(from)
  }

  get #tiles(): number {
    return this.places.length / this.width
  }

  /** A place's prompt, its own positions, and the token itself. */
  get #maskWidth(): number {
    return this.#promptLength + this.#capacity + 1
  }

  /** Whether a sequence has no room for another token. */
  get full(): boolean {
    return this.places.some((sequence) => sequence !== null && sequence.own >= this.#capacity)
  }

  /** What the decode program reads. */
  feeds(): Record<string, Tensor> {
    const { numKvHeads, headDim } = this.#config
    const [U, W, P, S] = [this.#tiles, this.width, this.#promptLength, this.#capacity]
    const feeds: Record<string, Tensor> = { mask: { data: this.#mask, dims: [U, 1, W, 1, this.#maskWidth] } }
    for (const [i, { key, value }] of this.#prompts.entries()) {
      feeds[`promptKey.${i}`] = { data: key, dims: [U, numKvHeads, P, headDim] }
      feeds[`promptValue.${i}`] = { data: value, dims: [U, numKvHeads, P, headDim] }
    }
    for (const [i, { key, value }] of this.#own.entries()) {
      feeds[`ownKey.${i}`] = { data: key, dims: [U, numKvHeads, W, S, headDim] }
      feeds[`ownValue.${i}`] = { data: value, dims: [U, numKvHeads, W, S, headDim] }
    }
    return feeds
  }

  /** Takes the newest token's keys and values of these places from a run of the decode program. */
  append(places: readonly (readonly [place: number, sequence: S])[], step: Record<string, Tensor>): void {
    const { numKvHeads, headDim } = this.#config
    for (const [i, { key, value }] of this.#own.entries()) {
      const keys = step[`key.${i}`]!.data as Float32Array
      const values = step[`value.${i}`]!.data as Float32Array
      for (const [place, { own }] of places)
        for (let h = 0; h < numKvHeads; h++) {
          const source = (place * numKvHeads + h) * headDim
          const target = this.#offset(place, h) + own * headDim
          copy(keys, source, key, target, headDim)
          copy(values, source, value, target, headDim)
        }
    }
    for (const [place, sequence] of places) {
      this.#mask[place * this.#maskWidth + this.#promptLength + sequence.own] = 0
      sequence.own++
    }
  }

  /** Where a place's own keys of a head begin. */
  #offset(place: number, head: number): number {
    const { numKvHeads, headDim } = this.#config
    const w = place % this.width
    const tile = (place - w) / this.width
    return ((tile * numKvHeads + head) * this.width + w) * this.#capacity * headDim
  }

  #fillMask(): void {
    for (const [place, sequence] of this.places.entries()) {
      const row = place * this.#maskWidth
      this.#mask[row + this.#maskWidth - 1] = 0
      if (!sequence) continue
      this.#mask.fill(0, row, row + sequence.prompt.length)
      this.#mask.fill(0, row + this.#promptLength, row + this.#promptLength + sequence.own)
    }
  }

  #copyPrompts(): void {
    const { numKvHeads, headDim } = this.#config
    for (let tile = 0; tile < this.#tiles; tile++) {
      const { length, layers } = this.places[tile * this.width]!.prompt
      const size = length * headDim
      for (const [i, { key, value }] of layers.entries())
        for (let h = 0; h < numKvHeads; h++) {
          const target = (tile * numKvHeads + h) * this.#promptLength * headDim
          this.#prompts[i]!.key.set(key.subarray(h * size, (h + 1) * size), target)
          this.#prompts[i]!.value.set(value.subarray(h * size, (h + 1) * size), target)
        }
    }
  }

  #copyOwn(from: Cache<S>): void {
    const { numKvHeads, headDim } = this.#config
    const before = new Map(from.places.map((sequence, place) => [sequence, place]))
    for (const [place, sequence] of this.places.entries()) {
      if (!sequence) continue
      for (let h = 0; h < numKvHeads; h++) {
        const source = from.#offset(before.get(sequence)!, h)
        const target = this.#offset(place, h)
        const end = source + sequence.own * headDim
        for (const [i, { key, value }] of from.#own.entries()) {
          this.#own[i]!.key.set(key.subarray(source, end), target)
          this.#own[i]!.value.set(value.subarray(source, end), target)
        }
      }
    }
  }

  #layers(size: number): Layer[] {
    const vector = () => new Float32Array(size)
    return Array.from({ length: this.#config.numLayers }, () => ({ key: vector(), value: vector() }))
  }
}

/** A few numbers, for which `set` would take longer. */
function copy(from: Float32Array, source: number, to: Float32Array, target: number, count: number): void {
  for (let i = 0; i < count; i++) to[target + i] = from[source + i]!
}

/** The width of tiles that costs groups of these sizes least; a tile costs about as much as one of its places. */
function bestWidth(sizes: readonly number[]): number {
  let best = { width: 1, cost: Number.POSITIVE_INFINITY }
  for (let width = 1; width < 2 * Math.max(...sizes); width *= 2) {
    const cost = sizes.reduce((sum, size) => sum + Math.ceil(size / width), 0) * (width + 1)
    if (cost < best.cost) best = { width, cost }
  }
  return best.width
}
