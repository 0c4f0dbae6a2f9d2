import { setTimeout as sleep } from 'node:timers/promises'
import * as zlib from 'node:zlib'
import { isRecord, parseJson } from '../../common/json.ts'
import { connectionFailure, retryAfterOf } from '../../common/retry.ts'
import { API, failure, httpError, PROTOBUF } from '../protocol/index.ts'
import { kindOf, TinkerError } from './errors.ts'

export interface TransportOptions {
  /** Such as `http://127.0.0.1:8000`, with or without `/api/v1`. */
  readonly baseUrl: string
  readonly apiKey: string
  /** Seconds without any answer of the server after which a call fails. */
  readonly patience: number
  /** Compress large bodies, as long as the server takes them. Needs Node 22.15; with an earlier one nothing is compressed. */
  readonly compression: boolean
  /** Told in one line when the server cannot be reached, and when it answers again. */
  readonly onNotice: (line: string) => void
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below /api/v1. */
  readonly path: string
  /** A value to send as JSON, or an encoded message. */
  readonly body?: unknown
  readonly accept?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Seconds to wait for the answer. */
  readonly timeout?: number | undefined
  /** No answer in time is not a failure but the answer 408. */
  readonly longPoll?: boolean | undefined
  /** Can it be sent again if nobody knows whether it was carried out? By default yes. */
  readonly repeatable?: boolean | undefined
  /** Answers besides 2xx that are returned rather than thrown. */
  readonly expected?: readonly number[] | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Reply {
  readonly status: number
  /** The body as JSON; undefined if it is not JSON. */
  readonly json: unknown
  readonly bytes: Uint8Array
  readonly protobuf: boolean
}

/** Seconds to wait for an answer by default. */
const TIMEOUT = 60
/** Answers 500 in a row after which a call fails: an error of the server that is not going to pass. */
const FAILURES = 6
const LONGEST_WAIT = 30
/** Bodies below this many bytes are not worth compressing. */
const COMPRESSED_FROM = 64 * 1024

const LATE = 'no answer in time'

type Compress = (bytes: Uint8Array) => Uint8Array
const zstd = (zlib as { zstdCompressSync?: Compress }).zstdCompressSync ?? null

/** Seconds that a server may be silent that has never answered: its address may be wrong. */
const FIRST_PATIENCE = 30

/** How a server takes batches: SkyRL from 0.4.0 as protobuf alone, earlier ones as JSON alone. */
export type Encoding = 'protobuf' | 'json'

/** HTTP to one server: keys, deadlines, retries and compression. */
export class Transport {
  /** Null until the first batch; then how it was taken. */
  encoding: Encoding | null = null
  readonly #options: TransportOptions
  readonly #base: string
  #compress: Compress | null
  /** Since when the server has not answered, in milliseconds; null while it does. */
  #silentSince: number | null = null
  #hasAnswered = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#base = baseOf(options.baseUrl)
    if (!/^[\x21-\x7e]+$/.test(options.apiKey))
      throw new TinkerError('the API key must be one word of printable ASCII: set TINKER_API_KEY', 'request')
    this.#compress = options.compression ? zstd : null
  }

  /** For messages: the address without the protocol's own path. */
  get server(): string {
    return this.#base.slice(0, -API.length)
  }

