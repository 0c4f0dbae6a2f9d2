import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { writeFileAtomically } from '../common/files/files.ts'
import { Interrupted } from './interrupted.ts'
import { isRun, modelOf, readInfo } from './store.ts'
import type { Trained } from './with-run.ts'

/** A training run that is a part of another run. */
export interface Training<Result extends Trained> {
  /** Starts the training run in a folder. */
  begin(out: string): Promise<Result>
  /** Resumes the training run in its folder, from its last checkpoint. */
  resume(directory: string): Promise<Result>
}

/**
 * The parts of a run. Each part is done once and its result is kept in the run's folder. A stopped run that repeats its
 * parts in the same order continues where it stopped, with an identical result.
 */
export class Parts {
  readonly directory: string
  readonly #signal: AbortSignal | undefined
  readonly #onPart: ((name: string) => void) | undefined
  readonly #titles: Readonly<Record<string, string>>
  #count = 0

  constructor(
    directory: string,
    options: {
      /** When aborted, no further part starts, and `Interrupted` is thrown. */
      readonly signal?: AbortSignal | undefined
      /** Called with the name of every part before it starts, also of parts that are already done. */
      readonly onPart?: ((name: string) => void) | undefined
      /** What people call a part, by its name: used where the run says that it was interrupted in it. */
      readonly titles?: Readonly<Record<string, string>> | undefined
    },
  ) {
    this.directory = directory
    this.#signal = options.signal
    this.#onPart = options.onPart
    this.#titles = options.titles ?? {}
  }

  /** Does a training run in the folder `name`: starts it, resumes it, or reads its result if it is done. */
  async train<Result extends Trained>(name: string, training: Training<Result>): Promise<Result> {
    this.#next(name)
    const directory = join(this.directory, name)
    if (!isRun(directory)) return this.#inPart(name, () => training.begin(directory))
    const { status, result } = readInfo(directory)
    if (status !== 'done') return this.#inPart(name, () => training.resume(directory))
    // the run may have been moved since
    return { ...(result as Result), run: directory, model: modelOf(directory) }
  }

  /**
   * Does `work` once and keeps its result as `<name>.json`. `work` gets the part's number, which is its step in the run's
   * store.
   */
  async make<T>(name: string, work: (part: number) => Promise<T>): Promise<T> {
    this.#next(name)
    const file = join(this.directory, `${name}.json`)
    if (existsSync(file)) return readResult(file) as T
    const json = JSON.stringify(await this.#inPart(name, () => work(this.#count)), null, 1)
    writeFileAtomically(file, (append) => append(Buffer.from(`${json}\n`)))
    return JSON.parse(json) as T
  }

  #next(name: string): void {
    this.#count++
    if (this.#signal?.aborted) throw new Interrupted(this.directory, 0, this.#title(name))
    this.#onPart?.(name)
  }

  /** Does a part. @throws Interrupted, with the part's title, where the part was interrupted. */
  async #inPart<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const stopped = this.#signal?.aborted && error === this.#signal.reason
      if (!stopped && !(error instanceof Interrupted)) throw error
      throw new Interrupted(this.directory, stopped ? 0 : (error as Interrupted).step, this.#title(name))
    }
  }

  #title(name: string): string {
    return this.#titles[name] ?? name
  }
}

function readResult(file: string): unknown {
  const text = onDisk('read', file, () => readFileSync(file, 'utf8'))
  try {
    return JSON.parse(text)
  } catch {
    throw new UserError(`${file} is damaged: delete it, and resume the run to make it again`)
  }
}
