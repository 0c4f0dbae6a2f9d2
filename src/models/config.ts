import { z } from 'zod'
import { UserError } from '../common/errors.ts'

/** The architecture of a decoder: the contents of a Hugging Face config.json, normalised. */
export interface ModelConfig {
  readonly modelType: ModelType
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rmsNormEps: number
  readonly ropeTheta: number
  /** Llama 3's scaling of long wavelengths, or null for plain RoPE. */
  readonly ropeScaling: RopeScaling | null
  /** The output layer is the embedding matrix. */
  readonly tieEmbeddings: boolean
  readonly maxPositions: number
  /** Biases on q, k and v: always in qwen2; with `attention_bias` in llama and qwen3, where o has one as well. */
  readonly qkvBias: boolean
  /** RMSNorm on every head's query and key (qwen3). */
  readonly qkNorm: boolean
  readonly bosTokenId: number | null
  /** Any of these ends a text. */
  readonly eosTokenIds: readonly number[]
  readonly padTokenId: number | null
  /** The output of the model: log-probs of the next token, or one number (a reward model). */
  readonly head: 'tokens' | 'score'
  /** The low-rank adapters of linear layers; a config.json does not have them. */
  readonly adapters?: Adapters | undefined
}

/** The low-rank adapter of one linear layer: y = x Wᵀ + b + alpha/rank·(x Aᵀ) Bᵀ with A [rank, in] and B [out, rank]. */
export interface Adapter {
  readonly rank: number
  readonly alpha: number
}

/** The adapters of a model, by the names of their linear layers, such as `model.layers.0.self_attn.q_proj`. */
export type Adapters = Readonly<Record<string, Adapter>>

export type ModelType = 'qwen3' | 'qwen2' | 'llama'

interface RopeScaling {
  readonly type: 'llama3'
  readonly factor: number
  readonly lowFreqFactor: number
  readonly highFreqFactor: number
  readonly originalMaxPosition: number
}

const MODEL_TYPES = ['qwen3', 'qwen2', 'llama'] as const
const size = z.int().positive()
const tokenId = z.int()

