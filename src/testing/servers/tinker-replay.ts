import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { decodeForwardBackwardRequest } from '../../tinker/protocol/index.ts'
import { type Asked, type Sent, TinkerStandIn } from './tinker-stand-in.ts'

interface Exchange {
  readonly server: string
  readonly path: string
  readonly request: Record<string, unknown> | null
  readonly status: number
  readonly response: unknown
}

const ENDPOINTS = [
  'healthz',
  'get_server_capabilities',
  'create_session',
  'create_model',
  'forward_backward',
  'forward',
  'optim_step',
  'save_weights',
  'save_weights_for_sampler',
  'load_weights',
  'create_sampling_session',
  'asample',
  'retrieve_future',
  'unload_model',
  'weights_info',
  'training_runs',
  'training_runs/model_00000001',
  'training_runs/model_00000001/checkpoints',
]

/** Fields that a client numbers or adds as it likes. */
const FREE = new Set(['sdk_version', 'sampling_session_seq_id', 'allow_metadata_only', 'seed', 'seq_id'])

/**
 * For tests: a server that answers as a released one did, from the recorded exchange. A request that nobody has sent to that
 * server before gets status 418.
 */
export function replayServer(name: string): Promise<TinkerStandIn> {
  const recorded = readFileSync(new URL('../../tinker/fixtures/exchange.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line): Exchange => JSON.parse(line))
    .filter(({ server }) => server === name)
  const answer = (asked: Asked): Sent => {
    const path = `/api/v1${asked.path}`
    const body = bodyOf(asked)
    const at = recorded.findIndex(
      (exchange) => exchange.path === path && same(significant(exchange.request), body),
    )
    if (at < 0)
      return { status: 418, json: { detail: `nothing recorded for ${path} ${JSON.stringify(body)}` } }
    const [{ status, response }] = recorded.splice(at, 1) as [Exchange]
    const binary = (response as { base64?: string } | null)?.base64
    return binary === undefined
      ? { status, json: response }
      : { status, bytes: new Uint8Array(Buffer.from(binary, 'base64')) }
  }
  const heartbeat = (): Sent => ({ json: {} })
  return TinkerStandIn.start({
    ...Object.fromEntries(ENDPOINTS.map((endpoint) => [`/${endpoint}`, answer])),
    '/session_heartbeat': heartbeat,
  })
}

const same = isDeepStrictEqual

function bodyOf({ headers, bytes, json }: Asked): unknown {
  return headers['content-type'] === 'application/x-protobuf'
    ? plain(decodeForwardBackwardRequest(bytes))
    : significant(json ?? null)
}

function significant(request: unknown): unknown {
  const binary = (request as { base64?: string } | null)?.base64
  return binary === undefined
    ? plain(request)
    : plain(decodeForwardBackwardRequest(new Uint8Array(Buffer.from(binary, 'base64'))))
}

/** Typed arrays as lists, without the free fields. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !FREE.has(key))
      .map(([key, part]) => [key, plain(part)]),
  )
}
