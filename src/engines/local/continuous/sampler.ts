import type { ModelConfig } from '../../../models/config.ts'
import type { Tokenizer } from '../../../models/tokenizer/tokenizer.ts'
import { Session, type Tensor } from '../../../onnx/session.ts'
import type { SampledSequence } from '../../contract.ts'
import { type Parameters, rotaryFeeds } from '../model/feeds.ts'
import {
  type Drawing,
  drawNext,
  drawn,
  type SampleRequest,
  scaleOf,
  startDrawing,
} from '../model/sampling/drawing.ts'
import { Blocks, blockBytes } from './blocks.ts'
import { Chunks, type Computing } from './chunks.ts'
import { PrefixCache } from './prefix-cache.ts'
import { BLOCK, stepProgram } from './program.ts'
import { type Running, RunningSequences } from './running.ts'

/** A request, and whom to tell how it ended. */
export interface Joining extends SampleRequest {
  onResult(sequences: SampledSequence[]): void
  onError(error: unknown): void
}

/** Limits of one model's samplers, shared by its replicas: bytes of keys and values. */
export interface Memory {
  /** Of the sequences being sampled. */
  readonly running: number
  /** Of the prompts being computed. */
  readonly prompts: number
  /** Of earlier texts, kept in case that a prompt begins with them. */
  readonly prefixes: number
}
export const MEMORY: Memory = { running: 2 ** 30, prompts: 2 ** 28, prefixes: 2 ** 28 }

/** Sequences that are sampled at once, and elements of their [sequences, vocabulary] matrix. */
const MAX_ROWS = 512
const MAX_LOGITS = 2 ** 26
/** So many prompts are computed in turns, so that a long one does not keep short ones waiting. */
const PROMPTS = 16
/** With a single row, or with no more sequences than threads, the runtime would add numbers in another order. */
const LEAST_ROWS = 2
const leastSequences = (threads: number): number => Math.max(LEAST_ROWS, threads + 1)

/** A text whose keys and values are computed, and the sequences that continue it. */
interface Prompt extends Computing {
  readonly entry: Entry
  /** The sequences that have not started yet. */
  readonly waiting: Drawing[]
  /** Of the first `done` tokens, so many were known already. */
  cached: number
  /** The distribution of the next token, once all are done. */
  probs: Float32Array | null
}

/** A request, its sequences that have ended, and how many have not. */
interface Entry {
  readonly request: Joining
  readonly sequences: SampledSequence[]
  left: number
  /** Of the prompt's tokens, those that were known already; null until they have been looked up. */
  cached: number | null
  over: boolean
}

/** A sequence being sampled, of a request. */
interface Row extends Running {
  readonly entry: Entry
  /** Larger for a sequence that got its place later. */
  readonly started: number
}

/** What a sampler is doing; counts of tokens are since it was opened. */
export interface ContinuousLoad {
  readonly running: number
  readonly sampledTokens: number
  readonly promptTokens: number
  readonly cachedTokens: number
}

/**
 * Samples with fixed weights while requests come and go. `step` computes the next token of every sequence being sampled,
 * and up to `CHUNK` tokens of prompts. Requests that find no room wait in the order in which they came.
 */
export class ContinuousSampler {
  readonly #config: ModelConfig
  readonly #tokenizer: Tokenizer | null
  readonly #session: Session
  readonly #rotary: Record<string, Tensor>
  readonly #beforeRun: () => void
  readonly #running: RunningSequences<Row>
  readonly #prefixes: PrefixCache
  readonly #leastSequences: number
  readonly #maxRows: number
  /** Blocks that prompts may use together. */
  readonly #promptBlocks: number
  /** Sequences without a prompt yet: requests that are new, and sequences that had to give up their place. */
  #waiting: { readonly entry: Entry; readonly tokens: Int32Array; readonly drawings: Drawing[] }[] = []
  /** Prompts being computed, in turns: the first is next. */
  #prompts: Prompt[] = []
  /** Prompts with sequences that have not started. */
  #ready: Prompt[] = []
  readonly #entries = new Set<Entry>()
  #started = 0
  #sampledTokens = 0
  #promptTokens = 0
  #cachedTokens = 0

