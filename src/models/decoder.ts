import { UserError } from '../common/errors.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import * as ops from '../onnx/ops.ts'
import { type Dim, product, sum } from '../onnx/shape.ts'
import type { ModelConfig } from './config.ts'
import { parameterShapes } from './parameters.ts'

/*
 * A decoder of the Llama family as a tensor program. The configuration selects the architecture:
 *   qwen3   RMSNorm on queries and keys, no biases
 *   qwen2   biases on q, k and v
 *   llama   neither; RoPE with or without Llama 3 scaling
 * Activations are [B·T, width] wherever they are multiplied by a matrix; weights keep Hugging Face's [out, in].
 * The queries that share a key/value head are rows of one product, so keys are never repeated.
 */

/** Keys and values of earlier positions, per layer. */
export interface KeysAndValues {
  readonly keys: readonly Value[]
  readonly values: readonly Value[]
}

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
  readonly mask: Value
}

/** What a block of positions attends to besides itself. */
export interface Block {
  /** Earlier positions, [B, kvHeads, P, headDim]. */
  readonly prefix?: KeysAndValues
  /** Added to the scores: broadcasts to [B, heads, T, P+T]. */
  readonly mask: Value
}

/** Attention that the caller defines, for tokens that are rows of one position each: ids are [B, 1]. */
export interface OwnAttention {
  /** From queries [B, heads, 1, headDim] and keys and values [B, kvHeads, 1, headDim]: [B, heads·headDim]. */
  attend(queries: Value, keys: Value, values: Value, layer: number): Value
}

/** Keys and values of the new positions, [B, kvHeads, T, headDim], and their hidden states. */
export interface Decoded extends KeysAndValues {
  /** After the final norm: [B·T, hiddenSize]. */
  readonly hidden: Value
}

/** The score of a masked position: far below any real score, but finite, so that a fully masked row gives numbers. */
const MASKED = -1e9

/** Declares every parameter of the model as an input of the program, by its name. */
export function parameterInputs(graph: Graph, config: ModelConfig): Map<string, Value> {
  return new Map(
    [...parameterShapes(config)].map(([name, shape]) => [name, graph.input(name, 'float32', shape)]),
  )
}

/** Declares the rotation tables of `rotaryTables` as inputs. */
export function rotaryInputs(graph: Graph, config: ModelConfig): { cos: Value; sin: Value } {
  const shape: Dim[] = ['R', config.headDim / 2]
  return {
    cos: graph.input('rotary.cos', 'float32', shape),
    sin: graph.input('rotary.sin', 'float32', shape),
  }
}

/** Additive mask [1, 1, T, T]: a position attends to itself and to earlier ones. */
export function causalMask(graph: Graph, length: Dim): Value {
  const index = ops.range(graph, length)
  const earlier = ops.greaterOrEqual(ops.reshape(index, [length, 1]), ops.reshape(index, [1, length]))
  return ops.reshape(ops.where(earlier, 0, MASKED), [1, 1, length, length])
}

/** The causal mask after a prefix with the additive mask `prefix` [B, P]: [B, 1, T, P+T]. */
export function prefixedMask(prefix: Value, length: Dim): Value {
  const [batch, before] = prefix.shape as [Dim, Dim]
  return ops.concat(
    [
      ops.expand(ops.reshape(prefix, [batch, 1, 1, before]), [batch, 1, length, before]),
      ops.expand(causalMask(prefix.graph, length), [batch, 1, length, length]),
    ],
    3,
  )
}

/**
 * The decoder without its output layer. `ids` and `positions` are int64 [B, T]. In the context of a `Block`, T positions
 * are computed at once; with a `Past`, T is 1 and B = U·W.
 */
