import { randomUUID } from 'node:crypto'
import * as zlib from 'node:zlib'
import { type Context, Hono } from 'hono'
import type { z } from 'zod'
import * as protocol from '../../tinker/protocol/index.ts'
import { type App, whenLeft } from '../app.ts'
import type { Dialect } from '../dialect.ts'
import { handler } from '../handler.ts'
import type { Log } from '../log.ts'
import { Metrics } from '../metrics.ts'
import { type Problem, problemOf, RequestError } from '../problem.ts'
import { bodyOf, readBody, readBytes } from '../request/body.ts'
import { type Access, checkKey } from '../request/guard.ts'
import type { BaseModels } from './base-models.ts'
import type { Settled } from './futures.ts'
import type { TinkerLimits } from './limits.ts'
import * as requests from './requests.ts'
import { pageOf, Rest } from './rest.ts'
import { TinkerService } from './service.ts'
import { addressOf, type Store } from './store.ts'

/** What is served, to whom, and how. */
export interface TinkerAppOptions {
  readonly models: BaseModels
  readonly store: Store
  readonly access: Access
  readonly limits: TinkerLimits
  readonly log: Log
  /** Threads of each model; by default one for each core. */
  readonly threads?: number | undefined
}

/** An app with models in memory, which whoever created it must close. */
export interface TinkerApp extends App {
  readonly service: TinkerService
  close(): Promise<void>
}

/** How errors are told: `detail` to HTTP's clients, as other servers of the protocol do. */
const dialect: Dialect = {
  name: 'tinker',
  title: 'Tinker',
  owns: ['/'],
  routes: [],
  error: ({ message }) => ({ detail: message }),
}

