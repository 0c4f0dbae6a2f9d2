import { randomInt, randomUUID } from 'node:crypto'
import type { z } from 'zod'
import type * as protocol from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'
import type { BaseModel, BaseModels } from './base-models.ts'
import { readDatums } from './datums.ts'
import { Futures, type Result, type Settled } from './futures.ts'
import type { TinkerLimits } from './limits.ts'
import { lossOf } from './losses.ts'
import { Repeats } from './repeats.ts'
import type * as requests from './requests.ts'
import { readSampleRequest, sample } from './sample.ts'
import { Samplers } from './samplers.ts'
import { type SamplingSession, type Session, Sessions } from './sessions.ts'
import {
  type Address,
  addressOf,
  checkName,
  type LoraRecord,
  removeFolder,
  type Store,
  uriOf,
} from './store.ts'
import { ALPHA, Training, unloaded } from './training.ts'

type Body<S extends z.ZodType> = z.output<S>

export interface ServiceOptions {
  readonly models: BaseModels
  readonly store: Store
  readonly limits: TinkerLimits
  /** Threads of each model; by default one for each core. */
  readonly threads?: number | undefined
  /** What is told to a client about an error. */
  readonly explain: (error: unknown) => Settled
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** The name of a future, as a response to a request. */
export interface Submitted {
  readonly request_id: string
  readonly model_id?: string
  readonly base_model?: string
  readonly sample_sequence_ids?: readonly string[]
}

/**
 * What the requests of the protocol do: sessions, the models that they train and sample from, and the futures of their work. A
 * session ends when nothing is heard of it; its models are then freed. What was saved stays.
 */
export class TinkerService {
  readonly models: BaseModels
  readonly store: Store
  readonly limits: TinkerLimits
  readonly futures: Futures
  readonly sessions: Sessions
  readonly #samplers: ReadonlyMap<BaseModel, Samplers>
  readonly #threads: number | undefined
  readonly #now: () => number
  readonly #explain: (error: unknown) => Settled
  readonly #sweep: NodeJS.Timeout

  constructor({ models, store, limits, threads, explain, now = () => performance.now() }: ServiceOptions) {
    this.models = models
    this.store = store
    this.limits = limits
    this.futures = new Futures(limits, explain)
    this.sessions = new Sessions(limits.sessions, now)
    this.#samplers = new Map(models.all.map((base) => [base, new Samplers(base, { threads })]))
    this.#threads = threads
    this.#now = now
    this.#explain = explain
    this.#sweep = setInterval(() => this.sweep(), Math.min(10_000, limits.session / 4))
    this.#sweep.unref()
  }

  /** Models that are being trained. */
  get training(): number {
    return this.sessions.all.reduce((sum, { trainings }) => sum + trainings.size, 0)
  }

  // ---- Sessions

