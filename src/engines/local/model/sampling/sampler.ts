import type { ModelConfig } from '../../../../models/config.ts'
import { parameterShapes } from '../../../../models/parameters.ts'
import { rowsOfLogits } from '../../../../models/product.ts'
import type { Tokenizer } from '../../../../models/tokenizer/tokenizer.ts'
import type { Graph } from '../../../../onnx/graph.ts'
import { type BoundFeeds, Session, type Tensor } from '../../../../onnx/session.ts'
import type { SampledSequence } from '../../../contract.ts'
import { type Parameters, parameterFeeds, rotaryFeeds } from '../feeds.ts'
import { decodeProgram, prefillProgram } from '../programs.ts'
import { Cache, type Cached, CacheMemory } from './cache.ts'
import { type Drawing, drawNext, drawn, type SampleRequest, scaleOf, startDrawing } from './drawing.ts'
import { planPrefills, prefillFeeds, promptCache } from './prefill.ts'

/** A new cache is made once less than this share of its places is in use. */
const COMPACT_BELOW = 0.8
/** Limits of a wave: memory of its caches, sequences, and elements of its [sequences, vocabulary] matrices. */
const CACHE_BYTES = 2 ** 30
const MAX_ROWS = 512
const MAX_LOGITS = 2 ** 26

/** A sequence being sampled. */
interface Row extends Cached, Drawing {}

/** Inputs of the decode program, for the lifetime of a cache. */
interface Batch {
  readonly session: Session
  readonly cache: Cache<Row>
  /** The newest token of each place, and its position. */
  readonly ids: BigInt64Array
  readonly positions: BigInt64Array
  readonly feeds: BoundFeeds
  /** The unfinished sequences with their places. */
  running: (readonly [place: number, row: Row])[]
}

/**
 * Samples many sequences together: one prefill per prompt, then one token for every unfinished sequence at each step.
 */
export class LocalSampler {
  readonly #threads: number
  readonly #sessions = new Map<string, Session>()
  readonly #rotary: Record<string, Tensor>
  readonly #beforeRun: () => void
  #weights: Record<string, Tensor> = {}
  /** The version of the weights that sampled last. */
  #version: number | null = null
  /** Memory of the current cache and of the next one. */
  readonly #memories: [CacheMemory, CacheMemory] = [new CacheMemory(), new CacheMemory()]

  constructor(
    readonly config: ModelConfig,
    readonly tokenizer: Tokenizer | null,
    threads: number,
    beforeRun: () => void,
  ) {
    this.#beforeRun = beforeRun
    this.#threads = threads
    this.#rotary = rotaryFeeds(config, config.maxPositions)
  }

