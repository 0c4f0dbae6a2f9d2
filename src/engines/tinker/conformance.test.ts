import { afterAll, beforeAll, vi } from 'vitest'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { embedded, startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'
import { adapterConformance, engineConformance } from '../conformance/index.ts'
import { openTinkerEngine } from './index.ts'

const model = embedded('miniature-base')
let server: TinkerTestServer
beforeAll(async () => {
  vi.stubEnv('TINKER_API_KEY', 'tml-test')
  server = await startTinkerServer({ limits: { models: 64 } })
})
afterAll(() => server.end())

const subject = {
  open: () => openTinkerEngine({ model, tinker: { url: server.url, patience: 60 } }),
  vocabSize: loadConfig(model).vocabSize,
}
engineConformance('tinker', subject)
adapterConformance('tinker', subject)
