/*
 * The decoders of the Llama family, by the `model_type` of their config.json:
 *   llama, mistral   the plain decoder; mistral may have a sliding window
 *   qwen2            biases on q, k and v
 *   qwen3            RMSNorm on queries and keys
 *   gemma3_text      norms as in qwen3 and after both blocks of a layer, GELU, scaled embeddings; most layers attend to a
 *                    sliding window, and have a rotation of their own
 */
export const MODEL_TYPES = ['qwen3', 'qwen2', 'llama', 'mistral', 'gemma3_text'] as const
export type ModelType = (typeof MODEL_TYPES)[number]

/** What all models of a type have in common. */
export interface Traits {
  /** The function in the feed-forward blocks: x·σ(x), or GELU in its approximation with tanh. */
  readonly activation: 'silu' | 'gelu_tanh'
  /** RMSNorms multiply by their weights plus this number. */
  readonly normOffset: 0 | 1
  /** What the attention and the feed-forward block add to the residual stream is normalised too. */
  readonly outputNorms: boolean
  /** RMSNorm on every head's query and key. */
  readonly qkNorm: boolean
  /** Embeddings are multiplied by √hiddenSize. */
  readonly scaledEmbeddings: boolean
}

const plain: Traits = {
  activation: 'silu',
  normOffset: 0,
  outputNorms: false,
  qkNorm: false,
  scaledEmbeddings: false,
}

export const TRAITS: Readonly<Record<ModelType, Traits>> = {
  llama: plain,
  mistral: plain,
  qwen2: plain,
  qwen3: { ...plain, qkNorm: true },
  gemma3_text: {
    activation: 'gelu_tanh',
    normOffset: 1,
    outputNorms: true,
    qkNorm: true,
    scaledEmbeddings: true,
  },
}

const qwen = {
  num_key_value_heads: 32,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  sliding_window: 4096,
  max_window_layers: 28,
}
const llama = { bos_token_id: 1, eos_token_id: 2, rope_theta: 10_000, tie_word_embeddings: false }

/** The values of fields that a config.json may leave out: the defaults of Transformers' configuration classes. */
export const DEFAULTS: Readonly<
  Record<ModelType, { readonly [field: string]: unknown; readonly head_dim?: number }>
> = {
  llama,
  mistral: { ...llama, num_key_value_heads: 8, sliding_window: 4096 },
  qwen2: qwen,
  qwen3: { ...qwen, head_dim: 128 },
  // The config.json of a model with vision leaves out every size that is the default.
  gemma3_text: {
    vocab_size: 262_208,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131_072,
    pad_token_id: 0,
    eos_token_id: 1,
    bos_token_id: 2,
    rope_theta: 1_000_000,
    rope_local_base_freq: 10_000,
    tie_word_embeddings: true,
    query_pre_attn_scalar: 256,
    sliding_window: 4096,
    sliding_window_pattern: 6,
  },
}

/** The names of Transformers' classes for language models and for classifiers begin with these. */
export const CLASSES: Readonly<Record<ModelType, { readonly tokens: string; readonly score: string }>> = {
  qwen3: { tokens: 'Qwen3', score: 'Qwen3' },
  qwen2: { tokens: 'Qwen2', score: 'Qwen2' },
  llama: { tokens: 'Llama', score: 'Llama' },
  mistral: { tokens: 'Mistral', score: 'Mistral' },
  gemma3_text: { tokens: 'Gemma3', score: 'Gemma3Text' },
}
