import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../../common/files/package.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { ModelConfig } from '../../config.ts'
import { initAdapters, merged, withAdapters } from '../../lora.ts'
import { initParameters, type Model } from '../../parameters.ts'
import { loadConfig, loadModel, saveModel } from '../directory.ts'
import { SafetensorsFile, type StoredTensor, writeSafetensors } from '../safetensors.ts'
import { modelHash, weightsHash } from '../weights-hash.ts'
import { baseHash } from './adapters.ts'
import { baseFolder, nameOfBase } from './find-base.ts'
import { mergeAdapters } from './merge.ts'

const temporary = (): string => mkdtempSync(join(tmpdir(), 'ruminate-peft-'))
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))
const config = tinyConfig('qwen3', { head_dim: 8 })

/** A run's folder with a base model and adapters on it, as the engine saves them. */
function saved(changes: (adapted: ModelConfig) => ModelConfig = (adapted) => adapted) {
  const run = temporary()
  const [base, folder] = [join(run, 'base'), join(run, 'model')]
  const parameters = initParameters(config, 1)
  saveModel(base, { config, parameters, tokenizerFrom: join(packageRoot(), 'models/miniature-base') })
  const adapted = changes(withAdapters(config, { rank: 2, alpha: 3, targets: 'all-linear' }))
  const adapters = initAdapters(adapted, 5)
  let i = 0
  for (const values of adapters.values())
    for (let k = 0; k < values.length; k++) values[k] = 0.1 * Math.sin(i++)
  const model = { config: adapted, parameters: new Map([...parameters, ...adapters]) }
  saveModel(folder, { ...model, base: { folder: base, hash: baseHash({ config, parameters }) } })
  return { run, base, folder, model }
}

/** A copy of a PEFT folder of PEFT, whose adapter_config.json is changed. */
function changed(change: Record<string, unknown>, name = 'peft/llama'): string {
  const folder = join(temporary(), 'adapters')
  cpSync(fixture(name), folder, { recursive: true })
  const path = join(folder, 'adapter_config.json')
  const json = JSON.parse(readFileSync(path, 'utf8'))
  const base = join(fixture(name), json.base_model_name_or_path)
  writeFileSync(path, JSON.stringify({ ...json, base_model_name_or_path: base, ...change }))
  return folder
}

/** Removes the tensors whose names match a pattern, or do not. */
function drop(tensors: Map<string, StoredTensor>, pattern: RegExp, matching = true): void {
  for (const name of [...tensors.keys()]) if (pattern.test(name) === matching) tensors.delete(name)
}

/** A copy of a PEFT folder of PEFT with other tensors. */
function withTensors(change: (tensors: Map<string, StoredTensor>) => void, name = 'peft/llama'): string {
  const folder = changed({}, name)
  const path = join(folder, 'adapter_model.safetensors')
  const file = new SafetensorsFile(path)
  const tensors = new Map(
    [...file.tensors].map(([name, { shape }]) => [name, { shape, data: file.read(name) }] as const),
  )
  file.close()
  change(tensors)
  writeSafetensors(path, tensors, { dtype: 'F32' })
  return folder
}

