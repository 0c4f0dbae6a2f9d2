import { UserError } from '../common/errors.ts'
import type { Graph, Value } from '../onnx/graph.ts'
import * as ops from '../onnx/ops.ts'
import { type Dim, product } from '../onnx/shape.ts'
import {
  attendBlock,
  attendPast,
  type Block,
  type KeysAndValues,
  type OwnAttention,
  type Past,
} from './attention.ts'
import type { ModelConfig } from './config.ts'
import { parameterShapes } from './parameters.ts'
import { type Rows, times } from './product.ts'
import { rotaryTable } from './rope.ts'

/*
 * A decoder of the Llama family as a tensor program. The configuration selects the architecture: its norms, its activation,
 * its biases, and for each layer the window and the rotation; see families.ts.
 *
 * Activations are [B·T, width] wherever they are multiplied by a matrix; weights keep Hugging Face's [out, in].
 */

/** Keys and values of the new positions, [B, kvHeads, T, headDim], and their hidden states. */
export interface Decoded extends KeysAndValues {
  /** After the final norm: [B·T, hiddenSize], or [L, hiddenSize] for packed tokens. */
  readonly hidden: Value
  /** The residual stream after the embedding and after each layer, with the rows of `hidden`. */
  readonly residuals: readonly Value[]
}

/** Declares every parameter of the model as an input of the program, by its name. */
export function parameterInputs(graph: Graph, config: ModelConfig): Map<string, Value> {
  return new Map(
    [...parameterShapes(config)].map(([name, shape]) => [name, graph.input(name, 'float32', shape)]),
  )
}

/** The rotations of the layers without and with a window, which are the same in most models. */
export interface Rotations {
  readonly everywhere: Rotation
  readonly local: Rotation
}
interface Rotation {
  readonly cos: Value
  readonly sin: Value
}

/** The contents of the inputs of `rotaryInputs` by their names, each [positions, headDim/2]. */
export function rotaryTables(
  { headDim, ropeTheta, ropeScaling, localRope }: ModelConfig,
  positions: number,
): Map<string, Float32Array> {
  const ropes = { rotary: { theta: ropeTheta, scaling: ropeScaling }, localRotary: localRope }
  const tables = new Map<string, Float32Array>()
  for (const [name, rope] of Object.entries(ropes)) {
    if (!rope) continue
    const { cos, sin } = rotaryTable(rope, headDim, positions)
    tables.set(`${name}.cos`, cos).set(`${name}.sin`, sin)
  }
  return tables
}

/** Declares the tables of `rotaryTables` as inputs: `rotary.cos` and `rotary.sin`, and those of `localRope` if there is one. */
export function rotaryInputs(graph: Graph, { headDim, localRope }: ModelConfig): Rotations {
  const table = (name: string): Rotation => ({
    cos: graph.input(`${name}.cos`, 'float32', ['R', headDim / 2]),
    sin: graph.input(`${name}.sin`, 'float32', ['R', headDim / 2]),
  })
  const everywhere = table('rotary')
  return { everywhere, local: localRope ? table('localRotary') : everywhere }
}

/**
 * The decoder without its output layer. `ids` and `positions` are int64 [B, T]. In the context of a `Block`, T positions
 * are computed at once, and packed tokens have ids [L]; with a `Past`, T is 1 and B = U·W.
 */
