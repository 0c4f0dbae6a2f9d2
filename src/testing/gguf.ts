import { BYTE_TO_CHAR } from '../models/bytes.ts'
import { type ModelConfig, type ModelType, parseConfig } from '../models/config.ts'
import { interleaveHeads, storedTensor } from '../models/gguf/tensor-names.ts'
import { ggufHeader, type MetadataValue, type PlannedTensor, padding } from '../models/gguf/write/header.ts'
import { initParameters, parameterShapes } from '../models/parameters.ts'
import { tinyConfigJson } from './models.ts'

/** What a tiny GGUF file for tests is made of; both maps may be changed before `ggufBytes`. */
export interface TinyGguf {
  readonly config: ModelConfig
  /** The model's parameters in Hugging Face's order. */
  readonly parameters: ReadonlyMap<string, Float32Array<ArrayBuffer>>
  readonly metadata: Map<string, MetadataValue>
  readonly tensors: Map<string, { readonly shape: readonly number[]; readonly values: Float32Array }>
}

/** A vocabulary of bytes with two merges, an end and a control token. */
const BYTE_TOKENS = [...BYTE_TO_CHAR, 'he', 'll', '<|endoftext|>', '<|im_end|>', '<tool>']
const BYTE_TYPES = [...new Array(258).fill(1), 3, 3, 4]

/** A tiny model of random numbers, with a byte-level tokenizer. */
export function tinyGguf(type: Exclude<ModelType, 'mistral'> = 'llama', changes = {}): TinyGguf {
  const json = tinyConfigJson(type, { vocab_size: BYTE_TOKENS.length, eos_token_id: 258, ...changes })
  const config = parseConfig(json, 'config.json')
  const parameters = initParameters(config, 1)
  const tensors: TinyGguf['tensors'] = new Map()
  for (const [name, shape] of parameterShapes(config)) {
    const stored = storedTensor(name, config)!
    const values = parameters.get(name)!
    const ordered =
      stored.interleavedHeads === null ? values : interleaveHeads(values, shape[0]!, stored.interleavedHeads)
    tensors.set(stored.name, { shape, values: ordered.map((value) => value + stored.offset) })
  }
  const architecture = type === 'gemma3_text' ? 'gemma3' : type
  const of = (entries: Record<string, MetadataValue>): [string, MetadataValue][] =>
    Object.entries(entries).map(([key, value]) => [`${architecture}.${key}`, value])
  const metadata = new Map<string, MetadataValue>([
    ['general.architecture', { string: architecture }],
    ...of({
      block_count: { uint32: config.numLayers },
      context_length: { uint32: config.maxPositions },
      embedding_length: { uint32: config.hiddenSize },
      feed_forward_length: { uint32: config.intermediateSize },
      'attention.head_count': { uint32: config.numHeads },
      'attention.head_count_kv': { uint32: config.numKvHeads },
      'attention.key_length': { uint32: config.headDim },
      'attention.layer_norm_rms_epsilon': { float32: config.rmsNormEps },
      'rope.freq_base': { float32: config.ropeTheta },
    }),
    ['tokenizer.ggml.model', { string: 'gpt2' }],
    ['tokenizer.ggml.pre', { string: 'qwen2' }],
    ['tokenizer.ggml.tokens', { strings: BYTE_TOKENS }],
    ['tokenizer.ggml.token_type', { int32s: BYTE_TYPES }],
    ['tokenizer.ggml.merges', { strings: ['h e', 'l l'] }],
    ['tokenizer.ggml.eos_token_id', { uint32: 258 }],
  ])
  return { config, parameters, metadata, tensors }
}

/** The pieces of a SentencePiece vocabulary, for `tinyGguf` with a vocabulary of 268. */
export function useSentencePiece({ metadata }: TinyGguf): void {
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
  const pieces = ['▁', 'h', 'e', 'l', '▁h', '▁he', 'll', 'el', '\ufeffh']
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...pieces]
  metadata.delete('tokenizer.ggml.pre')
  metadata.delete('tokenizer.ggml.merges')
  metadata.delete('tokenizer.ggml.eos_token_id')
  metadata.set('tokenizer.ggml.model', { string: 'llama' })
  metadata.set('tokenizer.ggml.tokens', { strings: tokens })
  metadata.set('tokenizer.ggml.token_type', {
    int32s: [2, 3, 3, ...bytes.map(() => 6), ...pieces.map(() => 1)],
  })
  // "▁he" is better than "ll", and "el" is the worst.
  const scores = [-100, -100, -100, -100, -2, -1, -3, -4, -5]
  metadata.set('tokenizer.ggml.scores', { float32s: [0, 0, 0, ...bytes.map(() => 0), ...scores] })
}

/** The bytes of the file, with float32 tensors. */
export function ggufBytes({ metadata, tensors }: Pick<TinyGguf, 'metadata' | 'tensors'>): Buffer {
  const planned = [...tensors].map(([name, { shape }]): PlannedTensor => ({ name, shape, type: 'F32' }))
  const data = [...tensors.values()].flatMap(({ values }) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return [bytes, padding(bytes.length)]
  })
  return Buffer.concat([ggufHeader(metadata, planned), ...data])
}
