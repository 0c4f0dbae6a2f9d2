import type { z } from 'zod'
import { UserError } from '../common/errors.ts'
import type { Trainer } from '../engines/contract.ts'
import { finishRun, type Trained } from '../runs/finish.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import { checkSettings, type Tree } from '../settings/layers.ts'

/** Examples as tokens, ready to learn from. */
interface Prepared<Data> {
  /** How much there is. */
  readonly data: Data
  /** SHA-256 of all that is learned from. */
  readonly hash: string
}

/** What a run on examples can tell. */
export interface DataWatch<Settings, Data> {
  /** Raised: the run stops after the step under way, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: Settings, data: Data) => void) | undefined
  /** Told what of the data is left out, in words. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Told what takes long before there is a run: downloads, large tables. */
  readonly onProgress?: ((line: string) => void) | undefined
}

interface Parts<Settings, Data, Watch, P, Opened, Learned> {
  readonly name: string
  readonly settings: z.ZodType<Settings>
  readonly prepare: (settings: Settings, watch: Watch) => Promise<P & Prepared<Data>>
  /** Opens the model. A damaged one fails here, before there is a run. */
  readonly open: (settings: Settings) => Promise<Opened>
  readonly learn: (
    opened: Opened,
    prepared: P & Prepared<Data>,
    job: { readonly settings: Settings; readonly watch: Watch; readonly store: RunStore },
  ) => Promise<Learned>
}

/** A recipe whose run learns from a file of examples, epoch by epoch. */
export class DataRecipe<
  Settings extends { readonly seed: number; readonly data: string },
  Data,
  Watch extends DataWatch<Settings, Data>,
  P,
  Opened extends { readonly trainer: Trainer },
  Learned extends object,
> {
  readonly #parts: Parts<Settings, Data, Watch, P, Opened, Learned>

  constructor(parts: Parts<Settings, Data, Watch, P, Opened, Learned>) {
    this.#parts = parts
  }

  async begin(settings: Settings, watch: Watch, out: string | undefined) {
    const prepared = await this.#parts.prepare(settings, watch)
    return this.#withModel(settings, (opened) => {
      const store = RunStore.create({
        recipe: this.#parts.name,
        seed: settings.seed,
        settings: { ...settings, dataHash: prepared.hash },
        ...(out ? { out } : {}),
      })
      return this.#train(store, opened, settings, prepared, watch)
    })
  }

  /**
   * Goes on with a run from its last checkpoint, to the same result as if it had never stopped. The data is read again
   * and must be what it was.
   */
  async goOn(directory: string, watch: Watch) {
    const store = RunStore.open(directory, { write: true })
    try {
      const { dataHash, ...tree } = store.info().settings as Tree
      const settings = checkSettings(this.#parts.settings, tree)
      const prepared = await this.#parts.prepare(settings, watch)
      if (prepared.hash !== dataHash)
        throw new UserError(
          `${settings.data} is no longer what it was when ${directory} began, so that the run cannot go on; start a new one`,
        )
      return await this.#withModel(settings, (opened) =>
        this.#train(store, opened, settings, prepared, watch),
      )
    } finally {
      store.close()
    }
  }

  /** The weights go to the engine; none are kept here. */
  async #withModel<T>(settings: Settings, work: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.#parts.open(settings)
    try {
      return await work(opened)
    } finally {
      await opened.trainer.close()
    }
  }

  async #train(
    store: RunStore,
    opened: Opened,
    settings: Settings,
    prepared: P & Prepared<Data>,
    watch: Watch,
  ): Promise<{ seed: number; data: Data } & Learned & Trained> {
    const started = performance.now()
    try {
      // the base model, or the last checkpoint
      const from = store.checkpoints().at(-1)
      store.truncateAfter(from?.step ?? 0)
      store.setStatus('running')
      if (from) await opened.trainer.load(from.path)
      watch.onStart?.(store.directory, settings, prepared.data)

      const learned = await this.#parts.learn(opened, prepared, { settings, watch, store })
      const outcome = { seed: settings.seed, data: prepared.data, ...learned }
      return await finishRun(store, started, outcome, (directory) => opened.trainer.save(directory))
    } catch (error) {
      if (!(error instanceof Interrupted)) store.fail()
      throw error
    } finally {
      store.close()
    }
  }
}
