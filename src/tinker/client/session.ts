import { createdModel } from '../protocol/index.ts'
import { Connection } from './connection.ts'
import { TinkerError } from './errors.ts'
import { TinkerModel } from './model.ts'
import { openSampler, type SampledWeights, type TinkerSampler } from './sampler.ts'
import type { Transport } from './transport.ts'

/** Seconds between two signs of life. */
const HEARTBEAT = 10
/** Seconds that the server has to free a model at the end. */
const UNLOADING = 5

export interface NewModel {
  /** The server's name of the model. */
  readonly baseModel: string
  /** Of the low-rank adapters; 0: all weights, where the server can. */
  readonly rank: number
  /** Of the adapters; by default the server's. Most servers have one of their own, and ignore it. */
  readonly alpha?: number | undefined
  /** Of the adapters' initial values; by default the server's choice. */
  readonly seed?: number | undefined
  /** Have an adapter for the output layer, too? Servers may ignore it. By default yes. */
  readonly trainUnembed?: boolean | undefined
  /** Number of token ids, to check data with; by default unknown. */
  readonly vocabulary?: number | null | undefined
  /** Longest sequence in tokens, to check data with; by default unknown. */
  readonly maxTokens?: number | null | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * A session: what the server holds for this process, which tells it every ten seconds that it is alive. Whoever opens it
 * closes it.
 */
export class TinkerSession {
  readonly #transport: Transport
  readonly #connection: Connection
  readonly #heartbeat: NodeJS.Timeout
  readonly #models = new Set<TinkerModel>()
  #modelCount = 0

  constructor(transport: Transport, id: string, concurrency: number) {
    this.#transport = transport
    this.#connection = new Connection(transport, id, concurrency)
    let beating = false
    this.#heartbeat = setInterval(async () => {
      if (beating) return
      beating = true
      await this.#beat()
      beating = false
    }, 1000 * HEARTBEAT).unref()
  }

  get id(): string {
    return this.#connection.sessionId
  }

  /** The address of the server, for messages. */
  get server(): string {
    return this.#connection.server
  }

  /** Aborted with the reason once the session is closed, or the server no longer knows it or does not answer. */
  get ended(): AbortSignal {
    return this.#connection.ended
  }

  /** Creates a model to train. Its weights are new adapters without effect, or a copy of the base model's. */
  async createModel({
    baseModel,
    rank,
    alpha,
    seed,
    trainUnembed = true,
    vocabulary = null,
    maxTokens = null,
    signal,
  }: NewModel): Promise<TinkerModel> {
    const body = {
      session_id: this.id,
      model_seq_id: this.#modelCount++,
      base_model: baseModel,
      lora_config: {
        rank,
        ...(alpha !== undefined && { alpha }),
        ...(seed !== undefined && { seed }),
        train_unembed: trainUnembed,
        train_mlp: true,
        train_attn: true,
      },
      type: 'create_model',
    }
    const { model_id, lora_config } = await this.#connection.future(
      { method: 'POST', path: '/create_model', body, signal },
      { kind: 'CreateModel', schema: createdModel },
    )
    const model = new TinkerModel(
      this.#connection,
      model_id,
      {
        limits: { vocabulary, maxTokens },
        rank: lora_config?.rank ?? rank,
        alpha: lora_config?.alpha ?? null,
      },
      () => this.#models.delete(model),
    )
    this.#models.add(model)
    return model
  }

  /** Opens weights to sample from: a base model, or a `tinker://` URI of weights that were saved for sampling. */
  sampler(
    weights: SampledWeights,
    {
      vocabulary = null,
      maxTokens = null,
      signal,
    }: Pick<NewModel, 'signal' | 'vocabulary' | 'maxTokens'> = {},
  ): Promise<TinkerSampler> {
    return openSampler(this.#connection, weights, { vocabulary, maxTokens }, signal)
  }

  /** Frees what the server holds, and ends the calls under way. Closing again does nothing. */
  async close(): Promise<void> {
    if (!this.ended.aborted) {
      const signal = AbortSignal.timeout(1000 * UNLOADING)
      await Promise.allSettled([...this.#models].map((model) => model.unload({ signal })))
    }
    this.end()
  }

  /** Ends the calls under way and the signs of life: the server frees the models when it misses them. */
  end(reason: Error = new TinkerError('the session was closed', 'request')): void {
    clearInterval(this.#heartbeat)
    this.#connection.end(reason)
  }

  async #beat(): Promise<void> {
    try {
      await this.#transport.call({
        method: 'POST',
        path: '/session_heartbeat',
        body: { session_id: this.id, type: 'session_heartbeat' },
        timeout: HEARTBEAT,
        signal: this.ended,
      })
    } catch (error) {
      if (this.ended.aborted) return
      clearInterval(this.#heartbeat)
      const { message, kind = 'server', status = null } = error as TinkerError
      this.#connection.end(new TinkerError(message, status === 404 ? 'lost' : kind, status))
    }
  }
}
