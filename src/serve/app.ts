import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Dialect, Generation, Lookup, Served } from './dialect.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { openApi } from './openapi.ts'
import { type Problem, problemOf, RequestError } from './problem.ts'
import { readBody } from './request/body.ts'
import { type Access, checkKey, checkSite, corsHeaders, preflight } from './request/guard.ts'
import { Queue } from './respond/queue.ts'
import { LEFT, type Responder, respond } from './respond/respond.ts'
import type { Watch } from './respond/watch.ts'

export interface AppOptions {
  readonly responder: Responder
  readonly served: Served
  readonly dialects: readonly Dialect[]
  readonly access: Access
  readonly limits: Limits
  readonly log: Log
}

/** The server without its socket. */
export interface App {
  readonly hono: Hono
  /** The response to what is not even a request that HTTP allows. */
  refuse(): Response
  /** Requests that are being answered. */
  readonly active: number
  /** From now on, requests are refused. */
  stop(): void
  /** Ends the requests that are being answered. */
  abort(): void
}

type Finish = (status: number, found: { readonly watch?: Watch; readonly error?: unknown }) => void
type Answer = (context: Context, finish: Finish) => Response | Promise<Response>
type PlainAnswer = (context: Context) => Response | Promise<Response>

/** Every request goes the same way: site, route, key, body, queue, model; each can refuse it in the shape of its dialect. */
export function createApp({ responder, served, dialects, access, limits, log }: AppOptions): App {
  const hono = new Hono()
  const queue = new Queue(limits)
  const metrics = new Metrics(queue)
  const active = new Set<AbortController>()
  const tell = (error: unknown): Problem => problemOf(error, access.keys)
  let isStopping = false

  const dialectOf = (path: string, headers: Headers): Dialect => {
    const speaking = dialects.find(({ speaks }) => speaks?.(headers))
    if (speaking) return speaking
    const owners = dialects.flatMap((dialect) => dialect.owns.map((start) => ({ dialect, start })))
    const matching = owners.filter(({ start }) => path === start || path.startsWith(`${start}/`))
    return (matching.sort((a, b) => b.start.length - a.start.length)[0] ?? owners[0]!).dialect
  }

  /** Answers one request and gives errors the shape of its dialect. `finish` tells the log and the metrics, once. */
  const handle =
    (route: string, answer: Answer, label: string | null = null) =>
    async (context: Context): Promise<Response> => {
      const since = performance.now()
      const id = randomUUID()
      const { headers } = context.req.raw
      const dialect = dialectOf(context.req.path, headers)
      const name = label ?? dialect.name
      let isFinished = false
      const finish: Finish = (status, { watch = null, error = null }) => {
        if (isFinished) return
        isFinished = true
        const problem = error === null ? null : tell(error)
        if (problem?.kind === 'internal') log.failure(error)
        metrics.count(name, status)
        if (watch) metrics.observe(watch)
        const seconds = (performance.now() - since) / 1000
        log.request({ id, method: context.req.method, route, dialect: name, status, seconds, watch, problem })
      }
      let response: Response
      let cors: Record<string, string> = {}
      try {
        checkSite(context.req.raw, access)
        cors = corsHeaders(headers)
        response = context.req.method === 'OPTIONS' ? preflight(headers) : await answer(context, finish)
      } catch (error) {
        const problem = tell(error)
        finish(problem.status, { error })
        response = Response.json(dialect.error(problem, id), {
          status: problem.status,
          headers: error instanceof RequestError ? error.headers : {},
        })
      }
      for (const [name, value] of Object.entries({
        ...cors,
        'x-request-id': id,
        // the name that Anthropic's clients read
        'request-id': id,
        'x-content-type-options': 'nosniff',
      }))
        response.headers.set(name, value)
      return response
    }

  const generation = (route: Generation) =>
    handle(route.path, async (context, finish) => {
      checkKey(context.req.raw.headers, access)
      if (isStopping) throw stopping()
      const work = new AbortController()
      const leave = (): void => work.abort(LEFT)
      context.req.raw.signal.addEventListener('abort', leave, { once: true })
      active.add(work)
      const release = (): void => {
        active.delete(work)
        context.req.raw.signal.removeEventListener('abort', leave)
      }
      try {
        const body = await readBody(context.req.raw, route.schema, limits)
        const ask = route.ask(body, served)
        return await respond(ask, {
          responder,
          queue,
          limits,
          tell,
          work,
          drop: () => (context.env as Partial<HttpBindings>).outgoing?.destroy(),
          onDone: (watch, error) => {
            release()
            finish(error === null ? 200 : tell(error).status, { watch, error })
          },
        })
      } catch (error) {
        release()
        throw error
      }
    })

  /** A route that no model responds to. */
  const plain = (path: string, answer: PlainAnswer, label: string | null = null) =>
    handle(
      path,
      async (context, finish) => {
        const response = await answer(context)
        finish(response.status, {})
        return response
      },
      label,
    )

  const lookup = (route: Lookup) =>
    plain(route.path, async (context) => {
      checkKey(context.req.raw.headers, access)
      const body = route.schema ? await readBody(context.req.raw, route.schema, limits) : undefined
      const answer = await route.answer(served, context.req.param() as Record<string, string>, body)
      return typeof answer === 'string' ? new Response(answer) : Response.json(answer)
    })

  for (const { routes } of dialects)
    for (const route of routes)
      hono.on(route.method, route.path, route.kind === 'generation' ? generation(route) : lookup(route))

  const own = (path: string, answer: PlainAnswer): void => {
    hono.get(path, plain(path, answer, 'server'))
  }
  own('/', () => Response.json(index(served, dialects)))
  own('/openapi.json', () => Response.json(openApi(dialects, served)))
  for (const path of ['/health', '/v1/health'])
    own(path, () =>
      Response.json({ status: isStopping ? 'stopping' : 'ok' }, { status: isStopping ? 503 : 200 }),
    )
  own('/metrics', async (context) => {
    checkKey(context.req.raw.headers, access)
    return new Response(await metrics.registry.metrics(), {
      headers: { 'content-type': metrics.registry.contentType },
    })
  })

  const methods = new Map<string, Set<string>>()
  for (const { path, method } of hono.routes) methods.set(path, (methods.get(path) ?? new Set()).add(method))
  for (const [path, allowed] of methods)
    hono.all(
      path,
      handle(path, () => {
        const allow = [...allowed].join(', ')
        throw new RequestError('method', `use ${allow} here`, { headers: { allow } })
      }),
    )
  hono.notFound(
    handle('unknown', () => {
      throw new RequestError('notFound', 'there is nothing at this path; GET / lists what is here')
    }),
  )
  return {
    hono,
    refuse() {
      const { problem } = new RequestError('invalid', 'the address or the Host of the request is not one')
      return Response.json(dialects[0]!.error(problem, randomUUID()), { status: problem.status })
    },
    get active() {
      return active.size
    },
    stop() {
      isStopping = true
    },
    abort() {
      for (const work of active) work.abort(stopping())
    },
  }
}

const stopping = (): RequestError =>
  new RequestError('stopping', 'the server is stopping', { headers: { 'retry-after': '10' } })

const index = (served: Served, dialects: readonly Dialect[]): object => ({
  server: 'ruminate',
  models: served.names,
  dialects: Object.fromEntries(
    dialects.map(({ title, routes }) => [title, routes.map(({ method, path }) => `${method} ${path}`)]),
  ),
  more: ['/openapi.json', '/health', '/metrics'],
})
