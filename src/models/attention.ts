import type { Graph, Value } from '../onnx/graph.ts'
import * as ops from '../onnx/ops.ts'
import { type Dim, product, sum } from '../onnx/shape.ts'
import type { ModelConfig } from './config.ts'

/*
 * Attention: softmax(q kᵀ / √d + mask) v (Vaswani et al. 2017, eq. 1), and what a position attends to. The queries that share
 * a key/value head are rows of one product, so keys are never repeated.
 */

/** Keys and values of earlier positions, per layer. */
export interface KeysAndValues {
  readonly keys: readonly Value[]
  readonly values: readonly Value[]
}

/** Additive masks by window: the model's layers have few different ones. */
export type Masks = ReadonlyMap<number | null, Value>

/**
 * What a new token of each sequence attends to besides itself. Sequences are grouped in U tiles of W that share a prompt:
 * B = U·W.
 */
export interface Past {
  /** [U, kvHeads, P, headDim]. */
  readonly prompt: KeysAndValues
  /** The tokens that the sequences have sampled so far: [U, kvHeads, W, S, headDim]. */
  readonly own: KeysAndValues
  /** Added to the scores: float32 [U, 1, W, 1, P+S+1]. */
  readonly masks: Masks
}

/** What a block of positions attends to besides itself. */
export interface Block {
  /** Earlier positions, [B, kvHeads, P, headDim]. */
  readonly prefix?: KeysAndValues
  /** Added to the scores: broadcast to [B, heads, T, P+T]. */
  readonly masks: Masks
  /** Where the tokens are, if they are given without padding. */
  readonly packing?: Packing | undefined
}

/**
 * Tokens without padding, which only attention needs: everything else is computed for L tokens instead of B·T positions.
 * The cells of the grid that no token has all belong to one further token, which nothing attends to and no loss depends
 * on, so that the gradients there are 0.
 */
export interface Packing {
  /** The token of each cell: int64 [B, T]. */
  readonly grid: Value
  /** A cell of each token, as an index into the flattened grid: int64 [L]. */
  readonly cells: Value
}

/** Attention that the caller defines, for tokens that are rows of one position each: ids are [B, 1]. */
export interface OwnAttention {
  /** From queries [B, heads, 1, headDim] and keys and values [B, kvHeads, 1, headDim]: [B, heads·headDim]. */
  attend(queries: Value, keys: Value, values: Value, layer: number): Value
}

/** The factor of the products q·k. */
export const attentionScale = ({ queryPreAttnScalar }: Pick<ModelConfig, 'queryPreAttnScalar'>): number =>
  1 / Math.sqrt(queryPreAttnScalar)

/**
 * The score of a masked position: far below any real score, so that its share is exactly 0, but finite, so that a fully masked
 * row gives numbers.
 */
export const MASKED = -1e9

/** Masks [1, 1, T, T] for a block of positions: each attends to itself and to earlier ones, as far as the window reaches. */
export function causalMasks(graph: Graph, config: ModelConfig, length: Dim): Masks {
  const index = ops.range(graph, length)
  const [query, key] = [ops.reshape(index, [length, 1]), ops.reshape(index, [1, length])]
  const earlier = ops.greaterOrEqual(query, key)
  return masksOf(config, (window) => {
    const seen = window === null ? earlier : ops.and(earlier, within(window, query, key))
    return ops.reshape(additive(seen), [1, 1, length, length])
  })
}

/**
 * The causal masks of a block after a prefix: [B, 1, T, P+T]. `prefix` is the additive mask [B, P] of the prefix's
 * positions 0 … P − 1, and `positions` [B, T] are those of the block.
 */
