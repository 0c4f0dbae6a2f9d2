import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import { loadModel, saveModel } from '../models/checkpoint/directory.ts'
import { type ModelConfig, parseConfig } from '../models/config.ts'
import { openGgufModel } from '../models/gguf/read/convert.ts'
import { readJsonObject } from '../models/json-file.ts'
import { initParameters, type Model, withRewardHead } from '../models/parameters.ts'
import { changedMiniature } from '../testing/changed-miniature.ts'
import { tinyConfigJson } from '../testing/models.ts'
import { exportModel } from './export-model.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'export-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const facts = { name: 'tiny', license: 'mit', base: null, made: 'trained on sums', data: null, measures: [] }

/** Weights for which no bias is 0, no norm the identity, and the distributions are far from uniform. */
function changed(parameters: Model['parameters']): Model['parameters'] {
  const random = new Random('exported')
  for (const [name, w] of parameters)
    for (let i = 0; i < w.length; i++)
      w[i] = /norm|bias/.test(name) ? w[i]! + 0.3 * random.normal() : 5 * w[i]!
  return parameters
}

/** A tiny model with the miniature's tokenizer. */
function model(
  type: ModelConfig['modelType'],
  changes: Record<string, unknown> = {},
): Model & { folder: string } {
  const folder = join(directory, 'model')
  const tokenizer = join(directory, 'tokenizer')
  mkdirSync(tokenizer)
  changedMiniature(tokenizer)
  const config = parseConfig(
    tinyConfigJson(type, {
      vocab_size: 600,
      head_dim: 8,
      hidden_size: 32,
      intermediate_size: 64,
      ...changes,
    }),
    'config.json',
  )
  const made = { config, parameters: changed(initParameters(config, 1)) }
  saveModel(folder, { ...made, tokenizerFrom: tokenizer })
  return { ...made, folder }
}

function run(
  folder: string,
  to: string,
  more: { quant?: string; out?: string } = {},
  signal = new AbortController().signal,
) {
  const out = more.out ?? join(directory, 'out')
  return exportModel({ folder, to, facts, ...more, out }, { progress: () => {}, signal })
}

describe('gguf is read back as it was', () => {
  test.each([
    ['llama', {}],
    [
      'llama',
      {
        tie_word_embeddings: false,
        rope_scaling: {
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 8192,
        },
        rope_theta: 500_000,
      },
    ],
    ['llama', { attention_bias: true, rope_scaling: { rope_type: 'linear', factor: 4 } }],
    ['mistral', { tie_word_embeddings: false, sliding_window: null, rope_theta: 1e6 }],
    ['qwen2', {}],
    ['qwen2', { tie_word_embeddings: false, rms_norm_eps: 1e-5 }],
    ['qwen3', { num_key_value_heads: 4 }],
    ['qwen3', { tie_word_embeddings: false, rope_scaling: { rope_type: 'linear', factor: 2.5 } }],
    ['gemma3_text', { num_hidden_layers: 6, layer_types: undefined, query_pre_attn_scalar: 8 }],
    [
      'gemma3_text',
      {
        num_hidden_layers: 6,
        layer_types: undefined,
        query_pre_attn_scalar: 8,
        tie_word_embeddings: false,
        rope_scaling: { rope_type: 'linear', factor: 8 },
      },
    ],
    ['gemma3_text', { layer_types: ['full_attention', 'full_attention'], query_pre_attn_scalar: 8 }],
  ] as const)('%s %j', async (type, changes) => {
    const { folder, config, parameters } = model(type, changes)
    const readBack = async (quant: string) => {
      const { path, bytes } = await run(folder, 'gguf', { quant, out: join(directory, `${quant}.gguf`) })
      expect(readFileSync(path).length).toBe(bytes)
      const read = await openGgufModel(path)
      const copy = join(directory, quant)
      mkdirSync(copy)
      await read.write(copy, () => {})
      read.close()
      return loadModel(copy)
    }
    const loaded = await readBack('f32')
    for (const [name, values] of loaded.parameters) {
      // gemma3's norms are stored with 1 added
      const tolerance = type === 'gemma3_text' && name.endsWith('norm.weight') ? 2e-7 : 0
      const error = Math.max(...values.map((x, i) => Math.abs(x - parameters.get(name)![i]!)))
      expect(error, name).toBeLessThanOrEqual(tolerance)
    }
    // Files have no type of their own for a mistral.
    const modelType = type === 'mistral' ? 'llama' : type
    const { bosTokenId, eosTokenIds, padTokenId } = loaded.config
    expect(loaded.config).toEqual({ ...config, modelType, bosTokenId, eosTokenIds, padTokenId })
    const rounded = await readBack('q8_0')
    expect(rounded.config).toEqual(loaded.config)
    for (const [name, values] of rounded.parameters) {
      const exact = parameters.get(name)!
      const error = Math.hypot(...values.map((x, i) => x - exact[i]!)) / Math.hypot(...exact)
      expect(error, name).toBeLessThan(0.01)
    }
  })
})

