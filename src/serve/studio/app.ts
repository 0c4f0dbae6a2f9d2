import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { setNote, setTags } from '../../runs/store.ts'
import { LIMITS } from '../limits.ts'
import type { HttpApp } from '../listen.ts'
import { RequestError, said } from '../problem.ts'
import { bodyOf, readBody } from '../request/body.ts'
import { checkKey, checkSite } from '../request/guard.ts'
import { ChatModels } from './chat/chat-models.ts'
import { strategyQuery } from './chat/strategy.ts'
import type { Control, Evaluations } from './control.ts'
import { noPage, PAGE_HEADERS, pageFile } from './page.ts'
import { dataRows, rowsQuery } from './runs/data-rows.ts'
import { dataSetsOf } from './runs/data-sets.ts'
import { metricsQuery, seriesOfRun } from './runs/run-series.ts'
import type { Found, RunsFolder } from './runs/runs-folder.ts'
import { eventStream } from './runs/stream.ts'
import { detailOf, type RunSummary, summaryOf } from './runs/summary.ts'
import { Watcher } from './runs/watcher.ts'
import { Asked, type QuestionReader } from './samples/asked.ts'
import { samplePage, sampleQuery } from './samples/samples.ts'
import { ahaOf, questionHistory, sampleDetail } from './samples/stories.ts'

export interface StudioOptions {
  readonly folder: RunsFolder
  /** Folder of the built page. */
  readonly page: string
  /** What a request that changes something must carry. */
  readonly token: string
  /** Is the token needed for reading, too? Where other machines reach the server. */
  readonly isPrivate: boolean
  /** Names of this server besides its addresses and the machine's name. */
  readonly hosts: readonly string[]
  readonly control: Control
  readonly evaluations: Evaluations
  readonly question: QuestionReader
  /** Receives errors that are the studio's own fault. */
  readonly onFailure: (error: unknown) => void
}

const API = '/studio/api'
/** Below it and a model's name are the paths of the dialects, such as `/v1/chat/completions`. */
const MODELS = '/studio/models'

/** The studio's server without its socket: the page's files below /studio/, and its data below /studio/api/. */
export function createStudio(options: StudioOptions): HttpApp & { readonly models: ChatModels } {
  const { folder, page, token, isPrivate, hosts, control, evaluations, question, onFailure } = options
  const hono = new Hono()
  const start = randomUUID()
  const watcher = new Watcher(folder)
  const models = new ChatModels(folder, hosts, onFailure)
  const asked = new Asked(question)
  const stopping = new AbortController()

  /** An answer that is JSON, and so is every error of it. */
  const answer =
    (work: (context: Context) => object | Promise<object>, { changes = false } = {}) =>
    async (context: Context): Promise<Response> => {
      try {
        checkOwnPage(context.req.raw, hosts)
        if (changes || isPrivate) checkToken(context.req.raw.headers, token)
        const found = await work(context)
        return found instanceof Response ? secured(found) : json(found)
      } catch (error) {
        const { status, ...told } = problemOf(error, changes)
        if (status === 500) onFailure(error)
        return json({ error: told }, status)
      }
    }
  const get = (path: string, work: (context: Context) => object): void => {
    hono.get(`${API}${path}`, answer(work))
  }
  const post = <Body>(
    path: string,
    schema: z.ZodType<Body>,
    work: (body: Body, context: Context) => object | Promise<object>,
  ): void => {
    hono.post(
      `${API}${path}`,
      answer(
        async (context) =>
          work(await readBody(context.req.raw.headers, bodyOf(context), schema, LIMITS), context),
        { changes: true },
      ),
    )
  }

  const idOf = (context: Context): string => context.req.param('id') ?? ''
  const found = (id: string): Found => {
    folder.directoryOf(id)
    const parent = id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : null
    return { id, parent }
  }

  get('/runs', () => ({
    root: folder.root,
    runs: folder.list().map((one): RunSummary => summaryOf(folder, one)),
  }))
  get('/runs/:id', (context) => detailOf(folder, found(idOf(context))))
  get('/runs/:id/metrics', (context) => ({
    series: seriesOfRun(folder, idOf(context), parsed(metricsQuery, context.req.query())),
  }))
  get('/runs/:id/samples', (context) =>
    folder.read(idOf(context), (store) => {
      const page = samplePage(store, parsed(sampleQuery, given(context.req.query())))
      return { ...page, samples: asked.add(store, page.samples) }
    }),
  )
  get('/runs/:id/samples/:sample', (context) => {
    const { sample } = parsed(sampleNumber, { sample: context.req.param('sample') ?? '' })
    return folder.read(idOf(context), (store) => {
      const detail = sampleDetail(store, sample)
      return { ...asked.add(store, [detail])[0], group: asked.add(store, detail.group) }
    })
  })
  get('/runs/:id/questions/:key', (context) =>
    folder.read(idOf(context), (store) => {
      const history = questionHistory(store, context.req.param('key') ?? '')
      const samples = asked.add(store, history.samples)
      return { ...history, asked: samples[0]!.asked, samples }
    }),
  )
  get('/runs/:id/aha', (context) =>
    folder.read(idOf(context), (store) => {
      const story = ahaOf(store)
      if (story.changed === null) return story
      const [before, after] = asked.add(store, [story.changed.before, story.changed.after])
      return { ...story, changed: { ...story.changed, asked: before!.asked, before, after } }
    }),
  )
  get('/runs/:id/data', (context) => folder.read(idOf(context), (store) => ({ dataSets: dataSetsOf(store) })))
  get('/runs/:id/data/:name', (context) =>
    dataRows(
      folder.directoryOf(idOf(context)),
      context.req.param('name') ?? '',
      parsed(rowsQuery, given(context.req.query())),
    ),
  )
  get('/runs/:id/models', (context) => ({ models: models.ofRun(idOf(context)) }))
  get('/evals', () => ({ evals: evaluations.list() }))
  get('/evals/:id', (context) => there(evaluations.read(idOf(context))))
  get('/evals/:id/answers', (context) => {
    const { cell, question } = parsed(answersQuery, context.req.query())
    return there(evaluations.answers(idOf(context), cell, question))
  })
  get('/events', () => eventStream(watcher, start, stopping.signal))
  get('/forms', () => ({ forms: control.forms() }))
  get('/server', () => ({ id: start, root: folder.root }))

  post('/runs', startBody, async ({ command, settings }) => {
    const directory = await control.start(command, settings)
    return { id: directory.slice(folder.root.length + 1).replaceAll('\\', '/') }
  })
  post('/runs/:id/stop', z.object({}), async (_, context) => {
    await control.stop(folder.directoryOf(idOf(context)))
    return { ok: true }
  })
  post('/runs/:id/resume', z.object({}), async (_, context) => {
    await control.resume(folder.directoryOf(idOf(context)))
    return { ok: true }
  })
  post('/runs/:id/note', noteBody, ({ note }, context) => {
    const id = idOf(context)
    setNote(folder.directoryOf(id), note ?? '')
    return { note: folder.read(id, (store) => store.info().note) }
  })

  post('/runs/:id/tags', tagsBody, ({ tags }, context) => ({
    tags: setTags(folder.directoryOf(idOf(context)), tags),
  }))

  hono.all(
    `${MODELS}/:model/*`,
    answer(
      async (context) => {
        const { raw } = context.req
        const name = context.req.param('model') ?? ''
        const query = parsed(strategyQuery, given(context.req.query()))
        const server = await models.serverOf(name, query)
        const url = new URL(raw.url)
        url.pathname = url.pathname
          .split('/')
          .slice(MODELS.split('/').length + 1)
          .join('/')
        return server.fetch(new Request(url, { method: raw.method, headers: raw.headers }), context.env)
      },
      { changes: true },
    ),
  )
  hono.all(
    `${API}/*`,
    answer((context) => {
      const { method, path } = context.req
      throw new RequestError('notFound', `there is no ${method} ${path.slice(0, 200)} here`)
    }),
  )
  hono.get(
    '/',
    publicly(() => toPage(), hosts),
  )
  hono.get(
    '/studio',
    publicly(() => toPage(), hosts),
  )
  hono.get(
    '/studio/*',
    publicly((context) => {
      const path = context.req.path.slice('/studio/'.length)
      return pageFile(page, path) ?? (path === '' ? noPage() : null)
    }, hosts),
  )
  hono.notFound(
    answer(() => {
      throw new RequestError('notFound', 'there is nothing at this path; the page is at /studio/')
    }),
  )
  return {
    models,
    fetch: hono.fetch,
    refuse: () => json({ error: { message: 'the address or the Host of the request is not one' } }, 400),
    stop() {
      stopping.abort()
      watcher.close()
    },
    abort() {
      stopping.abort()
      models.close().catch(onFailure)
    },
  }
}

