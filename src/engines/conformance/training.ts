import { expect, test } from 'vitest'
import { dpoLoss } from '../../algorithms/dpo.ts'
import { surrogateNames } from '../../algorithms/objectives.ts'
import { adam, closeTo, crossEntropy, dpo, policy } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** A trainer: losses, objectives and gradients. */
export function trainingTests({ trained, datums, now }: LanguageModel): void {
  test('results of the trainer have the shapes of the datums, or are null', async () => {
    const { engine, trainer } = await trained()
    const before = await now(engine, trainer)
    for (const objective of [crossEntropy, policy]) {
      const result = await trainer.forwardBackward(datums, objective)
      expect(result.loss).toBeTypeOf('number')
      closeTo(result.logprobs, before)
      for (const values of [result.entropies, result.clipped])
        if (values) expect(values.map(({ length }) => length)).toEqual(before.map(({ length }) => length))
      if (result.flops !== null) expect(result.flops).toBeGreaterThan(0)
    }
  })

  test.each([
    ['sums', {}],
    [
      'means and no reference',
      { lengthNormalised: true, referenceFree: true, labelSmoothing: 0.1, margin: 0.2 },
    ],
    ['the squared loss', { loss: 'ipo', lengthNormalised: true }],
  ] as const)(
    'dpo with %s: the loss is that of the pairs, and a step raises their margins',
    async (_, change) => {
      const { engine, trainer } = await trained()
      const objective = { ...dpo, ...change }
      if (!engine.can.objectives.includes('dpo')) {
        await expect(trainer.forwardBackward(datums, objective)).rejects.toThrow(/dpo/)
        return
      }
      const reference = await now(engine, trainer)
      const pairs = datums.slice(0, 4).map((datum, i) => ({
        ...datum,
        weights: datum.weights.map((w) => w && 0.5),
        reference: reference[i]!.map((value) => (Number.isNaN(value) ? 0 : value + 0.1 * (i % 3))),
      }))
      /** The z of each pair, by the log-probs of the trainer. */
      const zOf = (logprobs: readonly Float32Array[]): number[] => {
        const h = pairs.map(({ weights, reference }, i) => {
          const learned = [...weights.keys()].filter((t) => weights[t] !== 0)
          const ratio = (t: number) => logprobs[i]![t]! - (objective.referenceFree ? 0 : reference[t]!)
          return learned.reduce((s, t) => s + ratio(t), 0) / (objective.lengthNormalised ? learned.length : 1)
        })
        return [h[0]! - h[1]!, h[2]! - h[3]!]
      }
      const losses: number[] = []
      for (let i = 0; i < 3; i++) {
        const { loss, logprobs } = await trainer.forwardBackward(pairs, objective)
        const expected = zOf(logprobs).reduce((sum, z) => sum + 0.5 * dpoLoss(objective, z), 0)
        expect(Math.abs(loss - expected)).toBeLessThan(1e-3 * Math.max(1, expected))
        losses.push(loss)
        await trainer.optimStep({ ...adam, learningRate: 1e-3 })
      }
      expect(losses).toEqual([...losses].sort((a, b) => b - a))
      await expect(trainer.forwardBackward(pairs.slice(1), objective)).rejects.toThrow(/pairs/)
      const uneven = [{ ...pairs[0]!, weights: pairs[0]!.weights.map((w) => 2 * w) }, pairs[1]!]
      await expect(trainer.forwardBackward(uneven, objective)).rejects.toThrow(/one weight/)
    },
  )

  test('every surrogate that the engine names is trained on, and no other', async () => {
    const { engine, trainer } = await trained()
    expect(engine.can.surrogates.length).toBeGreaterThan(0)
    for (const surrogate of surrogateNames) {
      const training = trainer.forwardBackward(datums, { ...policy, surrogate })
      if (engine.can.surrogates.includes(surrogate)) await training
      else await expect(training).rejects.toThrow()
    }
  })

  test("KL-Cov's penalty is β |log π_θ − log π_old| on the marked tokens alone", async () => {
    const { engine, trainer } = await trained()
    if (!engine.can.klCov) return
    const marked = datums.map((datum, i) => ({
      ...datum,
      marked: datum.weights.map((_, t) => Number((t + i) % 3 === 0)),
    }))
    const without = await trainer.forwardBackward(marked, policy)
    const penalised = await trainer.forwardBackward(marked, { ...policy, klCov: 2 })
    const expected = marked.reduce(
      (sum, { weights, marked: marks, logprobs }, i) =>
        sum +
        weights.reduce(
          (s, w, t) =>
            s + (w === 0 ? 0 : w * 2 * marks[t]! * Math.abs(without.logprobs[i]![t]! - logprobs![t]!)),
          0,
        ),
      0,
    )
    expect(penalised.loss - without.loss).toBeCloseTo(expected, 3)
  })

  test('training lowers the loss', async () => {
    const { trainer } = await trained()
    const losses: number[] = []
    for (let i = 0; i < 4; i++) {
      losses.push((await trainer.forwardBackward(datums, crossEntropy)).loss)
      await trainer.optimStep(adam)
    }
    expect(losses).toEqual([...losses].sort((a, b) => b - a))
  })

  test('gradients accumulate: two half batches equal the whole batch', async () => {
    const { engine, trainer } = await trained()
    await trainer.forwardBackward(datums, policy)
    const whole = await trainer.optimStep(adam)
    const expected = await now(engine, trainer)

    await trained()
    await trainer.forwardBackward(datums.slice(0, 2), policy)
    await trainer.forwardBackward(datums.slice(2), policy)
    const halves = await trainer.optimStep(adam)
    if (whole.gradNorm !== null) expect(halves.gradNorm! / whole.gradNorm).toBeCloseTo(1, 3)
    closeTo(await now(engine, trainer), expected)
  })
}