  /**
   * @param share The part of `MEMORY` that this sampler may use.
   * @param beforeRun Called before each run of the program; if it throws, all requests fail with its error.
   */
  constructor(
    config: ModelConfig,
    parameters: Parameters,
    tokenizer: Tokenizer | null,
    { threads, share, beforeRun }: { threads: number; share: number; beforeRun: () => void },
  ) {
    this.#config = config
    this.#tokenizer = tokenizer
    this.#beforeRun = beforeRun
    this.#session = new Session(stepProgram(config, parameters), { threads })
    this.#rotary = rotaryFeeds(config, config.maxPositions)
    // A sequence of the greatest length always fits, in each of them.
    const longest = Math.ceil(config.maxPositions / BLOCK) + 1
    const blocks = (bytes: number) => Math.floor((share * bytes) / blockBytes(config))
    this.#running = new RunningSequences(config, Math.max(longest, blocks(MEMORY.running)))
    this.#promptBlocks = Math.max(longest, blocks(MEMORY.prompts))
    this.#prefixes = new PrefixCache(blocks(MEMORY.prefixes))
    this.#leastSequences = leastSequences(threads)
    this.#maxRows = Math.max(LEAST_ROWS, Math.min(MAX_ROWS, Math.floor(MAX_LOGITS / config.vocabSize)))
  }

  get load(): ContinuousLoad {
    return {
      running: this.#running.rows.length,
      sampledTokens: this.#sampledTokens,
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
    }
  }

  /** Is there anything to do? */
  get busy(): boolean {
    return this.#entries.size > 0
  }

  /** Adds a request, whose sequences begin as soon as there is room. */
  add(request: Joining): void {
    const { n } = request.options
    const entry: Entry = { request, sequences: [], left: n, cached: null, over: false }
    this.#entries.add(entry)
    const drawings = Array.from({ length: n }, (_, index) => startDrawing(request, index))
    this.#waiting.push({ entry, tokens: request.prompt, drawings })
  }

