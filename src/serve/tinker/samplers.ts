import type { Engine, Sampler, Scorer, Weights } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import type { BaseModel } from './base-models.ts'

/** What weights are opened for. */
interface Uses {
  readonly sampler: Sampler
  readonly scorer: Scorer
}

interface Open {
  readonly opened: Promise<Sampler | Scorer>
  users: number
}

/** Versions of the weights besides the base's that are open at a time, where the engine does not say. */
const OPEN = 4

/**
 * The samplers and scorers of a base model and of weights that were trained from it, all on one engine. Those that were used last
 * stay open.
 */
export class Samplers {
  #engine: Promise<Engine> | null = null
  /** In the order of their last use. */
  readonly #open = new Map<string, Open>()
  #turn: Promise<unknown> = Promise.resolve()
  readonly #base: BaseModel
  readonly #threads: number | undefined

  constructor(base: BaseModel, { threads }: { readonly threads?: number | undefined } = {}) {
    this.#base = base
    this.#threads = threads
  }

  /** Runs `work` with a sampler or scorer of the weights in a folder; null: the base model's. */
  async use<K extends keyof Uses, T>(
    what: K,
    folder: string | null,
    work: (opened: Uses[K]) => Promise<T>,
  ): Promise<T> {
    const entry = await this.#enter(what, folder)
    try {
      return await work((await entry.opened) as Uses[K])
    } finally {
      entry.users--
    }
  }

  /** Fails what is under way and frees everything. */
  async close(): Promise<void> {
    const engine = await this.#engine?.catch(() => null)
    await engine?.close()
  }

  /** One caller at a time, so that two do not open the same weights, or more than there is room for. */
  #enter(what: keyof Uses, folder: string | null): Promise<Open> {
    const entered = this.#turn.then(async () => {
      const key = `${what} ${folder ?? ''}`
      const found = this.#open.get(key)
      if (found) {
        this.#open.delete(key)
        this.#open.set(key, found)
        found.users++
        return found
      }
      this.#engine ??= openEngine({ model: this.#base.folder, threads: this.#threads })
      const engine = await this.#engine
      if (folder !== null) await this.#makeRoom(engine.can.heldVersions ?? OPEN)
      const weights = folder === null ? engine.base : engine.saved(folder)
      const entry: Open = { opened: open(engine, what, weights), users: 1 }
      this.#open.set(key, entry)
      entry.opened.catch(() => this.#open.delete(key))
      await entry.opened
      return entry
    })
    this.#turn = entered.catch(() => {})
    return entered
  }

  /** Closes what was not used for longest until another version can be opened. */
  async #makeRoom(most: number): Promise<void> {
    const isBase = (key: string): boolean => key.endsWith(' ')
    while ([...this.#open.keys()].filter((key) => !isBase(key)).length >= most) {
      const entries = [...this.#open].filter(([key]) => !isBase(key))
      const [key, entry] = entries.find(([, { users }]) => users === 0) ?? entries[0]!
      this.#open.delete(key)
      // waits for the calls that have begun
      await (await entry.opened).close()
    }
  }
}

const open = (engine: Engine, what: keyof Uses, weights: Weights): Promise<Sampler | Scorer> =>
  what === 'sampler' ? engine.sampler(weights, { schedule: 'continuous' }) : engine.scorer(weights)
