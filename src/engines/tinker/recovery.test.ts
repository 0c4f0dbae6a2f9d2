import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TinkerProxy } from '../../testing/servers/tinker-proxy.ts'
import { embedded, startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'
import { adam, closeTo, crossEntropy, data } from '../conformance/data.ts'
import type { Engine } from '../contract.ts'
import { openTinkerEngine } from './index.ts'

/* What a training does when the server fails: it must end with the weights that it would have without the failure. */

const model = embedded('miniature-base')
const lora = { rank: 4, alpha: 32, targets: 'all-linear', seed: 3 } as const
const { datums } = data(500)
const STEPS = 4

let folder: string
let server: TinkerTestServer
let proxy: TinkerProxy
let engine: Engine
const warnings: string[] = []
beforeEach(async () => {
  vi.stubEnv('TINKER_API_KEY', 'tml-test')
  warnings.length = 0
  folder = mkdtempSync(join(tmpdir(), 'ruminate-recovery-'))
  server = await startTinkerServer({ folder, limits: { models: 16 } })
  proxy = await TinkerProxy.open(server.url)
  engine = await openTinkerEngine({
    model,
    tinker: { url: proxy.url, patience: 60 },
    onWarning: (line) => warnings.push(line),
  })
})
afterEach(async () => {
  await engine.close()
  await proxy.stop()
  await server.end()
  rmSync(folder, { recursive: true, force: true })
})

/** Trains a few steps; `fail` is called before the one in the middle. */
async function train(fail: () => Promise<void>): Promise<{ losses: number[]; logprobs: Float32Array[] }> {
  const trainer = await engine.trainer({ trainable: { lora } })
  const losses: number[] = []
  for (let step = 0; step < STEPS; step++) {
    if (step === 2) await fail()
    losses.push((await trainer.forwardBackward(datums, crossEntropy)).loss)
    await trainer.optimStep(adam)
  }
  const scorer = await engine.scorer(await trainer.snapshot())
  const logprobs = await scorer.logprobs(datums)
  await scorer.close()
  return { losses, logprobs }
}

const restart = async (): Promise<void> => {
  await server.end({ keep: true })
  server = await startTinkerServer({ folder, limits: { models: 16 } })
  proxy.target = server.url
}
const gone = { status: 400, json: { detail: 'Model m not loaded (likely stale request)' } }

test.each<[string, () => Promise<void>]>([
  ['the server restarts', restart],
  ['the model is lost before a batch', async () => proxy.next('/retrieve_future', gone)],
  [
    'the model is lost between a batch and its step',
    async () => proxy.next('/optim_step', { status: 404, json: { detail: 'Model not found' } }),
  ],
  ['the connection breaks in a long poll', async () => proxy.next('/retrieve_future', 'drop', 'drop')],
  [
    'answers are 503 for a while',
    async () => proxy.next('/forward_backward', { status: 503 }, { status: 503 }),
  ],
  [
    'the server fails at a step',
    async () =>
      proxy.next('/optim_step', ...Array(6).fill({ status: 500, json: { detail: 'Internal Server Error' } })),
  ],
])('when %s, the training goes on as if nothing had happened', async (what, fail) => {
  const failed = await train(fail)
  if (!/connection|503/.test(what)) expect(warnings.join()).toMatch(/going on from the last saved state/)
  await engine.close()
  engine = await openTinkerEngine({ model, tinker: { url: server.url } })
  const expected = await train(async () => {})
  for (const [i, loss] of failed.losses.entries()) expect(loss).toBeCloseTo(expected.losses[i]!, 3)
  closeTo(failed.logprobs, expected.logprobs)
})

test('a sampler of the newest weights goes on after a restart', async () => {
  const trainer = await engine.trainer({ trainable: { lora } })
  await trainer.forwardBackward(datums, crossEntropy)
  await trainer.optimStep(adam)
  const sampler = await engine.sampler(await trainer.snapshot())
  const options = { n: 2, maxTokens: 4, temperature: 1, seed: 1 }
  const before = await sampler.sample(Int32Array.of(1, 2), options)
  await restart()
  const after = await sampler.sample(Int32Array.of(1, 2), options)
  expect(after.map(({ tokens }) => [...tokens])).toEqual(before.map(({ tokens }) => [...tokens]))
  await sampler.close()
})