  /** Ends the sessions of which nothing was heard for too long. */
  sweep(longest = this.limits.session): void {
    for (const session of this.sessions.all)
      if (session.waiting === 0 && this.#now() - session.lastSeen > longest)
        this.end(session).catch(this.#explain)
  }

  /** Ends a session: its work stops, its models and unnamed samplers are freed. */
  async end(session: Session): Promise<void> {
    this.sessions.end(session)
    this.futures.end(session.id, new RequestError('gone', 'the session has ended'))
    await Promise.all([...session.trainings.values()].map((training) => this.#free(training)))
    session.trainings.clear()
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    this.futures.endAll(new RequestError('stopping', 'the server is stopping'))
    await Promise.all([
      ...this.sessions.all.map((session) => this.end(session)),
      ...[...this.#samplers.values()].map((samplers) => samplers.close()),
    ])
  }

  // ---- Models that are trained

  createModel(request: Body<typeof requests.createModelRequest>): Submitted {
    const session = this.sessions.find(request.session_id)
    const base = this.models.find(request.base_model)
    const lora = loraOf(request.lora_config)
    return this.#create(session, request.model_seq_id, request, {
      base,
      lora,
      seed: request.lora_config?.seed ?? randomInt(2 ** 31),
      metadata: request.user_metadata ?? null,
      result: async (training) => ({
        type: 'create_model',
        model_id: training.id,
        base_model: base.name,
        lora_config: loraConfigOf(training.lora),
      }),
    })
  }

  async unloadModel({ model_id }: Body<typeof protocol.unloadModelRequest>): Promise<Submitted> {
    const { training, session } = this.#training(model_id)
    session.trainings.delete(training.id)
    return this.#begin(session, async () => {
      await this.#free(training)
      return { type: 'unload_model', model_id }
    })
  }

  getInfo({ model_id }: Body<typeof protocol.getInfoRequest>): object {
    const { training } = this.#training(model_id)
    const { base, lora } = training
    return {
      type: 'get_info',
      model_id,
      status: 'created',
      model_data: {
        arch: base.config.modelType,
        base_model: base.name,
        model_name: base.name,
        tokenizer_id: base.tokenizerId,
        lora_config: loraConfigOf(lora),
      },
      is_lora: lora !== null,
      lora_rank: lora?.rank ?? 0,
    }
  }

  forwardBackward(request: requests.Batch, fingerprint: Uint8Array | object): Submitted {
    const { training, session } = this.#training(request.model_id)
    const { loss, config } = lossOf(request.loss_fn, request.loss_fn_config)
    loss.objective(config)
    const datums = readDatums(request.data, loss, training.base.config)
    return this.#once(training, session, request.seq_id, fingerprint, async () => ({
      kind: 'output',
      value: await (request.forward_only
        ? training.forward(datums, loss, config)
        : training.forwardBackward(datums, loss, config)),
    }))
  }

  optimStep(request: Body<typeof protocol.optimStepRequest>): Submitted {
    const { training, session } = this.#training(request.model_id)
    return this.#once(training, session, request.seq_id, request, async () => {
      const metrics = await training.optimStep(request.adam_params)
      return json({ type: 'optim_step', metrics })
    })
  }

  saveWeights(request: Body<typeof requests.saveWeightsRequest>): Submitted {
    const { training, session } = this.#training(request.model_id)
    const name = request.path ?? `auto-${Date.now()}`
    checkName(name)
    return this.#once(training, session, request.seq_id, request, async () => {
      const address: Address = { run: training.id, kind: 'weights', name }
      await this.#save(training, address, {
        overwrite: request.overwrite === true,
        metadata: request.user_metadata ?? null,
      })
      return json({ type: 'save_weights', path: uriOf(address) })
    })
  }

  saveExternal(request: Body<typeof requests.saveExternalRequest>): Submitted {
    const { training, session } = this.#training(request.model_id)
    checkName(request.path)
    if (request.age_encryption_recipients?.length)
      throw new RequestError('invalid', 'age_encryption_recipients is not supported here; leave it out')
    return this.#once(training, session, request.seq_id, request, async () => {
      const address: Address = { run: training.id, kind: 'external_weights', name: request.path }
      await this.#save(training, address, {})
      return json({ type: 'save_weights_external', path: uriOf(address) })
    })
  }

  /** With a name, the weights have an address; without one, they belong to a new sampling session. */
  saveForSampler(request: Body<typeof requests.saveForSamplerRequest>): Submitted {
    const { training, session } = this.#training(request.model_id)
    const name = request.path
    if (request.kind === 'inflight')
      throw new RequestError('invalid', 'kind: there are only snapshots here', { field: 'kind' })
    if (typeof name === 'string') {
      checkName(name)
      return this.#once(training, session, request.seq_id, request, async () => {
        const address: Address = { run: training.id, kind: 'sampler_weights', name }
        await this.#save(training, address, { metadata: request.user_metadata ?? null })
        return json({ type: 'save_weights_for_sampler', path: uriOf(address), sampling_session_id: null })
      })
    }
    const id = samplingId(session, request.sampling_session_seq_id)
    return this.#once(training, session, request.seq_id, request, async () => {
      const folder = await training.save({ optimizer: false }, (fill) =>
        this.store.saveUnnamed(training.id, randomUUID(), fill),
      )
      training.unnamed.push(folder)
      while (training.unnamed.length > this.limits.unnamed) removeFolder(training.unnamed.shift()!)
      session.samplings.set(id, { id, base: training.base, folder, path: null, repeats: new Repeats() })
      return json({ type: 'save_weights_for_sampler', path: null, sampling_session_id: id })
    })
  }

  /** Loads into a model, or into a new one that is as the weights say. */
  loadWeights(request: Body<typeof requests.loadWeightsRequest>): Submitted {
    const address = addressOf(request.path)
    const optimizer = request.optimizer === true
    const find = (): string => this.#loadable(address, optimizer)
    if (request.model_id) {
      const { training, session } = this.#training(request.model_id)
      checkSame(training, this.store.run(address.run), request.path)
      return this.#once(training, session, request.seq_id, request, async () => {
        await training.load(find, { optimizer })
        return json({ type: 'load_weights', path: request.path, model_id: training.id })
      })
    }
    if (!request.session_id)
      throw new RequestError('invalid', 'give model_id, or session_id and model_seq_id for a new model')
    const session = this.sessions.find(request.session_id)
    find()
    const run = this.store.run(address.run)
    return this.#create(session, request.model_seq_id, request, {
      base: this.models.find(request.base_model ?? run.base_model),
      lora: run.lora,
      seed: 0,
      metadata: request.user_metadata ?? null,
      result: async (training) => {
        await training.load(find, { optimizer })
        return { type: 'load_weights', path: request.path, model_id: training.id }
      },
    })
  }

  // ---- Sampling

  createSamplingSession(request: Body<typeof protocol.createSamplingSessionRequest>): object {
    const session = this.sessions.find(request.session_id)
    const id = samplingId(session, request.sampling_session_seq_id)
    const source = this.#source(request)
    const known = session.samplings.get(id)
    if (known && (known.base !== source.base || known.folder !== source.folder))
      throw new RequestError(
        'conflict',
        `another sampling session has had the number ${request.sampling_session_seq_id}`,
        {
          field: 'sampling_session_seq_id',
        },
      )
    if (!known) session.samplings.set(id, { id, ...source, repeats: new Repeats() })
    return { type: 'create_sampling_session', sampling_session_id: id }
  }

  getSampler(id: string): object {
    const { base, path } = this.#sampling(id).sampling
    return { sampler_id: id, base_model: base.name, model_path: path }
  }

  sample(request: Body<typeof requests.sampleRequest>): Submitted {
    if (!request.sampling_session_id) {
      const { base, folder } = this.#source(request)
      const request_id = this.#beginSample(null, base, folder, request)
      return { request_id, sample_sequence_ids: sequenceIds(request_id, request.num_samples) }
    }
    const { sampling, session } = this.#sampling(request.sampling_session_id)
    const { base, folder, repeats } = sampling
    const request_id = repeats.once(request.seq_id, request, () =>
      this.#beginSample(session, base, folder, request),
    )
    return { request_id, sample_sequence_ids: sequenceIds(request_id, request.num_samples) }
  }

  // ---- Results

  /** How a request ended; null if a client should ask again. A session that waits is alive. */
  async retrieve(id: string, signal: AbortSignal): Promise<Settled | null> {
    const owner = this.futures.ownerOf(id)
    const session = owner === null ? null : this.sessions.find(owner)
    if (session) session.waiting++
    try {
      return await this.futures.wait(id, this.limits.poll, signal)
    } finally {
      if (session) {
        session.waiting--
        session.lastSeen = this.#now()
      }
    }
  }

  cancel({ request_id }: Body<typeof requests.cancelRequest>): object {
    this.futures.cancel(request_id, new RequestError('invalid', 'the client cancelled this request'))
    return {}
  }

  #beginSample(
    session: Session | null,
    base: BaseModel,
    folder: string | null,
    request: Body<typeof requests.sampleRequest>,
  ): string {
    const asked = readSampleRequest(request, base)
    return this.futures.begin(session?.id ?? null, async (signal) => ({
      kind: 'sample',
      value: await sample(asked, this.#samplers.get(base)!, folder, signal),
    }))
  }

  /** @throws RequestError if there is no such base model, or there are no such weights. */
  #source({
    base_model,
    model_path,
  }: {
    readonly base_model?: string | null | undefined
    readonly model_path?: string | null | undefined
  }): Pick<SamplingSession, 'base' | 'folder' | 'path'> {
    if (model_path) {
      const address = addressOf(model_path)
      const folder = this.store.find(address)
      return { base: this.models.find(this.store.run(address.run).base_model), folder, path: model_path }
    }
    if (base_model) return { base: this.models.find(base_model), folder: null, path: null }
    throw new RequestError('invalid', 'give sampling_session_id, model_path or base_model')
  }

  #sampling(id: string): { sampling: SamplingSession; session: Session } {
    const session = this.sessions.find(id.split(':')[0]!)
    const sampling = session.samplings.get(id)
    if (!sampling)
      throw new RequestError(
        'notFound',
        `sampling session not found: there is no ${JSON.stringify(id)}; create it again`,
        {
          field: 'sampling_session_id',
        },
      )
    return { sampling, session }
  }

  #training(id: string): { training: Training; session: Session } {
    const name = id.split(':')[0]!
    const session = this.sessions.all.find((one) => one.id === name)
    const training = session?.trainings.get(id)
    if (!session || !training) throw unloaded(id)
    this.sessions.find(name)
    return { training, session }
  }

  #create(
    session: Session,
    seq: number | null | undefined,
    request: object,
    {
      result,
      ...settings
    }: Pick<ConstructorParameters<typeof Training>[0], 'base' | 'lora' | 'seed' | 'metadata'> & {
      readonly result: (training: Training) => Promise<object>
    },
  ): Submitted {
    const id = `${session.id}:train:${seq ?? randomInt(2 ** 31)}`
    const request_id = session.repeats.once(seq, request, () => {
      if (this.training >= this.limits.models) this.sweep(this.limits.silence)
      const open = this.training
      if (open >= this.limits.models)
        throw new RequestError(
          'queueFull',
          `${open} models are being trained, and this server has room for no more: unload one, or start it with --models ${open + 1}`,
          { headers: { 'retry-after': '10' } },
        )
      const training = new Training({ id, session: session.id, threads: this.#threads, ...settings })
      session.trainings.set(id, training)
      return this.futures.begin(session.id, async () => {
        try {
          await training.ready()
          this.store.write(training.record)
          return json(await result(training))
        } catch (error) {
          session.trainings.delete(id)
          await training.close()
          throw error
        }
      })
    })
    return { request_id, model_id: id, base_model: settings.base.name }
  }

  async #free(training: Training): Promise<void> {
    for (const folder of training.unnamed.splice(0)) removeFolder(folder)
    await training.close()
  }

  #save(
    training: Training,
    address: Address,
    {
      overwrite = false,
      metadata = null,
    }: { readonly overwrite?: boolean; readonly metadata?: Readonly<Record<string, string>> | null },
  ): Promise<void> {
    return training.save({ optimizer: address.kind === 'weights' }, async (fill) => {
      if (this.store.has(address) && !overwrite)
        throw new RequestError(
          'invalid',
          `there are weights at ${uriOf(address)} already: give another name${address.kind === 'weights' ? ', or overwrite=True' : ''}`,
        )
      await this.store.save(address, metadata, fill)
      this.store.write(training.record)
    })
  }

  /** The folder of weights to train. @throws RequestError if there are none. */
  #loadable(address: Address, optimizer: boolean): string {
    if (optimizer && address.kind !== 'weights')
      throw new RequestError(
        'invalid',
        `${uriOf(address)} has no optimizer state: load tinker://…/weights/…, which save_state writes, or load without the optimizer`,
        { field: 'optimizer' },
      )
    return this.store.find(address)
  }

  #once(
    training: Training,
    session: Session,
    seq: number | null | undefined,
    request: Uint8Array | object,
    work: () => Promise<Result>,
  ): Submitted {
    const request_id = training.repeats.once(seq, request, () => this.futures.begin(session.id, work))
    return { request_id, model_id: training.id }
  }

  #begin(session: Session, work: () => Promise<object>): Submitted {
    return { request_id: this.futures.begin(session.id, async () => json(await work())) }
  }
}

