import { generatorOf } from '../../../providers/generator.ts'
import { openModel } from '../../../providers/open-model.ts'
import type { TextModel } from '../../../thinking/model.ts'
import type { StrategySpec } from '../../../thinking/strategies/strategy.ts'
import { type App, createApp } from '../../app.ts'
import { dialects } from '../../dialects/index.ts'
import { LIMITS } from '../../limits.ts'
import { openResponder } from '../../respond/responder.ts'
import { promptDialect } from './prompt.ts'

/** How a model is used: its strategy, and the folder of the reward model and the source of the judge that this needs. */
export interface Use {
  readonly spec: StrategySpec
  readonly reward: string | undefined
  readonly judge: string | undefined
}

interface Used {
  readonly app: App
  close(): Promise<void>
}

/** Uses of a model that stay open. */
const USES = 4

/** A model that is open, with a server for each way in which it is used. */
export class OpenedModel {
  readonly #model: TextModel
  readonly #name: string
  readonly #hosts: readonly string[]
  readonly #onFailure: (error: unknown) => void
  readonly #uses = new Map<string, Promise<Used>>()

  private constructor(
    model: TextModel,
    name: string,
    hosts: readonly string[],
    onFailure: (error: unknown) => void,
  ) {
    this.#model = model
    this.#name = name
    this.#hosts = hosts
    this.#onFailure = onFailure
  }

  /** @throws UserError if there is no model, or it cannot be opened. */
  static async open(
    source: string,
    {
      name,
      hosts,
      onFailure,
    }: { name: string; hosts: readonly string[]; onFailure: (error: unknown) => void },
  ): Promise<OpenedModel> {
    const model = await openModel(source, { schedule: 'continuous', onCheckpoint: () => {} })
    return new OpenedModel(model, name, hosts, onFailure)
  }

  /** The server of the model under a strategy. @throws UserError if the model cannot be used so. */
  async serverFor(use: Use): Promise<App> {
    const key = JSON.stringify(use)
    const using = this.#uses.get(key) ?? this.#use(use)
    this.#uses.delete(key)
    this.#uses.set(key, using)
    using.catch(() => this.#uses.delete(key))
    const { app } = await using
    await this.#closeOthers(key)
    return app
  }

  /** Does it respond to somebody? */
  async isBusy(): Promise<boolean> {
    const uses = await Promise.allSettled(this.#uses.values())
    return uses.some((use) => use.status === 'fulfilled' && use.value.app.active > 0)
  }

  async close(): Promise<void> {
    for (const use of await Promise.allSettled(this.#uses.values()))
      if (use.status === 'fulfilled') await use.value.close()
    await this.#model.close()
  }

  async #use({ spec, reward, judge }: Use): Promise<Used> {
    const model = this.#model
    const chooser =
      judge === undefined
        ? undefined
        : generatorOf(await openModel(judge, { schedule: 'continuous', onCheckpoint: () => {} }), {
            temperature: 0,
          })
    const responder = await openResponder(model, { spec, reward, judge: chooser }).catch(async (error) => {
      await chooser?.close()
      throw error
    })
    const app = createApp({
      responder,
      served: {
        names: [this.#name],
        anyName: true,
        created: Math.floor(Date.now() / 1000),
        identity: responder.withWish({ effort: null, budget: null }).identity,
        countPrompt: model.countPrompt?.bind(model) ?? null,
        can: { ...model.can, budget: model.can.prefix },
      },
      dialects: [...dialects, promptDialect(model)],
      access: { keys: [], hosts: this.#hosts, origins: [] },
      limits: LIMITS,
      log: { request: () => {}, failure: this.#onFailure },
    })
    return {
      app,
      async close() {
        app.abort()
        await responder.close()
        await chooser?.close()
      },
    }
  }

  /** Closes the uses that were not needed for the longest time and respond to nobody. */
  async #closeOthers(key: string): Promise<void> {
    for (const [other, using] of this.#uses) {
      if (this.#uses.size <= USES) return
      const used = other === key ? null : await using.catch(() => null)
      if (used === null || used.app.active > 0) continue
      this.#uses.delete(other)
      await used.close()
    }
  }
}
