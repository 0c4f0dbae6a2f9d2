import { MASKED } from '../../../../models/attention.ts'
import type { ModelConfig } from '../../../../models/config.ts'
import type { Tensor } from '../../../../onnx/session.ts'

/** Keys and values of one prompt: [kvHeads, length, headDim] each, in the order of `vectorNames`. */
export interface PromptCache {
  readonly length: number
  readonly vectors: readonly Float32Array[]
}

/** A sequence in the cache: its prompt, and how many generated tokens are cached. */
export interface Cached {
  readonly prompt: PromptCache
  generated: number
}

/** Keys of layer 0, its values, keys of layer 1 … */
export const vectorNames = ({ numLayers }: ModelConfig): string[] =>
  Array.from({ length: numLayers }, (_, i) => [`Key.${i}`, `Value.${i}`]).flat()

/** The input with the mask of the layers with this window. */
export const maskName = (window: number | null): string => (window === null ? 'mask' : `mask.${window}`)

/** Memory that successive caches reuse: the same name returns the same memory. */
export class CacheMemory {
  #vectors = new Map<string, Float32Array>()

  take(name: string, size: number): Float32Array {
    let vector = this.#vectors.get(name)
    if (!vector || vector.length < size) {
      vector = new Float32Array(size)
      this.#vectors.set(name, vector)
    }
    return vector.subarray(0, size)
  }

  /** Overwrites values of earlier caches with zeros. */
  clear(): void {
    for (const vector of this.#vectors.values()) vector.fill(0)
  }
}

/** A sequence's own cache grows by this many positions at a time. */
const STEP = 32

/**
 * Keys and values of the sequences being sampled, in U tiles of W sequences with a common prompt, which is stored once
 * per tile. A place may be empty. A new cache is made when sequences have ended or need more room. Positions that no
 * sequence has written yet are masked; they may have values of an earlier cache.
 */
export class Cache<S extends Cached> {
  /** Tile u's place w is `places[u · width + w]`. */
  readonly places: readonly (S | null)[]
  readonly width: number
  readonly #config: ModelConfig
  /** Positions of a prompt, and of a sequence's own tokens. */
  readonly #promptLength: number
  readonly #capacity: number
  readonly #prompts: readonly Float32Array[]
  readonly #own: readonly Float32Array[]
  /** The same memory, with two numbers per element. */
  readonly #ownPairs: readonly Float64Array[]
  /**
   * Offsets of the newest vectors in a run's output and in the cache, in pairs; kept to avoid allocating for every
   * token.
   */
  readonly #from: Int32Array
  readonly #to: Int32Array
  /** One for each window of the model's layers. */
  readonly #masks: ReadonlyMap<number | null, Float32Array>

