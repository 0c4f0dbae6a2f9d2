import type { Datum, ForwardBackwardOutput } from '../protocol/index.ts'
import { TinkerError } from './errors.ts'

/** What one request may hold, as in the official SDK. */
const MOST_DATUMS = 1024
const MOST_BYTES = 5_000_000

/** Splits a batch, in order, into parts that a request can hold; a datum that is larger makes a part of its own. */
export function chunksOf(
  data: readonly Datum[],
  most = { datums: MOST_DATUMS, bytes: MOST_BYTES },
): Datum[][] {
  const chunks: Datum[][] = []
  let bytes = 0
  for (const datum of data) {
    const size = sizeOf(datum)
    const last = chunks.at(-1)
    if (last && last.length < most.datums && bytes + size <= most.bytes) {
      last.push(datum)
      bytes += size
    } else {
      chunks.push([datum])
      bytes = size
    }
  }
  return chunks
}

/** About the bytes that a datum takes on the wire. */
function sizeOf({ model_input, loss_fn_inputs }: Datum): number {
  const tokens = model_input.chunks.reduce((sum, chunk) => sum + chunk.tokens.length, 0)
  const values = Object.values(loss_fn_inputs).reduce(
    (sum, { data, dtype }) => sum + data.length * (dtype === 'int64' ? 8 : 4),
    0,
  )
  return 4 * tokens + values + 100
}

/**
 * The output of a batch from those of its parts, in order. Metrics are combined as the ends of their names say.
 *
 * @throws TinkerError unless there is an output for every datum, as long as its targets.
 */
export function joined(
  chunks: readonly (readonly Datum[])[],
  outputs: readonly ForwardBackwardOutput[],
): ForwardBackwardOutput {
  for (const [i, chunk] of chunks.entries()) {
    const given = outputs[i]!.loss_fn_outputs
    if (given.length !== chunk.length)
      throw new TinkerError(
        `the server returned ${given.length} outputs for ${chunk.length} datums`,
        'server',
      )
    for (const [k, { logprobs }] of given.entries()) {
      const length = chunk[k]!.loss_fn_inputs.target_tokens!.shape[0]!
      if (logprobs && logprobs.data.length !== length)
        throw new TinkerError(
          `the server returned ${logprobs.data.length} log-probs for ${length} targets`,
          'server',
        )
    }
  }
  return {
    loss_fn_output_type: outputs[0]!.loss_fn_output_type,
    loss_fn_outputs: outputs.flatMap(({ loss_fn_outputs }) => loss_fn_outputs),
    metrics: joinedMetrics(
      outputs.map(({ metrics }) => metrics),
      chunks.map(({ length }) => length),
    ),
  }
}

/** A metric that is missing in a part is left out of it. */
function joinedMetrics(
  parts: readonly Readonly<Record<string, number>>[],
  counts: readonly number[],
): Record<string, number> {
  const names = new Set(parts.flatMap((metrics) => Object.keys(metrics)))
  const metrics: Record<string, number> = {}
  for (const name of names) {
    const known = parts.flatMap((metrics, i) =>
      metrics[name] === undefined ? [] : [{ value: metrics[name], count: counts[i]! }],
    )
    const values = known.map(({ value }) => value)
    const reduction = name.slice(name.lastIndexOf(':') + 1)
    if (reduction === 'sum') metrics[name] = values.reduce((a, b) => a + b, 0)
    else if (reduction === 'min') metrics[name] = Math.min(...values)
    else if (reduction === 'max') metrics[name] = Math.max(...values)
    else if (reduction === 'slack') metrics[name] = Math.max(...values) - Math.min(...values)
    else if (reduction === 'unique')
      for (const [i, value] of values.entries()) metrics[i === 0 ? name : `${name}_${i + 1}`] = value
    else {
      const total = known.reduce((sum, { count }) => sum + count, 0)
      metrics[name] = known.reduce((sum, { value, count }) => sum + value * count, 0) / total
    }
  }
  return metrics
}
