import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { SkyRl } from '../../testing/servers/skyrl.ts'
import { embedded } from '../../testing/servers/tinker-server.ts'
import { adam, closeTo, crossEntropy, data, options, policy, toDatum } from '../conformance/data.ts'
import type { Engine, Trainer } from '../contract.ts'
import { openLocalEngine } from '../local/index.ts'
import { openTinkerEngine } from './index.ts'

const model = embedded('miniature-base')
const lora = { rank: 8, alpha: 32, targets: 'all-linear', seed: 3 } as const
const { prompts, datums } = data(loadConfig(model).vocabSize)

/* Needs Python 3.12 and some minutes: RUMINATE_SKYRL=1 npm test */
describe.skipIf(!process.env.RUMINATE_SKYRL)(
  'SkyRL 0.4.0 with its JAX backend',
  { timeout: 1_800_000 },
  () => {
    let server: SkyRl
    let engine: Engine
    let trainer: Trainer
    let folder: string
    beforeAll(async () => {
      vi.stubEnv('TINKER_API_KEY', 'tml-test')
      folder = mkdtempSync(join(tmpdir(), 'ruminate-skyrl-'))
      server = await SkyRl.start(model)
      engine = await openTinkerEngine({ model, tinker: { url: server.url } })
      trainer = await engine.trainer({ trainable: { lora } })
    }, 1_800_000)
    afterAll(async () => {
      await engine?.close()
      server?.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    const logprobs = async (of: Engine, weights = of.base) => {
      const scorer = await of.scorer(weights)
      const values = await scorer.logprobs(datums)
      await scorer.close()
      return values
    }

    test('it is known to divide by the length and the number of sequences, and to share the weights', () => {
      expect(engine.can.heldVersions).toBe(0)
    })

    test('its base model has the log-probs of the local engine', async () => {
      const local = await openLocalEngine({ model, threads: 1 })
      closeTo(await logprobs(engine), await logprobs(local), 1e-3)
      await local.close()
    })

    test('the sampler agrees with the trainer, and the ratio on-policy is 1', async () => {
      const sampler = await engine.sampler(await trainer.snapshot())
      const groups = await Promise.all(prompts.map((prompt) => sampler.sample(prompt, options)))
      await sampler.close()
      const sampled = groups.flatMap((group, p) =>
        group.map(({ tokens, logprobs }) => {
          const datum = toDatum(prompts[p]!, tokens)
          const positions = Float32Array.of(...new Float32Array(prompts[p]!.length - 1), ...logprobs)
          return { ...datum, logprobs: positions, advantages: datum.weights }
        }),
      )
      const result = await trainer.forwardBackward(sampled, policy)
      closeTo(
        result.logprobs,
        sampled.map(({ logprobs, weights }) => logprobs.map((value, t) => (weights[t] ? value : Number.NaN))),
        1e-4,
      )
      await trainer.optimStep({ ...adam, learningRate: 0 })
    })

    test('a step is that of the local engine, whatever the lengths and weights', async () => {
      const local = await openLocalEngine({ model, threads: 1 })
      const other = await local.trainer({ trainable: { lora } })
      for (const objective of [crossEntropy, policy]) {
        const uneven = datums.map((datum, i) => ({
          ...datum,
          weights: datum.weights.map((w) => w * (1 + i)),
        }))
        const [remoteLoss, localLoss] = [
          await trainer.forwardBackward(uneven, objective),
          await other.forwardBackward(uneven, objective),
        ]
        expect(remoteLoss.loss).toBeCloseTo(localLoss.loss, 3)
        await trainer.optimStep({ ...adam, learningRate: 0 })
        await other.optimStep({ ...adam, learningRate: 0 })
      }
      await local.close()
    })

    test('it learns, is saved, goes on after kill -9, and its weights come back as a PEFT folder', async () => {
      const losses: number[] = []
      const step = async () => {
        losses.push((await trainer.forwardBackward(datums, crossEntropy)).loss)
        await trainer.optimStep(adam)
      }
      for (let i = 0; i < 3; i++) await step()
      server.kill()
      const [stepped] = await Promise.all([step(), server.start()])
      expect(stepped).toBeUndefined()
      for (let i = 0; i < 4; i++) await step()
      expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2)
      await trainer.save(folder)
      const local = await openLocalEngine({ model: folder, threads: 1 })
      closeTo(await logprobs(local), await logprobs(engine, await trainer.snapshot()), 2e-2)
      await local.close()
    })
  },
)
