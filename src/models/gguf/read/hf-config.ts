import { UserError } from '../../../common/errors.ts'
import { type ModelConfig, parseConfig } from '../../config.ts'
import { ARCHITECTURES, type Architecture, GEMMA_PATTERN, ROPE_FACTORS } from '../names.ts'
import type { GgufFile } from './gguf-file.ts'
import type { Metadata } from './metadata.ts'
import { llama3Scaling } from './rope-factors.ts'

/** Tokens with a meaning, by their ids. */
export interface SpecialIds {
  readonly bos: number | null
  readonly eos: readonly number[]
  readonly pad: number | null
}

/**
 * The configuration of the model in a GGUF file.
 *
 * @throws UserError for a model that cannot be read, with the key and its value.
 */
export function hfConfig(file: GgufFile, special: SpecialIds): ModelConfig {
  const { metadata } = file
  const architecture = architectureOf(metadata)
  const key = (name: string): string => `${architecture}.${name}`
  const count = (name: string): number => metadata.needed(key(name), metadata.count(key(name)))
  refuseUnsupported(metadata, key)
  const layers = count('block_count')
  if (layers > file.tensors.size)
    throw metadata.refuse(key('block_count'), layers, `, but the file has only ${file.tensors.size} tensors`)

  const heads = metadata.needed(
    key('attention.head_count'),
    sameInAllLayers(metadata, key('attention.head_count')),
  )
  const hiddenSize = count('embedding_length')
  const headDim = metadata.count(key('attention.key_length')) ?? hiddenSize / heads
  for (const name of ['attention.value_length', 'rope.dimension_count']) {
    const value = metadata.count(key(name)) ?? headDim
    if (value !== headDim)
      throw metadata.refuse(
        key(name),
        value,
        `, but a head has ${headDim} values; only equal sizes can be read`,
      )
  }
  const theta = shortest(metadata.number(key('rope.freq_base')) ?? 10_000)
  const epsilon = metadata.number(key('attention.layer_norm_rms_epsilon'))
  return parseConfig(
    {
      model_type: ARCHITECTURES[architecture],
      vocab_size: vocabularySize(file),
      hidden_size: hiddenSize,
      intermediate_size: metadata.needed(
        key('feed_forward_length'),
        sameInAllLayers(metadata, key('feed_forward_length')),
      ),
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: sameInAllLayers(metadata, key('attention.head_count_kv')) ?? heads,
      head_dim: headDim,
      rms_norm_eps: shortest(metadata.needed(key('attention.layer_norm_rms_epsilon'), epsilon)),
      rope_theta: theta,
      rope_scaling: ropeScaling(file, key, theta, headDim),
      tie_word_embeddings: !file.tensors.has('output.weight'),
      max_position_embeddings: count('context_length'),
      attention_bias: architecture !== 'qwen2' && file.tensors.has('blk.0.attn_q.bias'),
      ...(architecture === 'gemma3' ? gemma(metadata, key, { layers, heads, hiddenSize, headDim }) : {}),
      bos_token_id: special.bos,
      eos_token_id: special.eos,
      pad_token_id: special.pad,
    },
    `${file.path} (as config.json)`,
  )
}

function architectureOf(metadata: Metadata): Architecture {
  const kind = metadata.text('general.type') ?? 'model'
  if (kind !== 'model')
    throw metadata.refuse('general.type', kind, ': the file does not hold a language model')
  const architecture = metadata.needed('general.architecture', metadata.text('general.architecture'))
  if (Object.hasOwn(ARCHITECTURES, architecture)) return architecture as Architecture
  const supported = Object.keys(ARCHITECTURES).join(', ')
  throw metadata.refuse(
    'general.architecture',
    architecture,
    `, which is not supported; supported: ${supported}`,
  )
}

