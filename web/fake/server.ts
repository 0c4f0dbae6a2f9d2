import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { RunDetail } from '../src/api/types.ts'
import { answerTo } from './answers.ts'
import { randomOf } from './random.ts'
import { add, type FakeRun, fakeRuns, metricsAt } from './runs.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** As strict as the real server's. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export const TOKEN = 'fake-token'

/** A server with made-up runs, which behaves as the studio's server does. */
export interface FakeServer {
  readonly url: string
  readonly runs: Map<string, FakeRun>
  /** The POST requests so far. */
  readonly changes: { path: string; body: unknown }[]
  /** Adds a run, or a step to a run, and tells the pages. */
  addRun(run: FakeRun): void
  advance(id: string): void
  remove(id: string): void
  close(): Promise<void>
}

interface Options {
  /** The folder of the built page. */
  readonly page: string
  readonly port?: number
  /** Milliseconds between the pieces of a chat's response. */
  readonly pace?: number
}

export async function startFake({ page, port = 0, pace = 5 }: Options): Promise<FakeServer> {
  const runs = fakeRuns()
  const changes: FakeServer['changes'] = []
  const pages = new Set<ServerResponse>()
  const started = String(performance.timeOrigin + performance.now())
  const random = randomOf(7)
  const send = (event: string, data: unknown) => {
    for (const response of pages) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const update = (id: string, over: Partial<RunDetail>) => {
    const run = runs.get(id)!
    run.detail = { ...run.detail, ...over }
    send('run', run.detail)
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://x')
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const path = pathname.replace(/^\/studio\/api\//, '')
    if (pathname.startsWith('/studio/models/')) return chat(await bodyOf(request), response, pace)
    if (path === pathname) return file(page, pathname.replace(/^\/studio\//, '/'), response)
    if (path === 'events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: hello\ndata: ${JSON.stringify({ id: started })}\n\n`)
      pages.add(response)
      return request.on('close', () => pages.delete(response))
    }
    if (request.method === 'POST') {
      if (request.headers.authorization !== `Bearer ${TOKEN}`)
        return json(401, {
          error: { message: 'The token is missing or wrong.', help: 'Open the printed address.' },
        })
      const body = await bodyOf(request)
      changes.push({ path, body })
      const [, id = '', action] = path.split('/').map(decodeURIComponent)
      if (action === 'stop') update(id, { status: 'interrupted', secondsLeft: null })
      if (action === 'resume') update(id, { status: 'running', secondsLeft: 100 })
      if (action === 'note') update(id, { note: String(body.note) || null })
      return json(200, { id: id || 'zero-2' })
    }
    const answer = answerTo(runs, path, searchParams)
    if (answer !== null) return json(200, answer)
    return json(404, {
      error: { message: `There is no ${decodeURIComponent(path)}.`, help: 'ruminate runs lists the runs.' },
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runs,
    changes,
    addRun(run) {
      runs.set(run.detail.id, run)
      send('run', run.detail)
    },
    advance(id) {
      const run = runs.get(id)!
      const step = run.detail.steps.done + 1
      const values = metricsAt(step, random)
      for (const [name, value] of Object.entries(values)) add(run.metrics, name, step, value)
      update(id, {
        steps: { ...run.detail.steps, done: step },
        accuracy: { step, value: values.accuracy! },
        spark: [...run.detail.spark, values.accuracy!].slice(-60),
      })
      send('metrics', { id, step, values })
    },
    remove(id) {
      runs.delete(id)
      send('gone', { id })
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}')
}

function file(folder: string, path: string, response: ServerResponse): void {
  const name = path === '/' ? '/index.html' : path
  try {
    const content = readFileSync(join(folder, name))
    response
      .writeHead(200, {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
      })
      .end(content)
  } catch {
    response.writeHead(404).end()
  }
}

/** Streams a response with thinking, as the server's Chat Completions do. */
async function chat(body: Record<string, unknown>, response: ServerResponse, pace: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (data: unknown) => response.write(`data: ${JSON.stringify(data)}\n\n`)
  const pieces = (text: string) => text.match(/\s*\S+/g) ?? []
  const wait = () => new Promise((resolve) => setTimeout(resolve, pace))
  send({
    choices: [{ delta: { role: 'assistant' } }],
    ruminate: { prompt: `User: ${JSON.stringify(body.messages)}` },
  })
  for (const reasoning_content of pieces(
    'Try 5+9=14\n14+9=23\ncheck 23-23=0\nWait, let me check again.\nYes, right.',
  )) {
    await wait()
    send({ choices: [{ delta: { reasoning_content } }] })
  }
  for (const content of pieces(`The answer of ${body.model} is \\boxed{5+9+9}.`)) {
    await wait()
    send({ choices: [{ delta: { content } }] })
  }
  send({ choices: [], usage: { completion_tokens: 40, completion_tokens_details: { reasoning_tokens: 30 } } })
  response.end('data: [DONE]\n\n')
}
