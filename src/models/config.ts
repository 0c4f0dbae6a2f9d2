import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { CLASSES, DEFAULTS, MODEL_TYPES, type ModelType, TRAITS, type Traits } from './families.ts'
import { parseRopes, type Rope, type RopeScaling, ropeJson, ropeSchema } from './rope.ts'
import { unsupported } from './unsupported.ts'
import { parseWindows, windowsJson } from './windows.ts'

export type { ModelType } from './families.ts'

/** The architecture of a decoder: the contents of a Hugging Face config.json, normalised. */
export interface ModelConfig extends Traits {
  readonly modelType: ModelType
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rmsNormEps: number
  /** Attention scores are q·k / √queryPreAttnScalar: the size of a head in all types but gemma3_text. */
  readonly queryPreAttnScalar: number
  readonly ropeTheta: number
  /** How long wavelengths are scaled, or null for plain RoPE. */
  readonly ropeScaling: RopeScaling | null
  /** RoPE of the layers with a window, where it is another one than that of the layers without (gemma3_text). */
  readonly localRope: Rope | null
  /** For each layer, how many positions a position attends to, itself and those before it; null for all of them. */
  readonly windows: readonly (number | null)[]
  /** The output layer is the embedding matrix. */
  readonly tieEmbeddings: boolean
  readonly maxPositions: number
  /** Biases on q, k and v: always in qwen2; with `attention_bias` in llama, qwen3 and gemma3_text, where o has one as well. */
  readonly qkvBias: boolean
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

/** The model types that `parseConfig` reads; of a `gemma3`, only the language model. */
const SUPPORTED = [...MODEL_TYPES, 'gemma3']
const size = z.int().positive()
const tokenId = z.int()

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
  hidden_activation: z.string().nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  ...ropeSchema,
  tie_word_embeddings: z.boolean(),
  max_position_embeddings: size,
  attention_bias: z.boolean().default(false),
  attention_dropout: z.number().default(0),
  mlp_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().optional(),
  attn_logit_softcapping: z.number().nullish(),
  final_logit_softcapping: z.number().nullish(),
  use_bidirectional_attention: z.boolean().nullish(),
  use_sliding_window: z.boolean().default(false),
  sliding_window: size.nullish(),
  max_window_layers: z.int().nonnegative().optional(),
  sliding_window_pattern: size.optional(),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: tokenId.nullish(),
})

/** The fields of a config.json, with the defaults of its model type. */
export type Fields = z.infer<typeof schema>

/**
 * Reads the contents of a config.json written by Transformers 4 or 5; `where` is the file's name in messages.
 *
 * @throws UserError, naming the field, its value and what is supported, for anything that the decoder does not implement.
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  // The model type comes first: other architectures have other fields.
  const type = z.looseObject({ model_type: z.string() }).safeParse(json)
  if (!type.success) throw new UserError(`${where} has no "model_type"`)
  const text = textPart(type.data, where)
  const modelType = text.model_type
  if (!isModelType(modelType)) throw unsupported(where, 'model_type', modelType, SUPPORTED.join(', '))

  const defaults = DEFAULTS[modelType]
  const given = Object.entries(text).filter(([, value]) => value !== undefined)
  const c = readFields({ ...defaults, ...Object.fromEntries(given) }, where)
  refuseUnsupported(c, modelType, where)

  const numHeads = c.num_attention_heads
  const numKvHeads = c.num_key_value_heads ?? numHeads
  if (numHeads % numKvHeads !== 0)
    throw new UserError(
      `${where}: ${numHeads} attention heads cannot share ${numKvHeads} key/value heads evenly`,
    )
  const headDim = c.head_dim ?? defaults.head_dim ?? c.hidden_size / numHeads
  if (headDim % 2 !== 0)
    throw new UserError(`${where}: "head_dim" is ${headDim}; RoPE needs an even whole number`)
  const { everywhere, local } = parseRopes(c, modelType, where)
  const config: ModelConfig = {
    ...TRAITS[modelType],
    modelType,
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    numLayers: c.num_hidden_layers,
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: c.rms_norm_eps,
    queryPreAttnScalar: modelType === 'gemma3_text' ? c.query_pre_attn_scalar! : headDim,
    ropeTheta: everywhere.theta,
    ropeScaling: everywhere.scaling,
    localRope: local,
    windows: parseWindows(c, modelType, where),
    tieEmbeddings: c.tie_word_embeddings,
    maxPositions: c.max_position_embeddings,
    // Mistral's class ignores attention_bias.
    qkvBias: modelType === 'qwen2' || (c.attention_bias && modelType !== 'mistral'),
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

function readFields(json: Record<string, unknown>, where: string): Fields {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const value = path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], json)
  throw new UserError(`${where}: "${path.join('.')}" is ${JSON.stringify(value) ?? 'missing'}: ${message}`)
}

/** Token ids, given as one, a list or null. Some configurations use -1 for "none". */
function idsOf(ids: number | number[] | null | undefined): number[] {
  return [...new Set([ids ?? []].flat())].filter((id) => id >= 0)
}

