import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'
import * as protocol from '../../tinker/protocol/index.ts'

/* What the official SDK sent to released servers, as it was recorded, is understood here, and answered in the same shape. */

interface Exchange {
  readonly server: string
  readonly method: string
  readonly path: string
  readonly request: Record<string, unknown> | null
  readonly status: number
  readonly response: Record<string, unknown>
  readonly accept?: string
}

const exchanges = readFileSync(new URL('../../tinker/fixtures/exchange.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange)

let server: TinkerTestServer
beforeAll(async () => {
  server = await startTinkerServer({
    models: ['miniature-base'],
    names: { 'miniature-base': 'models/tiny' },
    limits: { models: 8 },
  })
})
afterAll(() => server.end())

/** Fields of one server's answers that say nothing to a client. */
const OWN = [
  'future_id',
  'status',
  'lora_config',
  'model_data',
  'checkpoints',
  'training_runs',
  'supported_models',
]
/** Names that the server gives; they are other ones here. */
const NAMES = ['session_id', 'model_id', 'request_id', 'sampling_session_id', 'path']

describe.each([
  ['skyrl 0.4.0', 'the SDK 0.25, which sends batches as protobuf'],
  ['skyrl 0.3.0', 'the SDK 0.24.1, which sends JSON'],
])('what was recorded with %s', (name, _) => {
  const recorded = exchanges.filter((exchange) => exchange.server === name)
  /** After these come requests that were made to be refused. */
  const served = recorded.slice(
    0,
    recorded.findLastIndex(({ path }) => path.endsWith('/training_runs/model_00000001')) + 1,
  )

  it('is answered in the same shape', async () => {
    const names = new Map<string, string>()
    const renamed = <T>(value: T): T =>
      JSON.parse(
        [...names]
          .sort(([a], [b]) => b.length - a.length)
          .reduce(
            (text, [theirs, ours]) => text.replaceAll(JSON.stringify(theirs), JSON.stringify(ours)),
            JSON.stringify(value),
          ),
      )
    for (const { method, path, request, status, response, accept } of served) {
      const run = names.get('model_00000001') ?? ''
      const answer = await fetch(server.url + path.replace('model_00000001', run), {
        method,
        headers: {
          ...(accept === undefined ? {} : { accept }),
          ...(request && { 'content-type': request.base64 ? protocol.PROTOBUF : 'application/json' }),
        },
        ...(request && {
          body: request.base64 ? binary(request.base64 as string, names) : JSON.stringify(renamed(request)),
        }),
      })
      const what = `${method} ${path} ${JSON.stringify(request)}`
      // a request that was answered by 404 may be known here
      expect(answer.status, what).toBe(status === 404 ? 200 : status)
      if (status !== 200) continue
      if (answer.headers.get('content-type') === protocol.PROTOBUF) {
        const isSample = response.protobuf === 'SampleResponse' || 'sequences' in response
        const read = (bytes: Uint8Array) =>
          isSample ? protocol.decodeSampleResponse(bytes) : protocol.decodeForwardBackwardOutput(bytes)
        const theirs = response.base64 ? read(Buffer.from(response.base64 as string, 'base64')) : response
        expect(shapeOf(read(new Uint8Array(await answer.arrayBuffer()))), what).toEqual(shapeOf(theirs))
        continue
      }
      const json = (await answer.json()) as Record<string, unknown>
      expect(json, what).not.toHaveProperty('error')
      expect(Object.keys(json), what).toEqual(
        expect.arrayContaining(
          Object.keys(response).filter(
            (key) => !OWN.includes(key) && !response.protobuf && response[key] !== null,
          ),
        ),
      )
      for (const key of NAMES)
        if (typeof response[key] === 'string') names.set(response[key], json[key] as string)
    }
    expect(names.size).toBeGreaterThan(30)
  })
})

/** The recorded message with the names that were given here. */
function binary(base64: string, names: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const request = protocol.decodeForwardBackwardRequest(Buffer.from(base64, 'base64'))
  return Uint8Array.from(
    protocol.encodeForwardBackwardRequest({ ...request, model_id: names.get(request.model_id)! }),
  )
}

/** How much a result tells. */
// biome-ignore lint/suspicious/noExplicitAny: one of two messages, decoded or as JSON
function shapeOf({ sequences, prompt_logprobs, loss_fn_outputs }: any): unknown {
  if (sequences) return { sequences: sequences.length, prompt: (prompt_logprobs ?? null) !== null }
  return loss_fn_outputs.map((fields: Record<string, protocol.Tensor>) =>
    Object.fromEntries(
      Object.entries(fields)
        .map(([name, { data, dtype }]) => [name, [dtype, data.length]] as const)
        .sort(),
    ),
  )
}
