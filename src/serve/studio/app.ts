import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { HttpApp } from '../listen.ts'
import { RequestError } from '../problem.ts'
import { type Access, Api, secured } from './api.ts'
import { ChatModels } from './chat/chat-models.ts'
import { chatRoutes } from './chat/routes.ts'
import type { Control, Evaluations } from './control.ts'
import { dataRoutes, evaluationRoutes } from './data/routes.ts'
import { pageRoutes } from './page.ts'
import { controlRoutes, runRoutes } from './runs/routes.ts'
import type { RunsFolder } from './runs/runs-folder.ts'
import { Watcher } from './runs/watcher.ts'
import type { QuestionReader } from './samples/asked.ts'
import { sampleRoutes } from './samples/routes.ts'

export interface StudioOptions extends Omit<Access, 'stopping'> {
  readonly folder: RunsFolder
  /** Folder of the built page. */
  readonly page: string
  readonly control: Control
  readonly evaluations: Evaluations
  readonly question: QuestionReader
}

/** The studio's server without its socket: the page's files below /studio/, and its data below /studio/api/. */
export function createStudio(options: StudioOptions): HttpApp & { readonly models: ChatModels } {
  const { folder, page, control, evaluations, question, hosts, onFailure } = options
  const stopping = new AbortController()
  const access = { ...options, stopping: stopping.signal }
  const watcher = new Watcher(folder)
  const models = new ChatModels(folder, hosts, onFailure)
  const hono = new Hono()
  const api = new Api(hono, access)

  runRoutes(api, folder, { watcher, start: randomUUID(), stopping: stopping.signal })
  controlRoutes(api, folder, control)
  sampleRoutes(api, folder, question)
  dataRoutes(api, folder)
  evaluationRoutes(api, evaluations)
  chatRoutes(api, hono, models)
  api.finish()
  pageRoutes(hono, page, access)
  hono.notFound(
    api.answer(() => {
      throw new RequestError('notFound', 'there is nothing at this path; the page is at /studio/')
    }),
  )
  return {
    models,
    fetch: hono.fetch,
    refuse() {
      const error = { message: 'the address or the Host of the request is not one' }
      return secured(Response.json({ error }, { status: 400 }))
    },
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