describe('folders', () => {
  test('hf: the model, its card, and the chat template in tokenizer_config.json', async () => {
    const { folder, parameters } = model('qwen3')
    writeFileSync(join(folder, 'chat_template.jinja'), 'a template of its own')
    const { path } = await run(folder, 'hf')
    expect(loadModel(path).parameters).toEqual(parameters)
    expect(readJsonObject(join(path, 'tokenizer_config.json')).chat_template).toContain('<|im_start|>')
    expect(readFileSync(join(path, 'README.md'), 'utf8')).toMatch(
      /^---\nlicense: mit\n(.*\n)*# tiny\n\n.*trained on sums/,
    )
  })
  test('ollama', async () => {
    const { path } = await run(model('llama').folder, 'ollama', { quant: 'q8_0' })
    expect(readdirSync(path).sort()).toEqual(['Modelfile', 'model.gguf'])
    expect(readFileSync(join(path, 'Modelfile'), 'utf8')).toMatch(
      /^FROM \.\/model\.gguf\nTEMPLATE """(.|\n)*"""\n(PARAMETER .*\n)*LICENSE "mit"\n$/,
    )
  })
  test('onnx', async () => {
    const { folder, config } = model('llama')
    const { path } = await run(folder, 'onnx', { quant: 'f16' })
    expect(readdirSync(join(path, 'onnx')).sort()).toEqual(['model_fp16.onnx', 'model_fp16.onnx_data'])
    const genai = readJsonObject(join(path, 'genai_config.json')).model as {
      decoder: Record<string, unknown>
    }
    expect(genai.decoder.filename).toBe('onnx/model_fp16.onnx')
    expect(genai.decoder).toMatchObject({ num_hidden_layers: config.numLayers, head_size: config.headDim })
    expect(readJsonObject(join(path, 'config.json'))['transformers.js_config']).toEqual({
      dtype: 'fp16',
      use_external_data_format: { 'model_fp16.onnx': 1 },
    })
  })
})

describe('a weight that would not be finite is one line, and nothing is written', () => {
  const up = 'model.layers.1.mlp.up_proj.weight'
  const embedding = 'model.embed_tokens.weight'
  /** A model with one value changed. */
  const withValue = (name: string, value: number): string => {
    const { folder, config, parameters } = model('llama')
    parameters.get(name)![5] = value
    saveModel(folder, { config, parameters })
    return folder
  }
  test.each([
    ['gguf', 'f16', up, -70000, 'F16: choose --quant f32 or q8_0 or q4_k_m or bf16'],
    ['gguf', 'f16', up, 65520, 'F16: choose --quant f32 or q8_0 or q4_k_m or bf16'],
    ['gguf', 'q8_0', up, 9e6, 'Q8_0: choose --quant f32 or bf16'],
    // rows of 32 values are stored in 5 bits
    ['gguf', 'q4_k_m', up, -2e6, 'Q5_0: choose --quant f32 or q8_0 or bf16'],
    ['gguf', 'bf16', up, 3.4e38, 'BF16: choose --quant f32'],
    ['ollama', 'f16', embedding, 1e5, 'F16: choose --quant f32 or q8_0 or q4_k_m or bf16'],
    ['hf', 'bf16', 'model.norm.weight', -3.4e38, 'BF16: choose --quant f32'],
    ['onnx', 'f16', up, 66000, 'F16: choose --quant f32 or q4'],
    ['onnx', 'q4', embedding, 66000, 'F16: choose --quant f32'],
  ])('%s %s %s %d', async (to, quant, name, value, message) => {
    const folder = withValue(name, value)
    const shown = Number(Math.fround(value).toPrecision(6))
    await expect(run(folder, to, { quant })).rejects.toThrow(
      `${folder}: tensor ${name} has the value ${shown}, which would become infinite as ${message}`,
    )
    expect(readdirSync(directory).sort()).toEqual(['model', 'tokenizer'])
  })
  test.each([
    ['hf', 'f32', Number.NaN],
    ['gguf', 'f32', Number.POSITIVE_INFINITY],
    ['gguf', 'q4_k_m', Number.NaN],
    ['ollama', 'q8_0', Number.NEGATIVE_INFINITY],
    ['onnx', 'f32', Number.NaN],
    ['onnx', 'q4', Number.POSITIVE_INFINITY],
  ])('%s %s of a model that diverged: %d', async (to, quant, value) => {
    await expect(run(withValue(up, value), to, { quant })).rejects.toThrow(
      `tensor ${up} is not finite (value 5 is ${value}): the training diverged, or the file is damaged; choose an earlier checkpoint`,
    )
    expect(readdirSync(directory).sort()).toEqual(['model', 'tokenizer'])
  })
  test('the largest that a type holds', async () => {
    const out = join(directory, 'model.gguf')
    await run(withValue(up, 65519), 'gguf', { quant: 'f16', out })
    const read = await openGgufModel(out)
    const copy = join(directory, 'copy')
    mkdirSync(copy)
    await read.write(copy, () => {})
    read.close()
    expect(loadModel(copy).parameters.get(up)![5]).toBe(65504)
  })
})

