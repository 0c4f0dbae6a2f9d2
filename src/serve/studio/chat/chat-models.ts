import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { packageRoot } from '../../../common/files/package.ts'
import { modelOf } from '../../../runs/store.ts'
import type { App } from '../../app.ts'
import { RequestError } from '../../problem.ts'
import type { RunsFolder } from '../runs/runs-folder.ts'
import type { OpenedModel } from './opened-model.ts'
import { type StrategyQuery, specOf } from './strategy.ts'

/** A model that can be talked to. */
export interface ChatModel {
  /** By which it is asked for: `RUN`, its newest weights; `RUN@120`, a checkpoint by its step; `RUN@base`, the model before the training. */
  readonly name: string
  readonly run: string
  /** null: the trained model, or the base. */
  readonly step: number | null
  readonly kind: 'base' | 'checkpoint' | 'trained'
}

/** Models that stay open: two are compared side by side. */
const OPEN = 2

/** The models of the runs, opened when somebody talks to them, and models of providers. */
export class ChatModels {
  readonly #folder: RunsFolder
  readonly #hosts: readonly string[]
  readonly #onFailure: (error: unknown) => void
  readonly #open = new Map<string, Promise<OpenedModel>>()

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
   * The server of one model under a strategy. The model is opened if it is not.
   *
   * @throws RequestError if there is no such model; UserError if it cannot be opened, or not be used so.
   */
  async serverOf(name: string, query: StrategyQuery): Promise<App> {
    const spec = specOf(query)
    const source = await this.#sourceOf(name)
    const reward = query.reward === undefined ? undefined : this.#rewardModelOf(query.reward)
    const judge = query.judge === undefined ? undefined : await this.#sourceOf(query.judge)
    const opening = this.#open.get(source) ?? this.#opened(name, source)
    this.#open.delete(source)
    this.#open.set(source, opening)
    opening.catch(() => this.#open.delete(source))
    const app = await (await opening).serverFor({ spec, reward, judge })
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
    const { readModelName } = await import('../../../providers/open-model.ts')
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

  async #opened(name: string, source: string): Promise<OpenedModel> {
    const { OpenedModel } = await import('./opened-model.ts')
    return OpenedModel.open(source, { name, hosts: this.#hosts, onFailure: this.#onFailure })
  }

  /** The folder of a run's reward model. @throws RequestError if there is none. */
  #rewardModelOf(run: string): string {
    const folder = this.#folder.read(run, (store) => modelOf(store.directory))
    if (isModel(folder)) return folder
    throw new RequestError('unknownModel', `${run} has no reward model yet`, { field: 'reward' })
  }

  /** Closes those that were not used for the longest time and respond to nobody. */
  async #closeOthers(source: string): Promise<void> {
    for (const [other, opening] of this.#open) {
      if (this.#open.size <= OPEN) return
      if (other === source) continue
      const opened = await opening.catch(() => null)
      if (opened === null || (await opened.isBusy())) continue
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
