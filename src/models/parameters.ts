import { Random } from '../common/random.ts'
import type { ModelConfig } from './config.ts'

/** A model: its architecture and the values of its parameters. */
export interface Model {
  readonly config: ModelConfig
  /** By name, in the order of `parameterShapes`. */
  readonly parameters: Map<string, Float32Array<ArrayBuffer>>
}

/** The shapes of all parameters by their Hugging Face names, in a fixed order. Matrices are [out, in]. */
export function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { vocabSize, hiddenSize, intermediateSize, headDim } = config
  const shapes = new Map<string, number[]>()
  const queries = config.numHeads * headDim
  const keys = config.numKvHeads * headDim
  const linear = (name: string, outputs: number, inputs: number, bias: boolean) => {
    shapes.set(`${name}.weight`, [outputs, inputs])
    if (bias) shapes.set(`${name}.bias`, [outputs])
  }

  shapes.set('model.embed_tokens.weight', [vocabSize, hiddenSize])
  for (let i = 0; i < config.numLayers; i++) {
    const layer = `model.layers.${i}`
    shapes.set(`${layer}.input_layernorm.weight`, [hiddenSize])
    linear(`${layer}.self_attn.q_proj`, queries, hiddenSize, config.qkvBias)
    linear(`${layer}.self_attn.k_proj`, keys, hiddenSize, config.qkvBias)
    linear(`${layer}.self_attn.v_proj`, keys, hiddenSize, config.qkvBias)
    linear(`${layer}.self_attn.o_proj`, hiddenSize, queries, config.qkvBias && config.modelType !== 'qwen2')
    if (config.qkNorm) {
      shapes.set(`${layer}.self_attn.q_norm.weight`, [headDim])
      shapes.set(`${layer}.self_attn.k_norm.weight`, [headDim])
    }
    for (const norm of blockNorms(config)) shapes.set(`${layer}.${norm}.weight`, [hiddenSize])
    linear(`${layer}.mlp.gate_proj`, intermediateSize, hiddenSize, false)
    linear(`${layer}.mlp.up_proj`, intermediateSize, hiddenSize, false)
    linear(`${layer}.mlp.down_proj`, hiddenSize, intermediateSize, false)
  }
  shapes.set('model.norm.weight', [hiddenSize])
  if (config.head === 'score') linear('score', 1, hiddenSize, false)
  else if (!config.tieEmbeddings) linear('lm_head', vocabSize, hiddenSize, false)
  for (const [layer, { rank }] of Object.entries(config.adapters ?? {})) {
    const [outputs, inputs] = shapes.get(`${layer}.weight`) as [number, number]
    shapes.set(`${layer}.lora_A.weight`, [rank, inputs])
    shapes.set(`${layer}.lora_B.weight`, [outputs, rank])
  }
  return shapes
}

/** The norms of a layer after the one before its attention, by the names in Hugging Face's models. */
const blockNorms = ({ outputNorms }: ModelConfig): readonly string[] =>
  outputNorms
    ? ['post_attention_layernorm', 'pre_feedforward_layernorm', 'post_feedforward_layernorm']
    : ['post_attention_layernorm']

/**
 * Random parameters that depend only on the seed: matrices N(0, 1/hiddenSize), norms the identity, biases 0. With that deviation
 * a product of `hiddenSize` terms keeps the size of its input (LeCun et al. 1998, § 4.6), whatever the width; a fixed 0.02 is
 * right for 2,500 and too small for a miniature, whose attention then learns to copy late. The two projections of each layer
 * that write to the residual stream are scaled by 1/√(2·layers), since the stream sums that many of them (Radford et al. 2019,
 * § 2.3).
 */
export function initParameters(config: ModelConfig, seed: number): Map<string, Float32Array<ArrayBuffer>> {
  const parameters = new Map<string, Float32Array<ArrayBuffer>>()
  const deviation = 1 / Math.sqrt(config.hiddenSize)
  for (const [name, shape] of parameterShapes(config)) {
    const values = new Float32Array(count(shape))
    if (name.endsWith('norm.weight')) values.fill(1 - config.normOffset)
    else if (name.endsWith('.weight')) {
      const residual = /\.(o_proj|down_proj)\.weight$/.test(name)
      fillNormal(
        values,
        residual ? deviation / Math.sqrt(2 * config.numLayers) : deviation,
        new Random(seed, 'parameters', name),
      )
    }
    parameters.set(name, values)
  }
  return parameters
}

/**
 * A reward model made from a language model: a random row N(0, 0.02²), which depends only on the seed, replaces the output
 * layer. The reward is read at the last token that is not `padTokenId`.
 */
export function withRewardHead(model: Model, padTokenId: number, seed: number): Model {
  const config: ModelConfig = { ...model.config, head: 'score', padTokenId }
  const parameters = new Map(model.parameters)
  parameters.delete('lm_head.weight')
  const score = new Float32Array(config.hiddenSize)
  fillNormal(score, 0.02, new Random(seed, 'parameters', 'score.weight'))
  return { config, parameters: parameters.set('score.weight', score) }
}

/** Fills with samples of N(0, deviation²), by Box–Muller: √(−2 ln u) · (cos 2πv, sin 2πv). */
function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.uniform()))
    const angle = 2 * Math.PI * random.uniform()
    values[i] = radius * Math.cos(angle)
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle)
  }
}

/** The number of trainable values; a tied output layer counts once. */
export function countParameters(config: ModelConfig): number {
  let total = 0
  for (const shape of parameterShapes(config).values()) total += count(shape)
  return total
}

/**
 * Floating point operations to compute one token's logits with `context` positions to attend to (a backward pass costs
 * twice as many):
 *
 *   2·(all matrices, including the output layer)  +  Σ_layers 2·heads·headDim·seen  (q·kᵀ)
 *                                                  +  Σ_layers 2·heads·headDim·seen  (weights·v)
 *
 * where a layer sees the context, or its window of it.
 * Norms, biases and rotations are not counted, as usual (Kaplan et al. 2020, table 1).
 */
export function forwardFlopsPerToken(config: ModelConfig, context: number): number {
  let matrices = config.head === 'tokens' && config.tieEmbeddings ? config.vocabSize * config.hiddenSize : 0
  for (const [name, shape] of parameterShapes(config))
    if (shape.length === 2 && name !== 'model.embed_tokens.weight') matrices += count(shape)
  const seen = config.windows.reduce<number>((n, window) => n + Math.min(window ?? context, context), 0)
  return 2 * matrices + 4 * config.numHeads * config.headDim * seen
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1)
}
