import type { Context, Hono } from 'hono'
import type { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { LIMITS } from '../limits.ts'
import { RequestError, said } from '../problem.ts'
import { bodyOf, readBody } from '../request/body.ts'
import { checkKey, checkSite } from '../request/guard.ts'
import { PAGE_HEADERS } from './page-file.ts'

export interface Access {
  /** What a request that changes something must carry. */
  readonly token: string
  /** Is the token needed for reading, too? Where other machines reach the server. */
  readonly isPrivate: boolean
  /** Names of this server besides its addresses and the machine's name. */
  readonly hosts: readonly string[]
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal
  /** Receives errors that are the studio's own fault. */
  readonly onFailure: (error: unknown) => void
}

const PATH = '/studio/api'

type Work = (context: Context) => object | Promise<object>

/** Adds routes below `/studio/api`. All answers are JSON, those of errors too, and only the studio's own page gets them. */
export class Api {
  readonly #hono: Hono
  readonly #access: Access

  constructor(hono: Hono, access: Access) {
    this.#hono = hono
    this.#access = access
  }

  /** What `work` finds, or the response that it makes. */
  get(path: string, work: Work): void {
    this.#hono.get(PATH + path, this.answer(work))
  }

  /** Something that is changed, which needs the token. */
  post<Body>(
    path: string,
    schema: z.ZodType<Body>,
    work: (body: Body, context: Context) => object | Promise<object>,
  ): void {
    this.#hono.post(
      PATH + path,
      this.answer(
        async (context) =>
          work(await readBody(context.req.raw.headers, bodyOf(context), schema, LIMITS), context),
        { changes: true },
      ),
    )
  }

  /** The paths that no route has taken. */
  finish(): void {
    this.#hono.all(
      `${PATH}/*`,
      this.answer(({ req: { method, path } }) => {
        throw new RequestError('notFound', `there is no ${method} ${path.slice(0, 200)} here`)
      }),
    )
  }

  /** A handler that answers with JSON, or with the response that `work` makes. `changes`: is the token needed? */
  answer(work: Work, { changes = false } = {}): (context: Context) => Promise<Response> {
    const { token, isPrivate, hosts, stopping, onFailure } = this.#access
    return async (context) => {
      try {
        checkOwnPage(context.req.raw, hosts)
        if (changes || isPrivate) checkToken(context.req.raw.headers, { token, isPrivate })
        if (stopping.aborted) throw new RequestError('stopping', 'the studio is stopping')
        const found = await work(context)
        if (!(found instanceof Response)) return json(found)
        // nobody reads the body of a response to HEAD, which for a stream of events would never end
        if (context.req.raw.method === 'HEAD') await found.body?.cancel()
        return secured(found)
      } catch (error) {
        const { status, ...told } = problemOf(error, changes)
        if (status === 500) onFailure(error)
        return json({ error: told }, status)
      }
    }
  }
}

/** A handler of what everybody may read who may use the server, such as the files of the page. */
export const publicly =
  (work: (context: Context) => Response, { hosts, onFailure }: Pick<Access, 'hosts' | 'onFailure'>) =>
  (context: Context): Response => {
    try {
      checkHere(context.req.raw, hosts)
      return work(context)
    } catch (error) {
      const { status, ...told } = problemOf(error, false)
      if (status === 500) onFailure(error)
      return json({ error: told }, status)
    }
  }

/** No page of another origin may be allowed. @throws RequestError */
const checkHere = (request: Request, hosts: readonly string[]): void =>
  checkSite(request, { keys: [], hosts, origins: [] }, { help: '' })

/**
 * Only the studio's own page may use its data: a browser names the page that asks in `Origin`, or says in `Sec-Fetch-Site` that
 * it is another one.
 *
 * @throws RequestError
 */
function checkOwnPage(request: Request, hosts: readonly string[]): void {
  checkHere(request, hosts)
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site') ?? 'none'
  const isOwn = origin === null || origin.replace(/^https?:\/\//, '') === request.headers.get('host')
  if (!isOwn || !['none', 'same-origin'].includes(site))
    throw new RequestError('forbidden', 'only the studio’s own page may use this server')
}

/** @throws RequestError */
function checkToken(headers: Headers, { token, isPrivate }: Pick<Access, 'token' | 'isPrivate'>): void {
  try {
    checkKey(headers, { keys: [token], hosts: [], origins: [] })
  } catch {
    throw new RequestError(
      'unauthorized',
      `${isPrivate ? 'nothing is shown to this page' : 'this page may read but not change anything'}: open the address that \`ruminate studio\` printed, which ends in #token=…`,
    )
  }
}

const json = (object: object, status = 200): Response =>
  secured(Response.json(object, { status, headers: { 'cache-control': 'no-store' } }))

/** A response with the headers that say what a browser may do with it. */
export function secured(response: Response): Response {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.headers.set(name, value)
  return response
}

/**
 * What the page is told of an error. A run that cannot be read is a condition of the disk (503), which may pass; what a request
 * wants to change and cannot is the request's (400).
 */
function problemOf(error: unknown, changes: boolean): { status: number; message: string; help?: string } {
  if (error instanceof RequestError) return { status: error.problem.status, message: error.problem.message }
  if (error instanceof UserError) return { status: changes ? 400 : 503, ...withHelp(error.message) }
  return { status: 500, message: 'the studio failed to answer; its terminal says why' }
}

/** Errors say what is wrong and, after a semicolon, what to do. */
function withHelp(text: string): { message: string; help?: string } {
  const at = text.indexOf('; ')
  return at < 0 ? { message: text } : { message: text.slice(0, at), help: text.slice(at + 2) }
}

/** The parameters of an address, in their types. @throws RequestError */
export function parsed<S extends z.ZodType>(schema: S, query: Readonly<Record<string, string>>): z.output<S> {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new RequestError('invalid', `${path.join('.')}: ${said(message)}`, { field: path.join('.') })
}

/** The parameters that have a value: those of a form may be empty. */
export const given = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
