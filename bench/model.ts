import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/common/errors.ts'
import { Random } from '../src/common/random.ts'
import { loadConfig, saveModel } from '../src/models/checkpoint/directory.ts'
import { type ModelConfig, parseConfig } from '../src/models/config.ts'
import { countParameters, initParameters, parameterShapes } from '../src/models/parameters.ts'
import { Tokenizer } from '../src/models/tokenizer/tokenizer.ts'
import {
  fixedTokens,
  SPECIAL_TOKENS,
  saveTokenizer,
  specialTokenList,
} from '../src/models/tokenizer/tokenizer-files.ts'
import { trainBpe } from '../src/models/tokenizer/train-bpe.ts'
import { chatTemplate } from '../src/renderer/own-template.ts'
import { corpusDocuments } from '../src/tasks/miniature/index.ts'

type Shape = Pick<
  ModelConfig,
  'hiddenSize' | 'intermediateSize' | 'numLayers' | 'numHeads' | 'numKvHeads' | 'headDim'
> &
  Partial<Pick<ModelConfig, 'vocabSize' | 'modelType'>>

/** Qwen3 decoders over the miniature's vocabulary of 576, unless another type or a larger vocabulary is given. */
const sizes: Readonly<Record<string, Shape>> = {
  // the shape of miniature-base
  miniature: {
    modelType: 'llama',
    hiddenSize: 128,
    intermediateSize: 344,
    numLayers: 4,
    numHeads: 4,
    numKvHeads: 4,
    headDim: 32,
  },
  '25M': {
    hiddenSize: 512,
    intermediateSize: 1536,
    numLayers: 8,
    numHeads: 8,
    numKvHeads: 4,
    headDim: 64,
  },
  '150M': {
    hiddenSize: 1024,
    intermediateSize: 3072,
    numLayers: 12,
    numHeads: 16,
    numKvHeads: 8,
    headDim: 64,
  },
  // the shape of SmolLM2-135M
  '135M': {
    vocabSize: 49_152,
    hiddenSize: 576,
    intermediateSize: 1536,
    numLayers: 30,
    numHeads: 9,
    numKvHeads: 3,
    headDim: 64,
  },
  // the shape of Qwen2.5-0.5B
  '0.5B': {
    vocabSize: 151_936,
    hiddenSize: 896,
    intermediateSize: 4864,
    numLayers: 24,
    numHeads: 14,
    numKvHeads: 2,
    headDim: 64,
  },
  // the shape of Qwen2.5-1.5B
  '1.5B': {
    vocabSize: 151_936,
    hiddenSize: 1536,
    intermediateSize: 8960,
    numLayers: 28,
    numHeads: 12,
    numKvHeads: 2,
    headDim: 128,
  },
}

/** A model folder that both sides load. */
export interface BenchModel {
  readonly directory: string
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  /** Description of its size. */
  readonly title: string
  /** Is one step long enough for a repetition? */
  readonly large: boolean
}

/** Models of more parameters take less work per repetition. */
const LARGE_PARAMETERS = 100_000_000

const BASE = fileURLToPath(new URL('../models/miniature-base', import.meta.url))

/**
 * Makes a model with random weights in a temporary folder, removed when the process ends. Times do not depend on
 * weights.
 */
export function benchModel(size: string): BenchModel {
  const shape = sizes[size]
  if (!shape) throw new UserError(`unknown size "${size}"; choose one of ${Object.keys(sizes).join(', ')}`, 2)
  const directory = mkdtempSync(join(tmpdir(), 'ruminate-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const source = existsSync(BASE) ? BASE : makeTokenizer(join(directory, 'tokenizer'))
  const tokenizer = Tokenizer.load(source)
  const config = parseConfig(
    {
      model_type: shape.modelType ?? 'qwen3',
      vocab_size: shape.vocabSize ?? tokenizer.vocabSize,
      hidden_size: shape.hiddenSize,
      intermediate_size: shape.intermediateSize,
      num_hidden_layers: shape.numLayers,
      num_attention_heads: shape.numHeads,
      num_key_value_heads: shape.numKvHeads,
      head_dim: shape.headDim,
      max_position_embeddings: 1024,
      tie_word_embeddings: true,
      eos_token_id: tokenizer.eosId,
      pad_token_id: tokenizer.padId,
    },
    size,
  )
  const large = countParameters(config) > LARGE_PARAMETERS
  const parameters = large ? repeatedParameters(config) : initParameters(config, 0)
  saveModel(directory, { config, parameters, dtype: large ? 'BF16' : 'F32', tokenizerFrom: source })
  return described(size, directory, config, tokenizer)
}

/** A model in a folder. */
export function folderModel(directory: string): BenchModel {
  return described(basename(directory), directory, loadConfig(directory), Tokenizer.load(directory))
}

function described(name: string, directory: string, config: ModelConfig, tokenizer: Tokenizer): BenchModel {
  const parameters = countParameters(config)
  const title = `${name}: ${config.modelType}, ${config.numLayers} layers, width ${config.hiddenSize}, vocabulary ${config.vocabSize}, ${(parameters / 1e6).toFixed(1)} M float32 parameters`
  return { directory, config, tokenizer, title, large: parameters > LARGE_PARAMETERS }
}

/** Parameters of a large model, made fast and in little memory: the matrices are parts of one random vector. */
function repeatedParameters(config: ModelConfig): Map<string, Float32Array> {
  const shapes = [...parameterShapes(config)].map(
    ([name, shape]) => [name, shape, shape.reduce((a, b) => a * b, 1)] as const,
  )
  const random = new Float32Array(Math.max(...shapes.map(([, , size]) => size)))
  const generator = new Random('bench', 'weights')
  for (let i = 0; i < random.length; i++) random[i] = 0.05 * (generator.uniform() - 0.5)
  return new Map(
    shapes.map(([name, shape, size]) => [
      name,
      shape.length === 1 ? new Float32Array(size).fill(1) : random.subarray(0, size),
    ]),
  )
}

function makeTokenizer(directory: string): string {
  const bpe = trainBpe(corpusDocuments(0, 500), {
    size: 576 - fixedTokens(SPECIAL_TOKENS),
    specialTokens: specialTokenList(SPECIAL_TOKENS),
  })
  saveTokenizer(directory, {
    ...bpe,
    specialTokens: SPECIAL_TOKENS,
    chatTemplate: chatTemplate(),
    maxLength: 1024,
  })
  return directory
}