/** Changes the adapter_config.json of a folder. */
function set(folder: string, change: object): string {
  const path = join(folder, 'adapter_config.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }))
  return folder
}

describe('a PEFT folder is a model folder', () => {
  test('its configuration is that of the base; its weights are merged, in double precision', () => {
    const { folder, model } = saved()
    expect(loadConfig(folder)).toEqual({ ...config, adapters: undefined })
    const { parameters } = loadModel(folder)
    expect(parameters).toEqual(merged(model as Model).parameters)
    const [w, a, b] = ['weight', 'lora_A.weight', 'lora_B.weight'].map(
      (name) => model.parameters.get(`model.layers.1.mlp.up_proj.${name}`)!,
    )
    // row 3, column 5 of W + alpha/rank·B A
    const expected = w![3 * 16 + 5]! + 1.5 * (b![6]! * a![5]! + b![7]! * a![16 + 5]!)
    expect(parameters.get('model.layers.1.mlp.up_proj.weight')![3 * 16 + 5]).toBe(Math.fround(expected))
  })

  test('is written with the names and the settings of PEFT', () => {
    const { folder, base } = saved()
    const json = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
    expect(json).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: base,
      r: 2,
      lora_alpha: 3,
      target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    })
    const names = [...new SafetensorsFile(join(folder, 'adapter_model.safetensors')).tensors.keys()]
    expect(names).toHaveLength(2 * 7 * 2)
    expect(names[0]).toBe('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight')
  })

  test('adapters of a model with vision are read as those of its language model', () => {
    const folder = withTensors((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name)
        tensors.set(name.replace('.model.layers.', '.model.language_model.layers.'), tensor)
      }
      const vision = 'base_model.model.model.vision_tower.encoder.layers.0.self_attn.q_proj'
      tensors.set(`${vision}.lora_A.weight`, { shape: [2, 3], data: new Float32Array(6) })
    }, 'peft/gemma3')
    expect(loadModel(folder)).toEqual(loadModel(fixture('peft/gemma3')))
  })

  test('the merged model can be written, in float32 or rounded to bfloat16', async () => {
    const { folder, run } = saved()
    await mergeAdapters(folder, join(run, 'merged'), 'F32')
    expect(loadModel(join(run, 'merged')).parameters).toEqual(loadModel(folder).parameters)
    await mergeAdapters(folder, join(run, 'half'), 'BF16')
    expect(JSON.parse(readFileSync(join(run, 'half', 'config.json'), 'utf8')).torch_dtype).toBe('bfloat16')
    await expect(mergeAdapters(folder, join(run, 'merged'), 'F32')).rejects.toThrow(/not empty/)
    await expect(mergeAdapters(join(run, 'merged'), join(run, 'again'), 'F32')).rejects.toThrow(
      /plain model already/,
    )
  })

  test('is not merged into weights that are not finite', async () => {
    const b = 'base_model.model.model.layers.1.mlp.up_proj.lora_B.weight'
    const folder = withTensors((tensors) => tensors.get(b)!.data.fill(Number.NaN))
    const out = join(temporary(), 'merged')
    await expect(mergeAdapters(folder, out, 'BF16')).rejects.toThrow(
      'tensor model.layers.1.mlp.up_proj.weight is not finite (value 0 is NaN)',
    )
    expect(existsSync(out)).toBe(false)
  })

  test('its hash depends on the adapters, their strength and the base, not on where they are', async () => {
    const { folder, run } = saved()
    const both = async (at: string) => [await weightsHash(at), await modelHash(at)]
    const first = await both(folder)
    const moved = join(temporary(), 'elsewhere')
    renameSync(run, moved)
    expect(await both(join(moved, 'model'))).toEqual(first)
    const path = join(moved, 'model', 'adapter_config.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"lora_alpha": 3', '"lora_alpha": 4'))
    expect((await both(join(moved, 'model')))[1]).not.toBe(first[1])
  })
})

