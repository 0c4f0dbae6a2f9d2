import type { ModelConfig } from '../../models/config.ts'
import { rotaryTables } from '../../models/decoder.ts'
import { parameterShapes } from '../../models/parameters.ts'
import type { Tokenizer } from '../../models/tokenizer.ts'
import { Session, type Tensor } from '../../onnx/session.ts'
import type { Random } from '../../random.ts'
import type { SampledSequence, SampleOptions } from '../contract.ts'
import { choose, streamOf } from './choose.ts'
import { decodeProgram, prefillProgram } from './programs.ts'

export interface SampleRequest {
  readonly prompt: Int32Array
  readonly options: Omit<SampleOptions, 'onToken'>
  readonly onToken?: ((index: number, token: number) => void) | undefined
}

/** The cache grows by this many positions at a time. */
const CACHE_STEP = 64
/** Rows are given up once this share of them has finished. */
const COMPACT_BELOW = 0.8
const CACHE_BYTES = 2 ** 30
const MAX_ROWS = 512
const MASKED = -1e9

/** A sequence being sampled. */
interface Row {
  readonly request: SampleRequest
  readonly index: number
  readonly random: Random
  readonly tokens: number[]
  readonly logprobs: number[]
  readonly samplingLogprobs: number[]
  /** Positions in the cache so far. */
  length: number
  stopReason: 'stop' | 'length' | null
}

/**
 * Samples many sequences together: one prefill a prompt, then a token for every unfinished sequence at each step.
 * A cache row holds a sequence's keys and values at their own positions; what is unused is masked.
 */
export class LocalSampler {
  readonly #prefill: Session
  readonly #decode: Session
  readonly #rotary: { cos: Tensor; sin: Tensor }
  readonly #weights: Record<string, Tensor>

  constructor(
    readonly config: ModelConfig,
    parameters: ReadonlyMap<string, Float32Array>,
    readonly tokenizer: Tokenizer | null,
    threads: number,
  ) {
    this.#prefill = new Session(prefillProgram(config), { threads })
    this.#decode = new Session(decodeProgram(config), { threads })
    this.#weights = weightFeeds(config, parameters)
    this.#rotary = rotaryFeeds(config, config.maxPositions)
  }

  sample(requests: readonly SampleRequest[]): SampledSequence[][] {
    const { numLayers, numKvHeads, headDim } = this.config
    const bytesPerPosition = numLayers * numKvHeads * headDim * 2 * 4
    const results: SampledSequence[][] = []
    for (let from = 0; from < requests.length; ) {
      let rows = 0
      let longest = 0
      let to = from
      for (; to < requests.length; to++) {
        const { prompt, options } = requests[to]!
        const length = Math.max(longest, prompt.length + options.maxTokens)
        const more = rows + options.n
        if (to > from && (more > MAX_ROWS || more * length * bytesPerPosition > CACHE_BYTES)) break
        rows = more
        longest = length
      }
      results.push(...this.#wave(requests.slice(from, to)))
      from = to
    }
    return results
  }

  #wave(requests: readonly SampleRequest[]): SampledSequence[][] {
    for (const { prompt, options } of requests) {
      if (prompt.length === 0) throw new Error('sample: the prompt is empty; give at least one token')
      if (prompt.length + options.maxTokens > this.config.maxPositions)
        throw new Error(
          `sample: ${prompt.length} prompt tokens + ${options.maxTokens} new ones exceed the model's ${this.config.maxPositions} positions`,
        )
    }
    const rows: Row[] = []
    const cache = new Cache(this.config)
    const longest = Math.max(...requests.map((r) => r.prompt.length))
    cache.allocate(
      requests.reduce((n, r) => n + r.options.n, 0),
      longest,
    )
    // Prompts of similar length share a prefill.
    const batches = chunk(
      [...requests.keys()].sort((a, b) => requests[a]!.prompt.length - requests[b]!.prompt.length || a - b),
      Math.max(1, Math.floor(8192 / longest)),
    )
    for (const members of batches) {
      const out = this.#runPrefill(members.map((i) => requests[i]!.prompt))
      for (const [k, i] of members.entries()) {
        const request = requests[i]!
        for (let index = 0; index < request.options.n; index++) {
          const row: Row = {
            request,
            index,
            random: streamOf(request.options.seed, index),
            tokens: [],
            logprobs: [],
            samplingLogprobs: [],
            length: request.prompt.length,
            stopReason: null,
          }
          cache.copyPrompt(rows.length, out, k, request.prompt.length)
          this.#take(row, out.logprobs!.data as Float32Array, k)
          rows.push(row)
        }
      }
    }
    this.#decodeAll(rows, cache)
    const finished = new Map<SampleRequest, SampledSequence[]>(requests.map((r) => [r, []]))
    for (const row of rows) {
      const logprobs = Float32Array.from(row.logprobs)
      const changed = row.samplingLogprobs.some((x, i) => x !== row.logprobs[i])
      finished.get(row.request)![row.index] = {
        tokens: Int32Array.from(row.tokens),
        logprobs,
        samplingLogprobs: changed ? Float32Array.from(row.samplingLogprobs) : logprobs,
        stopReason: row.stopReason!,
      }
    }
    return requests.map((r) => finished.get(r)!)
  }

