import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type {
  Datum,
  DType,
  ForwardBackwardOutput,
  ForwardBackwardRequest,
  SampleResponse,
  Tensor,
} from './messages.ts'
import * as pb from './tinker_pb.ts'

/* The binary messages as the values of messages.ts. What cannot be read is a `ProtocolError`. */

/** Bytes, or a value, that are not a message of the protocol. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

export function encodeForwardBackwardRequest(request: ForwardBackwardRequest): Uint8Array {
  return toBinary(
    pb.ForwardBackwardRequestSchema,
    create(pb.ForwardBackwardRequestSchema, {
      modelId: request.model_id,
      seqId: BigInt(request.seq_id),
      lossFn: request.loss_fn,
      lossFnConfig: { ...request.loss_fn_config },
      forwardOnly: request.forward_only,
      data: request.data.map(({ model_input, loss_fn_inputs }) => ({
        modelInput: model_input.chunks.map(({ tokens }) => ({
          encodedText: { tokens: toBytes('int32', tokens) },
        })),
        lossFnInputs: mapValues(loss_fn_inputs, ({ data, dtype, shape }) => ({
          dense: toBytes(dtype, data),
          dtype: DTYPES[dtype],
          shape: shape.map(BigInt),
        })),
      })),
    }),
  )
}

/** @throws ProtocolError if it is no such message, or has chunks or tensors of a kind that is not supported. */
export function decodeForwardBackwardRequest(bytes: Uint8Array): ForwardBackwardRequest {
  const message = read(pb.ForwardBackwardRequestSchema, bytes)
  return {
    model_id: message.modelId,
    seq_id: Number(message.seqId),
    loss_fn: message.lossFn,
    loss_fn_config: message.lossFnConfig,
    forward_only: message.forwardOnly,
    data: message.data.map(
      (datum, i): Datum => ({
        model_input: {
          chunks: datum.modelInput.map(({ encodedText }) => {
            if (!encodedText) throw new ProtocolError(`datum ${i} has a chunk that is not text`)
            return { type: 'encoded_text', tokens: fromBytes('int32', encodedText.tokens) }
          }),
        },
        loss_fn_inputs: mapValues(datum.lossFnInputs, ({ dense, dtype, shape }, name): Tensor => {
          if (!dense) throw new ProtocolError(`${name} of datum ${i} is not a dense tensor`)
          const data = fromBytes(dtypeOf(dtype), dense)
          const sizes = shape.length > 0 ? shape.map(Number) : [data.length]
          if (sizes.reduce((size, n) => size * n, 1) !== data.length)
            throw new ProtocolError(
              `${name} of datum ${i} has ${data.length} values, which its shape [${sizes}] does not`,
            )
          return { dtype: dtypeOf(dtype), shape: sizes, data }
        }),
      }),
    ),
  }
}

export function encodeForwardBackwardOutput(output: ForwardBackwardOutput): Uint8Array {
  return toBinary(
    pb.ForwardBackwardOutputSchema,
    create(pb.ForwardBackwardOutputSchema, {
      lossFnOutputType: output.loss_fn_output_type,
      lossFnOutputs: recordsOf(output.loss_fn_outputs),
      metrics: { ...output.metrics },
    }),
  )
}

/** @throws ProtocolError if it is no such message, or its parts do not fit together. */
export function decodeForwardBackwardOutput(bytes: Uint8Array): ForwardBackwardOutput {
  const message = read(pb.ForwardBackwardOutputSchema, bytes)
  return {
    loss_fn_output_type: message.lossFnOutputType,
    metrics: message.metrics,
    loss_fn_outputs: message.lossFnOutputs.flatMap(({ fields, numDatums }) => {
      const read = Object.entries(fields).map(([name, field]) => [name, tensorsOf(name, field)] as const)
      for (const [name, tensors] of read)
        if (tensors.length !== Number(numDatums))
          throw new ProtocolError(`${name} has ${tensors.length} tensors for ${numDatums} datums`)
      return Array.from({ length: Number(numDatums) }, (_, i) =>
        Object.fromEntries(read.map(([name, tensors]) => [name, tensors[i]!])),
      )
    }),
  }
}