describe('what cannot be exported is one line', () => {
  test.each([
    ['pdf', {}, 'unknown format pdf; one of: hf, gguf, onnx, ollama'],
    ['gguf', { quant: 'q5_1' }, 'gguf has no quantisation q5_1; one of: f16, f32, q8_0, q4_k_m, bf16'],
    ['onnx', { quant: 'q8_0' }, 'onnx has no quantisation q8_0; one of: f32, f16, q4'],
  ])('%s %j', async (to, more, message) => {
    await expect(run(model('llama').folder, to, more)).rejects.toThrow(message)
  })
  test('a reward model', async () => {
    const { folder, ...tiny } = model('llama')
    const reward = join(directory, 'reward')
    saveModel(reward, { ...withRewardHead(tiny, 49, 0), tokenizerFrom: folder })
    await expect(run(reward, 'gguf')).rejects.toThrow('is a reward model, which scores text and writes none')
    const { path } = await run(reward, 'hf')
    expect(loadModel(path).config.head).toBe('score')
  })
  test('a path that exists', async () => {
    mkdirSync(join(directory, 'out'))
    await expect(run(model('llama').folder, 'hf')).rejects.toThrow('out exists: remove it, or choose another')
  })
  test('a tokenizer with more tokens than the model', async () => {
    const { folder } = model('llama', { vocab_size: 100 })
    await expect(run(folder, 'gguf')).rejects.toThrow('they do not belong together')
  })
  test('an architecture that llama.cpp does not have', async () => {
    const { folder } = model('qwen3', { attention_bias: true })
    await expect(run(folder, 'gguf')).rejects.toThrow('llama.cpp has no qwen3 with "attention_bias"')
  })
  test('heads of a qwen2 that are wider together than the model', async () => {
    const { folder } = model('qwen2', { head_dim: 16 })
    await expect(run(folder, 'gguf')).rejects.toThrow('llama.cpp has no qwen2 with "head_dim" other than')
  })
  test.each(['qwen2', 'qwen3', 'gemma3_text'] as const)("Llama 3's scaling of RoPE in a %s", async (type) => {
    const rope_scaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    }
    const layer_types = ['full_attention', 'full_attention']
    const { folder } = model(type, { rope_scaling, query_pre_attn_scalar: 8, layer_types })
    await expect(run(folder, 'gguf')).rejects.toThrow(
      /llama.cpp has no (qwen2|qwen3|gemma3) with Llama 3's scaling/,
    )
  })
})

test.each(['hf', 'gguf', 'onnx', 'ollama'])('an interrupted export to %s leaves nothing', async (to) => {
  const { folder } = model('llama')
  const controller = new AbortController()
  const target = join(directory, 'empty')
  mkdirSync(target)
  const progress = (): void => controller.abort()
  const out = join(target, 'out')
  await expect(
    exportModel(
      { folder, to, facts, out: to === 'gguf' ? `${out}.gguf` : out },
      { progress, signal: controller.signal },
    ),
  ).rejects.toThrow()
  expect(readdirSync(target)).toEqual([])
  expect(existsSync(out)).toBe(false)
})
