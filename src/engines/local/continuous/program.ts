import { attentionScale, MASKED, masksOf, within } from '../../../models/attention.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { decode, logits, rotaryInputs } from '../../../models/decoder.ts'
import { parameterShapes } from '../../../models/parameters.ts'
import { Graph, type Value } from '../../../onnx/graph.ts'
import * as ops from '../../../onnx/ops.ts'
import { type Dim, product, sum } from '../../../onnx/shape.ts'
import type { Parameters } from '../model/feeds.ts'
import { maskName } from '../model/sampling/cache.ts'

/** Keys and values are stored in blocks of this many positions. */
export const BLOCK = 16

/**
 * One step of continuous batching: one more token for each of S sequences, and C tokens of P prompts, in one pass over the
 * weights, which are part of the program. Every number of a sequence is computed in an order that depends only on the
 * sequence's own positions, so it is the same bit for bit whatever else is in the step:
 *   - rows of a product with prepacked weights do not depend on each other;
 *   - a running sequence's sums over cached positions are taken block by block, in the order of the blocks, and those of a
 *     prompt over the positions from 0 on; blocks or positions that are added for padding contribute exactly 0.
 *
 * Inputs: `ids` and `positions` [S+C, 1], the S sequences first; `own…` [E, kvHeads, BLOCK, headDim], the sequences' blocks,
 * where block 0 is masked; `owner` [E], each block's sequence; `table` [S, W], each sequence's blocks in order, padded with 0;
 * `mask` [E, 1, 1, BLOCK], and one for each window; `prefix…` [F, kvHeads, BLOCK, headDim], the full blocks before the prompts' tokens; `chunk` [P, T,
 * BLOCK], each prompt's tokens among the C, padded to T blocks; `chunkRow` [C], the place of each token in `chunk`;
 * `queryPosition` [P, T, BLOCK], their positions, and −1 for padding; `promptTable` [P, V], each prompt's blocks in order,
 * where the P·T new ones are numbered after the F others; `keyPosition` [V, BLOCK], 0, 1, 2, …; `rows` [L], the rows whose
 * next token is wanted, and `scale` [L, 1], 1 / temperature.
 *
 * Outputs: `probs` [L, vocabSize], and the new keys and values, as `newest` of `decodeProgram`.
 */
export function stepProgram(config: ModelConfig, weights: Parameters): Graph {
  const graph = new Graph()
  const parameters = new Map(
    [...parameterShapes(config)].map(([name, shape]) => [
      name,
      graph.parameter(name, weights.get(name)!, shape),
    ]),
  )
  const rotary = rotaryInputs(graph, config)
  const { numKvHeads, headDim, numLayers } = config
  const table = graph.input('table', 'int64', ['S', 'W'])
  const owner = graph.input('owner', 'int64', ['E'])
  const masks = masksOf(config, (window) => graph.input(maskName(window), 'float32', ['E', 1, 1, BLOCK]))
  const tokens = sum('S', 'C')
  const ids = graph.input('ids', 'int64', [tokens, 1])
  const positions = graph.input('positions', 'int64', [tokens, 1])
  const blocks = (name: string, count: Dim) =>
    Array.from({ length: numLayers }, (_, i) =>
      graph.input(`${name}.${i}`, 'float32', [count, numKvHeads, BLOCK, headDim]),
    )
  const own = { keys: blocks('ownKey', 'E'), values: blocks('ownValue', 'E') }
  const prefix = { keys: blocks('prefixKey', 'F'), values: blocks('prefixValue', 'F') }
  const chunk = graph.input('chunk', 'int64', ['P', 'T', BLOCK])
  const chunkRow = graph.input('chunkRow', 'int64', ['C'])
  const promptTable = graph.input('promptTable', 'int64', ['P', 'V'])
  const queryPosition = graph.input('queryPosition', 'int32', ['P', 'T', BLOCK])
  const keyPosition = graph.input('keyPosition', 'int32', ['V', BLOCK])
  const promptMasks = masksOf(config, (window) => promptMask(queryPosition, keyPosition, window))

  const decoded = decode(config, parameters, rotary, ids, positions, {
    attend: (q, k, v, layer) =>
      ops.concat(
        [
          attendBlocks(config, first(q), first(k), first(v), {
            keys: own.keys[layer]!,
            values: own.values[layer]!,
            owner,
            table,
            mask: masks.get(config.windows[layer]!)!,
          }),
          attendPrompts(config, last(q), last(k), last(v), {
            keys: prefix.keys[layer]!,
            values: prefix.values[layer]!,
            chunk,
            chunkRow,
            table: promptTable,
            mask: promptMasks.get(config.windows[layer]!)!,
          }),
        ],
        0,
      ),
  })
  const rows = graph.input('rows', 'int64', ['L'])
  const scale = graph.input('scale', 'float32', ['L', 1])
  graph.output('probs', ops.softmax(logits(config, parameters, ops.gather(decoded.hidden, rows), scale)))
  const newest = decoded.keys.flatMap((keys, i) => [keys, decoded.values[i]!])
  graph.output('newest', ops.concat(newest, 0))
  return graph
}