  /**
   * The sequences of a group have the same prompt. Their tokens so far are copied from `from`, which must use other
   * memory.
   */
  constructor(
    config: ModelConfig,
    groups: readonly (readonly S[])[],
    from: Cache<S> | null,
    memory: CacheMemory,
  ) {
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
    this.#capacity = (Math.floor(Math.max(...sequences.map(({ generated }) => generated)) / STEP) + 1) * STEP
    const width = config.numKvHeads * config.headDim
    const vectors = (of: string, positions: number) =>
      vectorNames(config).map((name) => memory.take(of + name, positions * width))
    this.#prompts = vectors('prompt', this.#tiles * this.#promptLength)
    this.#own = vectors('own', this.places.length * this.#capacity)
    this.#ownPairs = this.#own.map(pairs)
    this.#from = new Int32Array(this.places.length * config.numKvHeads)
    this.#to = new Int32Array(this.places.length * config.numKvHeads)
    this.#masks = new Map(
      [...new Set(config.windows)].map((window) => [
        window,
        memory.take(maskName(window), this.places.length * this.#maskWidth).fill(MASKED),
      ]),
    )
    for (const [window, mask] of this.#masks) this.#fillMask(mask, window)
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

  /** Is there a sequence without room for one more token? */
  get full(): boolean {
    return this.places.some((sequence) => sequence !== null && sequence.generated >= this.#capacity)
  }

  /** Inputs of the decode program. */
  feeds(): Record<string, Tensor> {
    const { numKvHeads, headDim } = this.#config
    const [U, W, P, S] = [this.#tiles, this.width, this.#promptLength, this.#capacity]
    const feeds: Record<string, Tensor> = {}
    for (const [window, data] of this.#masks)
      feeds[maskName(window)] = { data, dims: [U, 1, W, 1, this.#maskWidth] }
    for (const [i, name] of vectorNames(this.#config).entries()) {
      feeds[`prompt${name}`] = { data: this.#prompts[i]!, dims: [U, numKvHeads, P, headDim] }
      feeds[`own${name}`] = { data: this.#own[i]!, dims: [U, numKvHeads, W, S, headDim] }
    }
    return feeds
  }

  /** Stores the newest token's keys and values of these places, from a run of the decode program. */
  append(places: readonly (readonly [place: number, sequence: S])[], newest: Float32Array): void {
    const { numKvHeads, headDim } = this.#config
    const [from, to] = [this.#from, this.#to]
    let count = 0
    for (const [place, { generated }] of places)
      for (let h = 0; h < numKvHeads; h++) {
        from[count] = ((place * numKvHeads + h) * headDim) / 2
        to[count++] = (this.#offset(place, h) + generated * headDim) / 2
      }
    const source = pairs(newest)
    const size = (this.places.length * numKvHeads * headDim) / 2
    for (const [i, target] of this.#ownPairs.entries())
      for (let n = 0; n < count; n++) copy(source, i * size + from[n]!, target, to[n]!, headDim / 2)
    for (const [place, sequence] of places) {
      sequence.generated++
      const next = sequence.prompt.length + sequence.generated
      for (const [window, mask] of this.#masks) {
        mask[this.#column(place, sequence, next - 1)] = 0
        if (window !== null && next >= window) mask[this.#column(place, sequence, next - window)] = MASKED
      }
    }
  }

  /** Offset of the keys of a place's own tokens, for one head. */
  #offset(place: number, head: number): number {
    const { numKvHeads, headDim } = this.#config
    const w = place % this.width
    const tile = (place - w) / this.width
    return ((tile * numKvHeads + head) * this.width + w) * this.#capacity * headDim
  }

  /** The place in a mask of a sequence's position. */
  #column(place: number, { prompt }: S, position: number): number {
    const own = position - prompt.length
    return place * this.#maskWidth + (own < 0 ? position : this.#promptLength + own)
  }

  #fillMask(mask: Float32Array, window: number | null): void {
    for (const [place, sequence] of this.places.entries()) {
      mask[(place + 1) * this.#maskWidth - 1] = 0
      if (!sequence) continue
      const next = sequence.prompt.length + sequence.generated
      const first = window === null ? 0 : Math.max(0, next - window + 1)
      for (let position = first; position < next; position++)
        mask[this.#column(place, sequence, position)] = 0
    }
  }

  #copyPrompts(): void {
    const { numKvHeads, headDim } = this.#config
    for (let tile = 0; tile < this.#tiles; tile++) {
      const { length, vectors } = this.places[tile * this.width]!.prompt
      const size = length * headDim
      for (const [i, vector] of vectors.entries())
        for (let h = 0; h < numKvHeads; h++)
          this.#prompts[i]!.set(
            vector.subarray(h * size, (h + 1) * size),
            (tile * numKvHeads + h) * this.#promptLength * headDim,
          )
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
        const end = source + sequence.generated * headDim
        for (const [i, vector] of from.#own.entries()) this.#own[i]!.set(vector.subarray(source, end), target)
      }
    }
  }
}

/** The same memory as 64-bit elements: a vector has an even number of components. */
const pairs = ({ buffer, byteOffset, length }: Float32Array): Float64Array =>
  new Float64Array(buffer, byteOffset, length / 2)

/** Copies a few numbers, for which `set` would be slower. */
function copy(from: Float64Array, source: number, to: Float64Array, target: number, count: number): void {
  for (let i = 0; i < count; i++) to[target + i] = from[source + i]!
}

/** The tile width with the lowest cost for groups of these sizes; a tile costs about as much as one of its places. */
function bestWidth(sizes: readonly number[]): number {
  let best = { width: 1, cost: Number.POSITIVE_INFINITY }
  for (let width = 1; width < 2 * Math.max(...sizes); width *= 2) {
    const cost = sizes.reduce((sum, size) => sum + Math.ceil(size / width), 0) * (width + 1)
    if (cost < best.cost) best = { width, cost }
  }
  return best.width
}