export function encodeSampleResponse(response: SampleResponse): Uint8Array {
  const { sequences, prompt_logprobs, topk_prompt_logprobs, prompt_cache_hit_tokens } = response
  return toBinary(
    pb.SampleResponseSchema,
    create(pb.SampleResponseSchema, {
      sequences: sequences.map(({ tokens, logprobs, stop_reason, topk_logprobs }) => ({
        stopReason: stop_reason === 'stop' ? pb.StopReason.STOP : pb.StopReason.LENGTH,
        tokens: toBytes('int32', tokens),
        ...(logprobs && { logprobs: toBytes('float32', logprobs) }),
        ...(topk_logprobs && { topkSampledLogprobs: topkOf(topk_logprobs) }),
      })),
      ...(prompt_logprobs && {
        promptLogprobs: toBytes(
          'float32',
          prompt_logprobs.map((value) => value ?? Number.NaN),
        ),
      }),
      ...(topk_prompt_logprobs && { topkPromptLogprobs: topkOf(topk_prompt_logprobs) }),
      ...(prompt_cache_hit_tokens !== null && { promptCacheHitTokens: BigInt(prompt_cache_hit_tokens) }),
    }),
  )
}

/** @throws ProtocolError if it is no such message. */
export function decodeSampleResponse(bytes: Uint8Array): SampleResponse {
  const { sequences, promptLogprobs, topkPromptLogprobs, promptCacheHitTokens } = read(
    pb.SampleResponseSchema,
    bytes,
  )
  return {
    sequences: sequences.map(({ stopReason, tokens, logprobs, topkSampledLogprobs }) => ({
      stop_reason: stopReason === pb.StopReason.STOP ? 'stop' : 'length',
      tokens: fromBytes('int32', tokens),
      logprobs: logprobs ? fromBytes('float32', logprobs) : null,
      ...(topkSampledLogprobs && { topk_logprobs: pairsOf(topkSampledLogprobs) }),
    })),
    prompt_logprobs: promptLogprobs
      ? Array.from(fromBytes('float32', promptLogprobs), (value) => (Number.isNaN(value) ? null : value))
      : null,
    topk_prompt_logprobs: topkPromptLogprobs ? pairsOf(topkPromptLogprobs) : null,
    prompt_cache_hit_tokens: promptCacheHitTokens === undefined ? null : Number(promptCacheHitTokens),
  }
}

// ---- Named tensors of datums

type Outputs = ForwardBackwardOutput['loss_fn_outputs']
type Record_ = MessageInitShape<typeof pb.ArrayRecordSchema>

/** Consecutive datums with tensors of the same names and dtypes make one record. */
function recordsOf(outputs: Outputs): Record_[] {
  const kindOf = (fields: Outputs[number]) =>
    JSON.stringify(Object.entries(fields).map(([name, { dtype, shape }]) => [name, dtype, shape.slice(1)]))
  const runs: Outputs[number][][] = []
  for (const fields of outputs) {
    const run = runs.at(-1)
    if (run && kindOf(run[0]!) === kindOf(fields)) run.push(fields)
    else runs.push([fields])
  }
  return runs.map((run) => ({
    numDatums: BigInt(run.length),
    fields: mapValues(run[0]!, ({ dtype, shape }, name) => {
      const parts = run.map((fields) => toBytes(dtype, fields[name]!.data))
      const offsets = [0]
      for (const { length } of parts) offsets.push(offsets.at(-1)! + length)
      return {
        data: Buffer.concat(parts),
        offsets: toBytes('int64', offsets),
        dtype: DTYPES[dtype],
        trailingShape: shape.slice(1).map(BigInt),
      }
    }),
  }))
}

function tensorsOf(name: string, { data, offsets, dtype, trailingShape }: pb.BatchedTensor): Tensor[] {
  const bounds = fromBytes('int64', offsets)
  const trailing = trailingShape.map(Number)
  const size = trailing.reduce((product, n) => product * n, 1)
  return Array.from({ length: Math.max(0, bounds.length - 1) }, (_, i) => {
    const [from, to] = [bounds[i]!, bounds[i + 1]!]
    if (!(from >= 0 && from <= to && to <= data.length))
      throw new ProtocolError(`${name} has the offsets ${from} and ${to} in ${data.length} bytes`)
    const values = fromBytes(dtypeOf(dtype), data.subarray(from, to))
    return { dtype: dtypeOf(dtype), data: values, shape: [values.length / size, ...trailing] }
  })
}

