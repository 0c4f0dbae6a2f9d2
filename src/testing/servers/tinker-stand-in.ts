import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseJson } from '../../common/json.ts'
import {
  API,
  decodeForwardBackwardRequest,
  encodeForwardBackwardOutput,
  encodeSampleResponse,
  type ForwardBackwardRequest,
  PROTOBUF,
} from '../../tinker/protocol/index.ts'

/** What the server sends: JSON or bytes, nothing ever (`hang`), or a connection that breaks (`drop`). */
export type Sent =
  | {
      readonly status?: number
      readonly json?: unknown
      readonly bytes?: Uint8Array
      readonly headers?: Record<string, string>
    }
  | 'hang'
  | 'drop'

export interface Asked {
  readonly path: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any endpoint
  readonly json: any
}

type Answer = (asked: Asked) => Sent | Promise<Sent>

/**
 * For tests: a Tinker server without a model. Every endpoint does its work at once, with numbers that are made up; what the
 * next requests of a path get instead is set with `next`.
 */
export class TinkerStandIn {
  readonly asked: Asked[] = []
  /** The results of futures. */
  readonly results = new Map<string, Sent>()
  readonly #next = new Map<string, (Sent | Answer)[]>()
  readonly #usual: Record<string, Answer>
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  #count = 0

  constructor(usual: Record<string, Answer> = {}) {
    const submitted = (result: Sent): Sent => {
      const request_id = String(++this.#count)
      this.results.set(request_id, result)
      return { json: { request_id, future_id: request_id, status: 'pending' } }
    }
    this.#usual = {
      '/healthz': () => ({ json: { status: 'ok' } }),
      '/get_server_capabilities': () => ({ json: { supported_models: [{ model_name: 'tiny' }] } }),
      '/create_session': () => ({ json: { session_id: `session-${++this.#count}` } }),
      '/session_heartbeat': () => ({ json: { type: 'session_heartbeat' } }),
      '/create_model': ({ json }) =>
        submitted({
          json: { model_id: `model-${++this.#count}`, lora_config: { ...json.lora_config, alpha: 32 } },
        }),
      '/unload_model': ({ json }) => submitted({ json: { model_id: json.model_id, status: 'unloaded' } }),
      '/create_sampling_session': () => ({ json: { sampling_session_id: `sampling-${++this.#count}` } }),
      '/forward_backward': ({ bytes }) =>
        submitted({ bytes: encodeForwardBackwardOutput(madeUp(decodeForwardBackwardRequest(bytes))) }),
      '/optim_step': () => submitted({ json: { metrics: { grad_norm: 1 } } }),
      '/save_weights': ({ json }) =>
        submitted({ json: { path: `tinker://${json.model_id}/weights/${json.path}` } }),
      '/save_weights_for_sampler': ({ json }) =>
        submitted({ json: { path: `tinker://${json.model_id}/${json.path}` } }),
      '/load_weights': () => submitted({ json: { type: 'load_weights' } }),
      '/asample': ({ json }) =>
        submitted({
          bytes: encodeSampleResponse({
            sequences: Array.from({ length: json.num_samples }, () => ({
              tokens: [1, 2],
              logprobs: [-1, -2],
              stop_reason: 'length',
            })),
            prompt_logprobs: json.prompt_logprobs
              ? json.prompt.chunks[0].tokens.slice(1).map(() => -1)
              : null,
            topk_prompt_logprobs: null,
            prompt_cache_hit_tokens: null,
          }),
        }),
      '/retrieve_future': ({ json }) =>
        this.results.get(json.request_id) ?? { status: 404, json: { detail: 'Future not found' } },
      ...usual,
    }
  }

  static async start(usual: Record<string, Answer> = {}): Promise<TinkerStandIn> {
    const server = new TinkerStandIn(usual)
    await server.listen(0)
    return server
  }

  /** The paths that were asked for, in order, without signs of life. */
  get paths(): string[] {
    return this.asked.map(({ path }) => path).filter((path) => path !== '/session_heartbeat')
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** What the next requests of a path get, one each. */
  next(path: string, ...answers: (Sent | Answer)[]): void {
    this.#next.set(path, [...(this.#next.get(path) ?? []), ...answers])
  }

  /** Does the work of a request as usual. */
  usually(asked: Asked): Sent | Promise<Sent> {
    return this.#usual[asked.path.split('?')[0]!]?.(asked) ?? { status: 404, json: { detail: 'Not Found' } }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const bytes = Buffer.concat(parts)
    const path = request.url!.slice(API.length)
    const asked: Asked = {
      path,
      method: request.method!,
      headers: request.headers,
      bytes,
      json: parseJson(bytes.toString()),
    }
    this.asked.push(asked)
    const next = this.#next.get(path)?.shift()
    const sent = await (next === undefined
      ? this.usually(asked)
      : typeof next === 'function'
        ? next(asked)
        : next)
    if (sent === 'hang') return
    if (sent === 'drop') return void request.socket.destroy()
    const body = sent.bytes ?? JSON.stringify(sent.json ?? {})
    response.writeHead(sent.status ?? 200, {
      'content-type': sent.bytes ? PROTOBUF : 'application/json',
      ...sent.headers,
    })
    response.end(body)
  }
}

/** Log-probs of −1 for every target. */
function madeUp({ data }: ForwardBackwardRequest) {
  return {
    loss_fn_output_type: 'scalar',
    metrics: { 'loss:sum': data.length },
    loss_fn_outputs: data.map(({ loss_fn_inputs: { target_tokens } }) => ({
      logprobs: {
        dtype: 'float32' as const,
        data: Array.from(target_tokens!.data, () => -1),
        shape: target_tokens!.shape,
      },
    })),
  }
}
