import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import { saveModel } from '../models/checkpoint/directory.ts'
import { parseConfig } from '../models/config.ts'
import { writeJson } from '../models/json-file.ts'
import { initParameters } from '../models/parameters.ts'
import { captured } from '../testing/captured.ts'
import { tinyConfigJson } from '../testing/models.ts'
import { main } from './app.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-language-part-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const written = captured()

/** A model that also takes images, by its config.json, and one like it that does not. */
const text = tinyConfigJson('gemma3_text', { vocab_size: 600, max_position_embeddings: 400 })
const config = parseConfig(text, 'config.json')
const [vision, plain] = [join(root, 'vision'), join(root, 'plain')]
for (const folder of [vision, plain])
  saveModel(folder, {
    config,
    parameters: initParameters(config, 1),
    tokenizerFrom: join(packageRoot(), 'models/miniature-base'),
  })
writeJson(join(vision, 'config.json'), { model_type: 'gemma3', text_config: text })

const TINY = '--set rl.maxTokens=2 --set eval.questions=1 --threads 1'
test.each([
  `eval --model MODEL,MODEL --questions 1 --max-tokens 2 --threads 1`,
  `zero --model MODEL --steps 0 ${TINY} --out OUT`,
  `zero --model MODEL --lora 2 --steps 0 ${TINY} --out OUT-lora`,
  'export MODEL --to hf --out OUT-hf',
  'chat hello --model MODEL --max-tokens 2',
])('%s', async (line) => {
  const lines = async (model: string): Promise<string[]> => {
    written.out = written.err = ''
    const words = line.replaceAll('MODEL', model).replaceAll('OUT', `${model}-out`).split(' ')
    expect(await main(words), written.err).toBeLessThan(2)
    return `${written.out}\n${written.err}`.split('\n').filter((one) => /images/.test(one))
  }
  expect(await lines(vision)).toEqual([
    `${vision}: the language part of a model that also takes images, which are not read here`,
  ])
  expect(await lines(plain)).toEqual([])
  if (line.startsWith('chat')) expect(written.out).not.toMatch(/images/)
})
