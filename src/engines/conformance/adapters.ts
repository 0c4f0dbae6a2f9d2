import { describe, expect, test } from 'vitest'
import type { Lora } from '../../models/lora.ts'
import type { Engine, Trainer, Weights } from '../contract.ts'
import { adam, closeTo, crossEntropy, equal } from './data.ts'
import { languageModel, resources, type Subject } from './resources.ts'

interface AdapterSubject extends Subject {
  /** Opens the same model with a new scalar head; missing if the engine has no reward models. */
  readonly openReward?: () => Promise<Engine>
}

const lora: Lora = { rank: 2, alpha: 4, targets: 'all-linear', seed: 3 }

/** How log-probs must agree that an engine may read in several ways. */
const same = ({ can }: Engine) => (can.bitExactResume ? equal : closeTo)

/** The tests of an engine that trains low-rank adapters. */
export function adapterConformance(name: string, subject: AdapterSubject): void {
  describe(`${name} trains adapters`, () => {
    const { open, folder, datums, logprobs: read } = languageModel(subject)
    const { open: openReward } = resources({ open: subject.openReward ?? subject.open })
    const opened = async (open: () => Promise<Engine>): Promise<{ engine: Engine; trainer: Trainer }> => {
      const engine = await open()
      return { engine, trainer: await engine.trainer({ trainable: { lora } }) }
    }
    const step = async (trainer: Trainer): Promise<number> => {
      const { loss } = await trainer.forwardBackward(datums, crossEntropy)
      await trainer.optimStep(adam)
      return loss
    }

    test('they begin as the base weights, which stay as they are and can be opened at any time, beyond the limit too', async () => {
      const { engine, trainer } = await opened(open)
      expect(engine.can.trainable).toContain('lora')
      const base = await read(engine, engine.base)
      same(engine)(await read(engine, await trainer.snapshot()), base)
      const losses = [await step(trainer), await step(trainer), await step(trainer)]
      expect(losses).toEqual([...losses].sort((a, b) => b - a))
      expect(await read(engine, engine.base)).toEqual(base)

      const limit = engine.can.heldVersions ?? 3
      const held: (() => Promise<void>)[] = []
      for (let i = 0; i < limit; i++) {
        const scorer = await engine.scorer(await trainer.snapshot())
        const before = await scorer.logprobs(datums)
        held.push(async () => same(engine)(await scorer.logprobs(datums), before))
        await step(trainer)
      }
      const reference = await engine.scorer(engine.base)
      await step(trainer)
      for (const check of held) await check()
      expect(await reference.logprobs(datums)).toEqual(base)
    })

    test('a checkpoint restores the trainer of another engine, and can be opened', async () => {
      const { engine, trainer } = await opened(open)
      await step(trainer)
      const checkpoint = folder()
      await trainer.save(checkpoint, { optimizer: true })
      const saved = await read(engine, await trainer.snapshot())
      await step(trainer)
      same(engine)(await read(engine, engine.saved(checkpoint)), saved)
      const expected = [await step(trainer), await step(trainer)]

      const other = await opened(open)
      await step(other.trainer) // must be dropped by `load`
      await other.trainer.load(checkpoint)
      same(engine)(await read(other.engine, await other.trainer.snapshot()), saved)
      await step(other.trainer)
      const resumed = [await step(other.trainer), await step(other.trainer)]
      for (const [i, loss] of resumed.entries())
        if (engine.can.bitExactResume) expect(loss).toBe(expected[i])
        else expect(loss).toBeCloseTo(expected[i]!, 4)
    })

    test.skipIf(!subject.openReward)('of a reward model, with its head', async () => {
      const { engine, trainer } = await opened(openReward)
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
      const engine = await open()
      const trainerOf = (changes: Partial<Lora>) =>
        engine.trainer({ trainable: { lora: { ...lora, ...changes } } })
      await expect(trainerOf({ rank: 0 })).rejects.toThrow(
        /lora.rank must be a whole number of at least 1, not 0/,
      )
      await expect(trainerOf({ alpha: Number.NaN })).rejects.toThrow(/lora.alpha must be/)
      await expect(trainerOf({ targets: ['q_prj'] })).rejects.toThrow(/lora.targets names q_prj/)
      const trainer = await trainerOf({})
      await expect(trainerOf({})).rejects.toThrow(/already has a trainer/)
      const whole = folder()
      await engine.save(engine.base, whole)
      await expect(trainer.load(whole)).rejects.toThrow(/has other adapters/)
      await step(trainer)
    })
  })
}
