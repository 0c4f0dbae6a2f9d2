import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import { withEngine } from '../engines/open.ts'
import { loadConfig, loadModel, saveModel } from '../models/checkpoint/directory.ts'
import { baseFolder } from '../models/checkpoint/peft/find-base.ts'
import { writeSafetensors } from '../models/checkpoint/safetensors.ts'
import { parseConfig } from '../models/config.ts'
import { readJsonObject, writeJson } from '../models/json-file.ts'
import { initParameters, parameterShapes } from '../models/parameters.ts'
import { tinyConfigJson } from '../testing/models.ts'
import { baseOfRun, openTrainer } from './open-trainer.ts'

/** A model with vision, without its vision. */
function visionModel(folder: string): string {
  const text = tinyConfigJson('gemma3_text', { vocab_size: 600 })
  const config = parseConfig(text, 'config.json')
  const parameters = initParameters(config, 1)
  saveModel(folder, { config, parameters, tokenizerFrom: join(packageRoot(), 'models/miniature-base') })
  writeJson(join(folder, 'config.json'), { model_type: 'gemma3', text_config: text })
  const tensors = [...parameterShapes(config)].map(
    ([name, shape]) =>
      [name.replace(/^model\./, 'model.language_model.'), { shape, data: parameters.get(name)! }] as const,
  )
  writeSafetensors(join(folder, 'model.safetensors'), new Map(tensors), { dtype: 'F32' })
  return folder
}

test('adapters on a model with vision are trained on its language model, which the run keeps', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ruminate-open-trainer-'))
  const model = visionModel(join(directory, 'vision'))
  await withEngine({ model, threads: 1 }, async (engine) => {
    const lora = { rank: 2, alpha: 4, targets: 'all-linear' } as const
    const run = { directory, progress: () => {} }
    const trainer = await openTrainer(run, engine, { model, lora, seed: 0 })
    const saved = join(directory, 'model')
    await trainer.save(saved)
    const base = join(directory, 'base')
    expect([baseFolder(saved), baseOfRun(directory, model)]).toEqual([base, base])
    expect(readJsonObject(join(base, 'config.json')).model_type).toBe('gemma3_text')
    expect(loadConfig(base)).toEqual(loadConfig(model))
    expect(loadModel(saved).parameters).toEqual(loadModel(model).parameters) // B is 0
  })
})
