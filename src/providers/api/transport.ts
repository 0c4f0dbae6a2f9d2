import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { TransientError } from '../../common/retry.ts'
import { TooSlow, Unreachable } from './failures.ts'

/** How long one attempt may take, in seconds. */
export interface TimeLimits {
  /** Until there is a connection. */
  readonly connect: number
  /** Until the first piece of the response. A server that loads a model or has a queue needs minutes. */
  readonly first: number
  /** Of silence, once there is a piece. */
  readonly idle: number
  /** For the whole response. */
  readonly whole: number
}

/** A reply whose headers have come; its body is read as it comes. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The body, decompressed. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** To be called when a piece of the response has come: from then on, silence is limited. */
  progressed(): void
  /** To be called when the response is complete: what follows must come within these seconds. */
  finishing(seconds: number): void
  /** Ends the request, whatever its state. */
  close(): void
}

/**
 * Sends a request and resolves to the reply once its headers are there. Redirections are not followed. node:http is used
 * instead of `fetch`, whose limit of 300 s for the headers cannot be changed.
 *
 * @throws Unreachable if there is no connection, TransientError if it fails later, or the signal's reason.
 */
export async function post(
  url: URL,
  {
    body,
    headers,
    limits,
    signal,
  }: {
    readonly body: string
    readonly headers: Readonly<Record<string, string>>
    readonly limits: TimeLimits
    readonly signal: AbortSignal
  },
): Promise<Reply> {
  signal.throwIfAborted()
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': `${Buffer.byteLength(body)}`,
      accept: 'text/event-stream, application/x-ndjson, application/json',
      'accept-encoding': 'identity',
      'user-agent': 'ruminate',
      ...headers,
    },
  })
  let connected = false
  let silence: number | null = null
  /** The limit that ended the request: node reports a request that was destroyed as broken. */
  let ended: TooSlow | null = null
  const timers = new Map<string, NodeJS.Timeout>()
  const within = (name: string, seconds: number, failure: string) => {
    clearTimeout(timers.get(name))
    // setTimeout counts with 32 bits.
    const wait = Math.min(1000 * seconds, 2 ** 31 - 1)
    timers.set(
      name,
      setTimeout(() => {
        ended ??= new TooSlow(failure)
        request.destroy(ended)
      }, wait),
    )
  }
  const close = () => {
    for (const timer of timers.values()) clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    request.destroy()
  }
  const abort = () => request.destroy(signal.reason instanceof Error ? signal.reason : undefined)
  const failure = (error: unknown): unknown => {
    if (signal.aborted) return signal.reason
    if (ended !== null) return ended
    if (error instanceof TransientError) return error
    const { code, message } = error as NodeJS.ErrnoException
    const text = `the connection failed (${code ?? message})`
    return connected ? new TransientError(text) : new Unreachable(text)
  }
  signal.addEventListener('abort', abort)
  within('connect', limits.connect, `there was no connection within ${limits.connect} s`)
  within('first', limits.first, `it did not answer within ${limits.first} s`)
  within('whole', limits.whole, `it did not finish within ${limits.whole} s`)
  const onConnect = () => {
    connected = true
    clearTimeout(timers.get('connect'))
  }
  request.on('socket', (socket) => {
    if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', onConnect)
    else onConnect()
  })
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve)
      // Stays for the life of the request: a late error must find a listener.
      request.on('error', reject)
      request.end(body)
    })
    return {
      status: response.statusCode!,
      headers: response.headers,
      bytes: (async function* () {
        try {
          const chunks = decompressed(response)[Symbol.asyncIterator]()
          for (;;) {
            // Only waiting counts as silence, not the time that the reader takes.
            if (silence !== null) within('silence', silence, `nothing came for ${silence} s`)
            const { value, done } = await chunks.next()
            clearTimeout(timers.get('silence'))
            if (done) return
            yield value as Uint8Array
          }
        } catch (error) {
          throw failure(error)
        }
      })(),
      progressed() {
        clearTimeout(timers.get('first'))
        silence ??= limits.idle
      },
      finishing(seconds) {
        clearTimeout(timers.get('first'))
        silence = seconds
      },
      close,
    }
  } catch (error) {
    close()
    throw failure(error)
  }
}

function decompressed(response: IncomingMessage): Readable {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return response
  const decoder =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : null
  if (decoder === null) throw new TransientError(`its reply is compressed as ${encoding}, which is not known`)
  response.on('error', (error) => decoder.destroy(error))
  return response.pipe(decoder)
}
