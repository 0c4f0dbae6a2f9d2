import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The body of a chat request. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly seed: number
  readonly stream: boolean
  readonly [field: string]: unknown
}

/** Responds to one request instead of the model. */
export type Trick = (response: ServerResponse, request: ChatRequest) => void

/** For tests: a local server with OpenAI's chat completions. It uses up its `tricks` first, then replies like a model. */
export class FakeProvider {
  /** Every request's body, in order. */
  readonly log: ChatRequest[] = []
  readonly authorizations: (string | undefined)[] = []
  /** The largest number of requests that were open at the same time. */
  mostAtOnce = 0
  /** The model's reply to a request. */
  reply: (request: ChatRequest) => { content: string | null; reasoning?: string } = () => ({
    content: 'four',
  })
  /** Responses to the next requests, one each; then the model replies again. */
  tricks: Trick[] = []
  #open = 0
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<FakeProvider> {
    const provider = new FakeProvider()
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve))
    return provider
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const part of request) body += part
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions')
      return void send(response, 404, 'no')
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open)
    response.once('close', () => this.#open--)
    const chat = JSON.parse(body) as ChatRequest
    this.log.push(chat)
    this.authorizations.push(request.headers.authorization)
    const trick = this.tricks.shift()
    if (trick) return trick(response, chat)
    const { content, reasoning } = this.reply(chat)
    if (chat.stream) stream(response, deltas(content, reasoning), 'stop')
    else send(response, 200, whole(content, reasoning))
  }
}

/** A chat completion in one piece. */
export const whole = (
  content: string | null,
  reasoning?: string,
  finish: string | null = 'stop',
): Record<string, unknown> => ({
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content, ...(reasoning ? { reasoning_content: reasoning } : {}) },
      finish_reason: finish,
    },
  ],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
})

/** Sends a whole response. */
export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The pieces of a streamed reply, one character each. */
export function deltas(content: string | null, reasoning = ''): Record<string, string>[] {
  return [
    ...[...reasoning].map((letter) => ({ reasoning_content: letter })),
    ...[...(content ?? '')].map((letter) => ({ content: letter })),
  ]
}

/** Sends a chat completion in pieces. If `finish` is null, it breaks off in the middle of an event. */
export function stream(
  response: ServerResponse,
  pieces: readonly Record<string, string>[],
  finish: string | null,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  const event = (data: unknown) => response.write(`data: ${JSON.stringify(data)}\r\n\r\n`)
  response.write(': keep-alive\n\n')
  for (const delta of pieces) event({ choices: [{ index: 0, delta, finish_reason: null }] })
  if (finish === null) {
    response.write('data: {"choices":[{"del')
    return void setImmediate(() => response.destroy())
  }
  event({ choices: [{ index: 0, delta: {}, finish_reason: finish }] })
  event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5 } })
  response.end('data: [DONE]\n\n')
}
