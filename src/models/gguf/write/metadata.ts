import { UserError } from '../../../common/errors.ts'
import type { ModelConfig, ModelType } from '../../config.ts'
import { ARCHITECTURES, type Architecture, GEMMA_PATTERN } from '../names.ts'
import type { MetadataValue } from './header.ts'
import { QUANTS, type Quant } from './mixture.ts'

/** Version of the layout of ggml's quantised blocks. */
const QUANTISATION_VERSION = 2

/** llama.cpp's name of a model's architecture. A mistral is a llama there. */
function architectureOf({ modelType }: ModelConfig): Architecture {
  const known = Object.entries(ARCHITECTURES) as [Architecture, ModelType][]
  return known.find(([, type]) => type === modelType)?.[0] ?? 'llama'
}

/** What a file says about itself. */
export interface GeneralFacts {
  readonly name: string
  readonly quant: Quant
  /** As on the Hugging Face hub, or null if it is unknown. */
  readonly license: string | null
}

/** The fields `general.*`. */
export function generalMetadata(
  config: ModelConfig,
  { name, quant, license }: GeneralFacts,
): Map<string, MetadataValue> {
  const fields: [string, MetadataValue][] = [
    ['architecture', { string: architectureOf(config) }],
    ['type', { string: 'model' }],
    ['name', { string: name }],
    ['file_type', { uint32: QUANTS[quant] }],
    ['quantization_version', { uint32: QUANTISATION_VERSION }],
  ]
  if (license !== null) fields.push(['license', { string: license }])
  return new Map(fields.map(([key, value]) => [`general.${key}`, value]))
}

/**
 * The architecture of a model, as llama.cpp's converter describes it.
 *
 * @throws UserError for a model that llama.cpp has no architecture for.
 */
export function architectureMetadata(config: ModelConfig): Map<string, MetadataValue> {
  const arch = architectureOf(config)
  refuseUnknown(config, arch)
  const { headDim, ropeScaling, localRope, windows } = config
  const window = windows.find((one) => one !== null) ?? null
  const fields: Record<string, MetadataValue> = {
    block_count: { uint32: config.numLayers },
    // Other architectures have no windows there: within the first window, all positions are attended to anyway.
    context_length: { uint32: arch === 'gemma3' ? config.maxPositions : (window ?? config.maxPositions) },
    embedding_length: { uint32: config.hiddenSize },
    feed_forward_length: { uint32: config.intermediateSize },
    'attention.head_count': { uint32: config.numHeads },
    'attention.head_count_kv': { uint32: config.numKvHeads },
    'attention.key_length': { uint32: headDim },
    'attention.value_length': { uint32: headDim },
    'attention.layer_norm_rms_epsilon': { float32: config.rmsNormEps },
    'rope.freq_base': { float32: config.ropeTheta },
    'rope.dimension_count': { uint32: headDim },
    vocab_size: { uint32: config.vocabSize },
  }
  if (arch === 'gemma3' && window !== null) fields['attention.sliding_window'] = { uint32: window }
  if (localRope) fields['rope.freq_base_swa'] = { float32: localRope.theta }
  if (ropeScaling?.type === 'linear') {
    fields['rope.scaling.type'] = { string: 'linear' }
    fields['rope.scaling.factor'] = { float32: ropeScaling.factor }
  }
  return new Map(Object.entries(fields).map(([key, value]) => [`${arch}.${key}`, value]))
}

/** @throws UserError for what the architectures of llama.cpp cannot express. */
function refuseUnknown(config: ModelConfig, arch: Architecture): void {
  const refuse = (what: string) => {
    throw new UserError(`llama.cpp has no ${arch} with ${what}: a GGUF file of this model could not be run`)
  }
  if (config.ropeScaling?.type === 'llama3' && arch !== 'llama') refuse("Llama 3's scaling of RoPE")
  if (arch === 'qwen2' && config.numHeads * config.headDim !== config.hiddenSize)
    refuse('"head_dim" other than "hidden_size" / "num_attention_heads"')
  if (arch === 'qwen3' && config.qkvBias) refuse('"attention_bias"')
  if (arch !== 'gemma3') return
  if (config.qkvBias) refuse('"attention_bias"')
  if (config.queryPreAttnScalar !== config.headDim)
    refuse('"query_pre_attn_scalar" other than the size of a head')
  if (config.localRope?.scaling) refuse('scaled RoPE in layers with a window')
  const regular = config.windows.every((window, i) => (window === null) === ((i + 1) % GEMMA_PATTERN === 0))
  if (!regular && config.windows.some((window) => window !== null))
    refuse(`another pattern of windows than one full layer in ${GEMMA_PATTERN}`)
}