describe('the base model', () => {
  test('is found after the run was moved, and by the name of an embedded model', () => {
    const { run } = saved()
    const moved = join(temporary(), 'moved')
    renameSync(run, moved)
    expect(baseFolder(join(moved, 'model'))).toBe(join(moved, 'base'))
    mkdirSync(join(moved, 'checkpoints', 'step-1'), { recursive: true })
    renameSync(join(moved, 'model'), join(moved, 'checkpoints', 'step-1', 'reference'))
    expect(baseFolder(join(moved, 'checkpoints', 'step-1', 'reference'))).toBe(join(moved, 'base'))

    // a stage's base, not that of the run, which has the same name
    const adapters = changed({ base_model_name_or_path: '/gone/r1-1/rl-1/base' })
    const r1 = join(temporary(), 'renamed')
    for (const stage of ['.', 'rl-1'])
      saveModel(join(r1, stage, 'base'), { config, parameters: initParameters(config, 1) })
    renameSync(adapters, join(r1, 'model'))
    expect(baseFolder(join(r1, 'model'))).toBe(join(r1, 'rl-1', 'base'))

    const embedded = baseFolder(changed({ base_model_name_or_path: 'miniature-base' }))
    expect(loadConfig(embedded).modelType).toBe('llama')
    expect(nameOfBase(embedded)).toEqual({ name: 'miniature-base', revision: null })
  })

  test('of the hub is found in its cache, by its id and commit', () => {
    const cache = temporary()
    const commit = 'a'.repeat(40)
    const snapshot = join(cache, 'models--owner--name', 'snapshots', commit)
    saveModel(snapshot, { config, parameters: initParameters(config, 1) })
    mkdirSync(join(cache, 'models--owner--name', 'refs'))
    writeFileSync(join(cache, 'models--owner--name', 'refs', 'main'), commit)
    process.env.HF_HUB_CACHE = cache
    try {
      expect(nameOfBase(snapshot)).toEqual({ name: 'owner/name', revision: commit })
      for (const revision of [commit, 'main', null])
        expect(baseFolder(changed({ base_model_name_or_path: 'owner/name', revision }))).toBe(snapshot)
    } finally {
      delete process.env.HF_HUB_CACHE
    }
  })

  test('that was changed since is refused, by the hash of its weights', () => {
    const { folder, base } = saved()
    saveModel(base, { config, parameters: initParameters(config, 2) })
    expect(() => loadModel(folder)).toThrow(/trained on a base model with other weights than .*base has now/)
  })

  test.each([
    [
      { base_model_name_or_path: '/gone/model' },
      /the base model \/gone\/model is not there; set "base_model_name_or_path"/,
    ],
    [{ base_model_name_or_path: null }, /names no base model/],
    [{ base_model_name_or_path: fixture('peft/llama') }, /is a PEFT folder itself; `ruminate merge/],
    // another architecture
    [
      { base_model_name_or_path: fixture('qwen2') },
      /adapter_model.safetensors: tensor .* has shape .*require/,
    ],
  ])('%o is refused in one line', (change, message) => {
    const folder = changed(change)
    expect(() => loadModel(folder)).toThrow(message)
    expect(() => loadConfig(folder)).toThrow(message)
    expect(() => loadModel(folder)).not.toThrow(/\n/)
  })
})

describe('refused in one line', () => {
  test.each([
    [{ peft_type: 'PREFIX_TUNING' }, /"peft_type" is "PREFIX_TUNING"; supported: "LORA"/],
    [{ use_dora: true }, /"use_dora" is true, which is not supported; supported: false/],
    [{ bias: 'all' }, /"bias" is "all".*supported: "none"/],
    [{ lora_bias: true }, /"lora_bias" is true/],
    [{ fan_in_fan_out: true }, /"fan_in_fan_out" is true/],
    [
      { init_lora_weights: 'pissa_niter_4' },
      /"init_lora_weights" is "pissa_niter_4", which changes the base model too/,
    ],
    [{ layer_replication: [[0, 1]] }, /"layer_replication" is/],
    [{ trainable_token_indices: [1] }, /"trainable_token_indices" is/],
    [{ layers_pattern: 'h' }, /"layers_pattern" is "h"/],
    [{ r: 0 }, /is damaged: "r"/],
    [{ r: 8 }, /tensor .*down_proj.lora_A.weight has shape \[4,24\].*require \[8,24\]/],
    [{ rank_pattern: { q_proj: 2 } }, /tensor .*q_proj.lora_A.weight has shape \[4,32\].*require \[2,32\]/],
    [{ rank_pattern: { '(': 2 } }, /is no regular expression/],
    [{ use_new_variant: true }, /"use_new_variant" is true, which is not supported; supported: false/],
    [{ new_variant_config: { x: 1 } }, /"new_variant_config" is {"x":1}, .*; supported: null/],
    [
      { target_modules: ['c_attn', 'query'] },
      /adapter_config.json: "target_modules" .*names no linear layer of the base model .*llama; it has q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head$/,
    ],
    [{ target_modules: [] }, /names no linear layer/],
    [{ exclude_modules: '.*_proj' }, /names no linear layer/],
    [{ layers_to_transform: [9] }, /names no linear layer/],
    [
      { target_modules: ['up_proj'] },
      /unexpected tensor .*: .*adapter_config.json gives that layer no adapter/,
    ],
    [{ exclude_modules: ['v_proj'] }, /unexpected tensor .*v_proj.lora_A.weight: .*no adapter/],
    [{ layers_to_transform: 1 }, /unexpected tensor .*layers\.0.*: .*no adapter/],
    // PEFT's default: q_proj and v_proj
    [{ target_modules: null }, /unexpected tensor .*: .*no adapter/],
    [
      { target_modules: ['q_proj', 'embed_tokens'] },
      /names model.embed_tokens of .*, for which adapters are/,
    ],
    [{ target_modules: '.*norm' }, /names model.layers.0.input_layernorm of .*not supported/],
    [{ modules_to_save: ['lm_head'] }, /tensors are missing: lm_head.weight$/],
    [
      { modules_to_save: ['norm'] },
      /tensors are missing: model.layers.0.input_layernorm.weight, .*, model.norm.weight$/,
    ],
    [{ modules_to_save: ['layers.1.mlp'] }, /tensors are missing: .*gate_proj.weight/],
    [{ modules_to_save: 'lm_head' }, /is damaged: "modules_to_save"/],
    [{ task_type: 'SEQ_CLS' }, /tensors are missing: score.weight$/],
  ])('%o', (change, message) => {
    expect(() => loadModel(changed(change))).toThrow(message)
    expect(() => loadConfig(changed(change))).toThrow(message)
  })

  test('tensors that are missing, unknown or misshapen, and files that are damaged', () => {
    const a = 'base_model.model.model.layers.1.mlp.up_proj.lora_A.weight'
    expect(() => loadModel(withTensors((t) => t.delete(a)))).toThrow(
      'tensors are missing: model.layers.1.mlp.up_proj.lora_A.weight',
    )
    const layer = /model\.layers\.1\.mlp\.up_proj\.lora/
    expect(() => loadModel(withTensors((t) => drop(t, layer)))).toThrow(
      /tensors are missing: model.layers.1.mlp.up_proj.lora_A.weight, model/,
    )
    const extra = { shape: [1], data: new Float32Array(1) }
    for (const name of [
      'base_model.model.model.layers.7.mlp.up_proj.lora_A.weight',
      'base_model.model.x.lora_magnitude_vector',
    ])
      expect(() => loadModel(withTensors((t) => t.set(name, extra)))).toThrow(`unexpected tensor ${name}`)
    expect(() => loadModel(withTensors((t) => t.set('other', extra)))).toThrow(/other is not one of PEFT's/)
    const cut = changed({})
    truncateSync(join(cut, 'adapter_model.safetensors'), 9000)
    expect(() => loadModel(cut)).toThrow(/adapter_model.safetensors/)
    const config = changed({})
    writeFileSync(join(config, 'adapter_config.json'), '{"peft_type": "LO')
    expect(() => loadModel(config)).toThrow(/adapter_config.json is damaged/)
    const none = changed({})
    renameSync(join(none, 'adapter_model.safetensors'), join(none, 'adapter_model.bin'))
    expect(() => loadModel(none)).toThrow(
      /has no adapter_model.safetensors; adapter_model.bin has another format/,
    )
  })
})

test('embeddings of their own, where the base model also uses them as its output layer', () => {
  const name = 'base_model.model.model.embed_tokens.weight'
  const folder = withTensors(
    (t) => t.set(name, { shape: [40, 16], data: new Float32Array(40 * 16) }),
    'peft/qwen2',
  )
  const saves = { modules_to_save: ['embed_tokens'] }
  expect(() => loadModel(set(folder, saves))).toThrow(
    /adapter_config.json: "modules_to_save" has the embeddings, which .* also uses as its output layer/,
  )
  const { parameters } = loadModel(set(folder, { ...saves, ensure_weight_tying: true }))
  expect(parameters.get('model.embed_tokens.weight')!.every((x) => x === 0)).toBe(true)
})

test('targets and patterns with the names of a model with vision', () => {
  const renamed = withTensors((tensors) => {
    for (const [name, tensor] of [...tensors]) {
      tensors.delete(name)
      tensors.set(name.replace('.model.layers.', '.model.language_model.layers.'), tensor)
    }
  }, 'peft/gemma3')
  const plain = loadModel(renamed)
  const named = { target_modules: '(?:.*?language_model.*?(?:self_attn|mlp).*?_proj)' }
  expect(loadModel(set(renamed, named))).toEqual(plain)
  const layer = 'layers.0.self_attn.q_proj'
  const alphas = [layer, `model.language_model.${layer}`].map((key) =>
    loadModel(set(renamed, { ...named, alpha_pattern: { [key]: 9 } })).parameters.get(
      `model.${layer}.weight`,
    ),
  )
  expect(alphas[0]).not.toEqual(plain.parameters.get(`model.${layer}.weight`))
  expect(alphas[1]).toEqual(alphas[0])
  expect(() => loadModel(set(renamed, { target_modules: '.*language_model.*(q|k)_proj' }))).toThrow(
    /unexpected tensor .*no adapter/,
  )
})

test('targets as PEFT reads them: a regular expression, and layers to transform', () => {
  const kept = (pattern: RegExp) => withTensors((t) => drop(t, pattern, false))
  const only = kept(/layers\.1\.self_attn\.q_proj/)
  expect(() => loadModel(only)).toThrow(/tensors are missing/)
  const q = { target_modules: '.*\\.1\\.self_attn\\.q_proj' }
  expect(() => loadModel(set(only, q))).not.toThrow()
  const layer1 = kept(/layers\.1\./)
  expect(() => loadModel(layer1)).toThrow(/tensors are missing/)
  expect(() => loadModel(set(layer1, { layers_to_transform: [1] }))).not.toThrow()
})

test('a head and embeddings that PEFT saved whole replace those of the base', () => {
  const { parameters } = loadModel(
    withTensors((t) =>
      t.set('base_model.model.lm_head.weight', { shape: [40, 32], data: new Float32Array(40 * 32).fill(2) }),
    ),
  )
  expect(parameters.get('lm_head.weight')!.every((x) => x === 2)).toBe(true)
})
