import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import type { Dialect } from '../../serve/dialect.ts'
import { dialects as allDialects } from '../../serve/dialects/index.ts'
import type { Limits } from '../../serve/limits.ts'
import type { RequestEntry } from '../../serve/log.ts'
import type { Access } from '../../serve/request/guard.ts'
import type { Defaults, Responder } from '../../serve/respond/respond.ts'
import { type RunningServer, serve } from '../../serve/serve.ts'
import type { TextCapabilities, TextEnd, TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { fakeTextModel } from '../fakes/fake-text-model.ts'

export interface TestServer extends RunningServer {
  readonly entries: RequestEntry[]
  readonly failures: unknown[]
}

/** A server on a free port of this machine, and what it logs. */
export async function startServer(
  model: TextModel,
  {
    access = {},
    limits = {},
    withWish = () => model,
    names = ['fake'],
    anyName = false,
    budget = true,
    dialects = allDialects,
    defaults = {},
  }: {
    access?: Partial<Access>
    limits?: Partial<Limits>
    withWish?: Responder['withWish']
    names?: readonly string[]
    anyName?: boolean
    budget?: boolean
    dialects?: readonly Dialect[]
    defaults?: Defaults
  } = {},
): Promise<TestServer> {
  const entries: RequestEntry[] = []
  const failures: unknown[] = []
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    responder: { model, withWish, defaults },
    served: {
      names,
      anyName,
      created: 1_760_000_000,
      identity: model.identity,
      countPrompt: model.countPrompt?.bind(model) ?? null,
      can: { ...model.can, budget },
    },
    dialects,
    access: { keys: [], hosts: [], origins: [], ...access },
    limits: { shutdown: 300, ...limits },
    log: { request: (entry) => entries.push(entry), failure: (error) => failures.push(error) },
  })
  return { ...server, entries, failures }
}

export interface PlainResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A request with exactly these headers, which `fetch` would not send, and its whole response. */
export function send(
  server: RunningServer,
  path: string,
  {
    method,
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string | object } = {},
): Promise<PlainResponse> {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: server.port,
        path,
        method: method ?? (text === undefined ? 'GET' : 'POST'),
        headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        agent: false,
      },
      (response) => {
        let received = ''
        response.setEncoding('utf8')
        response.on('data', (piece) => {
          received += piece
        })
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, text: received }),
        )
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(text)
  })
}

/** Bytes on a socket, and everything that comes back until the server closes it. */
export function sendRaw(server: RunningServer, bytes: string, milliseconds = 2_000): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => socket.destroy(), milliseconds)
    socket.on('data', (piece) => {
      received += piece
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
  })
}

/** The data of the server-sent events in a text, parsed where they are JSON. */
export const eventsIn = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice(6))
    .map((data) => (data.startsWith('{') ? JSON.parse(data) : data))

/** A model that responds with exactly these events; an error is thrown. It keeps the requests. */
export function scripted(
  script: (request: TextRequest) => Iterable<TextEvent | Error> | AsyncIterable<TextEvent | Error>,
  can: Partial<TextCapabilities> = {},
): TextModel & { readonly requests: TextRequest[] } {
  const base = fakeTextModel(() => ({}), { can })
  return {
    ...base,
    async *respond(request) {
      base.requests.push(request)
      for await (const event of script(request)) {
        if (event instanceof Error) throw event
        yield event
      }
    },
  }
}

/** The end of a response. */
export const ended = (fields: Partial<TextEnd> = {}): TextEnd => ({
  type: 'end',
  reason: 'stop',
  text: null,
  tokens: null,
  ...fields,
  usage: { promptTokens: 10, cachedTokens: 4, completionTokens: 7, thinkingTokens: 3, ...fields.usage },
})