/** The Tinker protocol over the local engine, without its socket. */
export function createTinkerApp({
  models,
  store,
  access,
  limits,
  log,
  threads,
}: TinkerAppOptions): TinkerApp {
  const hono = new Hono()
  const tell = (error: unknown): Problem => problemOf(error, access.keys)
  const explain = (error: unknown): Settled => {
    const { kind, status, message } = tell(error)
    if (kind === 'internal') log.failure(error)
    return { error: message, category: status < 500 ? 'user' : 'server' }
  }
  const service = new TinkerService({ models, store, limits, threads, explain })
  const rest = new Rest(service)
  const metrics = new Metrics({
    get waiting() {
      return service.futures.pending
    },
    get running() {
      return service.training
    },
  })
  const handle = handler({ dialects: [dialect], access, tell, metrics, log })
  let isStopping = false
  const polls = new Set<AbortController>()

  type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
  const route = (
    method: Method,
    path: string,
    answer: (context: Context) => object | Promise<object>,
    { isOpen = false }: { readonly isOpen?: boolean } = {},
  ): void => {
    hono.on(
      method,
      protocol.API + path,
      handle(path, async (context, finish) => {
        if (!isOpen) checkKey(context.req.raw.headers, access)
        if (isStopping && method === 'POST' && path !== '/retrieve_future')
          throw new RequestError('stopping', 'the server is stopping', { headers: { 'retry-after': '10' } })
        const found = await answer(context)
        const response = found instanceof Response ? found : Response.json(found)
        finish(response.status, {})
        return response
      }),
    )
  }
  /** A route with a body of JSON. */
  const post = <T>(
    path: string,
    schema: z.ZodType<T>,
    answer: (body: T, context: Context) => object | Promise<object>,
  ): void =>
    route('POST', path, async (context) =>
      answer(await readBody(context.req.raw.headers, bodyOf(context), schema, limits), context),
    )

  route('GET', '/healthz', () => ({ status: isStopping ? 'stopping' : 'ok' }), { isOpen: true })
  route('GET', '/get_server_capabilities', () => ({
    supported_models: models.all.map(({ name, config }) => ({
      model_name: name,
      max_context_length: config.maxPositions,
      trainable: true,
      sampleable: true,
    })),
  }))
  // the client sends the parts of a batch one after another, so that they arrive in order
  post('/client/config', requests.anything, () => ({
    pjwt_auth_enabled: false,
    parallel_fwdbwd_chunks: false,
    proto_write_fwdbwd: true,
  }))
  post('/client/dynamic_config', requests.anything, () => ({ sample_cancel_enabled: true }))
  post('/telemetry', requests.anything, () => ({ status: 'accepted' }))

  post('/create_session', protocol.createSessionRequest, ({ user_metadata }) => ({
    type: 'create_session',
    session_id: service.sessions.create(user_metadata ?? null).id,
    info_message: null,
    warning_message: null,
    error_message: null,
  }))
  post('/session_heartbeat', protocol.heartbeatRequest, ({ session_id }) => {
    service.sessions.find(session_id)
    return { type: 'session_heartbeat' }
  })
  route('POST', '/sessions/:id/finish', async (context) => {
    await service.end(service.sessions.find(context.req.param('id')!))
    return {}
  })

  post('/create_model', requests.createModelRequest, (body) => service.createModel(body))
  post('/unload_model', protocol.unloadModelRequest, (body) => service.unloadModel(body))
  post('/get_info', protocol.getInfoRequest, (body) => service.getInfo(body))
  route('POST', '/forward_backward', async (context) => {
    if (isProtobuf(context.req.header('content-type'))) {
      const bytes = await readMessage(context, limits)
      const { seq_id, ...request } = decoded(bytes)
      return service.forwardBackward({ ...request, seq_id: seq_id === 0 ? null : seq_id }, bytes)
    }
    const { forward_backward_input: input, ...rest } = await json(context, protocol.forwardBackwardJson)
    return service.forwardBackward(ofJson(rest, input, false), { rest, input })
  })
  post('/forward', protocol.forwardJson, ({ forward_input: input, ...rest }) =>
    service.forwardBackward(ofJson(rest, input, true), { rest, input, forward: true }),
  )
  post('/optim_step', protocol.optimStepRequest, (body) => service.optimStep(body))
  post('/save_weights', requests.saveWeightsRequest, (body) => service.saveWeights(body))
  post('/save_weights_for_sampler', requests.saveForSamplerRequest, (body) => service.saveForSampler(body))
  post('/save_weights_external', requests.saveExternalRequest, (body) => service.saveExternal(body))
  post('/load_weights', requests.loadWeightsRequest, (body) => service.loadWeights(body))

  post('/create_sampling_session', protocol.createSamplingSessionRequest, (body) =>
    service.createSamplingSession(body),
  )
  post('/asample', requests.sampleRequest, (body) => service.sample(body))
  route('GET', '/samplers/:id', ({ req }) => service.getSampler(req.param('id')!))

  post('/retrieve_future', protocol.retrieveFutureRequest, async ({ request_id }, context) => {
    const poll = new AbortController()
    polls.add(poll)
    const forget = whenLeft(context, () => poll.abort())
    try {
      const settled = await service.retrieve(request_id, poll.signal)
      return settled ? resultResponse(settled, context.req.header('accept')) : tryAgain(request_id)
    } finally {
      forget()
      polls.delete(poll)
    }
  })
  post('/cancel_future', requests.cancelRequest, (body) => service.cancel(body))

  const page = (context: Context) => pageOf(new URL(context.req.url).searchParams)
  route('GET', '/training_runs', (context) => rest.runs(page(context)))
  route('GET', '/training_runs/:run', ({ req }) => rest.run(req.param('run')!))
  route('GET', '/training_runs/:run/checkpoints', ({ req }) => rest.checkpoints(req.param('run')!))
  route('GET', '/checkpoints', (context) => rest.allCheckpoints(page(context)))
  route('GET', '/sessions', (context) => rest.sessions(page(context)))
  route('GET', '/sessions/:id', ({ req }) => rest.session(req.param('id')!))
  post('/weights_info', protocol.weightsInfoRequest, (body) => rest.weightsInfo(body))

  /** The checkpoint that a path means: `weights/NAME`, `sampler_weights/NAME`, or NAME alone for a sampler's. */
  const checkpointOf = ({ req }: Context) =>
    addressOf(
      `tinker://${req.param('run')}/${req.param('kind') ? `${req.param('kind')}/` : ''}${req.param('name')}`,
    )
  for (const path of ['/:name', '/:kind/:name']) {
    const checkpoint = `/training_runs/:run/checkpoints${path}`
    route('DELETE', checkpoint, (context) => {
      rest.remove(checkpointOf(context))
      return new Response(null, { status: 204 })
    })
    route('GET', `${checkpoint}/archive`, (context) => {
      const { token, expires } = rest.link(checkpointOf(context))
      return new Response(null, {
        status: 302,
        headers: {
          location: `${origin(context)}${protocol.API}/downloads/${token}`,
          expires: expires.toUTCString(),
        },
      })
    })
    route('GET', `${checkpoint}/external_weights_urls`, (context) => {
      const { token, files, expires } = rest.link(checkpointOf(context))
      const url = (file: string): string =>
        `${origin(context)}${protocol.API}/downloads/${token}/${encodeURIComponent(file)}`
      return {
        urls: Object.fromEntries(files.map((file) => [file, url(file)])),
        expires: expires.toISOString(),
      }
    })
  }
  route('GET', '/downloads/:token', ({ req }) => rest.download(req.param('token')!, null), { isOpen: true })
  route(
    'GET',
    '/downloads/:token/:file',
    ({ req }) => rest.download(req.param('token')!, req.param('file')!),
    {
      isOpen: true,
    },
  )

  hono.get(
    '/',
    handle('/', (_, finish) => {
      finish(200, {})
      return Response.json({
        server: 'ruminate',
        protocol: 'tinker',
        api: protocol.API,
        models: models.all.map(({ name }) => name),
      })
    }),
  )
  hono.get(
    '/metrics',
    handle('/metrics', async (context, finish) => {
      checkKey(context.req.raw.headers, access)
      finish(200, {})
      return new Response(await metrics.registry.metrics(), {
        headers: { 'content-type': metrics.registry.contentType },
      })
    }),
  )
  hono.notFound(
    handle('unknown', ({ req }) => {
      throw new RequestError('notFound', `there is no ${req.method} ${req.path.slice(0, 100)} here`)
    }),
  )

  const json = <T>(context: Context, schema: z.ZodType<T>): Promise<T> =>
    readBody(context.req.raw.headers, bodyOf(context), schema, limits)

  return {
    fetch: hono.fetch,
    service,
    refuse() {
      const { problem } = new RequestError('invalid', 'the address or the Host of the request is not one')
      return Response.json(dialect.error(problem, randomUUID()), { status: problem.status })
    },
    get active() {
      return service.futures.pending
    },
    stop() {
      isStopping = true
      for (const poll of polls) poll.abort()
    },
    abort() {
      service.futures.endAll(new RequestError('stopping', 'the server is stopping'))
    },
    close: () => service.close(),
  }
}