/** There may be no sequence, no prompt, or nothing before the prompt's tokens. */
const reshape = (x: Value, shape: Dim[]): Value => ops.reshape(x, shape, { mayBeEmpty: true })

const first = (x: Value): Value => ops.slice(x, 0, 0, 'S', 'C')
const last = (x: Value): Value => ops.slice(x, 0, 'S', 'C', 0)

/** Tokens of each prompt, of all prompts, and positions before and among them, with padding. */
const WIDTH = product(['T', BLOCK])
const QUERIES = product(['P', 'T', BLOCK])
const SEEN = product(['V', BLOCK])

/** Additive mask [P, 1, T·BLOCK, 1, V·BLOCK]: each token of a prompt attends to itself and what its window reaches before it. */
function promptMask(queryPosition: Value, keyPosition: Value, window: number | null): Value {
  const [query, key] = [reshape(queryPosition, ['P', 1, WIDTH, 1, 1]), reshape(keyPosition, [SEEN])]
  const earlier = ops.greaterOrEqual(query, key)
  return ops.where(window === null ? earlier : ops.and(earlier, within(window, query, key)), 0, MASKED)
}

/**
 * One token of each of S sequences attends to the sequence's blocks and to itself: [S, heads·headDim]. With the scores s,
 * and m the largest of a sequence: Σ_blocks (exp(s − m) v) / Σ_blocks exp(s − m), as in flash decoding (Dao et al. 2023).
 */
function attendBlocks(
  config: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  past: { keys: Value; values: Value; owner: Value; table: Value; mask: Value },
): Value {
  const { numHeads, numKvHeads, headDim } = config
  const scaled = { transB: true, alpha: attentionScale(config) }
  const queries = reshape(q, ['S', numKvHeads, numHeads / numKvHeads, headDim])
  const scores = ops.add(ops.matmul(ops.gather(queries, past.owner), past.keys, scaled), past.mask)
  const newScore = ops.matmul(queries, k, scaled)
  const largest = ops.reduceMax(ops.gather(ops.reduceMax(scores, [-1], true), past.table), [1])
  const m = ops.max(largest, newScore)
  const shares = ops.exp(ops.sub(scores, ops.gather(m, past.owner)))
  const newShare = ops.exp(ops.sub(newScore, m))
  const perBlock = ops.concat([ops.matmul(shares, past.values), ops.reduceSum(shares, [-1], true)], 3)
  const total = ops.reduceSum(ops.gather(perBlock, past.table), [1])
  const attended = ops.div(
    ops.add(ops.slice(total, 3, 0, headDim, 1), ops.mul(newShare, v)),
    ops.add(ops.slice(total, 3, headDim, 1, 0), newShare),
  )
  return reshape(attended, ['S', numHeads * headDim])
}

/**
 * C tokens of P prompts attend to the blocks before them and to each other: [C, heads·headDim]. A prompt's keys and values
 * lie at their positions, so that the order of a sum does not depend on where the prompt's tokens begin.
 */
function attendPrompts(
  config: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  past: { keys: Value; values: Value; chunk: Value; chunkRow: Value; table: Value; mask: Value },
): Value {
  const { numHeads, numKvHeads, headDim } = config
  const group = numHeads / numKvHeads
  const rows = product([WIDTH, group])
  /** [P, kvHeads, positions, headDim] */
  const all = (before: Value, x: Value): Value => {
    const added = reshape(ops.gather(x, past.chunk), [product(['P', 'T']), BLOCK, numKvHeads, headDim])
    const blocks = ops.concat([before, ops.transpose(added, [0, 2, 1, 3])], 0)
    const perPrompt = ops.transpose(ops.gather(blocks, past.table), [0, 2, 1, 3, 4])
    return reshape(perPrompt, ['P', numKvHeads, SEEN, headDim])
  }
  const padded = reshape(ops.gather(q, past.chunk), ['P', WIDTH, numKvHeads, product([group, headDim])])
  const queries = reshape(ops.transpose(padded, [0, 2, 1, 3]), ['P', numKvHeads, rows, headDim])
  const products = ops.matmul(queries, all(past.keys, k), { transB: true, alpha: attentionScale(config) })
  const scores = ops.add(reshape(products, ['P', numKvHeads, WIDTH, group, SEEN]), past.mask)
  const shares = ops.exp(ops.sub(scores, ops.reduceMax(scores, [-1], true)))
  // A column of ones sums the shares in the same order as the values.
  const ones = ops.expand(q.graph.scalar(1), ['P', numKvHeads, SEEN, 1])
  const sums = reshape(
    ops.matmul(reshape(shares, ['P', numKvHeads, rows, SEEN]), ops.concat([all(past.values, v), ones], 3)),
    ['P', numKvHeads, WIDTH, group, headDim + 1],
  )
  const attended = ops.div(ops.slice(sums, 4, 0, headDim, 1), ops.slice(sums, 4, headDim, 1, 0))
  const perToken = reshape(ops.transpose(attended, [0, 2, 1, 3, 4]), [QUERIES, numHeads * headDim])
  return ops.gather(perToken, past.chunkRow)
}
