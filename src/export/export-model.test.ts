import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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
  const made = { config, parameters: initParameters(config, 1) }
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
    ['qwen2', {}],
    ['qwen3', { num_key_value_heads: 4 }],
    ['gemma3_text', { num_hidden_layers: 6, layer_types: undefined, query_pre_attn_scalar: 8 }],
  ] as const)('%s %j', async (type, changes) => {
    const { folder, config, parameters } = model(type, changes)
    const { path, bytes } = await run(folder, 'gguf', { quant: 'f32', out: join(directory, 'x.gguf') })
    expect(readFileSync(path).length).toBe(bytes)
    const read = await openGgufModel(path)
    const copy = join(directory, 'copy')
    mkdirSync(copy)
    await read.write(copy, () => {})
    read.close()
    const loaded = loadModel(copy)
    expect(loaded.parameters).toEqual(parameters)
    for (const name of ['ropeScaling', 'localRope', 'windows', 'headDim', 'rmsNormEps'] as const)
      expect(loaded.config[name], name).toEqual(config[name])
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
