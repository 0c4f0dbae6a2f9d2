import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Lora } from '../models/lora.ts'
import { data } from './conformance.ts'
import type { AdamSettings, Engine, Trainer, Weights } from './contract.ts'

/* Tests that any engine must pass that trains low-rank adapters (contract.ts). */

interface Subject {
  /** Opens the same language model again. */
  readonly open: () => Promise<Engine>
  /** Opens it with a new scalar head. */
  readonly openReward: () => Promise<Engine>
  readonly vocabSize: number
}

const lora: Lora = { rank: 2, alpha: 4, targets: 'all-linear', seed: 3 }
const adam: AdamSettings = {
  learningRate: 0.02,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 0,
}

/** The tests of an engine that trains adapters. */
export function adapterConformance(name: string, subject: Subject): void {
  const { datums } = data(subject.vocabSize)

  describe(`${name} trains adapters`, () => {
    let engines: Engine[] = []
    afterEach(async () => {
      await Promise.all(engines.map((engine) => engine.close()))
      engines = []
    })
    const opened = async (open: () => Promise<Engine>): Promise<{ engine: Engine; trainer: Trainer }> => {
      const engine = await open()
      engines.push(engine)
      return { engine, trainer: await engine.trainer({ trainable: { lora } }) }
    }
    const folder = () => mkdtempSync(join(tmpdir(), 'ruminate-conformance-'))
    const read = async (engine: Engine, weights: Weights) => {
      const scorer = await engine.scorer(weights)
      try {
        return await scorer.logprobs(datums)
      } finally {
        await scorer.close()
      }
    }
    const step = async (trainer: Trainer): Promise<number> => {
      const { loss } = await trainer.forwardBackward(datums, { kind: 'cross_entropy' })
      await trainer.optimStep(adam)
      return loss
    }

    test('they begin as the base weights, which stay as they are and can be opened at any time, beyond the limit too', async () => {
      const { engine, trainer } = await opened(subject.open)
      expect(engine.can.trainable).toContain('lora')
      const base = await read(engine, engine.base)
      expect(await read(engine, await trainer.snapshot())).toEqual(base)
      const losses = [await step(trainer), await step(trainer), await step(trainer)]
      expect(losses).toEqual([...losses].sort((a, b) => b - a))
      expect(await read(engine, engine.base)).toEqual(base)

      const limit = engine.can.heldVersions ?? 3
      const held: (() => Promise<void>)[] = []
      for (let i = 0; i < limit; i++) {
        const scorer = await engine.scorer(await trainer.snapshot())
        const before = await scorer.logprobs(datums)
        held.push(async () => expect(await scorer.logprobs(datums)).toEqual(before))
        await step(trainer)
      }
      const reference = await engine.scorer(engine.base)
      await step(trainer)
      for (const check of held) await check()
      expect(await reference.logprobs(datums)).toEqual(base)
    })

    test('a checkpoint restores the trainer of another engine, and can be opened', async () => {
      const { engine, trainer } = await opened(subject.open)
      await step(trainer)
      const checkpoint = folder()
      await trainer.save(checkpoint, { optimizer: true })
      const saved = await read(engine, await trainer.snapshot())
      await step(trainer)
      expect(await read(engine, engine.saved(checkpoint))).toEqual(saved)
      const expected = [await step(trainer), await step(trainer)]

      const other = await opened(subject.open)
      await step(other.trainer) // must be dropped by `load`
      await other.trainer.load(checkpoint)
      expect(await read(other.engine, await other.trainer.snapshot())).toEqual(saved)
      await step(other.trainer)
      const resumed = [await step(other.trainer), await step(other.trainer)]
      for (const [i, loss] of resumed.entries())
        if (engine.can.bitExactResume) expect(loss).toBe(expected[i])
        else expect(loss).toBeCloseTo(expected[i]!, 4)
    })

    test('of a reward model, with its head', async () => {
      const { engine, trainer } = await opened(subject.openReward)
      const [better, worse] = [datums[0]!.tokens, datums[3]!.tokens]
      const comparisons = [
        {
          texts: [
            { tokens: better, sign: 1 },
            { tokens: worse, sign: -1 },
          ],
          weight: 1,
        },
      ] as const
      const compare = async () => {
        const { loss } = await trainer.compare(comparisons)
        await trainer.optimStep(adam)
        return loss
      }
      const rewards = async (weights: Weights) => {
        const scorer = await engine.rewardScorer(weights)
        const values = await scorer.rewards([better, worse])
        await scorer.close()
        return values
      }
      const base = await rewards(engine.base)
      expect(await compare()).toBeGreaterThan(await compare())
      const trained = await rewards(await trainer.snapshot())
      expect(trained).not.toEqual(base)
      expect(await rewards(engine.base)).toEqual(base)
      const checkpoint = folder()
      await trainer.save(checkpoint)
      await compare()
      expect(await rewards(engine.saved(checkpoint))).toEqual(trained)
    })

    test('settings that cannot be honoured are refused', async () => {
      const engine = await subject.open()
      engines.push(engine)
      const open = (changes: Partial<Lora>) =>
        engine.trainer({ trainable: { lora: { ...lora, ...changes } } })
      await expect(open({ rank: 0 })).rejects.toThrow(/lora.rank must be a whole number of at least 1, not 0/)
      await expect(open({ alpha: Number.NaN })).rejects.toThrow(/lora.alpha must be/)
      await expect(open({ targets: ['q_prj'] })).rejects.toThrow(/lora.targets names q_prj/)
      const trainer = await open({})
      await expect(open({})).rejects.toThrow(/already has a trainer/)
      const whole = folder()
      await engine.save(engine.base, whole)
      await expect(trainer.load(whole)).rejects.toThrow(/has other adapters/)
      await step(trainer)
    })
  })
}
