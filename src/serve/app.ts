import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Dialect, Generation, Lookup, Served } from './dialect.ts'
import { handler } from './handler.ts'
import type { Limits } from './limits.ts'
import type { HttpApp } from './listen.ts'
import type { Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { openApi } from './openapi.ts'
import { type Problem, problemOf, RequestError } from './problem.ts'
import { bodyOf, readBody } from './request/body.ts'
import { type Access, checkKey } from './request/guard.ts'
import { RequestQueue } from './respond/queue.ts'
import { LEFT, type Responder, respond } from './respond/respond.ts'

/** What is served, to whom, and how. */
export interface AppOptions {
  readonly responder: Responder
  readonly served: Served
  readonly dialects: readonly Dialect[]
  readonly access: Access
  readonly limits: Limits
  readonly log: Log
}

/** The server without its socket. */
export interface App extends HttpApp {
  /** Requests that are being answered. */
  readonly active: number
}

type PlainAnswer = (context: Context) => Response | Promise<Response>

/** Every request goes the same way: site, route, key, body, queue, model; each can refuse it in the shape of its dialect. */
export function createApp({ responder, served, dialects, access, limits, log }: AppOptions): App {
  const hono = new Hono()
  const queue = new RequestQueue(limits)
  const metrics = new Metrics(queue)
  const active = new Set<AbortController>()
  const tell = (error: unknown): Problem => problemOf(error, access.keys)
  let isStopping = false

  const handle = handler({ dialects, access, tell, metrics, log })

  const generation = (route: Generation) =>
    handle(route.path, async (context, finish) => {
      checkKey(context.req.raw.headers, access)
      if (isStopping) throw stopping()
      const work = new AbortController()
      const leave = (): void => work.abort(LEFT)
      const forget = whenLeft(context, leave)
      active.add(work)
      const release = (): void => {
        active.delete(work)
        forget()
      }
      try {
        const body = await readBody(context.req.raw.headers, bodyOf(context), route.schema, limits)
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
      const body = route.schema
        ? await readBody(context.req.raw.headers, bodyOf(context), route.schema, limits)
        : undefined
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
    fetch: hono.fetch,
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

/** Calls `leave` when the client leaves, until the function that it returns is called. */
export function whenLeft({ req, env }: Context, leave: () => void): () => void {
  const outgoing = (env as Partial<HttpBindings> | undefined)?.outgoing
  if (!outgoing) {
    req.raw.signal.addEventListener('abort', leave, { once: true })
    return () => req.raw.signal.removeEventListener('abort', leave)
  }
  const onClose = (): void => {
    if (!outgoing.writableFinished) leave()
  }
  outgoing.once('close', onClose)
  return () => outgoing.off('close', onClose)
}

const stopping = (): RequestError =>
  new RequestError('stopping', 'the server is stopping', { headers: { 'retry-after': '10' } })

const index = (served: Served, dialects: readonly Dialect[]): object => ({
  server: 'ruminate',
  models: served.names,
  dialects: Object.fromEntries(
    dialects.map(({ title, routes }) => [
      title,
      routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)\{.*\}/, '{$1}')}`),
    ]),
  ),
  more: ['/openapi.json', '/health', '/metrics'],
})
