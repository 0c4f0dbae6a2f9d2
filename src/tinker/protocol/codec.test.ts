import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  decodeForwardBackwardOutput,
  decodeForwardBackwardRequest,
  decodeSampleResponse,
  encodeForwardBackwardOutput,
  encodeForwardBackwardRequest,
  encodeSampleResponse,
} from './codec.ts'
import type { SampleResponse, Tensor } from './messages.ts'

interface Recorded {
  readonly protobuf: string
  readonly base64: string
  // biome-ignore lint/suspicious/noExplicitAny: as the recording has it
  readonly decoded: any
}
const recorded = readFileSync(new URL('../fixtures/exchange.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .flatMap((line) => {
    const { request, response } = JSON.parse(line)
    return [request, response].filter((body): body is Recorded => typeof body?.protobuf === 'string')
  })
const ofType = (name: string) => recorded.filter(({ protobuf }) => protobuf === name)
const bytesOf = ({ base64 }: Recorded) => new Uint8Array(Buffer.from(base64, 'base64'))
const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5))

describe('recorded messages', () => {
  test.each(ofType('ForwardBackwardRequest'))('a request: $base64', (message) => {
    const request = decodeForwardBackwardRequest(bytesOf(message))
    const { data, ...rest } = message.decoded
    expect(request).toMatchObject(rest)
    expect(request.data).toHaveLength(data.length)
    for (const [i, { tokens, loss_fn_inputs }] of data.entries()) {
      const datum = request.data[i]!
      expect(datum.model_input.chunks.map(({ tokens }) => Array.from(tokens))).toEqual(tokens)
      expect(Object.keys(datum.loss_fn_inputs).sort()).toEqual(Object.keys(loss_fn_inputs).sort())
      for (const [name, { data, ...tensor }] of Object.entries<Tensor>(loss_fn_inputs)) {
        expect(datum.loss_fn_inputs[name]).toMatchObject(tensor)
        expect(Array.from(datum.loss_fn_inputs[name]!.data)).toEqual(near(Array.from(data)))
      }
    }
    expect(decodeForwardBackwardRequest(encodeForwardBackwardRequest(request))).toEqual(request)
  })

  test.each(ofType('ForwardBackwardOutput'))('an output: $base64', (message) => {
    const output = decodeForwardBackwardOutput(bytesOf(message))
    const [{ fields, num_datums }] = message.decoded.loss_fn_outputs
    expect(output.loss_fn_outputs).toHaveLength(num_datums)
    for (const name of Object.keys(fields)) {
      const values = output.loss_fn_outputs.flatMap((tensors) => Array.from(tensors[name]!.data))
      expect(values).toEqual(near(fields[name].data))
    }
    expect(Buffer.from(encodeForwardBackwardOutput(output))).toHaveLength(bytesOf(message).length)
    expect(decodeForwardBackwardOutput(encodeForwardBackwardOutput(output))).toEqual(output)
  })

  test.each(ofType('SampleResponse'))('samples: $base64', (message) => {
    const response = decodeSampleResponse(bytesOf(message))
    for (const [i, { tokens, logprobs, stop_reason }] of message.decoded.sequences.entries()) {
      const sequence = response.sequences[i]!
      expect(Array.from(sequence.tokens)).toEqual(tokens)
      expect(Array.from(sequence.logprobs!)).toEqual(near(logprobs))
      expect(sequence.stop_reason).toBe(stop_reason)
    }
    expect(response.prompt_logprobs).toEqual(
      message.decoded.prompt_logprobs ? near(message.decoded.prompt_logprobs) : null,
    )
    expect(decodeSampleResponse(encodeSampleResponse(response))).toEqual(response)
  })
})

test('outputs with different names and trailing shapes, in every dtype', () => {
  const tensor = (dtype: Tensor['dtype'], data: number[], shape = [data.length]): Tensor => ({
    dtype,
    data,
    shape,
  })
  const loss_fn_outputs = [
    { logprobs: tensor('float32', [-1, -2]), ids: tensor('int64', [7, 2 ** 40]) },
    { logprobs: tensor('float32', []), ids: tensor('int64', [3]) },
    { half: tensor('bfloat16', [1, -0.5, 3.140625, 0], [2, 2]) },
    { half: tensor('bfloat16', [2], [1]) },
    { ids: tensor('int32', [-1]) },
  ]
  const output = { loss_fn_output_type: 'scalar', metrics: { 'loss:sum': 1.5 }, loss_fn_outputs }
  const read = decodeForwardBackwardOutput(encodeForwardBackwardOutput(output))
  expect(read).toMatchObject({ loss_fn_output_type: 'scalar', metrics: { 'loss:sum': 1.5 } })
  expect(
    read.loss_fn_outputs.map((fields) =>
      Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [name, { ...value, data: Array.from(value.data) }]),
      ),
    ),
  ).toEqual(loss_fn_outputs)
})

test('unknown log-probs stay unknown', () => {
  const response: SampleResponse = {
    sequences: [{ tokens: Int32Array.of(5), logprobs: null, stop_reason: 'stop' }],
    prompt_logprobs: [null, -1],
    topk_prompt_logprobs: [
      null,
      [
        [3, -0.5],
        [2, -1.5],
      ],
      [[9, -0.25]],
    ],
    prompt_cache_hit_tokens: 0,
  }
  expect(decodeSampleResponse(encodeSampleResponse(response))).toEqual(response)
})

test.each([
  ['no message', () => decodeSampleResponse(Uint8Array.of(255, 255)), /SampleResponse/],
  // field 1 of the request's datum: a chunk with field 2, an image
  ['an image', () => decodeForwardBackwardRequest(Uint8Array.of(0x1a, 4, 0x0a, 2, 0x12, 0)), /not text/],
])('%s is refused', (_, decode, message) => {
  expect(decode).toThrow(message)
})