  /** Computes one step. If that fails, all requests fail. */
  step(): void {
    try {
      for (const entry of [...this.#entries])
        if (entry.request.aborted?.()) this.#fail(entry, new Error('the request was aborted'))
      this.#start()
      this.#admit()
      this.#makeRoom()
      this.#compute()
      this.#start()
    } catch (error) {
      for (const entry of [...this.#entries]) this.#fail(entry, error)
    }
  }

  /** Frees the program. Requests that have not ended fail with `error`. */
  close(error: Error): void {
    for (const entry of [...this.#entries]) this.#fail(entry, error)
    this.#session.dispose()
  }

  #fail(entry: Entry, error: unknown): void {
    this.#end(entry)
    entry.request.onError(error)
  }

  /** Forgets a request and all its sequences. */
  #end(entry: Entry): void {
    entry.over = true
    this.#entries.delete(entry)
    const others = ({ entry: e }: { entry: Entry }) => e !== entry
    this.#waiting = this.#waiting.filter(others)
    this.#prompts = this.#prompts.filter(others)
    this.#ready = this.#ready.filter(others)
    for (const row of this.#running.rows.filter((row) => row.entry === entry)) this.#running.remove(row)
  }

  /** Starts sequences whose prompt is done, as far as there is room. */
  #start(): void {
    for (const prompt of this.#ready) {
      while (!prompt.entry.over && prompt.waiting.length > 0) {
        const needed = Math.floor(prompt.tokens.length / BLOCK) + 1
        if (this.#running.rows.length >= this.#maxRows || this.#running.room < needed) return
        const { entry, tokens, blocks, probs } = prompt
        const started = this.#started++
        const row = { ...prompt.waiting.shift()!, entry, started, blocks: [], length: tokens.length }
        this.#running.add(row, blocks)
        this.#draw(row, probs!, 0)
      }
    }
    this.#ready = this.#ready.filter(({ waiting }) => waiting.length > 0)
  }

  /** Lets waiting prompts begin, in order, as far as there is room. */
  #admit(): void {
    while (this.#waiting.length > 0 && this.#prompts.length < PROMPTS) {
      const { entry, tokens, drawings } = this.#waiting[0]!
      const size = Math.ceil(tokens.length / BLOCK)
      const used = [...this.#prompts, ...this.#ready].reduce((sum, { blocks }) => sum + blocks.capacity, 0)
      if (used > 0 && used + size > this.#promptBlocks) return
      this.#waiting.shift()
      const blocks = new Blocks(this.#config, size)
      this.#prompts.push({ entry, tokens, waiting: drawings, blocks, done: 0, cached: 0, probs: null })
    }
  }

  /** Gives every sequence a block for its next token. If there are none left, the youngest sequence has to wait again. */
  #makeRoom(): void {
    for (const row of [...this.#running.rows]) {
      while (this.#running.rows.includes(row) && this.#running.needsBlock(row)) {
        if (this.#running.room > 0) this.#running.extend(row)
        else this.#suspend(this.#running.rows.reduce((a, b) => (b.started > a.started ? b : a)))
      }
    }
  }

  /** Takes a sequence's place away; it will continue when there is room again. */
  #suspend(row: Row): void {
    this.#keep(row)
    this.#running.remove(row)
    const tokens = Int32Array.of(...row.request.prompt, ...row.tokens)
    this.#waiting.unshift({ entry: row.entry, tokens, drawings: [row] })
  }

  /** Keeps a sequence's full blocks for later prompts. */
  #keep(row: Row): void {
    const tokens = [...row.request.prompt, ...row.tokens]
    this.#prefixes.store(tokens, Math.floor(row.length / BLOCK), (k) => this.#running.read(row, k))
  }

  /** Chooses tokens of the prompts whose turn it is, with the blocks that are known by now. */
  #nextChunks(): Chunks<Prompt> {
    const chunks = new Chunks<Prompt>()
    this.#prompts = this.#prompts.filter((prompt) => {
      if (chunks.full) return true
      const { tokens, blocks, done } = prompt
      // The last token is computed in any case: its output is the next token's distribution.
      const known = this.#prefixes.find(tokens, done / BLOCK, Math.floor((tokens.length - 1) / BLOCK))
      for (const [k, contents] of known.entries()) blocks.write(done / BLOCK + k, contents)
      prompt.done += known.length * BLOCK
      prompt.cached += known.length * BLOCK
      return !chunks.add(prompt)
    })
    return chunks
  }

  #compute(): void {
    const rows = [...this.#running.rows]
    const chunks = this.#nextChunks()
    if (rows.length === 0 && chunks.size === 0) return
    const places = Math.max(this.#leastSequences, rows.length)
    const count = places + chunks.size
    const [ids, positions] = [new BigInt64Array(count), new BigInt64Array(count)]
    const ending = chunks.parts.filter(({ prompt, end }) => end === prompt.tokens.length).length
    const wantedRows = Math.max(LEAST_ROWS, rows.length + ending)
    const [wanted, scale] = [new BigInt64Array(wantedRows), new Float32Array(wantedRows).fill(1)]
    for (const [i, row] of rows.entries()) {
      ids[i] = BigInt(row.tokens.at(-1)!)
      positions[i] = BigInt(row.length)
      wanted[i] = BigInt(i)
      scale[i] = scaleOf(row.request)
    }
    let [at, want] = [places, rows.length]
    for (const { prompt, begin, end } of chunks.parts) {
      for (let position = begin; position < end; position++) {
        ids[at] = BigInt(prompt.tokens[position]!)
        positions[at++] = BigInt(position)
      }
      if (end < prompt.tokens.length) continue
      wanted[want] = BigInt(at - 1)
      scale[want++] = scaleOf(prompt.entry.request)
    }
    this.#beforeRun()
    const out = this.#session.run({
      ...this.#rotary,
      ...this.#running.feeds(places),
      ...chunks.feeds(this.#config),
      ids: { data: ids, dims: [count, 1] },
      positions: { data: positions, dims: [count, 1] },
      rows: { data: wanted, dims: [wantedRows] },
      scale: { data: scale, dims: [wantedRows, 1] },
    })
    const [probs, newest] = [out.probs!.data as Float32Array, out.newest!.data as Float32Array]
    this.#running.append(newest, count)
    at = places
    want = rows.length
    for (const { prompt, begin, end } of chunks.parts) {
      for (let position = begin; position < end; position++)
        prompt.blocks.append(newest, at++, count, Math.floor(position / BLOCK), position % BLOCK)
      prompt.done = end
      this.#promptTokens += end - begin
      this.#prefixes.store(prompt.tokens, Math.floor(end / BLOCK), (k) => prompt.blocks.read(k))
      if (end < prompt.tokens.length) {
        this.#prompts.push(prompt)
        continue
      }
      const { vocabSize } = this.#config
      prompt.probs = probs.slice(want * vocabSize, ++want * vocabSize)
      prompt.entry.cached ??= prompt.cached
      this.#cachedTokens += prompt.cached
      this.#ready.push(prompt)
    }
    for (const [i, row] of rows.entries()) if (!row.entry.over) this.#draw(row, probs, i)
  }

  /** Draws a sequence's next token from a row of `probs`. An error fails only its request. */
  #draw(row: Row, probs: Float32Array, at: number): void {
    const { entry } = row
    try {
      drawNext(row, probs, at, this.#config.vocabSize, this.#tokenizer)
    } catch (error) {
      this.#fail(entry, error)
      return
    }
    this.#sampledTokens++
    if (row.stopReason === null) return
    this.#keep(row)
    this.#running.remove(row)
    entry.sequences[row.index] = { ...drawn(row), cachedTokens: entry.cached! }
    if (--entry.left > 0) return
    this.#end(entry)
    entry.request.onResult(entry.sequences)
  }
}
