import type { ModelConfig } from '../../../models/config.ts'
import type { Tensor } from '../../../onnx/session.ts'
import { Blocks } from './blocks.ts'
import { BLOCK } from './program.ts'

/** At most this many tokens of prompts are computed between two tokens of the sequences being sampled. */
export const CHUNK = 64
/**
 * Prompts that are computed together have at most this many blocks, each counted with as many as the longest: all are
 * padded to its length.
 */
const PADDED = 128

/** A text of which the first `done` tokens are in `blocks`. */
export interface Computing {
  readonly tokens: Int32Array
  readonly blocks: Blocks
  done: number
}

/** The tokens `begin` … `end` − 1 of a prompt; `begin` is a multiple of `BLOCK`, and so is `end`, unless it is the prompt's. */
export interface Part<P extends Computing> {
  readonly prompt: P
  readonly begin: number
  readonly end: number
}

/** The parts of prompts that a step computes. */
export class Chunks<P extends Computing> {
  readonly parts: Part<P>[] = []
  /** Tokens of all parts. */
  size = 0
  /** Blocks of the prompt that has most. */
  #width = 0

  get full(): boolean {
    return this.size === CHUNK
  }

  /**
   * Adds as many of a prompt's next tokens as there is room for. There is none for a prompt whose next block is computed
   * for another one, where it will find it.
   */
  add(prompt: P): boolean {
    const { tokens, done } = prompt
    const room = CHUNK - this.size
    const left = tokens.length - done
    const size = left <= room ? left : room - (room % BLOCK)
    const width = Math.max(this.#width, Math.ceil((done + size) / BLOCK))
    if (size === 0 || (this.parts.length > 0 && width * (this.parts.length + 1) > PADDED)) return false
    if (this.parts.some((part) => willKnow(part, prompt))) return false
    this.parts.push({ prompt, begin: done, end: done + size })
    this.size += size
    this.#width = width
    return true
  }

  /** Inputs of the step program for these parts. */
  feeds(config: ModelConfig): Record<string, Tensor> {
    const { parts, size } = this
    const tiles = Math.max(1, ...parts.map(({ begin, end }) => Math.ceil((end - begin) / BLOCK)))
    const width = Math.max(1, this.#width)
    const chunk = new BigInt64Array(parts.length * tiles * BLOCK)
    const queryPosition = new Int32Array(chunk.length).fill(-1)
    const chunkRow = new BigInt64Array(size)
    const table = new BigInt64Array(parts.length * width)
    const before = parts.reduce((sum, { begin }) => sum + begin / BLOCK, 0)
    let [row, block] = [0, 0]
    for (const [p, { begin, end }] of parts.entries()) {
      for (let k = 0; k < begin / BLOCK; k++) table[p * width + k] = BigInt(block++)
      for (let k = begin / BLOCK; k * BLOCK < end; k++)
        table[p * width + k] = BigInt(before + p * tiles + k - begin / BLOCK)
      for (let at = begin; at < end; at++) {
        const place = p * tiles * BLOCK + at - begin
        chunk[place] = BigInt(row)
        queryPosition[place] = at
        chunkRow[row++] = BigInt(place)
      }
    }
    return {
      ...this.#before(config, before),
      chunk: { data: chunk, dims: [parts.length, tiles, BLOCK] },
      queryPosition: { data: queryPosition, dims: [parts.length, tiles, BLOCK] },
      chunkRow: { data: chunkRow, dims: [size] },
      promptTable: { data: table, dims: [parts.length, width] },
      keyPosition: { data: Int32Array.from({ length: width * BLOCK }, (_, i) => i), dims: [width, BLOCK] },
    }
  }

  /** The blocks before the parts, `count` in all. */
  #before(config: ModelConfig, count: number): Record<string, Tensor> {
    const some = this.parts.filter(({ begin }) => begin > 0)
    if (some.length === 1) return some[0]!.prompt.blocks.feeds('prefix', count)
    const together = new Blocks(config, count)
    let target = 0
    for (const { prompt, begin } of some) {
      together.copyFirst(prompt.blocks, begin / BLOCK, target)
      target += begin / BLOCK
    }
    return together.feeds('prefix', count)
  }
}

/** Does a part compute the block that a prompt needs next? The block of a prompt's last token is its own. */
function willKnow({ prompt, begin, end }: Part<Computing>, { tokens, done }: Computing): boolean {
  const next = done + BLOCK
  if (next >= tokens.length || done < begin || next > end) return false
  for (let i = 0; i < next; i++) if (tokens[i] !== prompt.tokens[i]) return false
  return true
}