const json = (body: object): Result => ({ kind: 'json', body })

const samplingId = (session: Session, seq: number | null | undefined): string =>
  `${session.id}:sample:${seq ?? randomUUID()}`

const sequenceIds = (request: string, n: number): string[] =>
  Array.from({ length: n }, (_, i) => `${request}:${i}`)

/** Rank 0, or no adapters, means all weights. */
function loraOf(config: Body<typeof protocol.loraConfig> | null | undefined): LoraRecord | null {
  if (!config || config.rank === 0) return null
  return {
    rank: config.rank,
    alpha: config.alpha ?? ALPHA,
    train_attn: config.train_attn ?? true,
    train_mlp: config.train_mlp ?? true,
  }
}

/** The adapters as a client is told of them. The output layer never has one. */
const loraConfigOf = (lora: LoraRecord | null): object => ({ ...(lora ?? { rank: 0 }), train_unembed: false })

function checkSame(
  { lora, base }: Training,
  run: { lora: LoraRecord | null; base_model: string },
  path: string,
): void {
  const told = (record: LoraRecord | null): string =>
    record === null
      ? 'all weights'
      : `adapters of rank ${record.rank}, alpha ${record.alpha}, train_attn ${record.train_attn}, train_mlp ${record.train_mlp}`
  if (run.base_model !== base.name)
    throw new RequestError(
      'invalid',
      `path: ${path} was trained from ${run.base_model}, not from ${base.name}`,
    )
  if (told(run.lora) !== told(lora))
    throw new RequestError(
      'invalid',
      `path: ${path} has ${told(run.lora)}, but the model trains ${told(lora)}`,
    )
}