export function prefixedMasks(config: ModelConfig, prefix: Value, positions: Value): Masks {
  const [batch, before] = prefix.shape as [Dim, Dim]
  const length = positions.shape[1]!
  const own = causalMasks(prefix.graph, config, length)
  const query = ops.reshape(positions, [batch, length, 1])
  const key = ops.reshape(ops.range(prefix.graph, before), [1, 1, before])
  const all = ops.reshape(prefix, [batch, 1, before])
  return masksOf(config, (window) => {
    const seen = window === null ? all : ops.add(additive(within(window, query, key)), all)
    return ops.concat(
      [
        ops.expand(ops.reshape(seen, [batch, 1, seen.shape[1]!, before]), [batch, 1, length, before]),
        ops.expand(own.get(window)!, [batch, 1, length, length]),
      ],
      3,
    )
  })
}

/** A mask for each window of the model. */
export const masksOf = (config: ModelConfig, mask: (window: number | null) => Value): Masks =>
  new Map([...new Set(config.windows)].map((window) => [window, mask(window)]))

/** Does the window of a query reach back to a key? Both are positions that broadcast. */
export const within = (window: number, query: Value, key: Value): Value =>
  ops.less(ops.sub(query, key), window)

const additive = (seen: Value): Value => ops.where(seen, 0, MASKED)

/**
 * Attention in a block of positions: from queries [B, heads, T, headDim] and keys and values [B, kvHeads, T, headDim] of layer
 * `layer`, [B, heads, T, headDim].
 */
export function attendBlock(
  config: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  { prefix, masks }: Block,
  layer: number,
): Value {
  const keys = prefix ? ops.concat([prefix.keys[layer]!, k], 2) : k
  const values = prefix ? ops.concat([prefix.values[layer]!, v], 2) : v
  return ops.attention(q, keys, values, masks.get(config.windows[layer]!)!, attentionScale(config))
}

/**
 * Attention of one new token of each sequence: from its query [B, heads, 1, headDim], key and value [B, kvHeads, 1, headDim]
 * of layer `layer`, [U, W, kvHeads, heads/kvHeads, headDim].
 */
export function attendPast(
  config: ModelConfig,
  q: Value,
  k: Value,
  v: Value,
  { prompt, own, masks }: Past,
  layer: number,
): Value {
  const { numHeads, numKvHeads, headDim, windows } = config
  const group = numHeads / numKvHeads
  const scaled = { transB: true, alpha: attentionScale(config) }
  const mask = masks.get(windows[layer]!)!
  const [tiles, , width] = mask.shape as [Dim, Dim, Dim]
  const [promptKeys, promptValues] = [prompt.keys[layer]!, prompt.values[layer]!]
  const [ownKeys, ownValues] = [own.keys[layer]!, own.values[layer]!]
  const [p, s] = [promptKeys.shape[2]!, ownKeys.shape[3]!]
  const perTile = (x: Value, rows: number): Value =>
    ops.transpose(ops.reshape(x, [tiles, width, numKvHeads, rows, headDim]), [0, 2, 1, 3, 4])
  const queries = perTile(q, group)
  const [newKey, newValue] = [perTile(k, 1), perTile(v, 1)]
  // One product for a prompt's keys and the queries of all its sequences.
  const together = (x: Value, last: Dim): Value =>
    ops.reshape(x, [tiles, numKvHeads, product([width, group]), last])
  const apart = (x: Value, last: Dim): Value => ops.reshape(x, [tiles, numKvHeads, width, group, last])
  const scores = ops.concat(
    [
      apart(ops.matmul(together(queries, headDim), promptKeys, scaled), p),
      ops.matmul(queries, ownKeys, scaled),
      ops.matmul(queries, newKey, scaled),
    ],
    4,
  )
  const shares = ops.softmax(ops.add(scores, mask))
  const attended = ops.add(
    apart(ops.matmul(together(ops.slice(shares, 4, 0, p, sum(s, 1)), p), promptValues), headDim),
    ops.add(
      ops.matmul(ops.slice(shares, 4, p, s, 1), ownValues),
      ops.mul(ops.slice(shares, 4, sum(p, s), 1, 0), newValue),
    ),
  )
  return ops.transpose(attended, [0, 2, 1, 3, 4])
}