  #decodeAll(all: readonly Row[], cache: Cache): void {
    // `slots[b]` is the sequence in cache row b.
    let slots = [...all]
    for (;;) {
      const active = slots.filter((r) => r.stopReason === null).length
      if (active === 0) return
      if (active < COMPACT_BELOW * slots.length) {
        const kept = slots.flatMap((r, b) => (r.stopReason === null ? [b] : []))
        cache.keep(kept)
        slots = kept.map((b) => slots[b]!)
      }
      cache.ensure(Math.max(...slots.map((r) => r.length)) + 1)
      const batch = slots.length
      const ids = BigInt64Array.from(slots, (r) => BigInt(r.tokens.at(-1)!))
      const positions = BigInt64Array.from(slots, (r) => BigInt(r.length))
      const out = this.#decode.run({
        ...this.#weights,
        'rotary.cos': this.#rotary.cos,
        'rotary.sin': this.#rotary.sin,
        ids: { data: ids, dims: [batch, 1] },
        positions: { data: positions, dims: [batch, 1] },
        ...cache.feeds(batch),
      })
      const logprobs = out.logprobs!.data as Float32Array
      for (const [b, row] of slots.entries()) {
        if (row.stopReason !== null) continue
        cache.append(b, row.length, out)
        row.length++
        this.#take(row, logprobs, b)
      }
    }
  }

  /** Draws a row's next token and decides whether the sequence ends with it. */
  #take(row: Row, logprobs: Float32Array, at: number): void {
    const { temperature, topK = 0, topP = 1, maxTokens, stopTokens = [], stop = [] } = row.request.options
    const offset = at * this.config.vocabSize
    const { token, samplingLogprob } = choose(
      logprobs,
      offset,
      this.config.vocabSize,
      { temperature, topK, topP },
      row.random,
    )
    row.tokens.push(token)
    row.logprobs.push(logprobs[offset + token]!)
    row.samplingLogprobs.push(samplingLogprob)
    row.request.onToken?.(row.index, token)
    if (stopTokens.includes(token) || (stop.length > 0 && this.#endsWithStop(row, stop)))
      row.stopReason = 'stop'
    else if (row.tokens.length >= maxTokens) row.stopReason = 'length'
  }

  #endsWithStop(row: Row, stop: readonly string[]): boolean {
    if (!this.tokenizer)
      throw new Error('sample: stop strings need a tokenizer; this model was opened without one')
    // A stop string spans at most as many tokens as it has bytes.
    const reach = Math.max(...stop.map((s) => Buffer.byteLength(s))) + 1
    const tail = this.tokenizer.decode(row.tokens.slice(-reach))
    return stop.some((s) => tail.includes(s))
  }

  #runPrefill(prompts: readonly Int32Array[]): Record<string, Tensor> {
    const batch = prompts.length
    const length = Math.max(...prompts.map((p) => p.length))
    const grid = () => new BigInt64Array(batch * length)
    const [ids, positions, segments] = [grid(), grid(), grid()]
    for (const [b, prompt] of prompts.entries())
      for (let t = 0; t < length; t++) {
        positions[b * length + t] = BigInt(t)
        if (t >= prompt.length) continue
        ids[b * length + t] = BigInt(prompt[t]!)
        segments[b * length + t] = 1n
      }
    const dims = [batch, length]
    const last = BigInt64Array.from(prompts, (p, b) => BigInt(b * length + p.length - 1))
    return this.#prefill.run({
      ...this.#weights,
      'rotary.cos': this.#rotary.cos,
      'rotary.sin': this.#rotary.sin,
      ids: { data: ids, dims },
      positions: { data: positions, dims },
      segments: { data: segments, dims },
      last: { data: last, dims: [batch] },
    })
  }
}

/** Keys and values [rows, kvHeads, capacity, headDim] a layer, and the mask of the positions in use. */
class Cache {
  #layers: { key: Float32Array; value: Float32Array }[] = []
  #mask = new Float32Array(0)
  #capacity = 0
  #rows = 0
  readonly #config: ModelConfig
  constructor(config: ModelConfig) {
    this.#config = config
  }

