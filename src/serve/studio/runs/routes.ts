import type { Context } from 'hono'
import { z } from 'zod'
import { setNote, setTags } from '../../../runs/notes.ts'
import { type Api, parsed } from '../api.ts'
import type { Control } from '../control.ts'
import { metricsQuery, seriesOfRun } from './run-series.ts'
import type { RunsFolder } from './runs-folder.ts'
import { eventStream } from './stream.ts'
import { detailOf, summaryOf } from './summary.ts'
import type { Watcher } from './watcher.ts'

/** Runs: all of them, one with its metrics, and what happens to them from now on. */
export function runRoutes(
  api: Api,
  folder: RunsFolder,
  { watcher, start, stopping }: { watcher: Watcher; start: string; stopping: AbortSignal },
): void {
  api.get('/runs', () => ({
    root: folder.root,
    runs: folder.list().map((found) => summaryOf(folder, found)),
  }))
  api.get('/runs/:id', (context) => detailOf(folder, folder.find(idOf(context))))
  api.get('/runs/:id/metrics', (context) => ({
    series: seriesOfRun(folder, idOf(context), parsed(metricsQuery, context.req.query())),
  }))
  api.get('/events', () => eventStream(watcher, start, stopping))
  api.get('/server', () => ({ id: start, root: folder.root }))
}

/** What the page changes: it starts, stops and resumes runs, and sets their notes and tags. */
export function controlRoutes(api: Api, folder: RunsFolder, control: Control): void {
  const directoryOf = (context: Context): string => folder.directoryOf(idOf(context))
  api.get('/forms', () => ({ forms: control.forms() }))
  api.post('/runs', startBody, async ({ command, settings }) => {
    const directory = await control.start(command, settings)
    return { id: directory.slice(folder.root.length + 1).replaceAll('\\', '/') }
  })
  api.post('/runs/:id/stop', z.object({}), async (_, context) => {
    await control.stop(directoryOf(context))
    return { ok: true }
  })
  api.post('/runs/:id/resume', z.object({}), async (_, context) => {
    await control.resume(directoryOf(context))
    return { ok: true }
  })
  api.post('/runs/:id/note', noteBody, ({ note }, context) => {
    setNote(directoryOf(context), note ?? '')
    return { note: folder.read(idOf(context), (store) => store.info().note) }
  })
  api.post('/runs/:id/tags', tagsBody, ({ tags }, context) => ({ tags: setTags(directoryOf(context), tags) }))
}

/** The run that a path names. */
export const idOf = (context: Context): string => context.req.param('id') ?? ''

const startBody = z.object({ command: z.string(), settings: z.record(z.string(), z.unknown()).default({}) })
const noteBody = z.object({ note: z.string().max(10_000).nullable() })
const tagsBody = z.object({ tags: z.array(z.string()).max(100) })
