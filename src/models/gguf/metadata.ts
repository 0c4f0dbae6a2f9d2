import { UserError } from '../../common/errors.ts'
import type { ModelConfig } from '../config.ts'
import { QUANTS, type Quant } from './mixture.ts'
import type { MetadataValue } from './write.ts'

/** Version of the layout of ggml's quantised blocks. */
const QUANTISATION_VERSION = 2

/** llama.cpp's name of a model's architecture. */
export const architectureOf = ({ modelType }: ModelConfig): string => modelType

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
  if (config.modelType === 'qwen3' && config.qkvBias)
    throw new UserError('llama.cpp has no qwen3 with "attention_bias": a GGUF file could not be run')
  const fields: Record<string, MetadataValue> = {
    block_count: { uint32: config.numLayers },
    context_length: { uint32: config.maxPositions },
    embedding_length: { uint32: config.hiddenSize },
    feed_forward_length: { uint32: config.intermediateSize },
    'attention.head_count': { uint32: config.numHeads },
    'attention.head_count_kv': { uint32: config.numKvHeads },
    'attention.key_length': { uint32: config.headDim },
    'attention.value_length': { uint32: config.headDim },
    'attention.layer_norm_rms_epsilon': { float32: config.rmsNormEps },
    'rope.freq_base': { float32: config.ropeTheta },
    'rope.dimension_count': { uint32: config.headDim },
    vocab_size: { uint32: config.vocabSize },
  }
  return new Map(Object.entries(fields).map(([key, value]) => [`${architectureOf(config)}.${key}`, value]))
}
