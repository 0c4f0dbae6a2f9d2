import type { z } from 'zod'
import {
  type Checkpoint,
  checkpoints,
  health,
  serverCapabilities,
  session,
  type TrainingRun,
  trainingRun,
  trainingRuns,
  weightsInfo,
} from '../protocol/index.ts'
import { TinkerError } from './errors.ts'
import { parse } from './futures.ts'
import { TinkerSession } from './session.ts'
import { Transport } from './transport.ts'

export interface ClientOptions {
  /** By default the environment's TINKER_BASE_URL. */
  readonly baseUrl?: string | undefined
  /** By default the environment's TINKER_API_KEY. It is sent to that server alone, and never part of a message. */
  readonly apiKey?: string | undefined
  /** Seconds that a server may be silent before calls fail; by default half an hour. */
  readonly patience?: number | undefined
  /** Requests for samples that are under way at the same time; by default 64. */
  readonly concurrency?: number | undefined
  /** Compress large requests, as long as the server takes it; by default yes. */
  readonly compression?: boolean | undefined
  /** Told in one line when the server cannot be reached, and when it answers again. */
  readonly onNotice?: ((line: string) => void) | undefined
}

interface Cancellable {
  readonly signal?: AbortSignal | undefined
}

/**
 * A client of a Tinker server. It sends no telemetry.
 *
 * @example
 * const client = new TinkerClient({ baseUrl: 'http://127.0.0.1:8000', apiKey: 'key' })
 * const session = await client.openSession()
 * const model = await session.createModel({ baseModel: 'Qwen/Qwen3-4B', rank: 32 })
 * await model.forwardBackward(data, 'cross_entropy')
 * await model.optimStep({ learning_rate: 1e-4 })
 * const sampler = await model.saveForSampling('step-1')
 * const { sequences } = await sampler.sample([1, 2, 3], { max_tokens: 16 })
 * await session.close()
 */
export class TinkerClient {
  readonly #transport: Transport
  readonly #concurrency: number

  /** @throws TinkerError without an address or a key, or with one that cannot be right. */
  constructor({
    baseUrl = process.env.TINKER_BASE_URL,
    apiKey = process.env.TINKER_API_KEY,
    patience = 1800,
    concurrency = 64,
    compression = true,
    onNotice = () => {},
  }: ClientOptions = {}) {
    if (!baseUrl)
      throw new TinkerError(
        'there is no address of a Tinker server: set TINKER_BASE_URL to one such as http://127.0.0.1:8000',
        'request',
      )
    if (!apiKey)
      throw new TinkerError(
        'there is no key for the Tinker server: set TINKER_API_KEY (any word, for a server that does not check it)',
        'request',
      )
    this.#transport = new Transport({ baseUrl, apiKey, patience, compression, onNotice })
    this.#concurrency = concurrency
  }

  /** The address, for messages. */
  get server(): string {
    return this.#transport.server
  }

  /** Whether the server answers; its engine may not be ready for long after that. */
  async healthy({ signal }: Cancellable = {}): Promise<boolean> {
    return (await this.#get('/healthz', health, { signal })).status === 'ok'
  }

  /** The names of the models that it can train and sample. */
  async models({ signal }: Cancellable = {}): Promise<string[]> {
    const { supported_models } = await this.#get('/get_server_capabilities', serverCapabilities, { signal })
    return supported_models.flatMap(({ model_name }) => model_name ?? [])
  }

  /** Opens a session, which holds models until it is closed or this process ends. */
  async openSession({
    tags = [],
    metadata = {},
    signal,
  }: Cancellable & {
    tags?: readonly string[]
    metadata?: Readonly<Record<string, unknown>>
  } = {}): Promise<TinkerSession> {
    const reply = await this.#transport.call({
      method: 'POST',
      path: '/create_session',
      body: { tags, user_metadata: metadata, sdk_version: SDK_VERSION, type: 'create_session' },
      signal,
    })
    const { session_id, error_message } = parse(session, reply, '/create_session')
    if (error_message) throw new TinkerError(this.#transport.redact(error_message), 'request')
    return new TinkerSession(this.#transport, session_id, this.#concurrency)
  }

  /** One page of the training runs (models) that the server keeps. */
  async trainingRuns({
    limit = 20,
    offset = 0,
    signal,
  }: Cancellable & { limit?: number; offset?: number } = {}): Promise<TrainingRun[]> {
    const page = await this.#get(`/training_runs?limit=${limit}&offset=${offset}`, trainingRuns, { signal })
    return page.training_runs
  }

  /** @throws TinkerError if there is no such run. */
  trainingRun(id: string, { signal }: Cancellable = {}): Promise<TrainingRun> {
    return this.#get(`/training_runs/${encodeURIComponent(id)}`, trainingRun, { signal })
  }

  /** The checkpoints of a run, for training and for sampling. */
  async checkpoints(id: string, { signal }: Cancellable = {}): Promise<Checkpoint[]> {
    const path = `/training_runs/${encodeURIComponent(id)}/checkpoints`
    return (await this.#get(path, checkpoints, { signal })).checkpoints
  }

  /** What a `tinker://` URI holds. @throws TinkerError if there are no such weights. */
  async weightsInfo(uri: string, { signal }: Cancellable = {}): Promise<z.output<typeof weightsInfo>> {
    const reply = await this.#transport.call({
      method: 'POST',
      path: '/weights_info',
      body: { tinker_path: uri },
      signal,
    })
    return parse(weightsInfo, reply, '/weights_info')
  }

  /**
   * The files of weights saved for sampling, as the bytes of a tar archive, maybe compressed with gzip.
   *
   * @throws TinkerError if the server does not give them away.
   */
  async download(run: string, checkpoint: string, { signal }: Cancellable = {}): Promise<Uint8Array> {
    const path = `/training_runs/${encodeURIComponent(run)}/checkpoints/${encodeURIComponent(checkpoint)}/archive`
    const reply = await this.#transport.call({
      method: 'GET',
      path,
      accept: 'application/gzip, application/octet-stream',
      timeout: 3600,
      signal,
    })
    return reply.bytes
  }

  /** Deletes saved weights. @throws TinkerError if there are none, or the server does not delete. */
  async deleteCheckpoint(uri: string, { signal }: Cancellable = {}): Promise<void> {
    const [, run, kind = 'sampler_weights', name] =
      /^tinker:\/\/([^/]+)\/(?:([^/]+)\/)?([^/]+)$/.exec(uri) ?? []
    if (run === undefined || name === undefined)
      throw new TinkerError(`${uri} is no URI of saved weights`, 'request')
    const path = `/training_runs/${encodeURIComponent(run)}/checkpoints/${kind}/${encodeURIComponent(name)}`
    await this.#transport.call({ method: 'DELETE', path, signal })
  }

  async #get<T>(path: string, schema: z.ZodType<T>, { signal }: Cancellable): Promise<T> {
    return parse(schema, await this.#transport.call({ method: 'GET', path, signal }), path)
  }
}

/** Servers may ask for a version of the official SDK; this is the one whose messages are spoken here. */
export const SDK_VERSION = '0.25.0'
