import type { Graph, Value } from '../onnx/graph.ts'
import * as ops from '../onnx/ops.ts'
import { type Dim, product } from '../onnx/shape.ts'
import type { ModelConfig } from './config.ts'
import { parameterShapes } from './parameters.ts'

/*
 * A decoder of the Llama family as a tensor program. Configured, not subclassed:
 *   qwen3   RMSNorm on queries and keys, no biases
 *   qwen2   biases on q, k and v
 *   llama   neither; RoPE with or without Llama-3 scaling
 * Activations are [B·T, width] wherever a matrix multiplies them; weights keep Hugging Face's [out, in].
 * Grouped queries are rows of one product per key/value head, so that keys are never repeated.
 */

/** Keys and values of earlier positions, and which of them each sequence may see. */
export interface Past {
  /** Per layer: [B, kvHeads, P, headDim]. */
  readonly keys: readonly Value[]
  readonly values: readonly Value[]
  /** Added to the scores: float32 [B, 1, 1, P]. */
  readonly mask: Value
}

export interface Decoded {
  /** After the final norm: [B·T, hiddenSize]. */
  readonly hidden: Value
  /** The new keys and values per layer: [B, kvHeads, T, headDim]. */
  readonly keys: readonly Value[]
  readonly values: readonly Value[]
}

/** What a masked score is set to: far below any real one, yet finite, so that a fully masked row stays a number. */
const MASKED = -1e9

/** Declares every parameter of the model as an input of the program. */
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

/** Additive mask [B, 1, 1, T, T] → a position sees itself and earlier ones of its own segment. */
export function causalMask(segments: Value): Value {
  const [batch, length] = segments.shape as [Dim, Dim]
  const index = ops.range(segments, length)
  const earlier = ops.greaterOrEqual(ops.reshape(index, [length, 1]), ops.reshape(index, [1, length]))
  const same = ops.equal(ops.reshape(segments, [batch, length, 1]), ops.reshape(segments, [batch, 1, length]))
  return ops.reshape(ops.where(ops.and(same, earlier), 0, MASKED), [batch, 1, 1, length, length])
}

/**
 * ids and positions int64 [B, T]. With `past`, T must be 1: the token sees all unmasked past and itself;
 * without, `mask` [B, 1, 1, T, T] rules (see `causalMask`).
 */
export function decode(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  rotaryTables: { cos: Value; sin: Value },
  ids: Value,
  positions: Value,
  context: { mask: Value } | { past: Past },
): Decoded {
  const { numHeads, numKvHeads, headDim, hiddenSize, rmsNormEps } = config
  const group = numHeads / numKvHeads
  const [batch, length] = ids.shape as [Dim, Dim]
  const rows = product([batch, length])
  const weight = (name: string): Value => parameters.get(name)!
  const linear = (x: Value, name: string): Value => {
    const y = ops.matmul(x, weight(`${name}.weight`), { transB: true })
    const bias = parameters.get(`${name}.bias`)
    return bias ? ops.add(y, bias) : y
  }
  const norm = (x: Value, name: string): Value => ops.rmsNorm(x, weight(`${name}.weight`), rmsNormEps)

  /** Projection to heads, normalised (qwen3) and rotated: [B, T, heads·headDim]. */
  const rotated = (x: Value, layer: string, which: 'q' | 'k', heads: number): Value => {
    let y = linear(x, `${layer}.self_attn.${which}_proj`)
    if (config.qkNorm)
      y = norm(ops.reshape(y, [product([rows, heads]), headDim]), `${layer}.self_attn.${which}_norm`)
    return ops.rotary(
      ops.reshape(y, [batch, length, heads * headDim]),
      positions,
      rotaryTables.cos,
      rotaryTables.sin,
    )
  }
  const perKvHead = (x: Value): Value =>
    ops.transpose(ops.reshape(x, [batch, length, numKvHeads, headDim]), [0, 2, 1, 3])

  const keys: Value[] = []
  const values: Value[] = []

  const attention = (x: Value, layer: string, index: number): Value => {
    const q = rotated(x, layer, 'q', numHeads)
    const k = perKvHead(rotated(x, layer, 'k', numKvHeads))
    const v = perKvHead(linear(x, `${layer}.self_attn.v_proj`))
    keys.push(k)
    values.push(v)
    // [B, T, kv, group, d] → [B, kv, group·T, d]: all queries of a key/value head in one product
    const queries = ops.reshape(
      ops.transpose(ops.reshape(q, [batch, length, numKvHeads, group, headDim]), [0, 2, 3, 1, 4]),
      [batch, numKvHeads, product([group, length]), headDim],
    )
    // softmax(q kᵀ / √d + mask) v   (Vaswani et al. 2017, eq. 1)
    const scaled = { transB: true, alpha: 1 / Math.sqrt(headDim) }
    let attended: Value
    if ('past' in context) {
      const before = ops.add(ops.matmul(queries, context.past.keys[index]!, scaled), context.past.mask)
      const p = before.shape[3]!
      const shares = ops.softmax(ops.concat([before, ops.matmul(queries, k, scaled)], 3))
      attended = ops.add(
        ops.matmul(ops.slice(shares, 3, 0, p, 1), context.past.values[index]!),
        ops.matmul(ops.slice(shares, 3, p, 1, 0), v),
      )
    } else {
      const scores = ops.matmul(queries, k, scaled)
      const perQuery = ops.reshape(scores, [batch, numKvHeads, group, length, length])
      const shares = ops.softmax(ops.add(perQuery, context.mask))
      attended = ops.matmul(ops.reshape(shares, scores.shape), v)
    }
    const merged = ops.transpose(
      ops.reshape(attended, [batch, numKvHeads, group, length, headDim]),
      [0, 3, 1, 2, 4],
    )
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

/** log softmax over the vocabulary of hidden states [M, hiddenSize]: [M, vocabSize]. */
export function tokenLogProbs(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  hidden: Value,
): Value {
  const head = parameters.get(config.tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight')!
  return ops.logSoftmax(ops.matmul(hidden, head, { transB: true }))
}

/** cos and sin of position × frequency, [positions, headDim/2] each, row-major. */
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

/** Llama 3's scaling: long wavelengths are divided by `factor`, short ones kept, those between interpolated. */
function scaledFrequency(frequency: number, scaling: ModelConfig['ropeScaling']): number {
  if (!scaling) return frequency
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPosition } = scaling
  const turns = (originalMaxPosition * frequency) / (2 * Math.PI)
  if (turns < lowFreqFactor) return frequency / factor
  if (turns > highFreqFactor) return frequency
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return (1 - smooth) * (frequency / factor) + smooth * frequency
}