  /**
   * Samples with the weights of a version.
   *
   * @throws UserError if the model's probabilities are not finite.
   */
  sample(requests: readonly SampleRequest[], parameters: Parameters, version: number): SampledSequence[][] {
    // A diverged policy may have left NaN or huge values in the caches, which a mask does not hide.
    if (version !== this.#version) for (const memory of this.#memories) memory.clear()
    this.#version = version
    this.#weights = parameterFeeds(parameterShapes(this.config), parameters)
    try {
      return this.#waves(requests)
    } catch (error) {
      this.#version = null // the caches may hold NaN
      throw error
    } finally {
      this.#weights = {} // so that the memory of a dropped version can be freed
    }
  }

  /** Samples in waves of as many requests as fit. A request with more sequences than a wave is cut into several. */
  #waves(requests: readonly SampleRequest[]): SampledSequence[][] {
    const results = requests.map((): SampledSequence[] => [])
    let wave: { readonly of: number; readonly piece: SampleRequest }[] = []
    let rows = 0
    let longest = 0
    const run = () => {
      const sampled = this.#wave(wave.map(({ piece }) => piece))
      for (const [k, { of }] of wave.entries()) results[of]!.push(...sampled[k]!)
      wave = []
      rows = longest = 0
    }
    for (const [of, request] of requests.entries()) {
      const length = request.prompt.length + request.options.maxTokens
      for (const piece of pieces(request, this.#mostRows(length))) {
        if (request.aborted?.()) break
        if (rows > 0 && rows + piece.options.n > this.#mostRows(Math.max(longest, length))) run()
        wave.push({ of, piece })
        rows += piece.options.n
        longest = Math.max(longest, length)
      }
    }
    if (rows > 0) run()
    return results
  }

  /** The number of sequences of up to `length` tokens, prompts included, that a wave can have. */
  #mostRows(length: number): number {
    const { numLayers, numKvHeads, headDim, vocabSize } = this.config
    const bytesPerPosition = numLayers * numKvHeads * headDim * 2 * 4
    const least = Math.min(MAX_ROWS, CACHE_BYTES / (length * bytesPerPosition), MAX_LOGITS / vocabSize)
    return Math.max(1, Math.floor(least))
  }

  #wave(requests: readonly SampleRequest[]): SampledSequence[][] {
    const groups: Row[][] = requests.map(() => [])
    const prompts = requests.map(({ prompt }) => prompt)
    const { shared, batches } = planPrefills(this.config, prompts)
    for (const members of batches) {
      const out = this.#runPrefill(
        members.map((i) => requests[i]!),
        shared,
      )
      for (const [k, i] of members.entries()) {
        const request = requests[i]!
        const prompt = promptCache(this.config, out, k, request.prompt.length)
        for (let index = 0; index < request.options.n; index++) {
          const row: Row = { ...startDrawing(request, index), prompt, generated: 0 }
          this.#take(row, out.probs!.data as Float32Array, k)
          groups[i]!.push(row)
        }
      }
    }
    this.#decodeAll(groups)
    const finished = new Map<SampleRequest, SampledSequence[]>(requests.map((r) => [r, []]))
    for (const row of groups.flat()) finished.get(row.request)![row.index] = drawn(row)
    return requests.map((r) => finished.get(r)!)
  }

  #decodeAll(all: readonly (readonly Row[])[]): void {
    const abortable = all.flat().filter(({ request }) => request.aborted)
    let groups = all
    let batch: Batch | null = null
    for (;;) {
      for (const row of abortable)
        if (row.stopReason === null && row.request.aborted!()) row.stopReason = 'length'
      if (!batch || batch.running.some(([, row]) => row.stopReason !== null)) {
        groups = groups.map((g) => g.filter((r) => r.stopReason === null)).filter((g) => g.length > 0)
        if (groups.length === 0) return
        if (batch) batch.running = batch.running.filter(([, row]) => row.stopReason === null)
      }
      if (!batch || batch.cache.full || batch.running.length < COMPACT_BELOW * batch.cache.places.length)
        batch = this.#batch(groups, batch)
      const { session, cache, ids, positions, feeds, running } = batch
      for (const [place, row] of running) {
        ids[place] = BigInt(row.tokens.at(-1)!)
        positions[place] = BigInt(row.prompt.length + row.generated)
      }
      this.#beforeRun()
      const out = session.run(feeds)
      cache.append(running, out.newest!.data as Float32Array)
      const probs = out.probs!.data as Float32Array
      for (const [place, row] of running) this.#take(row, probs, place)
    }
  }

  #batch(groups: readonly (readonly Row[])[], before: Batch | null): Batch {
    this.#memories.reverse()
    const cache = new Cache(this.config, groups, before?.cache ?? null, this.#memories[0])
    const dims = [cache.places.length, 1]
    const [ids, positions] = [new BigInt64Array(dims[0]!), new BigInt64Array(dims[0]!)]
    const scale = Float32Array.from(cache.places, (row) => (row === null ? 1 : scaleOf(row.request)))
    const rows = rowsOfLogits(cache.places.length)
    const session = this.#session(`decode ${rows}`, () => decodeProgram(this.config, rows))
    const feeds = session.bind({
      ...this.#weights,
      ...this.#rotary,
      ids: { data: ids, dims },
      positions: { data: positions, dims },
      scale: { data: scale, dims },
      ...cache.feeds(),
    })
    const running = [...cache.places.entries()].filter((entry): entry is [number, Row] => entry[1] !== null)
    return { session, cache, ids, positions, feeds, running }
  }

  #session(key: string, program: () => Graph): Session {
    let session = this.#sessions.get(key)
    if (!session) {
      session = new Session(program(), { threads: this.#threads })
      this.#sessions.set(key, session)
    }
    return session
  }

  #take(row: Row, probs: Float32Array, at: number): void {
    drawNext(row, probs, at, this.config.vocabSize, this.tokenizer)
  }

  #runPrefill(requests: readonly SampleRequest[], shared: number): Record<string, Tensor> {
    const rows = rowsOfLogits(requests.length)
    const session = this.#session(`prefill ${rows} ${shared > 0}`, () =>
      prefillProgram(this.config, rows, { shared: shared > 0 }),
    )
    this.#beforeRun()
    return session.run({
      ...this.#weights,
      ...this.#rotary,
      ...prefillFeeds(
        requests.map(({ prompt }) => prompt),
        shared,
      ),
      scale: { data: Float32Array.from(requests, scaleOf), dims: [requests.length, 1] },
    })
  }
}

/** Cuts a request into requests for at most `most` sequences each, which together have its sequences. */
function pieces(request: SampleRequest, most: number): SampleRequest[] {
  const { options, first = 0, onToken, onEnd } = request
  if (options.n <= most) return [request]
  return Array.from({ length: Math.ceil(options.n / most) }, (_, k): SampleRequest => {
    const from = k * most
    return {
      ...request,
      options: { ...options, n: Math.min(most, options.n - from) },
      first: first + from,
      onToken: onToken && ((index, token, detail) => onToken(from + index, token, detail)),
      onEnd: onEnd && ((index) => onEnd(from + index)),
    }
  })
}
