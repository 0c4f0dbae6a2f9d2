import { attentionScale } from '../../models/attention.ts'
import type { ModelConfig } from '../../models/config.ts'
import { decode, logits } from '../../models/decoder.ts'
import { parameterShapes } from '../../models/parameters.ts'
import { Graph, Value } from '../../onnx/graph.ts'
import * as ops from '../../onnx/ops.ts'
import type { Dim } from '../../onnx/shape.ts'

/*
 * A decoder with a cache of keys and values, with the inputs and outputs of Hugging Face's exporter:
 *
 *   input_ids [B, T], attention_mask [B, P+T], position_ids [B, T], past_key_values.N.key and .value [B, kvHeads, P, headDim]
 *   logits [B, T, vocabSize], present.N.key and .value [B, kvHeads, P+T, headDim]
 *
 * Padding may be on either side: the mask says which positions are seen, and the positions come from the caller. Attention
 * is the runtime's GroupQueryAttention, which can write into the cache in place.
 */

/** The names of inputs and outputs; those of the cache have the number of the layer in them. */
export const NAMES = {
  ids: 'input_ids',
  mask: 'attention_mask',
  positions: 'position_ids',
  logits: 'logits',
  past: (layer: number | '%d', what: 'key' | 'value') => `past_key_values.${layer}.${what}`,
  present: (layer: number | '%d', what: 'key' | 'value') => `present.${layer}.${what}`,
}

const [BATCH, LENGTH, PAST, TOTAL] = [
  'batch_size',
  'sequence_length',
  'past_sequence_length',
  'total_sequence_length',
]

/** Added to the scores of positions that are not seen. */
const UNSEEN = 1e9

/** How a parameter becomes a value of the program. */
export type Declare = (graph: Graph, name: string, shape: readonly number[]) => Value

/** The program of a language model. `declare` is called for every parameter and for the tables of RoPE. */
export function cachedDecoder(config: ModelConfig, declare: Declare): Graph {
  const graph = new Graph()
  const { numKvHeads, headDim, numLayers, maxPositions } = config
  const ids = graph.input(NAMES.ids, 'int64', [BATCH, LENGTH])
  const mask = graph.input(NAMES.mask, 'int64', [BATCH, TOTAL])
  const positions = graph.input(NAMES.positions, 'int64', [BATCH, LENGTH])
  const past = Array.from({ length: numLayers }, (_, layer) => {
    const shape = [BATCH, numKvHeads, PAST, headDim]
    return [
      graph.input(NAMES.past(layer, 'key'), 'float32', shape),
      graph.input(NAMES.past(layer, 'value'), 'float32', shape),
    ] as const
  })
  const parameters = new Map(
    [...parameterShapes(config)].map(([name, shape]) => [name, declare(graph, name, shape)]),
  )
  const table = (name: string) => {
    const half = (which: string) => declare(graph, `${name}.${which}`, [maxPositions, headDim / 2])
    return { cos: half('cos'), sin: half('sin') }
  }
  const everywhere = table('rotary')
  const rotations = { everywhere, local: config.localRope ? table('localRotary') : everywhere }

  // Every row of the batch has all P+T positions in the cache; the mask says which of them are padding.
  const total = ops.cast(graph.dim(TOTAL), 'int32')
  const lastSeen = ops.expand(ops.sub(total, 1), [BATCH])
  const totalLength = graph.emit('Squeeze', [total], 'int32', [])
  const unseen = ops.mul(ops.sub(ops.cast(mask, 'float32'), 1), UNSEEN)
  const bias = ops.expand(ops.reshape(unseen, [BATCH, 1, 1, TOTAL]), [BATCH, 1, LENGTH, TOTAL])

  const present: (readonly [Value, Value])[] = []
  const attend = (q: Value, k: Value, v: Value, layer: number): Value => {
    const attended = cachedAttention(config, [q, k, v], [...past[layer]!, lastSeen, totalLength], bias, layer)
    present.push(attended.node!.more as [Value, Value])
    return attended
  }
  const { hidden } = decode(config, parameters, rotations, ids, positions, { attend })
  graph.output(
    NAMES.logits,
    ops.reshape(logits(config, parameters, hidden), [BATCH, LENGTH, config.vocabSize]),
  )
  for (const [layer, [key, value]] of present.entries()) {
    graph.output(NAMES.present(layer, 'key'), key)
    graph.output(NAMES.present(layer, 'value'), value)
  }
  return graph
}

/**
 * Attention of layer `layer`: [B, T, heads·headDim] from queries, keys and values [B, heads or kvHeads, T, headDim]. `cache` is
 * the earlier keys and values, the index of the last position [B], and the number of all positions; the node's further
 * outputs are the keys and values of all positions.
 */
function cachedAttention(
  { numHeads, numKvHeads, headDim, windows, ...config }: ModelConfig,
  [q, k, v]: readonly [Value, Value, Value],
  cache: readonly Value[],
  bias: Value,
  layer: number,
): Value {
  const { graph } = q
  const perPosition = (x: Value, heads: number): Value =>
    ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [BATCH, LENGTH, heads * headDim])
  const stored = (what: 'key' | 'value') => ({
    name: NAMES.present(layer, what),
    dtype: 'float32' as const,
    shape: [BATCH, numKvHeads, TOTAL, headDim] as Dim[],
  })
  const none = new Value(graph, '', 'float32', [], null)
  return graph.emit(
    'CachedAttention',
    [
      perPosition(q, numHeads),
      perPosition(k, numKvHeads),
      perPosition(v, numKvHeads),
      ...cache,
      none, // cos and sin: q and k are rotated already
      none,
      none, // positions
      bias,
    ],
    'float32',
    [BATCH, LENGTH, numHeads * headDim],
    {
      num_heads: numHeads,
      kv_num_heads: numKvHeads,
      scale: { float: attentionScale(config) },
      local_window_size: windows[layer] ?? -1,
    },
    { type: 'GroupQueryAttention', domain: 'com.microsoft', more: [stored('key'), stored('value')] },
  )
}