  allocate(rows: number, positions: number): void {
    const { numLayers, numKvHeads, headDim } = this.#config
    this.#capacity = Math.ceil((positions + 1) / CACHE_STEP) * CACHE_STEP
    this.#rows = rows
    const size = rows * numKvHeads * this.#capacity * headDim
    this.#layers = Array.from({ length: numLayers }, () => ({
      key: new Float32Array(size),
      value: new Float32Array(size),
    }))
    this.#mask = new Float32Array(rows * this.#capacity).fill(MASKED)
  }

  feeds(batch: number): Record<string, Tensor> {
    const { numKvHeads, headDim } = this.#config
    const dims = [batch, numKvHeads, this.#capacity, headDim]
    const size = batch * numKvHeads * this.#capacity * headDim
    const feeds: Record<string, Tensor> = {
      mask: { data: this.#mask.subarray(0, batch * this.#capacity), dims: [batch, 1, 1, this.#capacity] },
    }
    for (const [i, { key, value }] of this.#layers.entries()) {
      feeds[`pastKey.${i}`] = { data: key.subarray(0, size), dims }
      feeds[`pastValue.${i}`] = { data: value.subarray(0, size), dims }
    }
    return feeds
  }

  /** Fills row b with the first `length` positions of row k of a prefill. */
  copyPrompt(b: number, prefill: Record<string, Tensor>, k: number, length: number): void {
    const { numKvHeads, headDim } = this.#config
    for (const [i, layer] of this.#layers.entries())
      for (const which of ['key', 'value'] as const) {
        const { data, dims } = prefill[`${which}.${i}`]!
        const width = dims[2]! * headDim
        for (let h = 0; h < numKvHeads; h++) {
          const source = (k * numKvHeads + h) * width
          const part = (data as Float32Array).subarray(source, source + length * headDim)
          layer[which].set(part, (b * numKvHeads + h) * this.#capacity * headDim)
        }
      }
    this.#mask.fill(0, b * this.#capacity, b * this.#capacity + length)
  }

  /** Writes the newest token's keys and values of row b at `position`. */
  append(b: number, position: number, step: Record<string, Tensor>): void {
    const { numKvHeads, headDim } = this.#config
    for (const [i, layer] of this.#layers.entries())
      for (const which of ['key', 'value'] as const) {
        const data = step[`${which}.${i}`]!.data as Float32Array
        for (let h = 0; h < numKvHeads; h++) {
          const source = (b * numKvHeads + h) * headDim
          const target = ((b * numKvHeads + h) * this.#capacity + position) * headDim
          for (let d = 0; d < headDim; d++) layer[which][target + d] = data[source + d]!
        }
      }
    this.#mask[b * this.#capacity + position] = 0
  }

  /** Moves the given rows, in order, to the front and forgets the others. */
  keep(rows: readonly number[]): void {
    const { numKvHeads, headDim } = this.#config
    const width = numKvHeads * this.#capacity * headDim
    for (const [to, from] of rows.entries()) {
      if (to === from) continue
      for (const { key, value } of this.#layers) {
        key.copyWithin(to * width, from * width, (from + 1) * width)
        value.copyWithin(to * width, from * width, (from + 1) * width)
      }
      this.#mask.copyWithin(to * this.#capacity, from * this.#capacity, (from + 1) * this.#capacity)
    }
    this.#rows = rows.length
  }

  /** Room for `positions` positions. */
  ensure(positions: number): void {
    if (positions <= this.#capacity) return
    const { numKvHeads, headDim } = this.#config
    const [oldLayers, oldMask, oldCapacity] = [this.#layers, this.#mask, this.#capacity]
    this.allocate(this.#rows, positions)
    for (const [i, layer] of this.#layers.entries())
      for (const which of ['key', 'value'] as const)
        for (let r = 0; r < this.#rows * numKvHeads; r++) {
          const source = r * oldCapacity * headDim
          const part = oldLayers[i]![which].subarray(source, source + oldCapacity * headDim)
          layer[which].set(part, r * this.#capacity * headDim)
        }
    for (let b = 0; b < this.#rows; b++)
      this.#mask.set(oldMask.subarray(b * oldCapacity, (b + 1) * oldCapacity), b * this.#capacity)
  }
}

export function weightFeeds(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
): Record<string, Tensor> {
  return Object.fromEntries(
    [...parameterShapes(config)].map(([name, dims]) => [name, { data: parameters.get(name)!, dims }]),
  )
}

export function rotaryFeeds(config: ModelConfig, positions: number): { cos: Tensor; sin: Tensor } {
  const { cos, sin } = rotaryTables(config, positions)
  const dims = [positions, config.headDim / 2]
  return { cos: { data: cos, dims }, sin: { data: sin, dims } }
}

const chunk = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
