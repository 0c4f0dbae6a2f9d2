import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, vi } from 'vitest'
import { loadConfig, saveModel } from '../../models/checkpoint/directory.ts'
import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import { embedded, startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'
import { adapterConformance, engineConformance } from '../conformance/index.ts'
import { openTinkerEngine } from './index.ts'

// as many tokens as the tokenizer has
const config = tinyConfig('qwen3', { vocab_size: loadConfig(embedded('miniature-base')).vocabSize })
const model = mkdtempSync(join(tmpdir(), 'ruminate-tiny-'))
let server: TinkerTestServer
beforeAll(async () => {
  vi.stubEnv('TINKER_API_KEY', 'tml-test')
  saveModel(model, {
    config,
    parameters: initParameters(config, 1),
    tokenizerFrom: embedded('miniature-base'),
  })
  server = await startTinkerServer({ models: [model], limits: { models: 64 } })
})
afterAll(async () => {
  await server?.end()
  rmSync(model, { recursive: true, force: true })
})

const subject = {
  open: () => openTinkerEngine({ model, tinker: { url: server.url, patience: 60 } }),
  vocabSize: config.vocabSize,
}
engineConformance('tinker', subject)
adapterConformance('tinker', subject)
