import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Objective } from '../../algorithms/objectives.ts'
import type { AdamSettings, Datum, SampleOptions, Trainer } from '../contract.ts'
import { adam, closeTo, crossEntropy, dpo, options, policy, toDatum } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** What an engine must refuse, and that nothing else changes. */
export function refusalTests({
  untrained,
  trained,
  folder,
  prompts,
  datums,
  now,
  step,
}: LanguageModel): void {
  describe('what the engine cannot do is refused', () => {
    const [datum] = datums as [Datum, ...Datum[]]
    const cases: [string, Datum, Parameters<Trainer['forwardBackward']>[1]][] = [
      ['weights of another length', { ...datum, weights: new Float32Array(1) }, crossEntropy],
      ['targets of another length', { ...datum, targets: datum.targets.slice(1) }, crossEntropy],
      [
        'a token outside the vocabulary',
        { ...datum, tokens: datum.tokens.map((_, t) => (t === 1 ? 1e6 : 1)) },
        crossEntropy,
      ],
      [
        'no reference',
        { ...datum, reference: undefined as never },
        { ...policy, kl: { beta: 1, estimator: 'k3' } },
      ],
      ['no marks', datum, { ...policy, klCov: 1 }],
      ['no pairs', datum, dpo],
      ['no advantages', { ...datum, advantages: undefined as never }, policy],
      ['an objective of reward models', datum, { kind: 'preference' }],
    ]
    test('bad training data, which also clears the accumulated gradient', async () => {
      const { engine, trainer } = await trained()
      const before = await now(engine, trainer)
      for (const [what, bad, objective] of cases) {
        await trainer.forwardBackward(datums, policy)
        await expect(trainer.forwardBackward([datums[1]!, bad], objective), what).rejects.toThrow()
        const { gradNorm } = await trainer.optimStep(adam)
        if (gradNorm !== null) expect(gradNorm, what).toBe(0)
        expect(await now(engine, trainer), what).toEqual(before)
      }
      await step(trainer)
      expect(await now(engine, trainer)).not.toEqual(before)
    })

    test('prompts that are empty, unknown or too long; valid ones of the same tick are sampled', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const bad = [Int32Array.of(), Int32Array.of(1, -1), Int32Array.of(1e6)]
      if (engine.can.maxTokens !== null) bad.push(new Int32Array(engine.can.maxTokens))
      const outcomes = await Promise.allSettled([
        ...bad.map((prompt) => sampler.sample(prompt, options)),
        sampler.sample(prompts[0]!, options),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([...bad.map(() => 'rejected'), 'fulfilled'])
      if (engine.can.maxTokens === null) return
      const scorer = await engine.scorer(engine.base)
      const long = toDatum(prompts[0]!, new Int32Array(engine.can.maxTokens))
      await expect(scorer.logprobs([long])).rejects.toThrow(String(engine.can.maxTokens))
    })

    test('a gradient that is not finite changes nothing', async () => {
      const { engine, trainer } = await trained()
      const before = await now(engine, trainer)
      const bad = { ...datum, advantages: datum.advantages!.map(() => Number.NaN) }
      await expect(
        trainer.forwardBackward([bad, datums[1]!], policy).then(() => trainer.optimStep(adam)),
      ).rejects.toThrow()
      expect(await now(engine, trainer)).toEqual(before)

      const afterFailure = [await step(trainer), await now(engine, trainer)] as const
      await trained()
      expect(await step(trainer)).toEqual(afterFailure[0])
      closeTo(await now(engine, trainer), afterFailure[1])
    })

    test('a sampler with an unknown schedule', async () => {
      const engine = await untrained()
      await expect(engine.sampler(engine.base, { schedule: 'later' as never })).rejects.toThrow(
        /schedule .* must be one of batch, continuous, not later/,
      )
    })

    test('a trainer of other weights than the engine can train, and a second trainer', async () => {
      const engine = await untrained()
      expect(engine.can.trainable).toContain('all')
      await expect(engine.trainer({ trainable: 'norms' as never })).rejects.toThrow(/all.*norms/)
      await engine.trainer()
      await expect(engine.trainer()).rejects.toThrow(/already has a trainer/)
    })

    test('sampling options outside their range; a valid request of the same tick is sampled', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const bad: Partial<Record<keyof SampleOptions, readonly number[]>> = {
        temperature: [-0.1, 1e-9, Number.NaN, Number.POSITIVE_INFINITY],
        maxTokens: [0, -1, 1.5, Number.NaN],
        n: [0, -1, 1.5, Number.NaN],
        topP: [0, -0.5, 1.01, Number.NaN],
        topK: [-1, 1.5, Number.NaN],
        minP: [-0.1, 1.01, Number.NaN],
        seed: [Number.NaN, Number.POSITIVE_INFINITY],
        first: [-1, 0.5, Number.NaN],
        topLogprobs: [-1, 0.5, Number.NaN],
      }
      const refused = Object.entries(bad).flatMap(([name, values]) =>
        values.map((value) =>
          expect(sampler.sample(prompts[0]!, { ...options, [name]: value })).rejects.toThrow(
            new RegExp(`${name} must be .*, not ${value}`),
          ),
        ),
      )
      await expect(sampler.sample(prompts[0]!, options)).resolves.toHaveLength(options.n)
      await Promise.all(refused)
    })

    test('settings of a step outside their range; nothing changes but the accumulated gradient', async () => {
      const { engine, trainer } = await trained()
      const before = await now(engine, trainer)
      const bad: Record<keyof AdamSettings, readonly number[]> = {
        learningRate: [-1, Number.NaN, Number.POSITIVE_INFINITY],
        eps: [-1, Number.NaN],
        weightDecay: [-1, Number.NaN],
        gradClipNorm: [-1, Number.NaN],
        beta1: [-0.1, 1, Number.NaN],
        beta2: [-0.1, 1, Number.NaN],
      }
      for (const [name, values] of Object.entries(bad))
        for (const value of values) {
          await trainer.forwardBackward(datums, crossEntropy)
          await expect(trainer.optimStep({ ...adam, [name]: value })).rejects.toThrow(
            new RegExp(`${name} must be .*, not ${value}`),
          )
        }
      const { gradNorm } = await trainer.optimStep(adam)
      if (gradNorm !== null) expect(gradNorm).toBe(0)
      expect(await now(engine, trainer)).toEqual(before)
    })

    test.each<[string, object]>([
      ['ppo', { kind: 'ppo' }],
      ['hinge', { ...dpo, loss: 'hinge' }],
      ['toString', { ...policy, surrogate: 'toString' }],
      ['word', { ...policy, ratio: 'word' }],
      ['k9', { ...policy, kl: { beta: 0, estimator: 'k9' } }],
    ])('an objective with the unknown part %s', async (name, objective) => {
      const { trainer } = await trained()
      await expect(trainer.forwardBackward(datums, objective as Objective)).rejects.toThrow(
        new RegExp(`must be one of .*, not ${name}`),
      )
    })

    test('a temperature of a policy outside its range', async () => {
      const { engine, trainer } = await trained()
      const scorer = await engine.scorer(await trainer.snapshot())
      for (const temperature of [0, -1, 1e-9, Number.NaN, Number.POSITIVE_INFINITY]) {
        const message = new RegExp(`temperature must be .*, not ${temperature}`)
        await expect(trainer.forwardBackward(datums, { ...policy, temperature })).rejects.toThrow(message)
        await expect(scorer.logprobs(datums, { temperature })).rejects.toThrow(message)
      }
      await scorer.close()
    })

    test('saving onto a file', async () => {
      const { engine, trainer } = await trained()
      const file = join(folder(), 'file')
      writeFileSync(file, '')
      await expect(trainer.save(file)).rejects.toThrow(`cannot create ${file}: a file`)
      await expect(engine.save(await trainer.snapshot(), file)).rejects.toThrow(
        `cannot create ${file}: a file`,
      )
    })

    test('calls that only a reward model supports', async () => {
      const { engine, trainer } = await trained()
      expect(engine.can.rewardHead).toBe(false)
      await expect(engine.rewardScorer(engine.base)).rejects.toThrow(/reward model/)
      const comparison = { texts: [{ tokens: Int32Array.of(1), sign: 1 }], weight: 1 } as const
      await expect(trainer.compare([comparison])).rejects.toThrow(/reward model/)
    })
  })
}