// ---- The likeliest tokens of each position

type TopK = NonNullable<SampleResponse['topk_prompt_logprobs']>

/** What fills positions without tokens, as the official SDK (0.38) reads it. */
const NO_TOKEN = [0, -99_999] as const

function topkOf(positions: TopK): MessageInitShape<typeof pb.TopkPromptLogprobsSchema> {
  const k = Math.max(0, ...positions.map((pairs) => pairs?.length ?? 0))
  const padded = positions.flatMap((pairs) => Array.from({ length: k }, (_, i) => pairs?.[i] ?? NO_TOKEN))
  return {
    k,
    promptLength: positions.length,
    tokenIds: toBytes(
      'int32',
      padded.map(([token]) => token),
    ),
    logprobs: toBytes(
      'float32',
      padded.map(([, logprob]) => logprob),
    ),
  }
}

function pairsOf({ k, promptLength, tokenIds, logprobs }: pb.TopkPromptLogprobs): TopK {
  const [tokens, values] = [fromBytes('int32', tokenIds), fromBytes('float32', logprobs)]
  if (tokens.length !== k * promptLength || values.length !== tokens.length)
    throw new ProtocolError(
      `topk_prompt_logprobs has ${tokens.length} tokens and ${values.length} log-probs for ${promptLength} positions of ${k}`,
    )
  return Array.from({ length: promptLength }, (_, position) => {
    const pairs = Array.from({ length: k }, (_, i) => {
      const at = position * k + i
      return [tokens[at]!, values[at]!] as const
    }).filter(([, logprob]) => !Number.isNaN(logprob) && logprob !== NO_TOKEN[1])
    return pairs.length === 0 ? null : pairs
  })
}

// ---- Bytes

const DTYPES = {
  float32: pb.DType.DTYPE_FLOAT32,
  int64: pb.DType.DTYPE_INT64,
  int32: pb.DType.DTYPE_INT32,
  bfloat16: pb.DType.DTYPE_BFLOAT16,
} satisfies Record<DType, pb.DType>

function dtypeOf(dtype: pb.DType): DType {
  for (const [name, value] of Object.entries(DTYPES)) if (value === dtype) return name as DType
  throw new ProtocolError(`there is no dtype ${dtype}`)
}

interface Format {
  readonly size: number
  write(view: DataView, at: number, value: number): void
  read(view: DataView, at: number): number
}

const FORMATS: Record<DType, Format> = {
  float32: {
    size: 4,
    write: (view, at, value) => view.setFloat32(at, value, true),
    read: (view, at) => view.getFloat32(at, true),
  },
  int64: {
    size: 8,
    write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
    read: (view, at) => Number(view.getBigInt64(at, true)),
  },
  int32: {
    size: 4,
    write: (view, at, value) => view.setInt32(at, value, true),
    read: (view, at) => view.getInt32(at, true),
  },
  // the upper half of a float32
  bfloat16: {
    size: 2,
    write: (view, at, value) => view.setUint16(at, upperHalf(value), true),
    read: (view, at) => fromUpperHalf(view.getUint16(at, true)),
  },
}

const scratch = new DataView(new ArrayBuffer(4))
/** Rounded to the nearest, ties to even. */
function upperHalf(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}
function fromUpperHalf(half: number): number {
  scratch.setUint32(0, half << 16)
  return scratch.getFloat32(0)
}

function toBytes(dtype: DType, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const { size, write } = FORMATS[dtype]
  const bytes = new Uint8Array(values.length * size)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) write(view, i * size, values[i]!)
  return bytes
}

function fromBytes(dtype: DType, bytes: Uint8Array): Float32Array | Int32Array | Float64Array {
  const { size, read } = FORMATS[dtype]
  if (bytes.length % size !== 0)
    throw new ProtocolError(`${bytes.length} bytes are no whole number of ${dtype} values`)
  const length = bytes.length / size
  const values =
    dtype === 'int32'
      ? new Int32Array(length)
      : dtype === 'int64'
        ? new Float64Array(length)
        : new Float32Array(length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < length; i++) values[i] = read(view, i * size)
  return values
}

function read<S extends Parameters<typeof fromBinary>[0]>(schema: S, bytes: Uint8Array) {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    throw new ProtocolError(`no ${schema.name}: ${(error as Error).message}`)
  }
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  f: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]))
}
