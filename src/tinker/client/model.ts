import { z } from 'zod'
import {
  type AdamParams,
  adamParams,
  checkpoints,
  type Datum,
  decodeForwardBackwardOutput,
  encodeForwardBackwardRequest,
  type ForwardBackwardOutput,
  type ForwardBackwardRequest,
  forwardBackwardOutput,
  type LossName,
  optimStepResult,
  savedForSampler,
  savedWeights,
  type Tensor,
} from '../protocol/index.ts'
import { checkData, type Limits } from './check.ts'
import { chunksOf, joined } from './chunks.ts'
import type { Connection } from './connection.ts'
import { TinkerError } from './errors.ts'
import { parse, type ResultOf } from './futures.ts'
import { openSampler, type TinkerSampler } from './sampler.ts'
import type { Call, Encoding } from './transport.ts'

export interface ModelFacts {
  readonly limits: Limits
  readonly rank: number
  /** Of the adapters; null if the server does not say. */
  readonly alpha: number | null
}

interface Cancellable {
  readonly signal?: AbortSignal | undefined
}
export interface LossOptions extends Cancellable {
  readonly config?: Readonly<Record<string, number>> | undefined
}

/**
 * A model in training. Requests are numbered and reach the server in the order of the calls, so that several may be under
 * way: a step can be asked for before its gradient has come back.
 */
