import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFile } from '../../models/file.ts'
import { Numbers } from './numbers.ts'

/** Bytes kept in memory. */
const MEMORY = 32 << 20
/** Bytes read at once where texts are read one after the other. */
const AHEAD = 1 << 18

/**
 * A list of texts of any size in bounded memory: what does not fit goes to a temporary file, which has no name and so
 * is gone when the process is.
 */
export class Spool {
  /** Where each text begins, and where the last one ends. */
  readonly #starts = new Numbers(8)
  /** The end of the list, not yet in the file. */
  #tail = Buffer.alloc(1 << 16)
  #written = 0
  #file: number | null = null
  /** What was read last of the file, and where it begins. */
  #window = Buffer.alloc(0)
  #windowStart = 0

  constructor() {
    this.#starts.push(0)
  }

  get length(): number {
    return this.#starts.length - 1
  }

  push(text: string): void {
    const bytes = Buffer.from(text)
    const start = this.#starts.at(this.length)
    this.#reserve(start - this.#written, bytes.length)
    bytes.copy(this.#tail, start - this.#written)
    this.#starts.push(start + bytes.length)
  }

  read(index: number): string {
    const start = this.#starts.at(index)
    const end = this.#starts.at(index + 1)
    if (start >= this.#written) return this.#tail.toString('utf8', start - this.#written, end - this.#written)
    const windowEnd = this.#windowStart + this.#window.length
    if (start < this.#windowStart || end > windowEnd) {
      const follows = start >= this.#windowStart && start <= windowEnd + AHEAD
      const size = follows ? Math.min(AHEAD, this.#written - start) : 0
      this.#window = Buffer.allocUnsafe(Math.max(size, end - start))
      this.#windowStart = start
      readSync(this.#file!, this.#window, 0, this.#window.length, start)
    }
    return this.#window.toString('utf8', start - this.#windowStart, end - this.#windowStart)
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#tail.length) return
    if (used + more <= MEMORY) {
      const larger = Buffer.alloc(Math.min(MEMORY, 2 * (used + more)))
      this.#tail.copy(larger, 0, 0, used)
      this.#tail = larger
      return
    }
    onFile('write', `a temporary file in ${tmpdir()} (TMPDIR names another folder)`, () => {
      this.#file ??= openNameless()
      for (let at = 0; at < used; ) at += writeSync(this.#file, this.#tail, at, used - at)
    })
    this.#written += used
    if (more > this.#tail.length) this.#tail = Buffer.alloc(more)
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}

function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-table-'))
  try {
    return openSync(join(folder, 'rows'), 'wx+')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