export function decode(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  rotations: Rotations,
  ids: Value,
  positions: Value,
  context: Block | Past | OwnAttention,
): Decoded {
  const { numHeads, numKvHeads, headDim, hiddenSize, rmsNormEps, normOffset, windows } = config
  const [batch, length] = positions.shape as [Dim, Dim]
  const rows = product(ids.shape)
  const packing = 'packing' in context ? context.packing : undefined
  const weight = (name: string): Value => parameters.get(name)!
  const rowsAre: Rows = 'own' in context ? 'few' : 'many'
  const linear = (x: Value, name: string): Value => {
    const whole = times(x, weight(`${name}.weight`), rowsAre)
    const bias = parameters.get(`${name}.bias`)
    const y = bias ? ops.add(whole, bias) : whole
    const adapter = config.adapters?.[name]
    if (!adapter) return y
    // y + s·(x Aᵀ) Bᵀ   (Hu et al. 2021, eq. 3)
    const low = ops.matmul(x, weight(`${name}.lora_A.weight`), { transB: true })
    const s = adapter.alpha / adapter.rank
    return ops.add(y, ops.matmul(low, weight(`${name}.lora_B.weight`), { transB: true, alpha: s }))
  }
  const norm = (x: Value, name: string): Value => {
    const w = weight(`${name}.weight`)
    return ops.rmsNorm(x, normOffset === 0 ? w : ops.add(w, normOffset), rmsNormEps)
  }

  /** [B·T, heads·headDim] → [B, T, heads, headDim], or [B, heads, 1, headDim] if there is a single position. */
  const perHead = (x: Value, heads: number): Value =>
    ops.reshape(
      packing ? ops.gather(x, packing.grid, { inverse: packing.cells }) : x,
      length === 1 ? [batch, heads, 1, headDim] : [batch, length, heads, headDim],
    )
  /** The opposite: [B, T, heads, headDim] → [B·T, heads·headDim]. */
  const merged = (x: Value): Value => {
    const cells = ops.reshape(x, [product([batch, length]), numHeads * headDim])
    if (!packing) return cells
    const inverse = ops.reshape(packing.grid, [product([batch, length])])
    return ops.gather(cells, packing.cells, { inverse })
  }
  /** Exchanges the axes of heads and positions. */
  const exchanged = (x: Value): Value => (length === 1 ? x : ops.transpose(x, [0, 2, 1, 3]))

  /** Queries or keys: projected, normalised (if qkNorm) and rotated, [B, heads, T, headDim]. */
  const rotated = (
    x: Value,
    layer: string,
    which: 'q' | 'k',
    heads: number,
    { cos, sin }: Rotation,
  ): Value => {
    let y = perHead(linear(x, `${layer}.self_attn.${which}_proj`), heads)
    if (config.qkNorm) y = norm(y, `${layer}.self_attn.${which}_norm`)
    return ops.rotary(exchanged(y), positions, cos, sin)
  }

  const keys: Value[] = []
  const values: Value[] = []

  const attention = (x: Value, layer: string, index: number): Value => {
    const rotation = windows[index] === null ? rotations.everywhere : rotations.local
    const q = rotated(x, layer, 'q', numHeads, rotation)
    const k = rotated(x, layer, 'k', numKvHeads, rotation)
    const v = exchanged(perHead(linear(x, `${layer}.self_attn.v_proj`), numKvHeads))
    keys.push(k)
    values.push(v)
    const attended =
      'attend' in context
        ? context.attend(q, k, v, index)
        : 'own' in context
          ? attendPast(config, q, k, v, context, index)
          : exchanged(attendBlock(config, q, k, v, context, index))
    return linear(merged(attended), `${layer}.self_attn.o_proj`)
  }

  const activation = { silu: ops.swish, gelu_tanh: ops.gelu }[config.activation]

  // down(f(gate x) ⊙ up x)   (Shazeer 2020)
  const feedForward = (x: Value, layer: string): Value => {
    const gated = ops.mul(activation(linear(x, `${layer}.mlp.gate_proj`)), linear(x, `${layer}.mlp.up_proj`))
    return linear(gated, `${layer}.mlp.down_proj`)
  }

  const normBeforeFeedForward = config.outputNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'
  /** What a block adds to the residual stream. */
  const output = (y: Value, name: string): Value => (config.outputNorms ? norm(y, name) : y)

  let x = ops.reshape(ops.gather(weight('model.embed_tokens.weight'), ids), [rows, hiddenSize])
  if (config.scaledEmbeddings) x = ops.mul(x, Math.sqrt(hiddenSize))
  const residuals = [x]
  for (let i = 0; i < config.numLayers; i++) {
    const layer = `model.layers.${i}`
    const attended = attention(norm(x, `${layer}.input_layernorm`), layer, i)
    x = ops.add(x, output(attended, `${layer}.post_attention_layernorm`))
    const transformed = feedForward(norm(x, `${layer}.${normBeforeFeedForward}`), layer)
    x = ops.add(x, output(transformed, `${layer}.post_feedforward_layernorm`))
    residuals.push(x)
  }
  return { hidden: norm(x, 'model.norm'), keys, values, residuals }
}

/** The rewards of hidden states [M, hiddenSize]: w·h, [M]. */
export function rewards(parameters: ReadonlyMap<string, Value>, hidden: Value): Value {
  return ops.reshape(ops.matmul(hidden, parameters.get('score.weight')!, { transB: true }), [
    hidden.shape[0]!,
  ])
}

/** The name of the matrix that makes logits of hidden states. */
export const outputName = ({ tieEmbeddings }: ModelConfig): string =>
  tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'

/**
 * The logits of the next token for hidden states [M, hiddenSize]: [M, vocabSize]. They are multiplied by `scale`, a number
 * or [M, 1], if there is one. `rows` says how large M is.
 *
 * @throws UserError for a reward model.
 */
export function logits(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  hidden: Value,
  scale: ops.Operand | null = null,
  rows: Rows = 'many',
): Value {
  if (config.head === 'score')
    throw new UserError(
      'this is a reward model: it scores text but cannot generate it; use the model it was made from',
    )
  const head = parameters.get(outputName(config))!
  // (s·h) Wᵀ = s·(h Wᵀ), and h is far smaller than the logits.
  return times(scale === null ? hidden : ops.mul(hidden, scale), head, rows)
}