export function decode(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  rotaryTables: { cos: Value; sin: Value },
  ids: Value,
  positions: Value,
  context: Block | Past | OwnAttention,
): Decoded {
  const { numHeads, numKvHeads, headDim, hiddenSize, rmsNormEps } = config
  const group = numHeads / numKvHeads
  const [batch, length] = ids.shape as [Dim, Dim]
  const rows = product([batch, length])
  const weight = (name: string): Value => parameters.get(name)!
  const linear = (x: Value, name: string): Value => {
    const whole = ops.matmul(x, weight(`${name}.weight`), { transB: true })
    const bias = parameters.get(`${name}.bias`)
    const y = bias ? ops.add(whole, bias) : whole
    const adapter = config.adapters?.[name]
    if (!adapter) return y
    // y + s·(x Aᵀ) Bᵀ   (Hu et al. 2021, eq. 3)
    const low = ops.matmul(x, weight(`${name}.lora_A.weight`), { transB: true })
    const alpha = adapter.alpha / adapter.rank
    return ops.add(y, ops.matmul(low, weight(`${name}.lora_B.weight`), { transB: true, alpha }))
  }
  const norm = (x: Value, name: string): Value => ops.rmsNorm(x, weight(`${name}.weight`), rmsNormEps)

  /** [B·T, heads·headDim] → [B, T, heads, headDim], or [B, heads, 1, headDim] if there is a single position. */
  const perHead = (x: Value, heads: number): Value =>
    ops.reshape(x, length === 1 ? [batch, heads, 1, headDim] : [batch, length, heads, headDim])
  /** Exchanges the axes of heads and positions. */
  const exchanged = (x: Value): Value => (length === 1 ? x : ops.transpose(x, [0, 2, 1, 3]))

  /** Queries or keys: projected, normalised (qwen3) and rotated, [B, heads, T, headDim]. */
  const rotated = (x: Value, layer: string, which: 'q' | 'k', heads: number): Value => {
    let y = perHead(linear(x, `${layer}.self_attn.${which}_proj`), heads)
    if (config.qkNorm) y = norm(y, `${layer}.self_attn.${which}_norm`)
    return ops.rotary(exchanged(y), positions, rotaryTables.cos, rotaryTables.sin)
  }

  const keys: Value[] = []
  const values: Value[] = []

  const scale = 1 / Math.sqrt(headDim)

  const attendBlock = (q: Value, k: Value, v: Value, { prefix, mask }: Block, index: number): Value => {
    const keys = prefix ? ops.concat([prefix.keys[index]!, k], 2) : k
    const values = prefix ? ops.concat([prefix.values[index]!, v], 2) : v
    return exchanged(ops.attention(q, keys, values, mask, scale))
  }

  // softmax(q kᵀ / √d + mask) v   (Vaswani et al. 2017, eq. 1)
  const scaled = { transB: true, alpha: scale }

  const attendPast = (q: Value, k: Value, v: Value, { prompt, own, mask }: Past, index: number): Value => {
    const [tiles, , width] = mask.shape as [Dim, Dim, Dim]
    const [promptKeys, promptValues] = [prompt.keys[index]!, prompt.values[index]!]
    const [ownKeys, ownValues] = [own.keys[index]!, own.values[index]!]
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

  const attention = (x: Value, layer: string, index: number): Value => {
    const q = rotated(x, layer, 'q', numHeads)
    const k = rotated(x, layer, 'k', numKvHeads)
    const v = exchanged(perHead(linear(x, `${layer}.self_attn.v_proj`), numKvHeads))
    keys.push(k)
    values.push(v)
    const merged =
      'attend' in context
        ? context.attend(q, k, v, index)
        : 'own' in context
          ? attendPast(q, k, v, context, index)
          : attendBlock(q, k, v, context, index)
    return linear(ops.reshape(merged, [rows, numHeads * headDim]), `${layer}.self_attn.o_proj`)
  }

  // down(swish(gate x) ⊙ up x)   (Shazeer 2020)
  const feedForward = (x: Value, layer: string): Value => {
    const gated = ops.mul(ops.swish(linear(x, `${layer}.mlp.gate_proj`)), linear(x, `${layer}.mlp.up_proj`))
    return linear(gated, `${layer}.mlp.down_proj`)
  }

  let x = ops.reshape(ops.gather(weight('model.embed_tokens.weight'), ids), [rows, hiddenSize])
  for (let i = 0; i < config.numLayers; i++) {
    const layer = `model.layers.${i}`
    x = ops.add(x, attention(norm(x, `${layer}.input_layernorm`), layer, i))
    x = ops.add(x, feedForward(norm(x, `${layer}.post_attention_layernorm`), layer))
  }
  return { hidden: norm(x, 'model.norm'), keys, values }
}

/** The rewards of hidden states [M, hiddenSize]: w·h, [M]. */
export function rewards(parameters: ReadonlyMap<string, Value>, hidden: Value): Value {
  return ops.reshape(ops.matmul(hidden, parameters.get('score.weight')!, { transB: true }), [
    hidden.shape[0]!,
  ])
}

/**
 * The logits of the next token for hidden states [M, hiddenSize]: [M, vocabSize]. They are multiplied by `scale`, a number
 * or [M, 1], if there is one.
 *
 * @throws UserError for a reward model.
 */
export function logits(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  hidden: Value,
  scale: ops.Operand | null = null,
): Value {
  if (config.head === 'score')
    throw new UserError(
      'this is a reward model: it scores text but cannot generate it; use the model it was made from',
    )
  const head = parameters.get(config.tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight')!
  // (s·h) Wᵀ = s·(h Wᵀ), and h is far smaller than the logits.
  return ops.matmul(scale === null ? hidden : ops.mul(hidden, scale), head, { transB: true })
}

/** cos and sin of position × frequency, each [positions, headDim/2] in row-major order. */
export function rotaryTables(
  config: ModelConfig,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const half = config.headDim / 2
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let i = 0; i < half; i++) {
    // θ^(−2i/d)
    const frequency = scaledFrequency(config.ropeTheta ** ((-2 * i) / config.headDim), config.ropeScaling)
    for (let p = 0; p < positions; p++) {
      cos[p * half + i] = Math.cos(p * frequency)
      sin[p * half + i] = Math.sin(p * frequency)
    }
  }
  return { cos, sin }
}

/** Llama 3's scaling: low frequencies are divided by `factor`, high ones kept, and those between interpolated. */
function scaledFrequency(frequency: number, scaling: ModelConfig['ropeScaling']): number {
  if (!scaling) return frequency
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPosition } = scaling
  const turns = (originalMaxPosition * frequency) / (2 * Math.PI)
  if (turns < lowFreqFactor) return frequency / factor
  if (turns > highFreqFactor) return frequency
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return (1 - smooth) * (frequency / factor) + smooth * frequency
}
