import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { UserError } from '../../common/errors.ts'
import type { RunStore } from '../../runs/store.ts'
import { type RunningStudio, studio } from '../../serve/studio/studio.ts'
import { fakeRun } from '../studio-runs.ts'
import { send } from './fake-server.ts'

/* For tests: a studio with a folder of runs, which both begin anew with each test of the file that imports this. */

/** The folder of the runs, of each test anew. */
export let root: string
export let server: RunningStudio
let failures: unknown[]
/** What the page asked the control for. */
export let controlled: unknown[][]
const open: RunStore[] = []
/** A fake run, which is closed after the test. */
export const run = (
  ...args: Parameters<typeof fakeRun> extends [string, ...infer Rest] ? Rest : never
): RunStore => {
  const store = fakeRun(root, ...args)
  open.push(store)
  return store
}

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ruminate-studio-')))
  failures = []
  controlled = []
  const page = join(root, '.page')
  mkdirSync(join(page, 'assets'), { recursive: true })
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>Studio</title>')
  writeFileSync(join(page, 'assets', 'app-1a2b.js'), 'export {}')
  server = await start()
})
afterEach(async () => {
  await server.stop()
  for (const store of open.splice(0)) store.close()
  rmSync(root, { recursive: true, force: true })
  expect(failures).toEqual([])
})

const start = (host = '127.0.0.1', port = 0): Promise<RunningStudio> =>
  studio({
    root,
    host,
    port,
    page: join(root, '.page'),
    hosts: [],
    control: {
      forms: () => ({ zero: { type: 'object' } }),
      start: async (command, settings) => {
        if (command !== 'zero') throw new UserError(`unknown command ${command}; choose zero`)
        controlled.push(['start', command, settings])
        return join(root, 'zero-9')
      },
      stop: async (directory) => void controlled.push(['stop', directory]),
      resume: async (directory) => void controlled.push(['resume', directory]),
    },
    evaluations: {
      list: () => [{ id: 'eval-1' }],
      read: (id) => (id === 'eval-1' ? { id } : null),
      answers: (id, cell, question) => (id === 'eval-1' ? { answers: [{ cell, question }] } : null),
    },
    question: () => (prompt) => prompt.replace(/^User: (.*) Assistant:$/, '$1'),
    onFailure: (error) => failures.push(error),
  })

/** The JSON at a path of the data. */
export const read = async (path: string, headers: Record<string, string> = {}) => {
  const { status, text } = await send(server, encodeURI(`/studio/api/${path}`).replaceAll('%25', '%'), {
    headers,
  })
  return { status, body: JSON.parse(text) }
}
export const get = async (path: string) => (await read(path)).body
export const post = async (path: string, body: object, headers?: Record<string, string>) => {
  const { status, text } = await send(server, `/studio/api/${path}`, {
    body,
    headers: headers ?? { authorization: `Bearer ${server.token}` },
  })
  return { status, body: JSON.parse(text) }
}
export const ids = async (query: string): Promise<number[]> =>
  (await get(`runs/zero-1/samples?${query}`)).samples.map(({ id }: { id: number }) => id)

/** Stops the server and starts it again, by default on another port. */
export async function restart(host = '127.0.0.1', port = 0): Promise<void> {
  await server.stop()
  server = await start(host, port)
}

// biome-ignore lint/suspicious/noExplicitAny: the tests say which fields there are
export type Json = any

/** Reads server-sent events until `isEnough`, or fails after a while. */
export async function events(
  isEnough: (seen: { event: string; data: Json }[]) => boolean,
  during = async () => {},
) {
  const controller = new AbortController()
  const response = await fetch(`${server.url}/studio/api/events`, { signal: controller.signal })
  const seen: { event: string; data: Json }[] = []
  const timer = setTimeout(() => controller.abort(), 8000)
  let text = ''
  let isFirst = true
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
        if (event) seen.push({ event, data: JSON.parse(data!) })
        text = text.slice(end + 2)
      }
      if (isFirst && seen.length > 0) {
        isFirst = false
        await during()
      }
      if (isEnough(seen)) break
    }
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
  return seen
}
