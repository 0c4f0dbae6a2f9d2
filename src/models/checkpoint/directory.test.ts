import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { tinyConfig } from '../../testing/models.ts'
import { toConfigJson } from '../config.ts'
import { initParameters, parameterShapes, withRewardHead } from '../parameters.ts'
import { loadModel, saveModel } from './directory.ts'
import { addEosTokenIds } from './generation-config.ts'
import { SafetensorsFile, type StoredTensor, writeSafetensors } from './safetensors.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'model-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const config = tinyConfig('qwen3')
const parameters = initParameters(config, 1)

/** Saves the model with its tensors as `change` leaves them. */
function writeWeights(change: (tensors: Map<string, StoredTensor>) => void): void {
  saveModel(directory, { config, parameters })
  const tensors = new Map<string, StoredTensor>()
  for (const [name, shape] of parameterShapes(config))
    tensors.set(name, { shape, data: parameters.get(name)! })
  change(tensors)
  writeSafetensors(join(directory, 'model.safetensors'), tensors, { dtype: 'F32' })
}

describe('saveModel and loadModel', () => {
  it.each<Parameters<typeof tinyConfig>>([
    ['qwen3', {}],
    ['qwen2', { tie_word_embeddings: false }],
    ['llama', { attention_bias: true }],
  ])('a %s %j survives a round trip', (type, changes) => {
    const config = tinyConfig(type, changes)
    const parameters = initParameters(config, 3)
    saveModel(directory, { config, parameters })
    expect(loadModel(directory)).toEqual({ config, parameters })
    expect(readdirSync(directory).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ])
  })

  it('a reward model survives a round trip and has no generation_config.json', () => {
    const model = withRewardHead({ config, parameters: initParameters(config, 3) }, 7, 0)
    saveModel(directory, model)
    expect(loadModel(directory)).toEqual(model)
    expect(readdirSync(directory).sort()).toEqual(['config.json', 'model.safetensors'])
  })

  it('reads the language model of a model with vision, and saves it alone', () => {
    const fixture = fileURLToPath(new URL('../fixtures/gemma3-vision', import.meta.url))
    const model = loadModel(fixture)
    saveModel(directory, model)
    expect(loadModel(directory)).toEqual(model)
    const stored = new SafetensorsFile(join(directory, 'model.safetensors'))
    stored.close()
    expect([...stored.tensors.keys()]).toEqual([...parameterShapes(model.config).keys()])
    // as Transformers 5 names the tensors without converting them
    const named = [...model.parameters].map(([name, data]) => {
      const shape = parameterShapes(model.config).get(name)!
      return [name.replace(/^model\./, 'model.language_model.'), { shape, data }] as const
    })
    const tensors = new Map<string, StoredTensor>(named)
    tensors.set('model.vision_tower.x.weight', { shape: [1], data: new Float32Array(1) })
    writeSafetensors(join(directory, 'model.safetensors'), tensors, { dtype: 'F32' })
    expect(loadModel(directory)).toEqual(model)
  })

  it('saves as bfloat16', () => {
    saveModel(directory, { config, parameters, dtype: 'BF16' })
    const loaded = loadModel(directory).parameters
    for (const [name, values] of parameters)
      for (const [i, x] of values.entries())
        expect(Math.abs(loaded.get(name)![i]! - x)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -8)
    expect(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')).torch_dtype).toBe('bfloat16')
  })

  it('shards weights over the limit, and replaces a model that was there', () => {
    saveModel(directory, { config, parameters })
    saveModel(directory, { config, parameters, maxShardBytes: 4000 })
    const shards = readdirSync(directory).filter((name) => name.endsWith('.safetensors'))
    expect(shards.length).toBeGreaterThan(2)
    expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`)
    const index = JSON.parse(readFileSync(join(directory, 'model.safetensors.index.json'), 'utf8'))
    expect(Object.keys(index.weight_map)).toEqual([...parameters.keys()])
    expect(index.metadata.total_size).toBe([...parameters.values()].reduce((sum, v) => sum + v.byteLength, 0))
    expect(loadModel(directory).parameters).toEqual(parameters)
    saveModel(directory, { config, parameters })
    expect(readdirSync(directory).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ])
  })

  it('copies the tokenizer', () => {
    const source = join(directory, 'source')
    const target = join(directory, 'target')
    mkdirSync(source)
    const save = () => saveModel(target, { config, parameters, tokenizerFrom: source })
    expect(save).toThrow(`${source} has no tokenizer.json`)
    const files = {
      'tokenizer.json': 't',
      'tokenizer_config.json': 'c',
      'generation_config.json': '{"top_k": 20}',
    }
    for (const [name, text] of Object.entries({ ...files, other: 'o' }))
      writeFileSync(join(source, name), text)
    save()
    for (const [name, text] of Object.entries(files))
      expect(readFileSync(join(target, name), 'utf8')).toBe(text)
    expect(existsSync(join(target, 'other'))).toBe(false)
  })

  it.each([
    ['chat_template.jinja', 'T', '{}', 'T'],
    ['chat_template.json', '{"chat_template": "T"}', '{}', 'T'],
    ['chat_template.jinja', 'T', '{"chat_template": "own"}', 'own'],
  ])(
    'the chat template of %s (%s) is put into tokenizer_config.json, here %s',
    (name, text, own, template) => {
      const source = join(directory, 'source')
      mkdirSync(source)
      const files = { 'tokenizer.json': '{}', 'tokenizer_config.json': own, [name]: text }
      for (const [file, content] of Object.entries(files)) writeFileSync(join(source, file), content)
      const target = join(directory, 'target')
      saveModel(target, { config, parameters, tokenizerFrom: source })
      expect(JSON.parse(readFileSync(join(target, 'tokenizer_config.json'), 'utf8')).chat_template).toBe(
        template,
      )
      expect(existsSync(join(target, name))).toBe(true)
    },
  )

  it('a tokenizer whose files may not be written to can be saved twice', () => {
    const source = join(directory, 'source')
    mkdirSync(source)
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      writeFileSync(join(source, name), '{}')
      chmodSync(join(source, name), 0o444)
    }
    for (let i = 0; i < 2; i++)
      saveModel(join(directory, 'target'), { config, parameters, tokenizerFrom: source })
    expect(statSync(join(directory, 'target', 'tokenizer.json')).mode & 0o200).toBe(0o200)
  })

  it.each([
    ['{"temperature": 0.6, "eos_token_id": 3}', [4, 3], { temperature: 0.6, eos_token_id: [3, 4] }],
    ['{"top_p": 0.95, "eos_token_id": [3, 4]}', [], { top_p: 0.95, eos_token_id: [3, 4] }],
    [null, [4], { bos_token_id: null, eos_token_id: [48, 4], pad_token_id: 49 }],
    [null, [], { bos_token_id: null, eos_token_id: 48, pad_token_id: 49 }],
  ])('generation_config.json: %s and the ends %j', (source, eosTokenIds, saved) => {
    const from = join(directory, 'source')
    mkdirSync(from)
    writeFileSync(join(from, 'tokenizer.json'), '{}')
    mkdirSync(join(from, 'additional_chat_templates'))
    writeFileSync(join(from, 'additional_chat_templates', 'tool_use.jinja'), 'tools')
    if (source !== null) writeFileSync(join(from, 'generation_config.json'), source)
    saveModel(directory, { config, parameters, tokenizerFrom: from })
    addEosTokenIds(directory, eosTokenIds)
    expect(readFileSync(join(directory, 'additional_chat_templates', 'tool_use.jinja'), 'utf8')).toBe('tools')
    expect(JSON.parse(readFileSync(join(directory, 'generation_config.json'), 'utf8'))).toEqual(saved)
  })

  it('accepts a tied output layer that is stored as well', () => {
    const data = parameters.get('model.embed_tokens.weight')!
    writeWeights((tensors) => tensors.set('lm_head.weight', { shape: [50, 16], data }))
    expect(loadModel(directory).parameters).toEqual(parameters)
  })

  it('ignores the frequencies in old checkpoints', () => {
    const extra = { shape: [2], data: new Float32Array(2) }
    writeWeights((tensors) => tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', extra))
    expect(loadModel(directory).parameters).toEqual(parameters)
  })
})

describe('a folder that cannot be made', () => {
  it('is a file', () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const save = () => saveModel(file, { config, parameters })
    expect(save).toThrow(`cannot create ${file}: a file with that name already exists`)
  })

  it.skipIf(!existsSync('/proc'))('is inside /proc', () => {
    expect(() => saveModel('/proc/ruminate/model', { config, parameters })).toThrow(
      /^cannot create \/proc\/ruminate\/model: /,
    )
  })
})

describe('a directory that is wrong', () => {
  const weights = () => join(directory, 'model.safetensors')
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) })
  it.each<[string, () => void, string]>([
    ['no config', () => {}, 'is not a model folder: it has no config.json'],
    [
      'no weights',
      () => writeFileSync(join(directory, 'config.json'), JSON.stringify(toConfigJson(config))),
      'has no weights: neither model.safetensors nor model.safetensors.index.json',
    ],
    [
      'weights of another format',
      () => {
        saveModel(directory, { config, parameters })
        rmSync(weights())
        writeFileSync(join(directory, 'pytorch_model.bin'), '')
      },
      'pytorch_model.bin has another format: convert it to safetensors',
    ],
    [
      'half-written weights',
      () => {
        saveModel(directory, { config, parameters })
        truncateSync(weights(), 10_000)
      },
      'model.safetensors is not a complete safetensors file',
    ],
    [
      'a missing shard',
      () => {
        saveModel(directory, { config, parameters, maxShardBytes: 8000 })
        rmSync(join(directory, readdirSync(directory).find((n) => n.startsWith('model-00002'))!))
      },
      'there is no such file or folder',
    ],
    [
      'an index that points to another folder',
      () => {
        saveModel(directory, { config, parameters })
        rmSync(weights())
        writeFileSync(`${weights()}.index.json`, '{"weight_map": {"a": "../b"}}')
      },
      '"weight_map" names "../b", not a file beside it',
    ],
    [
      'a missing tensor',
      () => writeWeights((t) => t.delete('model.norm.weight')),
      'tensors are missing: model.norm.weight',
    ],
    [
      'a foreign tensor',
      () => writeWeights((t) => t.set('visual.weight', zeros(2))),
      'does not have: visual.weight',
    ],
    [
      'a wrong shape',
      () => writeWeights((t) => t.set('model.norm.weight', zeros(17))),
      'tensor model.norm.weight has shape [17]; config.json requires [16]',
    ],
    [
      'a tied layer that differs',
      () => writeWeights((t) => t.set('lm_head.weight', zeros(50, 16))),
      'lm_head.weight differs from model.embed_tokens.weight at value 0',
    ],
  ])('%s', (_, make, message) => {
    make()
    const load = () => loadModel(directory)
    expect(load).toThrow(UserError)
    expect(load).toThrow(message)
  })

  it('a missing folder, a file', () => {
    expect(() => loadModel('/nowhere')).toThrow('there is no model folder /nowhere')
    writeFileSync(join(directory, 'file'), '')
    expect(() => loadModel(join(directory, 'file'))).toThrow('is a file; a model is a folder')
  })

  it('refuses to save other parameters than the model has', () => {
    const save = (change: (p: typeof parameters) => void) => () => {
      const changed = new Map(parameters)
      change(changed)
      saveModel(directory, { config, parameters: changed })
    }
    expect(save((p) => p.delete('model.norm.weight'))).toThrow('parameter model.norm.weight is missing')
    expect(save((p) => p.set('extra', new Float32Array(1)))).toThrow('extra is not a parameter of this qwen3')
  })
})
