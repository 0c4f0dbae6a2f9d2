import { describe, expect, test } from 'vitest'
import type { Datum, Engine, PolicyDatum, SampleOptions } from '../contract.ts'
import { adam, closeTo, options, policy, texts, toDatum } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** Sampler, scorer and trainer at one temperature. */
export function temperatureTests({ untrained, trained, vocabSize, prompts, datums }: LanguageModel): void {
  describe.each([0.6, 1, 1.3])('at temperature %d', (temperature) => {
    const supported = (engine: Engine) => temperature === 1 || engine.can.temperature
    const at = { ...policy, temperature }

    test('sampler, scorer and trainer agree on log-probabilities: the ratio on-policy is 1', async () => {
      const { engine, trainer } = await trained()
      if (!supported(engine)) {
        await expect(trainer.forwardBackward(datums, at)).rejects.toThrow(/temperature/)
        return
      }
      const weights = await trainer.snapshot()
      const [sampler, scorer] = [await engine.sampler(weights), await engine.scorer(weights)]
      for (const prompt of prompts) {
        const group = await sampler.sample(prompt, { ...options, temperature })
        const sampled = group.map(({ tokens, logprobs, samplingLogprobs }): PolicyDatum => {
          expect(samplingLogprobs).toEqual(logprobs)
          const datum = toDatum(prompt, tokens)
          const positions = Float32Array.of(...new Float32Array(prompt.length - 1), ...logprobs)
          const advantages = new Float32Array(datum.tokens.length).fill(1)
          return { ...datum, logprobs: positions, reference: positions, advantages }
        })
        const known = sampled.map(({ logprobs, weights }) =>
          logprobs.map((value, t) => (weights[t] === 0 ? Number.NaN : value)),
        )
        closeTo(await scorer.logprobs(sampled, { temperature }), known)
        const result = await trainer.forwardBackward(sampled, at)
        closeTo(result.logprobs, known)
        for (const clipped of result.clipped ?? [])
          expect(clipped.every((flag) => Number.isNaN(flag) || flag === 0)).toBe(true)
      }
      await Promise.all([sampler.close(), scorer.close()])
    })

    test('a token that the reward does not depend on gets no gradient', async () => {
      const { engine, trainer } = await trained()
      if (!supported(engine)) return
      const [prompt] = prompts as [Int32Array]
      const scorer = await engine.scorer(await trainer.snapshot())
      const last = { weights: new Float32Array(prompt.length).fill(1, prompt.length - 1) }
      const choices = Array.from({ length: vocabSize }, (_, v) => ({
        ...toDatum(prompt, Int32Array.of(v)),
        ...last,
      }))
      const logprobs = await scorer.logprobs(choices, { temperature })
      await scorer.close()
      const every = choices.map((choice, v): Datum => {
        const p = Math.exp(logprobs[v]!.at(-1)!)
        return {
          ...choice,
          weights: choice.weights.map((w) => w * p),
          logprobs: logprobs[v]!.map((value) => (Number.isNaN(value) ? 0 : value)),
          advantages: choice.weights,
        }
      })
      // Σ_v π(v) ∇ log π(v) = ∇ Σ_v π(v) = 0
      const normOf = async (batch: readonly Datum[]) => {
        await trainer.forwardBackward(batch, at)
        return (await trainer.optimStep({ ...adam, learningRate: 0 })).gradNorm
      }
      const [one, all] = [await normOf(every.slice(0, 1)), await normOf(every)]
      if (one !== null && all !== null) expect(all / one).toBeLessThan(1e-3)
    })

    test('truncation keeps the likeliest tokens, and reports the distribution that was drawn from', async () => {
      const engine = await untrained()
      if (!engine.can.samplingLogprobs) return
      const sampler = await engine.sampler(engine.base)
      const sample = (more: Partial<SampleOptions>) =>
        sampler.sample(prompts[1]!, { ...options, temperature, ...more })
      const greedy = texts(await sample({ temperature: 0 }))
      for (const one of [{ topK: 1 }, { topP: 1e-6 }, { topK: 1, minP: 1 }]) {
        const group = await sample(one)
        expect(texts(group)).toEqual(greedy)
        for (const { samplingLogprobs } of group)
          for (const logprob of samplingLogprobs) expect(logprob).toBeCloseTo(0, 6)
      }
      for (const some of [{ topK: 4 }, { topP: 0.7 }, { minP: 0.2 }, { topK: 5, topP: 0.8, minP: 0.1 }])
        for (const { logprobs, samplingLogprobs } of await sample(some))
          for (const [t, logprob] of logprobs.entries()) {
            // π / q is the mass of the tokens that are kept
            const mass = Math.exp(logprob - samplingLogprobs[t]!)
            expect(mass).toBeLessThan(1 + 1e-5)
            if (some.topP !== undefined && some.topK === undefined)
              expect(mass).toBeGreaterThan(some.topP - 1e-5)
          }
    })
  })
}