export class TinkerModel {
  readonly id: string
  readonly facts: ModelFacts
  /**
   * Does the server recognise a request that it has had already? If not, a request that changes the weights is not sent
   * again when its fate is unknown, and fails with `unknown-outcome`.
   */
  recognisesRepeats = true
  readonly #connection: Connection
  readonly #onUnload: () => void
  #number = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection, id: string, facts: ModelFacts, onUnload: () => void) {
    this.#connection = connection
    this.id = id
    this.facts = facts
    this.#onUnload = onUnload
  }

  /** How the server takes batches; null until the first one. */
  get encoding(): Encoding | null {
    return this.#connection.transport.encoding
  }

  /**
   * Adds the loss's gradient over `data` to the accumulated one. Large batches are sent in parts.
   *
   * @throws TinkerError for data that a server would take and compute nonsense from.
   */
  forwardBackward(
    data: readonly Datum[],
    loss: LossName,
    options: LossOptions = {},
  ): Promise<ForwardBackwardOutput> {
    return this.#pass(data, loss, options, false)
  }

  /** The same without a gradient. */
  forward(
    data: readonly Datum[],
    loss: LossName = 'cross_entropy',
    options: LossOptions = {},
  ): Promise<ForwardBackwardOutput> {
    return this.#pass(data, loss, options, true)
  }

  /** One AdamW step on the accumulated gradient. @returns what the server reports, such as the gradient's norm. */
  async optimStep(
    adam: Partial<AdamParams> = {},
    { signal }: Cancellable = {},
  ): Promise<Record<string, number>> {
    const adam_params = adamParams.parse(adam)
    const { metrics } = await this.#request(
      '/optim_step',
      'OptimStep',
      { adam_params },
      optimStepResult,
      signal,
    )
    return metrics
  }

  /**
   * Saves weights and optimizer state under a name of letters, digits, `-` and `_`.
   *
   * @returns their `tinker://` URI. Saving a name again, as after a lost answer, returns the URI of what was saved.
   */
  async save(name: string, { signal }: Cancellable = {}): Promise<string> {
    checkName(name)
    const body = { path: name, overwrite: false }
    const saved = await this.#request('/save_weights', 'SaveWeights', body, savedWeights, signal, true)
    return saved?.path ?? (await this.#existing(name, 'training', signal))
  }

  /** Restores saved weights, and with `optimizer` the optimizer's state; must be the model's first request. */
  async load(
    uri: string,
    { optimizer = true, signal }: Cancellable & { optimizer?: boolean } = {},
  ): Promise<void> {
    await this.#request('/load_weights', 'LoadWeights', { path: uri, optimizer }, ANYTHING, signal)
  }

  /** Saves the weights for sampling under a name, and opens them. */
  async saveForSampling(
    name: string,
    options: Cancellable = {},
  ): Promise<TinkerSampler & { readonly path: string }> {
    const path = await this.saveSamplerWeights(name, options)
    const sampler = await openSampler(this.#connection, { path }, this.facts.limits, options.signal)
    return Object.assign(sampler, { path })
  }

  /** Saves the weights for sampling under a name. @returns their `tinker://` URI. */
  async saveSamplerWeights(name: string, { signal }: Cancellable = {}): Promise<string> {
    checkName(name)
    const kind = 'SaveWeightsForSampler'
    const saved = await this.#request(
      '/save_weights_for_sampler',
      kind,
      { path: name },
      savedForSampler,
      signal,
      true,
    )
    return saved?.path ?? (await this.#existing(name, 'sampler', signal))
  }

  /** Frees the model on the server. Its weights for sampling may then be gone, too. */
  async unload({ signal }: Cancellable = {}): Promise<void> {
    this.#onUnload()
    const body = { model_id: this.id, type: 'unload_model' }
    await this.#connection.future(
      { method: 'POST', path: '/unload_model', body, signal },
      { kind: 'UnloadModel', schema: ANYTHING },
    )
  }

  async #pass(
    data: readonly Datum[],
    loss: LossName,
    { config = {}, signal }: LossOptions,
    forward: boolean,
  ): Promise<ForwardBackwardOutput> {
    checkData(data, loss, config, this.facts.limits)
    const chunks = chunksOf(data)
    const result: ResultOf<ForwardBackwardOutput> = {
      kind: forward ? 'Forward' : 'ForwardBackward',
      schema: forwardBackwardOutput,
      decode: decodeForwardBackwardOutput,
    }
    const outputs = await this.#inTurn(
      chunks.map((part) => {
        const request: ForwardBackwardRequest = {
          model_id: this.id,
          seq_id: ++this.#number,
          data: part,
          loss_fn: loss,
          loss_fn_config: config,
          forward_only: forward,
        }
        return (signal) => this.#submitBatch(request, signal)
      }),
      result,
      signal,
    )
    return joined(chunks, outputs)
  }

  /** Submits a batch, at first in either encoding. */
  async #submitBatch(request: ForwardBackwardRequest, signal: AbortSignal | undefined): Promise<string> {
    const repeatable = request.forward_only || this.recognisesRepeats
    const send = async (encoding: Encoding): Promise<string> => {
      const id = await this.#connection.submitted({ ...batchCall(request, encoding), repeatable, signal })
      this.#connection.transport.encoding = encoding
      return id
    }
    const { encoding } = this
    if (encoding !== null) return send(encoding)
    try {
      return await send('protobuf')
    } catch (error) {
      if (!(error instanceof TinkerError) || ![400, 415, 422].includes(error.status ?? 0)) throw error
      try {
        return await send('json')
      } catch (second) {
        throw (second as TinkerError).status === 415 || (second as TinkerError).status === 404
          ? error
          : second
      }
    }
  }

  /** One numbered request. @returns null if what it creates exists already, which is only asked for with `existing`. */
  async #request<T>(
    path: string,
    kind: string,
    fields: object,
    schema: z.ZodType<T>,
    signal: AbortSignal | undefined,
  ): Promise<T>
  async #request<T>(
    path: string,
    kind: string,
    fields: object,
    schema: z.ZodType<T>,
    signal: AbortSignal | undefined,
    existing: true,
  ): Promise<T | null>
  async #request<T>(
    path: string,
    kind: string,
    fields: object,
    schema: z.ZodType<T>,
    signal: AbortSignal | undefined,
    existing = false,
  ): Promise<T | null> {
    const body = { model_id: this.id, seq_id: ++this.#number, ...fields, type: path.slice(1) }
    const repeatable = this.recognisesRepeats || path !== '/optim_step'
    const call: Call = { method: 'POST', path, body, repeatable }
    try {
      const [result] = await this.#inTurn(
        [(signal) => this.#connection.submitted({ ...call, signal })],
        { kind, schema },
        signal,
      )
      return result!
    } catch (error) {
      if (existing && error instanceof TinkerError && error.status === 409 && /exists/.test(error.message))
        return null
      throw error
    }
  }

  /** Submits requests one after another, after those of earlier calls, and waits for their results together. */
  async #inTurn<T>(
    submissions: readonly ((signal?: AbortSignal) => Promise<string>)[],
    result: ResultOf<T>,
    signal: AbortSignal | undefined,
  ): Promise<T[]> {
    const before = this.#turn
    const submitting = (async () => {
      await before
      const ids: string[] = []
      for (const submission of submissions) ids.push(await submission(signal))
      return ids
    })()
    this.#turn = submitting.catch(() => {})
    const ids = await submitting
    return Promise.all(
      ids.map((id, i) => this.#connection.result(id, result, () => submissions[i]!(signal), { signal })),
    )
  }

  /** The URI of a checkpoint that exists already: what an earlier attempt of this request has saved. */
  async #existing(
    name: string,
    type: 'training' | 'sampler',
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const path = `/training_runs/${encodeURIComponent(this.id)}/checkpoints`
    const reply = await this.#connection.call({ method: 'GET', path, signal })
    const found = parse(checkpoints, reply, path).checkpoints.find(
      ({ checkpoint_id, checkpoint_type }) =>
        checkpoint_type === type && (checkpoint_id === name || checkpoint_id.endsWith(`/${name}`)),
    )
    if (!found) throw new TinkerError(`the server has ${name} already, but does not list it`, 'server')
    return found.tinker_path
  }
}

const ANYTHING = z.unknown()

function batchCall(request: ForwardBackwardRequest, encoding: Encoding): Call {
  if (encoding === 'protobuf')
    return { method: 'POST', path: '/forward_backward', body: encodeForwardBackwardRequest(request) }
  const { model_id, seq_id, data, loss_fn, loss_fn_config, forward_only } = request
  const input = {
    loss_fn,
    ...(Object.keys(loss_fn_config).length > 0 && { loss_fn_config }),
    data: data.map(({ model_input, loss_fn_inputs }) => ({
      model_input: {
        chunks: model_input.chunks.map(({ tokens }) => ({
          type: 'encoded_text',
          tokens: Array.from(tokens),
        })),
      },
      loss_fn_inputs: Object.fromEntries(
        Object.entries(loss_fn_inputs).map(([name, tensor]: [string, Tensor]) => [
          name,
          { ...tensor, data: Array.from(tensor.data) },
        ]),
      ),
    })),
  }
  return {
    method: 'POST',
    path: forward_only ? '/forward' : '/forward_backward',
    body: { model_id, seq_id, [forward_only ? 'forward_input' : 'forward_backward_input']: input },
  }
}

function checkName(name: string): void {
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(name))
    throw new TinkerError(`${name} is no name of a checkpoint: use letters, digits, - and _`, 'request')
}
