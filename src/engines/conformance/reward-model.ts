import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import type { Comparison } from '../contract.ts'
import { adam, crossEntropy, data } from './data.ts'
import { resources, type Subject } from './resources.ts'

/** The tests of a reward model's engine. */
export function rewardEngineConformance(name: string, subject: Subject): void {
  const random = new Random('conformance', 'rewards')
  const text = (length: number) => Int32Array.from({ length }, () => random.int(1, subject.vocabSize - 2))
  const comparisons: Comparison[] = [7, 4, 9, 12].map((length, i) => ({
    texts:
      i === 1
        ? [{ tokens: text(length), sign: -1 }]
        : [
            { tokens: text(length), sign: 1 },
            { tokens: text(length + i), sign: -1 },
          ],
    weight: 1 / 4,
  }))
  const texts = comparisons.flatMap((comparison) => comparison.texts.map(({ tokens }) => tokens))
  const many = Array.from({ length: 300 }, (_, i) => texts[i % texts.length]!)
  /** z = Σ sign · reward of each comparison. */
  const margins = (rewards: readonly (readonly number[])[]): number[] =>
    rewards.map((ofTexts, i) => ofTexts.reduce((z, r, k) => z + comparisons[i]!.texts[k]!.sign * r, 0))

  describe(`${name} is an engine of a reward model`, () => {
    const { untrained, trained, folder } = resources(subject)

    test('rewards are in the order of the texts, and do not depend on each other', async () => {
      const engine = await untrained()
      expect(engine.can).toMatchObject({ rewardHead: true, objectives: ['preference'] })
      const scorer = await engine.rewardScorer(engine.base)
      const rewards = await scorer.rewards(texts)
      for (const [i, tokens] of texts.entries())
        expect((await scorer.rewards([tokens]))[0]).toBeCloseTo(rewards[i]!, 4)
      for (const [i, reward] of (await scorer.rewards(many)).entries())
        expect(reward).toBeCloseTo(rewards[i % texts.length]!, 4)
      const { rewards: compared } = await (await engine.trainer()).compare(comparisons)
      for (const [i, reward] of compared.flat().entries()) expect(reward).toBeCloseTo(rewards[i]!, 4)
      expect(compared.map(({ length }) => length)).toEqual([2, 1, 2, 2])
    })

    test('learning from comparisons raises their margins; held weights do not change', async () => {
      const { engine, trainer } = await trained()
      const held = await engine.rewardScorer(await trainer.snapshot())
      const before = await held.rewards(texts)
      const first = await trainer.compare(comparisons)
      // −Σ weight · log σ(z)
      const expected = margins(first.rewards).reduce((sum, z) => sum + Math.log1p(Math.exp(-z)) / 4, 0)
      expect(first.loss).toBeCloseTo(expected, 4)
      // a step small enough that it does not overshoot, whatever the architecture
      await trainer.optimStep({ ...adam, learningRate: 0.005 })
      const second = await trainer.compare(comparisons)
      expect(second.loss).toBeLessThan(first.loss)
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
      expect(sum(margins(second.rewards))).toBeGreaterThan(sum(margins(first.rewards)))
      expect(await held.rewards(texts)).toEqual(before)
      await trainer.save(folder())
      const saved = await engine.rewardScorer(engine.saved(folder()))
      for (const [i, reward] of (await saved.rewards(texts)).entries())
        expect(reward).toBeCloseTo(second.rewards.flat()[i]!, 4)
      await Promise.all([held.close(), saved.close()])
    })

    test('a closed reward scorer finishes the calls that have begun', async () => {
      const { engine, trainer } = await trained()
      const scorer = await engine.rewardScorer(await trainer.snapshot())
      const expected = await scorer.rewards(many)
      await trainer.compare(comparisons)
      await trainer.optimStep(adam) // so that nothing else holds these weights
      const pending = scorer.rewards(many)
      await scorer.close()
      expect(await pending).toEqual(expected)
      await expect(scorer.rewards(texts)).rejects.toThrow(/closed/)
    })

    test('calls that only a language model supports are refused, and so are invalid texts', async () => {
      const { engine, trainer } = await trained()
      await expect(engine.sampler(engine.base)).rejects.toThrow(/reward model/)
      await expect(engine.scorer(engine.base)).rejects.toThrow(/reward model/)
      const { datums } = data(subject.vocabSize)
      await expect(trainer.forwardBackward(datums, crossEntropy)).rejects.toThrow(/reward model/)
      await trainer.compare(comparisons)
      await expect(trainer.compare([...comparisons, { texts: [], weight: 1 }])).rejects.toThrow(/no texts/)
      const { gradNorm } = await trainer.optimStep(adam)
      if (gradNorm !== null) expect(gradNorm).toBe(0)
      const scorer = await engine.rewardScorer(await trainer.snapshot())
      await expect(scorer.rewards([texts[0]!, Int32Array.of()])).rejects.toThrow()
      await expect(scorer.rewards([Int32Array.of(1e6)])).rejects.toThrow(/vocabulary/)
      await scorer.close()
    })
  })
}
