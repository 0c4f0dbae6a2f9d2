import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onFile, writeFileAtomically } from '../models/file.ts'
import type { Trained } from './finish.ts'
import { Interrupted } from './interrupted.ts'
import { RunStore } from './store.ts'

/** A training run inside another one. */
export interface Part<R extends Trained> {
  /** Starts it in a folder. */
  begin(out: string): Promise<R>
  /** Goes on with it from its last checkpoint. */
  resume(directory: string): Promise<R>
}

/**
 * The parts of a run that is made of several: each is done once and leaves its result in the run's folder, so that a run
 * stopped anywhere goes on where it was, to the identical result.
 */
export class Pipeline {
  readonly directory: string
  readonly #signal: AbortSignal | undefined
  readonly #onPart: ((name: string) => void) | undefined
  #parts = 0

  constructor(
    directory: string,
    { signal, onPart }: { signal?: AbortSignal | undefined; onPart?: ((name: string) => void) | undefined },
  ) {
    this.directory = directory
    this.#signal = signal
    this.#onPart = onPart
  }

  /** A training run in a folder of its own: begun, gone on with, or done already. */
  async train<R extends Trained>(name: string, part: Part<R>): Promise<R> {
    this.#next(name)
    const directory = join(this.directory, name)
    const known = this.#resultOf(directory)
    if (known === 'none') return part.begin(directory)
    return known === null ? part.resume(directory) : (known as R)
  }

  /** What is made once and kept as JSON. The work is told the part's number. */
  async make<T>(name: string, work: (part: number) => Promise<T>): Promise<T> {
    this.#next(name)
    const file = join(this.directory, `${name}.json`)
    if (existsSync(file)) return onFile('read', file, () => JSON.parse(readFileSync(file, 'utf8'))) as T
    const made = await work(this.#parts)
    writeFileAtomically(file, (append) => append(Buffer.from(`${JSON.stringify(made, null, 1)}\n`)))
    return JSON.parse(JSON.stringify(made)) as T
  }

  #next(name: string): void {
    this.#parts++
    if (this.#signal?.aborted) throw new Interrupted(this.directory, this.#parts)
    this.#onPart?.(name)
  }

  /** The result of a run that is done; `null` of one that is not; 'none' where there is none. */
  #resultOf(directory: string): unknown {
    if (!existsSync(join(directory, 'run.sqlite'))) return 'none'
    const store = RunStore.open(directory)
    const { status, result } = store.info()
    store.close()
    return status === 'done' ? result : null
  }
}
