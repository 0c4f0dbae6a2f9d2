import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes kept in memory. */
const MEMORY = 32 << 20

/**
 * A list of texts of any size in bounded memory: what does not fit goes to a temporary file, which has no name and so
 * is gone when the process is.
 */
export class Spool {
  /** Where each text begins, and where the last one ends. */
  readonly #starts: number[] = [0]
  /** The end of the list, not yet in the file. */
  #tail = Buffer.alloc(1 << 16)
  #written = 0
  #file: number | null = null

  get length(): number {
    return this.#starts.length - 1
  }

  push(text: string): void {
    const bytes = Buffer.from(text)
    const start = this.#starts.at(-1)!
    this.#reserve(start - this.#written, bytes.length)
    bytes.copy(this.#tail, start - this.#written)
    this.#starts.push(start + bytes.length)
  }

  read(index: number): string {
    const start = this.#starts[index]!
    const end = this.#starts[index + 1]!
    if (start >= this.#written) return this.#tail.toString('utf8', start - this.#written, end - this.#written)
    const bytes = Buffer.allocUnsafe(end - start)
    readSync(this.#file!, bytes, 0, bytes.length, start)
    return bytes.toString('utf8')
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#tail.length) return
    if (used + more <= MEMORY) {
      const larger = Buffer.alloc(Math.min(MEMORY, 2 * (used + more)))
      this.#tail.copy(larger, 0, 0, used)
      this.#tail = larger
      return
    }
    this.#file ??= openNameless()
    for (let at = 0; at < used; ) at += writeSync(this.#file, this.#tail, at, used - at)
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
