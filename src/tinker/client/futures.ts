import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { failure, PROTOBUF, type ProtocolError, submitted, tryAgain } from '../protocol/index.ts'
import { TinkerError } from './errors.ts'
import { type Call, oneLine, type Reply, type Transport } from './transport.ts'

/** What the result of a future is: the kind that SkyRL logs, its schema of JSON, and its codec if it can be binary. */
export interface ResultOf<T> {
  readonly kind: string
  readonly schema: z.ZodType<T>
  readonly decode?: ((bytes: Uint8Array) => T) | undefined
}

export interface FutureOptions {
  readonly signal?: AbortSignal | undefined
  /** Told when the server says that the work is queued. */
  readonly onQueued?: ((state: string) => void) | undefined
}

/** Seconds of one long poll. */
const POLL = 45
/** How often a result that was refused with 400 is asked for. */
const REFUSALS = 3
/** Seconds of waiting for one result after which the server has stalled. */
const STALLED = 3600

/** Submits work. @returns the name of its future. */
export async function submit(transport: Transport, call: Call): Promise<string> {
  return parse(submitted, await transport.call(call), call.path).request_id
}

/**
 * Waits for the result of submitted work by long polling.
 *
 * @param submit submits the work again, if the server has dropped its result.
 * @throws TinkerError if the work failed, the server lost it, or it has taken an hour.
 */
export async function retrieve<T>(
  transport: Transport,
  requestId: string,
  { kind, schema, decode }: ResultOf<T>,
  submit: () => Promise<string>,
  { signal, onQueued }: FutureOptions = {},
): Promise<T> {
  const started = performance.now()
  let request_id = requestId
  let refusals = 0
  let dropped = false
  for (let iteration = 0; ; iteration++) {
    if (performance.now() - started > 1000 * STALLED)
      throw new TinkerError(
        `${transport.server} has not finished ${kind} in ${STALLED / 60} minutes`,
        'server',
      )
    let reply: Reply
    try {
      reply = await transport.call({
        method: 'POST',
        path: '/retrieve_future',
        body: { request_id },
        accept: decode ? PROTOBUF : undefined,
        headers: { 'x-tinker-request-type': kind, 'x-tinker-request-iteration': String(iteration) },
        timeout: POLL,
        longPoll: true,
        expected: [400, 408, 410],
        signal,
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
    const { status, json } = reply
    if (status === 408) {
      await sleep(iteration === 0 ? 0 : 100)
      continue
    }
    if (status === 410) {
      if (dropped) throw new TinkerError(`${transport.server} drops the results of ${kind}`, 'server', status)
      dropped = true
      request_id = await submit()
      continue
    }
    if (status === 400) {
      const error = refusal(transport, kind, json)
      if (error.kind === 'lost' || ++refusals >= REFUSALS) throw error
      await sleep(50 * refusals)
      continue
    }
    const queued = tryAgain.safeParse(json)
    if (queued.success) {
      onQueued?.(queued.data.queue_state ?? 'queued')
      await sleep(500, undefined, signal && { signal }).catch(() => {})
      continue
    }
    const failed = failure.safeParse(json)
    if (failed.success) {
      const message = transport.redact(oneLine(failed.data.error))
      throw new TinkerError(
        `${transport.server} ${kind}: ${message}`,
        /not loaded|not found|stale/i.test(message)
          ? 'lost'
          : failed.data.category === 'user'
            ? 'request'
            : 'server',
        status,
      )
    }
    if (reply.protobuf && decode) return decoded(transport, kind, reply.bytes, decode)
    return parse(schema, reply, kind)
  }
}

/** @throws TinkerError if the answer is not what the protocol says. */
export function parse<T>(schema: z.ZodType<T>, { json, protobuf }: Reply, what: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new TinkerError(
    `the server's answer to ${what} is ${protobuf ? 'binary' : json === undefined ? 'not JSON' : 'not that of the protocol'}: ${issue!.path.join('.')} ${issue!.message}`,
    'server',
  )
}

function decoded<T>(
  transport: Transport,
  kind: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
): T {
  try {
    return decode(bytes)
  } catch (error) {
    throw new TinkerError(
      `${transport.server} ${kind}: the answer cannot be read: ${(error as ProtocolError).message}`,
      'server',
    )
  }
}

function refusal(transport: Transport, kind: string, json: unknown): TinkerError {
  const detail = (json as { detail?: unknown; error?: unknown } | undefined) ?? {}
  const text = transport.redact(oneLine(String(detail.detail ?? detail.error ?? 'status 400')))
  const lost = /not loaded|not found|stale/i.test(text)
  return new TinkerError(`${transport.server} ${kind}: ${text}`, lost ? 'lost' : 'request', 400)
}