function refuseUnsupported(metadata: Metadata, key: (name: string) => string): void {
  const experts = metadata.number(key('expert_count')) ?? 0
  if (experts > 0)
    throw metadata.refuse(key('expert_count'), experts, ': mixtures of experts are not supported')
  const softcap = metadata.number(key('attn_logit_softcapping')) ?? 0
  if (softcap > 0) throw metadata.refuse(key('attn_logit_softcapping'), softcap, ', which is not supported')
}

/** A number that a file gives once, or as a list with one for each layer. */
function sameInAllLayers(metadata: Metadata, key: string): number | undefined {
  if (!metadata.isList(key)) return metadata.count(key)
  const list = metadata.numbers(key)!
  const [first] = list
  if (first === undefined || list.some((one) => one !== first) || !Number.isSafeInteger(first) || first <= 0)
    throw metadata.refuse(key, list, ': layers that differ from each other are not supported')
  return first
}

function vocabularySize(file: GgufFile): number {
  const embedding = file.tensors.get('token_embd.weight')
  if (!embedding) throw new UserError(`${file.path} has no tensor token_embd.weight`)
  return embedding.shape[0] ?? 0
}

/** `rope_scaling` of config.json, or null. */
function ropeScaling(file: GgufFile, key: (name: string) => string, theta: number, headDim: number): unknown {
  const { metadata } = file
  const factors = file.tensors.get(ROPE_FACTORS)
  if (factors) {
    if (factors.shape.join() !== String(headDim / 2))
      throw new UserError(
        `${file.path}: tensor ${ROPE_FACTORS} has the shape [${factors.shape}]; [${headDim / 2}] is expected`,
      )
    return llama3Scaling(file.readRows(factors, 0, 1), theta, `${file.path}: tensor ${ROPE_FACTORS}`)
  }
  const type = metadata.text(key('rope.scaling.type')) ?? 'linear'
  const factor = metadata.number(key('rope.scaling.factor')) ?? metadata.number(key('rope.scale_linear')) ?? 0
  if (type === 'none' || (type === 'linear' && (factor === 0 || factor === 1))) return null
  if (type === 'linear') return { rope_type: type, factor: shortest(factor) }
  throw metadata.refuse(
    key('rope.scaling.type'),
    type,
    ', which is not supported; supported: none, linear, and that of Llama 3',
  )
}

/** The fields that only gemma3_text has. */
function gemma(
  metadata: Metadata,
  key: (name: string) => string,
  { layers, heads, hiddenSize, headDim }: Record<'layers' | 'heads' | 'hiddenSize' | 'headDim', number>,
): Record<string, unknown> {
  const window = metadata.number(key('attention.sliding_window')) ?? 0
  return {
    hidden_activation: 'gelu_pytorch_tanh',
    // llama.cpp knows the 27B by its number of layers. https://github.com/google/gemma_pytorch, config.py
    query_pre_attn_scalar: layers === 62 ? hiddenSize / heads : headDim,
    final_logit_softcapping: metadata.number(key('final_logit_softcapping')) || null,
    rope_local_base_freq: shortest(metadata.number(key('rope.freq_base_swa')) ?? 10_000),
    sliding_window: window || null,
    ...(window === 0
      ? { layer_types: new Array(layers).fill('full_attention') }
      : windowPattern(metadata, key('attention.sliding_window_pattern'), layers)),
  }
}

/** Which layers have a window: all but every n-th, or those that a list names. */
function windowPattern(metadata: Metadata, key: string, layers: number): Record<string, unknown> {
  if (!metadata.isList(key)) return { sliding_window_pattern: metadata.count(key) ?? GEMMA_PATTERN }
  const flags = metadata.flags(key)!
  if (flags.length !== layers)
    throw metadata.refuse(key, flags, `: one value for each of ${layers} layers is expected`)
  return { layer_types: flags.map((slides) => (slides ? 'sliding_attention' : 'full_attention')) }
}

/** The shortest decimal number that is the same as float32: 1e-6 for 9.999999974752427e-7. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return value
}
