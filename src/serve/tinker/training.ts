import type { Engine, PolicyDatum, Trainer } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import type { AdamParams, ForwardBackwardOutput } from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'
import { type BaseModel, targetsOf } from './base-models.ts'
import { outputOf } from './datums.ts'
import type { Loss } from './losses.ts'
import { Repeats } from './repeats.ts'
import type { LoraRecord, RunRecord } from './store.ts'

/** The alpha of adapters where a client does not give one, as of other servers of the protocol. */
export const ALPHA = 32

interface Opened {
  readonly engine: Engine
  readonly trainer: Trainer
}

interface TrainingOptions {
  readonly id: string
  readonly session: string
  readonly base: BaseModel
  /** null: all weights are trained. */
  readonly lora: LoraRecord | null
  /** Of the initial adapters. */
  readonly seed: number
  readonly metadata: RunRecord['user_metadata']
  readonly threads: number | undefined
}

/** A model that a client trains. Its requests are carried out one at a time, in the order in which they arrived. */
export class Training {
  readonly id: string
  readonly session: string
  readonly base: BaseModel
  readonly lora: LoraRecord | null
  readonly repeats = new Repeats()
  /** Folders with weights of samplers that were given no name, the oldest first. */
  readonly unnamed: string[] = []
  readonly #metadata: RunRecord['user_metadata']
  readonly #opened: Promise<Opened>
  #last: Promise<unknown>
  /** Has a gradient been lost since the last step? */
  #lost: unknown = null
  #isClosed = false

  constructor({ id, session, base, lora, seed, metadata, threads }: TrainingOptions) {
    this.id = id
    this.session = session
    this.base = base
    this.lora = lora
    this.#metadata = metadata
    const trainable =
      lora === null
        ? 'all'
        : { lora: { rank: lora.rank, alpha: lora.alpha, targets: targetsOf(base, lora), seed } }
    this.#opened = openEngine({ model: base.folder, threads }).then(async (engine) => {
      try {
        return { engine, trainer: await engine.trainer({ trainable }) }
      } catch (error) {
        await engine.close()
        throw error
      }
    })
    this.#last = this.#opened.catch(() => {})
  }

  /** What is kept of it on the disk. */
  get record(): RunRecord {
    return {
      training_run_id: this.id,
      base_model: this.base.name,
      lora: this.lora,
      user_metadata: this.#metadata,
      last_request_time: new Date().toISOString(),
    }
  }

  /** Resolves when it can be used. @throws UserError if it cannot be opened. */
  async ready(): Promise<void> {
    await this.#opened
  }

  /** Adds gradients, and tells the log-probs before the step. */
  forwardBackward(
    datums: readonly PolicyDatum[],
    loss: Loss,
    config: Readonly<Record<string, number>>,
  ): Promise<ForwardBackwardOutput> {
    return this.#next(async (opened) => {
      try {
        const { logprobs } = await opened.trainer.forwardBackward(datums, loss.objective(config))
        await this.#fill(opened, datums, logprobs)
        return outputOf(datums, logprobs, loss, config)
      } catch (error) {
        this.#lost = error
        throw error
      }
    })
  }

  /** The same without gradients. */
  forward(
    datums: readonly PolicyDatum[],
    loss: Loss,
    config: Readonly<Record<string, number>>,
  ): Promise<ForwardBackwardOutput> {
    return this.#next(async (opened) => {
      const logprobs = datums.map(({ tokens }) => new Float32Array(tokens.length).fill(Number.NaN))
      await this.#fill(opened, datums, logprobs)
      return outputOf(datums, logprobs, loss, config)
    })
  }

  /** A step on the gradients that were added. */
  optimStep(adam: AdamParams): Promise<Record<string, number>> {
    return this.#next(async ({ trainer }) => {
      const lost = this.#lost
      this.#lost = null
      if (lost !== null)
        throw new RequestError(
          'invalid',
          'the forward_backward before this step failed, so there is no gradient; nothing was changed',
        )
      const { gradNorm } = await trainer.optimStep({
        learningRate: adam.learning_rate,
        beta1: adam.beta1,
        beta2: adam.beta2,
        eps: adam.eps,
        weightDecay: adam.weight_decay,
        gradClipNorm: Math.max(0, adam.grad_clip_norm),
      })
      return {
        ...(gradNorm === null ? {} : { grad_norm: gradNorm }),
        learning_rate: adam.learning_rate,
      }
    })
  }

  /**
   * Saves the weights: `write` is given what fills a folder with them, with the optimizer's state if training is to go on from
   * them.
   */
  save<T>(
    { optimizer }: { readonly optimizer: boolean },
    write: (fill: (folder: string) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    return this.#next(({ trainer }) => write((folder) => trainer.save(folder, { optimizer })))
  }

  /** Replaces the weights by those in the folder that `find` finds and, with `optimizer`, its state too. */
  load(find: () => string, { optimizer }: { readonly optimizer: boolean }): Promise<void> {
    return this.#next(async ({ trainer }) => {
      await trainer.load(find(), { optimizer })
      this.#lost = null
    })
  }

  /** Ends the work under way and frees the model. */
  async close(): Promise<void> {
    this.#isClosed = true
    const opened = await this.#opened.catch(() => null)
    await opened?.engine.close()
  }

  #next<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      if (this.#isClosed) throw unloaded(this.id)
      try {
        return await work(await this.#opened)
      } catch (error) {
        throw this.#isClosed ? unloaded(this.id) : error
      }
    })
    this.#last = result.catch(() => {})
    return result
  }

  /** Computes the log-probs that are not known. */
  async #fill(
    { engine, trainer }: Opened,
    datums: readonly PolicyDatum[],
    logprobs: readonly Float32Array[],
  ): Promise<void> {
    const missing = logprobs.map((values) => values.map((value) => (Number.isNaN(value) ? 1 : 0)))
    if (!missing.some((positions) => positions.includes(1))) return
    const scorer = await engine.scorer(await trainer.snapshot())
    try {
      const found = await scorer.logprobs(
        datums.map(({ tokens, targets }, i) => ({ tokens, targets, weights: missing[i]! })),
      )
      for (const [i, values] of logprobs.entries())
        for (const [t, value] of found[i]!.entries()) if (missing[i]![t] === 1) values[t] = value
    } finally {
      await scorer.close()
    }
  }
}

/** @throws RequestError if there is no such model. */
export const unloaded = (id: string): RequestError =>
  new RequestError(
    'notFound',
    `the model ${JSON.stringify(id)} is not loaded: it was unloaded, its session has ended, or the server was started again; create it again and load its last checkpoint`,
    { field: 'model_id' },
  )
