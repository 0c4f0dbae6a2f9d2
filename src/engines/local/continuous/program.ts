import type { ModelConfig } from '../../../models/config.ts'
import { decode, logits, rotaryInputs } from '../../../models/decoder.ts'
import { parameterShapes } from '../../../models/parameters.ts'
import { Graph, type Value } from '../../../onnx/graph.ts'
import * as ops from '../../../onnx/ops.ts'
import { type Dim, product, sum } from '../../../onnx/shape.ts'
import type { Parameters } from '../model/feeds.ts'

/** Keys and values are stored in blocks of this many positions. */
export const BLOCK = 16
/** The score of a masked position: its share is exactly 0. */
export const MASKED = -1e9

/**
 * One step of continuous batching: one more token for each of S sequences, and C tokens of a prompt, in one pass over the
 * weights, which are part of the program. Every number of a sequence is computed in an order that depends only on the
 * sequence's own positions, so it is the same bit for bit whatever else is in the step:
 *   - rows of a product with prepacked weights do not depend on each other;
 *   - a sum over cached positions is taken block by block, in the order of the blocks, and blocks or positions that are
 *     added for padding contribute exactly 0.
 *
 * Inputs: `ids` and `positions` [S+C, 1], the S sequences first; `own…` [E, kvHeads, BLOCK, headDim], the sequences' blocks,
 * where block 0 is masked; `owner` [E], each block's sequence; `table` [S, W], each sequence's blocks in order, padded with 0;
 * `mask` [E, 1, 1, BLOCK]; `prefix…` [F, kvHeads, BLOCK, headDim], the F full blocks before the prompt's C tokens; `chunk` [C], 0 …
 * C−1; `rows` [L], the rows whose next token is wanted, and `scale` [L, 1], 1 / temperature.
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
  const mask = graph.input('mask', 'float32', ['E', 1, 1, BLOCK])
  const chunk = graph.input('chunk', 'int64', ['C'])
  const tokens = sum('S', 'C')
  const ids = graph.input('ids', 'int64', [tokens, 1])
  const positions = graph.input('positions', 'int64', [tokens, 1])
  const blocks = (name: string, count: Dim) =>
    Array.from({ length: numLayers }, (_, i) =>
      graph.input(`${name}.${i}`, 'float32', [count, numKvHeads, BLOCK, headDim]),
    )
  const own = { keys: blocks('ownKey', 'E'), values: blocks('ownValue', 'E') }
  const prefix = { keys: blocks('prefixKey', 'F'), values: blocks('prefixValue', 'F') }
  const chunkMask = maskOf(chunk)

  const decoded = decode(config, parameters, rotary, ids, positions, {
    attend: (q, k, v, layer) =>
      ops.concat(
        [
          attendBlocks(config, first(q), first(k), first(v), {
            keys: own.keys[layer]!,
            values: own.values[layer]!,
            owner,
            table,
            mask,
          }),
          attendChunk(config, last(q), last(k), last(v), {
            keys: prefix.keys[layer]!,
            values: prefix.values[layer]!,
            mask: chunkMask,
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

/** Additive mask [1, C, 1, F·BLOCK+C]: a token of the chunk attends to everything before the chunk, and causally in it. */
function maskOf(chunk: Value): Value {
  const earlier = ops.greaterOrEqual(reshape(chunk, ['C', 1]), reshape(chunk, [1, 'C']))
  const causal = ops.where(earlier, 0, MASKED)
  const before = ops.expand(chunk.graph.scalar(0), ['C', product(['F', BLOCK])])
  return reshape(ops.concat([before, causal], 1), [1, 'C', 1, sum(product(['F', BLOCK]), 'C')])
}

/**
 * One token of each of S sequences attends to the sequence's blocks and to itself: [S, heads·headDim]. With the scores s,
 * and m the largest of a sequence: Σ_blocks (exp(s − m) v) / Σ_blocks exp(s − m), as in flash decoding (Dao et al. 2023).
 */
function attendBlocks(
  { numHeads, numKvHeads, headDim }: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  past: { keys: Value; values: Value; owner: Value; table: Value; mask: Value },
): Value {
  const scaled = { transB: true, alpha: 1 / Math.sqrt(headDim) }
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
 * C successive tokens of one sequence attend to the F blocks before them and to each other: [C, heads·headDim]. The sums
 * run over the positions from 0 on, wherever the chunk begins.
 */
function attendChunk(
  { numHeads, numKvHeads, headDim }: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  past: { keys: Value; values: Value; mask: Value },
): Value {
  const group = numHeads / numKvHeads
  const rows = product(['C', group])
  const seen = sum(product(['F', BLOCK]), 'C')
  const perHead = (x: Value, width: number): Value =>
    ops.transpose(reshape(x, ['C', numKvHeads, width, headDim]), [1, 0, 2, 3])
  const all = (before: Value, x: Value): Value =>
    ops.concat(
      [
        reshape(ops.transpose(before, [1, 0, 2, 3]), [numKvHeads, product(['F', BLOCK]), headDim]),
        reshape(perHead(x, 1), [numKvHeads, 'C', headDim]),
      ],
      1,
    )
  const queries = reshape(perHead(q, group), [numKvHeads, rows, headDim])
  const products = ops.matmul(queries, all(past.keys, k), { transB: true, alpha: 1 / Math.sqrt(headDim) })
  const scores = ops.add(reshape(products, [numKvHeads, 'C', group, seen]), past.mask)
  const shares = ops.exp(ops.sub(scores, ops.reduceMax(scores, [-1], true)))
  // A column of ones sums the shares in the same order as the values.
  const ones = ops.expand(q.graph.scalar(1), [numKvHeads, seen, 1])
  const sums = reshape(
    ops.matmul(reshape(shares, [numKvHeads, rows, seen]), ops.concat([all(past.values, v), ones], 2)),
    [numKvHeads, 'C', group, headDim + 1],
  )
  const attended = ops.div(ops.slice(sums, 3, 0, headDim, 1), ops.slice(sums, 3, headDim, 1, 0))
  return reshape(ops.transpose(attended, [1, 0, 2, 3]), ['C', numHeads * headDim])
}