const toPage = (): Response => secured(new Response(null, { status: 302, headers: { location: '/studio/' } }))

/** Files of the page, which everybody who may use the server may read. */
const publicly =
  (work: (context: Context) => Response | null, hosts: readonly string[]) =>
  (context: Context): Response => {
    try {
      checkSite(context.req.raw, { keys: [], hosts, origins: [] })
      const found = work(context)
      if (found) return found
      throw new RequestError('notFound', 'the page has no such file; it may have been built anew: reload it')
    } catch (error) {
      const { status, ...told } = problemOf(error, false)
      return json({ error: told }, status)
    }
  }

/**
 * Only the studio's own page may use its data: a browser names the page that asks in `Origin`, or says in `Sec-Fetch-Site` that
 * it is another one.
 *
 * @throws RequestError
 */
function checkOwnPage(request: Request, hosts: readonly string[]): void {
  checkSite(request, { keys: [], hosts, origins: [] })
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site') ?? 'none'
  const isOwn = origin === null || origin.replace(/^https?:\/\//, '') === request.headers.get('host')
  if (!isOwn || !['none', 'same-origin'].includes(site))
    throw new RequestError('forbidden', 'only the studio’s own page may use this server')
}

/** @throws RequestError */
function checkToken(headers: Headers, token: string): void {
  try {
    checkKey(headers, { keys: [token], hosts: [], origins: [] })
  } catch {
    throw new RequestError(
      'unauthorized',
      'this page may read but not change anything: open the address that `ruminate studio` printed, which ends in #token=…',
    )
  }
}

const json = (object: object, status = 200): Response =>
  secured(Response.json(object, { status, headers: { 'cache-control': 'no-store' } }))

function secured(response: Response): Response {
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

const answersQuery = z.object({ cell: z.coerce.number().int().min(0), question: z.string().optional() })
const sampleNumber = z.object({ sample: z.coerce.number().int().min(0) })
const startBody = z.object({ command: z.string(), settings: z.record(z.string(), z.unknown()).default({}) })
const tagsBody = z.object({ tags: z.array(z.string()).max(100) })
const noteBody = z.object({ note: z.string().max(10_000).nullable() })

/** Parameters of an address; empty ones are missing. @throws RequestError */
function parsed<S extends z.ZodType>(schema: S, query: Readonly<Record<string, string>>): z.output<S> {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new RequestError('invalid', `${path.join('.')}: ${said(message)}`, { field: path.join('.') })
}

const given = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))

/** @throws RequestError if there is nothing. */
function there(found: object | null): object {
  if (found === null) throw new RequestError('notFound', 'there is no such evaluation here')
  return found
}