  /**
   * One call, repeated while its failure may pass: no connection, a broken one, 408, 429 and 5xx.
   *
   * @throws TinkerError in one line; the signal's reason once it is aborted.
   */
  async call(call: Call): Promise<Reply> {
    const { signal, repeatable = true, expected = [] } = call
    const encoded = encode(call)
    let failures = 0
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted()
      const compressed = this.#compressed(encoded)
      let response: Response
      let bytes: Uint8Array
      try {
        ;[response, bytes] = await this.#once(call, compressed ?? encoded)
      } catch (error) {
        signal?.throwIfAborted()
        const why = reasonOf(error)
        if (call.longPoll && why === LATE)
          return { status: 408, json: undefined, bytes: new Uint8Array(), protobuf: false }
        if (!repeatable && !neverSent(why))
          throw new TinkerError(
            `${this.#what(call)} broke off (${why}), and may have been carried out`,
            'unknown-outcome',
          )
        this.#silence(why)
        await this.#wait(attempt, null, signal)
        continue
      }
      this.#answered()
      const { status } = response
      if ((status >= 200 && status < 300) || expected.includes(status)) {
        const protobuf = (response.headers.get('content-type') ?? '').startsWith(PROTOBUF)
        const json = protobuf ? undefined : parseJson(Buffer.from(bytes).toString('utf8'))
        return { status, json, bytes, protobuf }
      }
      if (compressed && (status === 400 || status === 415 || status === 422)) {
        // Either the server takes no zstd, or the request is wrong: without compression it is clear which.
        this.#compress = null
        continue
      }
      const detail = this.redact(detailOf(bytes, status))
      const error = new TinkerError(`${this.#what(call)}: ${detail}`, kindOf(status, detail), status)
      if (status === 429 || status === 402 || status === 503 || status === 504 || status === 502) {
        if (status === 402) this.#options.onNotice(`${this.server} asks for payment: ${detail}; waiting`)
        if (status !== 429 && status !== 402) this.#silence(`status ${status}`)
        if (!repeatable && status === 504) throw asUnknown(error)
        await this.#wait(status === 402 ? 6 : attempt, retryAfterOf(response), signal)
        continue
      }
      if (status === 408 || status === 500) {
        if (!repeatable) throw asUnknown(error)
        if (++failures >= FAILURES) throw error
        await this.#wait(attempt, null, signal)
        continue
      }
      throw error
    }
  }

  /** A text of the server without the key, should it repeat it. */
  redact(text: string): string {
    return text.replaceAll(this.#options.apiKey, '***')
  }

  async #once(call: Call, { body, headers }: Encoded): Promise<[Response, Uint8Array]> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(new Error(LATE)), 1000 * (call.timeout ?? TIMEOUT))
    const onAbort = () => deadline.abort(call.signal?.reason)
    call.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const response = await fetch(`${this.#base}${call.path}`, {
        method: call.method,
        headers: {
          accept: call.accept ?? 'application/json',
          'x-api-key': this.#options.apiKey,
          ...headers,
          ...call.headers,
        },
        body,
        signal: deadline.signal,
      })
      return [response, new Uint8Array(await response.arrayBuffer())]
    } finally {
      clearTimeout(timer)
      call.signal?.removeEventListener('abort', onAbort)
    }
  }

  #compressed({ body, headers }: Encoded): Encoded | null {
    if (this.#compress === null || body === null || headers['content-type'] !== PROTOBUF) return null
    if (body.length < COMPRESSED_FROM) return null
    return {
      body: Uint8Array.from(this.#compress(body)),
      headers: { ...headers, 'content-encoding': 'zstd' },
    }
  }

  /** Keeps how long the server has been silent. @throws TinkerError once patience has run out. */
  #silence(why: string): void {
    const now = performance.now()
    const { onNotice } = this.#options
    const patience = this.#hasAnswered
      ? this.#options.patience
      : Math.min(this.#options.patience, FIRST_PATIENCE)
    if (this.#silentSince === null) {
      this.#silentSince = now
      onNotice(`${this.server} cannot be reached (${why}); trying again for up to ${patience} s`)
    }
    if (now - this.#silentSince > 1000 * patience)
      throw new TinkerError(
        `${this.server} could not be reached for ${patience} s (${why}): is the server running, and is the address right?`,
        'unreachable',
      )
  }

  #answered(): void {
    this.#hasAnswered = true
    if (this.#silentSince === null) return
    const seconds = Math.round((performance.now() - this.#silentSince) / 1000)
    this.#silentSince = null
    this.#options.onNotice(`${this.server} answers again after ${seconds} s`)
  }

  async #wait(attempt: number, asked: number | null, signal: AbortSignal | undefined): Promise<void> {
    // u · min(30 s, 0.25 s · 2^attempt), u uniform in [½, 1)
    const backoff = Math.min(LONGEST_WAIT, 0.25 * 2 ** Math.min(attempt, 10)) * (0.5 + 0.5 * Math.random())
    await sleep(1000 * ((asked ?? 0) + backoff), undefined, signal && { signal }).catch(() => {})
    signal?.throwIfAborted()
  }

  #what({ method, path }: Call): string {
    return `${this.server} ${method === 'POST' ? path : `${method} ${path}`}`
  }
}

interface Encoded {
  readonly body: Uint8Array<ArrayBuffer> | null
  readonly headers: Readonly<Record<string, string>>
}

function encode({ body }: Call): Encoded {
  if (body === undefined) return { body: null, headers: {} }
  if (body instanceof Uint8Array) return { body: new Uint8Array(body), headers: { 'content-type': PROTOBUF } }
  return {
    body: new Uint8Array(Buffer.from(JSON.stringify(body))),
    headers: { 'content-type': 'application/json' },
  }
}

/** @throws TinkerError for an address that is none. */
function baseOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new TinkerError(
      `${address} is no address of a Tinker server: set TINKER_BASE_URL to one such as http://127.0.0.1:8000`,
      'request',
    )
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path.endsWith(API) ? path : `${path}${API}`}`
}

/** What the body of an error says, in one line. */
function detailOf(bytes: Uint8Array, status: number): string {
  const text = Buffer.from(bytes).toString('utf8')
  const json = parseJson(text)
  const failed = failure.safeParse(json)
  if (failed.success) return oneLine(failed.data.error)
  const http = httpError.safeParse(json)
  if (!http.success)
    return isRecord(json) || text.trim() === '' || text.trimStart().startsWith('<')
      ? `status ${status}`
      : `status ${status}, ${oneLine(text)}`
  const { detail } = http.data
  return typeof detail === 'string'
    ? oneLine(detail)
    : oneLine(detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '))
}

export const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}

const asUnknown = ({ message, status }: TinkerError) =>
  new TinkerError(`${message}; it may have been carried out`, 'unknown-outcome', status)

function reasonOf(error: unknown): string {
  return (error as Error).message === LATE ? LATE : connectionFailure(error)
}

const neverSent = (why: string): boolean =>
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(why)