const rope = z.looseObject({
  rope_type: z.string().optional(),
  /** The older name of rope_type. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: z.number().positive().optional(),
  partial_rotary_factor: z.number().optional(),
})

// Optional fields have the defaults of Transformers' configuration classes.
const schema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  num_labels: z.int().nullish(),
  id2label: z.record(z.string(), z.unknown()).nullish(),
  model_type: z.string(),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  partial_rotary_factor: z.number().default(1),
  tie_word_embeddings: z.boolean().default(false),
  max_position_embeddings: size,
  attention_bias: z.boolean().default(false),
  attention_dropout: z.number().default(0),
  mlp_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: tokenId.nullish(),
})

type Fields = z.infer<typeof schema>

/**
 * Reads the contents of a config.json written by Transformers 4 or 5; `where` is the file's name in messages.
 *
 * @throws UserError, naming the field, its value and what is supported, for anything that the decoder does not implement.
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  // The model type comes first: other architectures have other fields.
  const type = z.looseObject({ model_type: z.string() }).safeParse(json)
  if (!type.success) throw new UserError(`${where} has no "model_type"`)
  if (!isModelType(type.data.model_type))
    throw unsupported(where, 'model_type', type.data.model_type, MODEL_TYPES.join(', '))
  const modelType = type.data.model_type

  const result = schema.safeParse(json)
  if (!result.success) {
    const { path, message } = result.error.issues[0]!
    const value = path.reduce<unknown>(
      (v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key],
      json,
    )
    throw new UserError(`${where}: "${path.join('.')}" is ${JSON.stringify(value) ?? 'missing'}: ${message}`)
  }
  const c = result.data
  refuseUnsupported(c, where)

  const numHeads = c.num_attention_heads
  const numKvHeads = c.num_key_value_heads ?? numHeads
  if (numHeads % numKvHeads !== 0)
    throw new UserError(
      `${where}: ${numHeads} attention heads cannot share ${numKvHeads} key/value heads evenly`,
    )
  // Only Qwen3's class has a default head_dim that does not follow from the width.
  const headDim = c.head_dim ?? (modelType === 'qwen3' ? 128 : c.hidden_size / numHeads)
  if (headDim % 2 !== 0)
    throw new UserError(`${where}: "head_dim" is ${headDim}; RoPE needs an even whole number`)
  const { theta, scaling } = parseRope(c, where)
  const config: ModelConfig = {
    modelType,
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    numLayers: c.num_hidden_layers,
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: c.rms_norm_eps,
    ropeTheta: theta,
    ropeScaling: scaling,
    tieEmbeddings: c.tie_word_embeddings,
    maxPositions: c.max_position_embeddings,
    qkvBias: modelType === 'qwen2' || c.attention_bias,
    qkNorm: modelType === 'qwen3',
    bosTokenId: idsOf(c.bos_token_id)[0] ?? null,
    eosTokenIds: idsOf(c.eos_token_id),
    padTokenId: idsOf(c.pad_token_id)[0] ?? null,
    head: parseHead(c, where),
  }
  for (const id of [config.bosTokenId, ...config.eosTokenIds, config.padTokenId])
    if (id !== null && id >= config.vocabSize)
      throw new UserError(
        `${where}: the special token ${id} is outside the vocabulary of ${config.vocabSize}`,
      )
  return config
}

/** Token ids, given as one, a list or null. Some configurations use -1 for "none". */
function idsOf(ids: number | number[] | null | undefined): number[] {
  return [...new Set([ids ?? []].flat())].filter((id) => id >= 0)
}

function isModelType(type: string): type is ModelType {
  return (MODEL_TYPES as readonly string[]).includes(type)
}

function unsupported(where: string, field: string, value: unknown, supported: string): UserError {
  return new UserError(
    `${where}: "${field}" is ${JSON.stringify(value)}, which is not supported; supported: ${supported}`,
  )
}

function refuseUnsupported(c: Fields, where: string): void {
  const refuse = (wrong: boolean, field: string, value: unknown, supported: string) => {
    if (wrong) throw unsupported(where, field, value, supported)
  }
  const partial =
    c.rope_parameters?.partial_rotary_factor ??
    c.rope_scaling?.partial_rotary_factor ??
    c.partial_rotary_factor
  refuse(c.hidden_act !== 'silu', 'hidden_act', c.hidden_act, 'silu')
  refuse(c.mlp_bias, 'mlp_bias', c.mlp_bias, 'false')
  refuse(c.attention_dropout !== 0, 'attention_dropout', c.attention_dropout, '0')
  refuse(c.use_sliding_window, 'use_sliding_window', c.use_sliding_window, 'false (full attention)')
  const layerType = c.layer_types?.find((t) => t !== 'full_attention')
  refuse(layerType !== undefined, 'layer_types', layerType, 'full_attention')
  refuse(partial !== 1, 'partial_rotary_factor', partial, '1')
  const quantization = c.quantization_config as { quant_method?: unknown } | null | undefined
  refuse(
    quantization != null,
    'quantization_config',
    quantization?.quant_method ?? quantization,
    'unquantised weights',
  )
}

/** Transformers 5 writes `rope_parameters`; 4 writes `rope_theta` and, when scaled, `rope_scaling`. */
function parseRope(c: Fields, where: string): { theta: number; scaling: RopeScaling | null } {
  const field = c.rope_parameters ? 'rope_parameters' : 'rope_scaling'
  const r = c.rope_parameters ?? c.rope_scaling ?? {}
  const theta = r.rope_theta ?? c.rope_theta ?? 10_000
  const type = r.rope_type ?? r.type ?? 'default'
  if (type === 'default') return { theta, scaling: null }
  if (type !== 'llama3') throw unsupported(where, `${field}.rope_type`, type, 'default, llama3')
  const number = (
    name: 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings',
  ) => {
    const value = r[name]
    if (value === undefined)
      throw new UserError(`${where}: "${field}.${name}" is missing; llama3 scaling needs it`)
    return value
  }
  const scaling: RopeScaling = {
    type,
    factor: number('factor'),
    lowFreqFactor: number('low_freq_factor'),
    highFreqFactor: number('high_freq_factor'),
    originalMaxPosition: number('original_max_position_embeddings'),
  }
  return { theta, scaling }
}

const CLASSIFIER = 'ForSequenceClassification'

/** A classifier is read as a reward model, which has one label. */
function parseHead(c: Fields, where: string): ModelConfig['head'] {
  if (!c.architectures?.some((name) => name.endsWith(CLASSIFIER))) return 'tokens'
  // Transformers omits both fields for two labels.
  const labels = c.num_labels ?? (c.id2label ? Object.keys(c.id2label).length : 2)
  if (labels !== 1) throw unsupported(where, 'num_labels', labels, '1 (a reward model)')
  return 'score'
}

const CLASSES: Readonly<Record<ModelType, string>> = { qwen3: 'Qwen3', qwen2: 'Qwen2', llama: 'Llama' }

/** The contents of a config.json that Transformers 4 and 5 load with `AutoModelForCausalLM` or `AutoModelForSequenceClassification`. */
export function toConfigJson(config: ModelConfig, dtype: 'F32' | 'BF16' = 'F32'): Record<string, unknown> {
  const s = config.ropeScaling
  const scaling = s && {
    rope_type: s.type,
    factor: s.factor,
    low_freq_factor: s.lowFreqFactor,
    high_freq_factor: s.highFreqFactor,
    original_max_position_embeddings: s.originalMaxPosition,
  }
  const eos = config.eosTokenIds
  return {
    architectures: [CLASSES[config.modelType] + (config.head === 'score' ? CLASSIFIER : 'ForCausalLM')],
    model_type: config.modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    num_key_value_heads: config.numKvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rms_norm_eps: config.rmsNormEps,
    // Both spellings: Transformers 4, then 5.
    rope_theta: config.ropeTheta,
    rope_scaling: scaling,
    rope_parameters: { rope_theta: config.ropeTheta, ...(scaling ?? { rope_type: 'default' }) },
    tie_word_embeddings: config.tieEmbeddings,
    max_position_embeddings: config.maxPositions,
    ...(config.modelType === 'qwen2' ? {} : { attention_bias: config.qkvBias }),
    attention_dropout: 0,
    ...(config.modelType === 'llama'
      ? { mlp_bias: false }
      : // Qwen's own files have all three, and some readers require them.
        { use_sliding_window: false, sliding_window: null, max_window_layers: config.numLayers }),
    initializer_range: 0.02,
    bos_token_id: config.bosTokenId,
    eos_token_id: eos.length > 1 ? eos : (eos[0] ?? null),
    pad_token_id: config.padTokenId,
    ...(config.head === 'score' ? { id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 } } : {}),
    torch_dtype: dtype === 'F32' ? 'float32' : 'bfloat16',
    use_cache: true,
  }
}
