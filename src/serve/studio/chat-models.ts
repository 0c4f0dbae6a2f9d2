import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { packageRoot } from '../../common/files/package.ts'
import { modelOf } from '../../runs/store.ts'
import { type App, createApp } from '../app.ts'
import { dialects } from '../dialects/index.ts'
import { LIMITS } from '../limits.ts'
import { RequestError } from '../problem.ts'
import { openResponder } from '../respond/responder.ts'
import type { RunsFolder } from './runs-folder.ts'

/** A model that can be talked to. */
export interface ChatModel {
  /** By which it is asked for: `RUN`, its newest weights; `RUN@120`, a checkpoint by its step; `RUN@base`, the model before the training. */
  readonly name: string
  readonly run: string
  /** null: the trained model, or the base. */
  readonly step: number | null
  readonly kind: 'base' | 'checkpoint' | 'trained'
}

interface Opened {
  readonly app: App
  close(): Promise<void>
}

/** Models that stay open: two are compared side by side. */
const OPEN = 2

/** The models of the runs, opened when somebody talks to them, and models of providers. */
export class ChatModels {
  readonly #folder: RunsFolder
  readonly #hosts: readonly string[]
  readonly #onFailure: (error: unknown) => void
  readonly #open = new Map<string, Promise<Opened>>()

  constructor(folder: RunsFolder, hosts: readonly string[], onFailure: (error: unknown) => void) {
    this.#folder = folder
    this.#hosts = hosts
    this.#onFailure = onFailure
  }

  /** The models of a run, in the order in which they came to be. */
  ofRun(run: string): ChatModel[] {
    return this.#folder.read(run, (store) => [
      ...(baseIn(store.info().settings) === null
        ? []
        : [{ name: `${run}@base`, run, step: null, kind: 'base' as const }]),
      ...store
        .checkpoints()
        .map(({ step }) => ({ name: `${run}@${step}`, run, step, kind: 'checkpoint' as const })),
      ...(isModel(modelOf(store.directory))
        ? [{ name: run, run, step: null, kind: 'trained' as const }]
        : []),
    ])
  }

  /**
   * The server of one model, which is opened if it is not.
   *
   * @throws RequestError if there is no such model; UserError if it cannot be opened.
   */
  async serverOf(name: string): Promise<App> {
    const source = await this.#sourceOf(name)
    const opening = this.#open.get(source) ?? this.#opened(name, source)
    this.#open.delete(source)
    this.#open.set(source, opening)
    opening.catch(() => this.#open.delete(source))
    const { app } = await opening
    await this.#closeOthers(source)
    return app
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()]
    this.#open.clear()
    for (const opening of await Promise.allSettled(all))
      if (opening.status === 'fulfilled') await opening.value.close()
  }

  /** What a model is opened by: a folder of a run here, an embedded model, or a provider's model. */
  async #sourceOf(name: string): Promise<string> {
    const { readModelName } = await import('../../providers/open-model.ts')
    const [, run, version] = /^([^@]+)(?:@(base|\d+))?$/.exec(name) ?? []
    const unknown = (): RequestError =>
      new RequestError('unknownModel', `there is no model ${JSON.stringify(name.slice(0, 200))} here`)
    if (run === undefined) throw unknown()
    const isEmbedded = /^[\w-]+$/.test(name) && isModel(join(packageRoot(), 'models', name))
    if (isEmbedded || readModelName(name).kind === 'provider') return name
    return this.#folder.read(run, (store) => {
      if (version === 'base') {
        const base = baseIn(store.info().settings)
        if (base === null) throw unknown()
        return base
      }
      const checkpoints = store.checkpoints()
      if (version !== undefined) {
        const path = checkpoints.find(({ step }) => step === Number(version))?.path
        if (path === undefined) throw unknown()
        return path
      }
      if (isModel(modelOf(store.directory))) return modelOf(store.directory)
      const newest = checkpoints.at(-1)
      if (newest === undefined)
        throw new UserError(`${run} has no model yet; its first checkpoint will be one`)
      return newest.path
    })
  }

  #opened(name: string, source: string): Promise<Opened> {
    const open = async (): Promise<Opened> => {
      const { openModel } = await import('../../providers/open-model.ts')
      const model = await openModel(source, { schedule: 'continuous', onCheckpoint: () => {} })
      const responder = await openResponder(model, {})
      const app = createApp({
        responder,
        served: {
          names: [name],
          anyName: true,
          created: Math.floor(Date.now() / 1000),
          identity: responder.withWish({ effort: null, budget: null }).identity,
          countPrompt: model.countPrompt?.bind(model) ?? null,
          can: { ...model.can, budget: model.can.prefix },
        },
        dialects,
        access: { keys: [], hosts: this.#hosts, origins: [] },
        limits: LIMITS,
        log: { request: () => {}, failure: this.#onFailure },
      })
      return {
        app,
        async close() {
          app.abort()
          await responder.close()
          await model.close()
        },
      }
    }
    return open()
  }

  /** Closes those that were not used for the longest time and respond to nobody. */
  async #closeOthers(source: string): Promise<void> {
    for (const [other, opening] of this.#open) {
      if (this.#open.size <= OPEN) return
      if (other === source) continue
      const opened = await opening.catch(() => null)
      if (opened === null || opened.app.active > 0) continue
      this.#open.delete(other)
      await opened.close()
    }
  }
}

const isModel = (folder: string): boolean =>
  ['config.json', 'adapter_config.json'].some((name) => existsSync(join(folder, name)))

function baseIn(settings: unknown): string | null {
  const { model, student } = (settings ?? {}) as { readonly model?: unknown; readonly student?: unknown }
  return typeof model === 'string' ? model : typeof student === 'string' ? student : null
}