const isProtobuf = (type: string | undefined): boolean => type?.split(';')[0]?.trim() === protocol.PROTOBUF

/** The server's own address, as the client knows it; `checkSite` has checked its name. */
const origin = ({ req }: Context): string => new URL(req.url).origin

const tryAgain = (request_id: string): Response =>
  Response.json({ type: 'try_again', request_id, queue_state: 'active' }, { status: 408 })

/** A failure is status 200 too: clients send a request that was refused with another status again. */
function resultResponse(settled: Settled, accept = ''): Response {
  if ('error' in settled) return Response.json(settled)
  const { result } = settled
  if (result.kind === 'json') return Response.json(result.body)
  if (!accept.includes(protocol.PROTOBUF)) return Response.json(jsonOf(result.value))
  const bytes =
    result.kind === 'sample'
      ? protocol.encodeSampleResponse(result.value)
      : protocol.encodeForwardBackwardOutput(result.value)
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': protocol.PROTOBUF } })
}

/** Typed arrays as lists. */
const jsonOf = (value: unknown): object =>
  JSON.parse(
    JSON.stringify(value, (_, item) => (ArrayBuffer.isView(item) ? Array.from(item as Float32Array) : item)),
  )

function ofJson(
  { model_id, seq_id }: { readonly model_id: string; readonly seq_id?: number | null | undefined },
  { data, loss_fn, loss_fn_config }: z.output<typeof protocol.lossInput>,
  forward_only: boolean,
): requests.Batch {
  return {
    model_id,
    seq_id: seq_id ?? null,
    data,
    loss_fn,
    loss_fn_config: loss_fn_config ?? {},
    forward_only,
  }
}

function decoded(bytes: Uint8Array): protocol.ForwardBackwardRequest {
  try {
    return protocol.decodeForwardBackwardRequest(bytes)
  } catch (error) {
    if (!(error instanceof protocol.ProtocolError)) throw error
    throw new RequestError('invalid', `the body is no ForwardBackwardRequest: ${error.message}`)
  }
}

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array
const zstd = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync

/** The bytes of a binary body, which may be compressed if this Node can (from 22.15). */
async function readMessage(context: Context, limits: TinkerLimits): Promise<Uint8Array> {
  const { headers } = context.req.raw
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity' && !(encoding === 'zstd' && zstd))
    throw new RequestError(
      'mediaType',
      `send the body without the content encoding ${JSON.stringify(encoding)}`,
    )
  const bytes = await readBytes(headers, bodyOf(context), limits)
  if (encoding === 'identity') return bytes
  try {
    return zstd!(bytes, { maxOutputLength: limits.bodyBytes })
  } catch {
    throw new RequestError('invalid', `the body is no zstd, or more than ${limits.bodyBytes} bytes of it`)
  }
}