function isModelType(type: string): type is ModelType {
  return (MODEL_TYPES as readonly string[]).includes(type)
}

/** A model with vision is read as its language model, which `text_config` describes. */
function textPart(
  json: { model_type: string },
  where: string,
): Record<string, unknown> & { model_type: string } {
  if (json.model_type !== 'gemma3') return json
  const whole = z.looseObject({ text_config: z.looseObject({}) }).safeParse(json)
  if (!whole.success) throw new UserError(`${where}: "text_config" is missing`)
  const { text_config: text, model_type: _, ...rest } = whole.data
  const outer = Object.entries(rest).filter(([field, value]) => OUTER.includes(field) && value != null)
  return { model_type: 'gemma3_text', ...text, ...Object.fromEntries(outer) }
}
/** The fields beside `text_config` that hold for the language model. */
const OUTER = [
  'architectures',
  'num_labels',
  'id2label',
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'tie_word_embeddings',
  'quantization_config',
]

function refuseUnsupported(c: Fields, modelType: ModelType, where: string): void {
  const refuse = (wrong: boolean, field: string, value: unknown, supported: string) => {
    if (wrong) throw unsupported(where, field, value, supported)
  }
  if (modelType === 'gemma3_text') {
    const activation = c.hidden_activation ?? GELU
    refuse(activation !== GELU, 'hidden_activation', activation, GELU)
    for (const field of ['attn_logit_softcapping', 'final_logit_softcapping'] as const)
      refuse(c[field] != null, field, c[field], 'null')
    const bidirectional = c.use_bidirectional_attention
    refuse(bidirectional === true, 'use_bidirectional_attention', bidirectional, 'false')
  } else refuse(c.hidden_act !== 'silu', 'hidden_act', c.hidden_act, 'silu')
  refuse(c.mlp_bias, 'mlp_bias', c.mlp_bias, 'false')
  refuse(c.attention_dropout !== 0, 'attention_dropout', c.attention_dropout, '0')
  const quantization = c.quantization_config as { quant_method?: unknown } | null | undefined
  refuse(
    quantization != null,
    'quantization_config',
    quantization?.quant_method ?? quantization,
    'unquantised weights',
  )
}
/** GELU in its approximation with tanh. */
const GELU = 'gelu_pytorch_tanh'

const CLASSIFIER = 'ForSequenceClassification'

/** A classifier is read as a reward model, which has one label. */
function parseHead(c: Fields, where: string): ModelConfig['head'] {
  if (!c.architectures?.some((name) => name.endsWith(CLASSIFIER))) return 'tokens'
  // Transformers omits both fields for two labels.
  const labels = c.num_labels ?? (c.id2label ? Object.keys(c.id2label).length : 2)
  if (labels !== 1) throw unsupported(where, 'num_labels', labels, '1 (a reward model)')
  return 'score'
}

/** The contents of a config.json that Transformers 4 and 5 load with `AutoModelForCausalLM` or `AutoModelForSequenceClassification`. */
export function toConfigJson(config: ModelConfig, dtype: 'F32' | 'BF16' = 'F32'): Record<string, unknown> {
  const { modelType, head, eosTokenIds: eos } = config
  const gemma = modelType === 'gemma3_text'
  return {
    architectures: [CLASSES[modelType][head] + (head === 'score' ? CLASSIFIER : 'ForCausalLM')],
    model_type: modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    num_key_value_heads: config.numKvHeads,
    head_dim: config.headDim,
    ...(gemma ? { hidden_activation: GELU } : { hidden_act: 'silu' }),
    rms_norm_eps: config.rmsNormEps,
    ...ropeJson(config),
    tie_word_embeddings: config.tieEmbeddings,
    max_position_embeddings: config.maxPositions,
    ...(modelType === 'qwen2' || modelType === 'mistral' ? {} : { attention_bias: config.qkvBias }),
    attention_dropout: 0,
    ...(modelType === 'llama' ? { mlp_bias: false } : {}),
    ...(gemma
      ? {
          query_pre_attn_scalar: config.queryPreAttnScalar,
          attn_logit_softcapping: null,
          final_logit_softcapping: null,
          use_bidirectional_attention: false,
        }
      : {}),
    ...windowsJson(config),
    initializer_range: 0.02,
    bos_token_id: config.bosTokenId,
    eos_token_id: eos.length > 1 ? eos : (eos[0] ?? null),
    pad_token_id: config.padTokenId,
    ...(head === 'score' ? { id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 } } : {}),
    torch_dtype: dtype === 'F32' ? 'float32' : 'bfloat16',
    use_cache: true,
  }
}
