import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import type { Dialect } from './dialect.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { type Problem, RequestError } from './problem.ts'
import { type Access, checkSite, corsHeaders, preflight } from './request/guard.ts'
import type { Watch } from './respond/watch.ts'

/** Tells the log and the metrics how a request ended; further calls do nothing. */
type Finish = (status: number, found: { readonly watch?: Watch; readonly error?: unknown }) => void

/** Answers a request. What it throws becomes an error in the shape of the request's dialect. */
export type Answer = (context: Context, finish: Finish) => Response | Promise<Response>

export interface HandlerOptions {
  readonly dialects: readonly Dialect[]
  readonly access: Access
  /** What is told to a client about an error. */
  readonly tell: (error: unknown) => Problem
  readonly metrics: Metrics
  readonly log: Log
}

/**
 * What every request passes through, whatever its route: Host and Origin are checked, errors get the shape of the dialect, and
 * the log and the metrics are told of the end. `label` names the dialect for these where it is not that of the path.
 */
export const handler =
  ({ dialects, access, tell, metrics, log }: HandlerOptions) =>
  (route: string, answer: Answer, label: string | null = null) =>
  async (context: Context): Promise<Response> => {
    const since = performance.now()
    const id = randomUUID()
    const { headers } = context.req.raw
    const dialect = dialectOf(dialects, context.req.path, headers)
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

/** The dialect of a request: that of its headers, or else the one with the longest beginning of its path. */
function dialectOf(dialects: readonly Dialect[], path: string, headers: Headers): Dialect {
  const speaking = dialects.find(({ speaks }) => speaks?.(headers))
  if (speaking) return speaking
  const owners = dialects.flatMap((dialect) => dialect.owns.map((start) => ({ dialect, start })))
  const matching = owners.filter(({ start }) => path === start || path.startsWith(`${start}/`))
  return (matching.sort((a, b) => b.start.length - a.start.length)[0] ?? owners[0]!).dialect
}
