import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Provider } from '../../providers/api/presets.ts'

export type Shape = Provider['shape']

/** A request as the server got it. */
export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Record<string, unknown>
}

export type Handler = (response: ServerResponse, asked: Asked) => void

/** For tests: a server whose replies are written by hand, byte for byte. */
export class ApiServer {
  readonly asked: Asked[] = []
  /** What happens to the next requests, one each; further ones get `usual`. */
  handlers: Handler[] = []
  usual: Handler = (response) => void response.writeHead(500).end()
  /** Requests whose connection the client closed before the reply was complete. */
  left = 0
  connections = 0
  readonly #server = createServer((request, response) => void this.#serve(request, response)).on(
    'connection',
    () => this.connections++,
  )

  static async start(): Promise<ApiServer> {
    const server = new ApiServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const part of request) text += part
    response.on('close', () => {
      if (!response.writableFinished) this.left++
    })
    const asked = { path: request.url!, headers: request.headers, body: JSON.parse(text) }
    this.asked.push(asked)
    const handler = this.handlers.shift() ?? this.usual
    handler(response, asked)
  }
}

/** A response to send: its thinking in the API's own field, its answer, and what is said about it. */
export interface Said {
  readonly thinking?: string
  readonly answer?: string
  readonly finish?: string | null
  readonly usage?: boolean
}

interface Wire {
  readonly type: string
  /** The path of a conversation. */
  readonly path: string
  /** The parts of a stream, each one an event or a line as it is sent. */
  stream(said: Said): string[]
  whole(said: Said): unknown
  error(message: string): unknown
  /** One event with this JSON. */
  event(json: unknown): string
}

const sse = (json: unknown) => `data: ${JSON.stringify(json)}\n\n`
const letters = (text = '') => [...text]

/** How each API writes a response. */
export const WIRES: Readonly<Record<Shape, Wire>> = {
  openai: {
    type: 'text/event-stream; charset=utf-8',
    path: '/v1/chat/completions',
    event: sse,
    stream({ thinking, answer, finish = 'stop', usage = true }) {
      const chunk = (delta: object, finish_reason: string | null = null) =>
        sse({ choices: [{ index: 0, delta, finish_reason }] })
      return [
        chunk({ role: 'assistant', content: null }),
        ...letters(thinking).map((reasoning_content) => chunk({ reasoning_content })),
        ...letters(answer).map((content) => chunk({ content })),
        ...(finish === null ? [] : [chunk({}, finish)]),
        ...(usage ? [sse({ choices: [], usage: OPENAI_USAGE })] : []),
        'data: [DONE]\n\n',
      ]
    },
    whole: ({ thinking, answer = '', finish = 'stop', usage = true }) => ({
      choices: [
        {
          message: {
            role: 'assistant',
            content: answer,
            ...(thinking ? { reasoning_content: thinking } : {}),
          },
          finish_reason: finish,
        },
      ],
      ...(usage ? { usage: OPENAI_USAGE } : {}),
    }),
    error: (message) => ({ error: { message, type: 'server_error', code: null } }),
  },
  anthropic: {
    type: 'text/event-stream; charset=utf-8',
    path: '/v1/messages',
    event: (json) => `event: ${(json as { type?: string }).type ?? 'error'}\n${sse(json)}`,
    stream({ thinking, answer, finish = 'end_turn', usage = true }) {
      const event = (json: { type: string; [field: string]: unknown }) => `event: ${json.type}\n${sse(json)}`
      const block = (index: number, start: object, deltas: object[]) => [
        event({ type: 'content_block_start', index, content_block: start }),
        ...deltas.map((delta) => event({ type: 'content_block_delta', index, delta })),
        event({ type: 'content_block_stop', index }),
      ]
      const signature = { type: 'signature_delta', signature: 'signed' }
      return [
        event({
          type: 'message_start',
          message: {
            role: 'assistant',
            content: [],
            ...(usage ? { usage: { ...INPUT, output_tokens: 1 } } : {}),
          },
        }),
        event({ type: 'ping' }),
        ...(thinking
          ? block(0, { type: 'thinking', thinking: '', signature: '' }, [
              ...letters(thinking).map((letter) => ({ type: 'thinking_delta', thinking: letter })),
              signature,
            ])
          : []),
        ...block(
          1,
          { type: 'text', text: '' },
          letters(answer).map((text) => ({ type: 'text_delta', text })),
        ),
        ...(finish === null
          ? []
          : [
              event({
                type: 'message_delta',
                delta: { stop_reason: finish },
                ...(usage ? { usage: { output_tokens: 5 } } : {}),
              }),
            ]),
        event({ type: 'message_stop' }),
      ]
    },
    whole: ({ thinking, answer = '', finish = 'end_turn', usage = true }) => ({
      type: 'message',
      role: 'assistant',
      content: [
        ...(thinking ? [{ type: 'thinking', thinking, signature: 'signed' }] : []),
        { type: 'text', text: answer },
      ],
      stop_reason: finish,
      ...(usage ? { usage: { ...INPUT, output_tokens: 5 } } : {}),
    }),
    error: (message) => ({ type: 'error', error: { type: 'overloaded_error', message } }),
  },
  ollama: {
    type: 'application/x-ndjson',
    path: '/api/chat',
    event: (json) => `${JSON.stringify(json)}\n`,
    stream({ thinking, answer, finish = 'stop', usage = true }) {
      const line = (json: object) => `${JSON.stringify({ model: 'm', ...json })}\n`
      return [
        ...letters(thinking).map((letter) =>
          line({ message: { role: 'assistant', content: '', thinking: letter }, done: false }),
        ),
        ...letters(answer).map((content) => line({ message: { role: 'assistant', content }, done: false })),
        ...(finish === null
          ? []
          : [
              line({
                message: { role: 'assistant', content: '' },
                done: true,
                done_reason: finish,
                ...(usage ? OLLAMA_USAGE : {}),
              }),
            ]),
      ]
    },
    whole: ({ thinking, answer = '', finish = 'stop', usage = true }) => ({
      message: { role: 'assistant', content: answer, ...(thinking ? { thinking } : {}) },
      done: finish !== null,
      ...(finish === null ? {} : { done_reason: finish }),
      ...(usage ? OLLAMA_USAGE : {}),
    }),
    error: (message) => ({ error: message }),
  },
}

const OPENAI_USAGE = {
  prompt_tokens: 10,
  completion_tokens: 5,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
}
const INPUT = { input_tokens: 6, cache_read_input_tokens: 4, cache_creation_input_tokens: 0 }
const OLLAMA_USAGE = { prompt_eval_count: 10, eval_count: 5 }

/** Sends parts of a stream, one write each. */
export function sendParts(
  response: ServerResponse,
  type: string,
  parts: readonly (string | Uint8Array)[],
): void {
  response.writeHead(200, { 'content-type': type })
  for (const part of parts) response.write(part)
}
