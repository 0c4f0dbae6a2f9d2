import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DpoObjective, dpoLoss } from '../algorithms/dpo.ts'
import { type Objective, type PolicyObjective, surrogateNames } from '../algorithms/objectives.ts'
import { Random } from '../common/random.ts'
import type {
  AdamSettings,
  Comparison,
  Datum,
  Engine,
  PolicyDatum,
  SampledSequence,
  SampleOptions,
  Sampler,
  TokenDetail,
  Trainer,
  Weights,
} from './contract.ts'

/* Tests that any engine must pass (contract.ts). */

const adam: AdamSettings = {
  learningRate: 0.02,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 0,
}
const crossEntropy = { kind: 'cross_entropy' } as const
/** Without a KL term, which not every engine supports. */
const policy: PolicyObjective = {
  kind: 'policy',
  ratio: 'token',
  surrogate: 'clip',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0, estimator: 'k3' },
}
/** Log-probabilities that should agree differ by less than this (nats): rounding depends on the batch. */
const TOLERANCE = 1e-3

/** The loss of Bradley and Terry on the ratios to the reference policy. */
const dpo: DpoObjective = {
  kind: 'dpo',
  loss: 'sigmoid',
  beta: 0.5,
  labelSmoothing: 0,
  margin: 0,
  lengthNormalised: false,
  referenceFree: false,
}

interface Subject {
  /** Opens the same model again. */
  readonly open: () => Promise<Engine>
  /** Size of the vocabulary; token 0 ends every prompt. */
  readonly vocabSize: number
}

/** The tests of a language model's engine. */
export function engineConformance(name: string, subject: Subject): void {
  const { prompts, datums } = data(subject.vocabSize)
  const options = { n: 3, maxTokens: 8, temperature: 1, seed: 5 }

  describe(`${name} is an engine`, () => {
    const { open, untrained, trained, folder } = resources(subject)

    const logprobs = async (engine: Engine, weights: Weights): Promise<Float32Array[]> => {
      const scorer = await engine.scorer(weights)
      try {
        return await scorer.logprobs(datums)
      } finally {
        await scorer.close()
      }
    }
    const now = async (engine: Engine, trainer: Trainer) => logprobs(engine, await trainer.snapshot())
    const step = async (trainer: Trainer) => {
      await trainer.forwardBackward(datums, crossEntropy)
      return trainer.optimStep(adam)
    }
    const sampleAll = (sampler: Sampler): Promise<SampledSequence[][]> =>
      Promise.all(prompts.map((prompt, i) => sampler.sample(prompt, { ...options, seed: i })))

    test('sampler and scorer agree on log-probabilities', async () => {
      const engine = await untrained()
      const groups = await sampleAll(await engine.sampler(engine.base))
      const scorer = await engine.scorer(engine.base)
      for (const [i, group] of groups.entries()) {
        expect(group).toHaveLength(options.n)
        for (const { tokens, logprobs, stopReason } of group) {
          expect(tokens.length).toBe(options.maxTokens)
          expect(stopReason).toBe('length')
          const [scored] = await scorer.logprobs([toDatum(prompts[i]!, tokens)])
          closeTo([scored!.slice(prompts[i]!.length - 1)], [logprobs])
        }
      }
    })

    test('a seed gives the same sequences, whatever else is in the batch; tokens and ends are reported', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const together = await sampleAll(sampler)
      const streamed: number[][] = Array.from({ length: options.n }, () => [])
      const ended: number[] = []
      const alone = await sampler.sample(prompts[1]!, {
        ...options,
        seed: 1,
        onToken: (index, token) => streamed[index]!.push(token),
        onEnd: (index) => ended.push(index),
      })
      expect(texts(alone)).toEqual(texts(together[1]!))
      expect(streamed).toEqual(texts(alone))
      expect(ended.sort((a, b) => a - b)).toEqual([...streamed.keys()])
      expect(texts(await sampler.sample(prompts[1]!, { ...options, seed: 2 }))).not.toEqual(texts(alone))
    })

    test('a stop token ends a sequence and is its last token', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const [free] = await sampler.sample(prompts[0]!, { ...options, n: 1 })
      const stop = free!.tokens[2]!
      const [stopped] = await sampler.sample(prompts[0]!, { ...options, n: 1, stopTokens: [stop] })
      expect(stopped!.stopReason).toBe('stop')
      expect([...stopped!.tokens]).toEqual([...free!.tokens.slice(0, free!.tokens.indexOf(stop) + 1)])
    })

    test('many sequences of one prompt are those of fewer', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const ended = new Set<number>()
      const onEnd = (index: number) => ended.add(index)
      const many = await sampler.sample(prompts[0]!, { ...options, n: 1200, maxTokens: 2, onEnd })
      const few = await sampler.sample(prompts[0]!, { ...options, n: 3, maxTokens: 2 })
      expect(many).toHaveLength(1200)
      expect(ended.size).toBe(1200)
      expect(texts(many.slice(0, 3))).toEqual(texts(few))
    })

    describe.each(['batch', 'continuous'] as const)('a sampler with the schedule %s', (schedule) => {
      const long = { ...options, maxTokens: 40 }

      test('samples the same tokens as the other schedule, with the same log-probs', async () => {
        const engine = await untrained()
        const [one, other] = [
          await engine.sampler(engine.base),
          await engine.sampler(engine.base, { schedule }),
        ]
        for (const more of [{}, { temperature: 0 }, { temperature: 0.7, topK: 5, topP: 0.9 }, { n: 40 }]) {
          const [a, b] = await Promise.all(
            [one, other].map((sampler) => sampler.sample(prompts[1]!, { ...options, ...more })),
          )
          expect(texts(b!)).toEqual(texts(a!))
          closeTo(
            b!.map(({ logprobs }) => logprobs),
            a!.map(({ logprobs }) => logprobs),
          )
        }
        await Promise.all([one.close(), other.close()])
      })

      test('`first` continues the sequences of another call', async () => {
        const engine = await untrained()
        const sampler = await engine.sampler(engine.base, { schedule })
        const all = await sampler.sample(prompts[0]!, { ...options, n: 5 })
        const indices = new Set<number>()
        const onToken = (index: number) => indices.add(index)
        const rest = await sampler.sample(prompts[0]!, { ...options, n: 3, first: 2, onToken })
        expect(texts(rest)).toEqual(texts(all.slice(2)))
        expect([...indices].sort()).toEqual([0, 1, 2])
        await sampler.close()
      })

      test('reports the log-prob of each token, and the likeliest tokens', async () => {
        const engine = await untrained()
        const sampler = await engine.sampler(engine.base, { schedule })
        const reported: TokenDetail[] = []
        const [sequence] = await sampler.sample(prompts[0]!, {
          ...options,
          n: 1,
          topLogprobs: 4,
          onToken: (_, token, detail) => {
            const listed = detail!.top.find((other) => other.token === token)
            if (listed) expect(listed.logprob).toBeCloseTo(detail!.logprob, 6)
            reported.push(detail!)
          },
        })
        closeTo([Float32Array.from(reported, ({ logprob }) => logprob)], [sequence!.logprobs], 1e-6)
        for (const { top, logprob } of reported) {
          expect(top).toHaveLength(4)
          const sorted = [...top].sort((a, b) => b.logprob - a.logprob)
          expect(top).toEqual(sorted)
          expect(logprob).toBeLessThanOrEqual(top[0]!.logprob)
        }
        const [plain] = await sampler.sample(prompts[0]!, {
          ...options,
          n: 1,
          onToken: (_, __, detail) => expect(detail!.top).toEqual([]),
        })
        expect(plain!.tokens).toEqual(sequence!.tokens)
        const [greedy] = await sampler.sample(prompts[0]!, {
          ...options,
          n: 1,
          temperature: 0,
          topLogprobs: subject.vocabSize + 5,
          onToken: (_, token, detail) => {
            expect(detail!.top).toHaveLength(subject.vocabSize)
            expect(detail!.top[0]!.token).toBe(token)
          },
        })
        expect(greedy!.tokens).toHaveLength(options.maxTokens)
        await sampler.close()
      })

      test('an aborted request fails with the reason, and no other one does', async () => {
        const engine = await untrained()
        const sampler = await engine.sampler(engine.base, { schedule })
        const expected = await sampler.sample(prompts[1]!, long)
        const reason = new Error('the client left')
        const aborting = new AbortController()
        let after = 0
        const [aborted, other, before] = await Promise.allSettled([
          sampler.sample(prompts[0]!, {
            ...long,
            signal: aborting.signal,
            onToken: () => {
              if (aborting.signal.aborted) after++
              else aborting.abort(reason)
            },
          }),
          sampler.sample(prompts[1]!, { ...long, signal: new AbortController().signal }),
          sampler.sample(prompts[1]!, { ...long, signal: AbortSignal.abort(reason) }),
        ])
        expect(aborted).toEqual({ status: 'rejected', reason })
        expect(before).toEqual({ status: 'rejected', reason })
        expect(after).toBe(0)
        expect(texts((other as PromiseFulfilledResult<SampledSequence[]>).value)).toEqual(texts(expected))
        expect(texts(await sampler.sample(prompts[1]!, long))).toEqual(texts(expected))
        await sampler.close()
      })

      test('finishes the calls that have begun when it is closed, and fails later ones', async () => {
        const engine = await untrained()
        const sampler = await engine.sampler(engine.base, { schedule })
        const pending = sampler.sample(prompts[0]!, options)
        await Promise.all([sampler.close(), sampler.close()])
        expect(await pending).toHaveLength(options.n)
        await expect(sampler.sample(prompts[0]!, options)).rejects.toThrow(/closed/)
      })

      test('keeps its weights while the trainer changes the current ones', async () => {
        const { engine, trainer } = await trained()
        const read = async (sampler: Sampler) =>
          (await sampler.sample(prompts[0]!, long)).map(({ logprobs }) => logprobs)
        const sampler = await engine.sampler(await trainer.snapshot(), { schedule })
        const before = await read(sampler)
        await step(trainer)
        const later = await engine.sampler(await trainer.snapshot(), { schedule })
        expect(await read(later)).not.toEqual(before)
        closeTo(await read(sampler), before)
        await Promise.all([sampler.close(), later.close()])
      })

      test('fails its calls when the engine is cancelled or closed', async () => {
        const reason = new Error('enough')
        for (const [end, message] of [
          [(engine: Engine) => engine.cancel(reason), /enough/],
          [(engine: Engine) => engine.close(), /closed/],
        ] as const) {
          const engine = await open()
          const sampler = await engine.sampler(engine.base, { schedule })
          const pending = sampler
            .sample(prompts[0]!, { ...long, n: 64 })
            .catch((error: Error) => error.message)
          await end(engine)
          // an engine may have sampled before
          const outcome = await pending
          expect(typeof outcome === 'string' ? outcome : 'enough, closed').toMatch(message)
          await expect(sampler.sample(prompts[0]!, options)).rejects.toThrow(message)
          await sampler.close()
        }
      })
    })

    test('a continuous sampler: a request that comes later may end first; the load is that of all requests', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base, { schedule: 'continuous' })
      const ended: string[] = []
      const sample = async (name: string, maxTokens: number) => {
        const group = await sampler.sample(prompts[0]!, { ...options, n: 1, maxTokens })
        ended.push(name)
        return group
      }
      const first = sample('long', 40)
      const load = sampler.load?.()
      if (load) expect(load.running + load.waiting).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      const [long, short] = await Promise.all([first, sample('short', 1)])
      expect([long[0]!.tokens.length, short[0]!.tokens.length]).toEqual([40, 1])
      const after = sampler.load?.()
      if (after) expect(after).toMatchObject({ running: 0, waiting: 0, sampledTokens: 41 })
      await sampler.close()
    })

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
        const choices = Array.from({ length: subject.vocabSize }, (_, v) => ({
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

    test('greedy sampling reports log-probabilities of temperature 1', async () => {
      const engine = await untrained()
      const sampler = await engine.sampler(engine.base)
      const scorer = await engine.scorer(engine.base)
      const [greedy] = await sampler.sample(prompts[0]!, { ...options, n: 1, temperature: 0 })
      const [scored] = await scorer.logprobs([toDatum(prompts[0]!, greedy!.tokens)])
      closeTo([scored!.slice(prompts[0]!.length - 1)], [greedy!.logprobs])
      expect(greedy!.samplingLogprobs.every((logprob) => logprob === 0)).toBe(true)
    })

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
            return (
              learned.reduce((s, t) => s + ratio(t), 0) / (objective.lengthNormalised ? learned.length : 1)
            )
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

    test('a step changes the next snapshot, and no snapshot that is held', async () => {
      const engine = await open()
      const trainer = await engine.trainer()
      const [sampler, scorer] = [await engine.sampler(engine.base), await engine.scorer(engine.base)]
      const read = async () => ({
        samples: await sampleAll(sampler),
        logprobs: await scorer.logprobs(datums),
      })
      const before = await read()
      await step(trainer)
      const first = await trainer.snapshot()
      const middle = await engine.scorer(first)
      const between = await middle.logprobs(datums)
      expect(between).not.toEqual(before.logprobs)
      await step(trainer)
      expect(await read()).toEqual(before)
      expect(await middle.logprobs(datums)).toEqual(between)
      expect(await now(engine, trainer)).not.toEqual(between)

      await middle.close()
      await sampler.close()
      await scorer.close()
      for (const [weights, expected] of [
        [first, between],
        [engine.base, before.logprobs],
      ] as const) {
        const again = await logprobs(engine, weights).catch((error: Error) => error.message)
        if (typeof again === 'string') expect(again).toMatch(/before the next step/)
        else expect(again).toEqual(expected)
      }
    })

    test('earlier versions are held up to the limit of the engine', async () => {
      const { engine, trainer } = await trained()
      const limit = engine.can.heldVersions ?? 6
      const held: { close(): Promise<void>; check(): Promise<void> }[] = []
      const hold = async () => {
        const scorer = await engine.scorer(await trainer.snapshot())
        const before = await scorer.logprobs(datums)
        held.push({
          close: () => scorer.close(),
          check: async () => expect(await scorer.logprobs(datums)).toEqual(before),
        })
      }
      for (let i = 0; i < limit; i++) {
        await hold()
        await step(trainer)
      }
      for (const { check } of held) await check()
      if (engine.can.heldVersions !== null) {
        await hold()
        await expect(step(trainer)).rejects.toThrow(String(limit))
        await held.shift()!.close()
        await step(trainer)
        for (const { check } of held) await check()
      }
      for (const { close } of held) await close()
    })

    test('a checkpoint restores the trainer', async () => {
      const { engine, trainer } = await trained()
      await step(trainer)
      await trainer.save(folder(), { optimizer: true })
      const saved = await now(engine, trainer)
      await step(trainer)
      const stepped = await now(engine, trainer)

      const other = await open()
      const resumed = await other.trainer()
      await resumed.forwardBackward(datums, policy) // must be dropped by `load`
      await resumed.load(folder())
      const same = other.can.bitExactResume ? equal : closeTo
      same(await now(other, resumed), saved)
      await step(resumed)
      same(await now(other, resumed), stepped)
    })

    test('saved weights can be opened', async () => {
      const engine = await open()
      const trainer = await engine.trainer()
      const base = await logprobs(engine, engine.base)
      const reference = await engine.scorer(engine.base)
      await step(trainer)
      await engine.save(engine.base, folder())
      const checkpoint = await engine.scorer(engine.saved(folder()))
      await reference.close()
      await engine.save(await trainer.snapshot(), folder())
      closeTo(await logprobs(engine, engine.saved(folder())), await now(engine, trainer), 1e-6)
      closeTo(await checkpoint.logprobs(datums), base, 1e-6)
      await expect(engine.scorer(engine.saved(join(folder(), 'missing')))).rejects.toThrow()
      await step(trainer)
    })

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

    test('a closed sampler or scorer finishes the calls that have begun, and fails later ones', async () => {
      const { engine, trainer } = await trained()
      const weights = await trainer.snapshot()
      const [sampler, scorer] = [await engine.sampler(weights), await engine.scorer(weights)]
      await step(trainer) // so that nothing else holds these weights
      const pending = [sampler.sample(prompts[0]!, options), scorer.logprobs(datums)] as const
      await Promise.all([sampler.close(), sampler.close(), scorer.close()])
      expect(await pending[0]).toHaveLength(options.n)
      expect(await pending[1]).toHaveLength(datums.length)
      await expect(sampler.sample(prompts[0]!, options)).rejects.toThrow(/closed/)
      await expect(scorer.logprobs(datums)).rejects.toThrow(/closed/)
      expect(await now(engine, trainer)).toHaveLength(datums.length)
    })

    test('cancelled calls fail with the reason; the weights can still be saved', async () => {
      const engine = await open()
      const trainer = await engine.trainer()
      await step(trainer)
      const before = await now(engine, trainer)
      const snapshot = await trainer.snapshot()
      const [sampler, scorer] = [await engine.sampler(snapshot), await engine.scorer(snapshot)]
      const reason = new Error('enough')
      const pending = sampler.sample(prompts[0]!, { ...options, n: 64 }).catch((error: unknown) => error)
      engine.cancel(reason)
      engine.cancel(new Error('only the first reason counts'))
      await trainer.save(folder(), { optimizer: true })
      // an engine may have sampled before it was cancelled
      const outcome = await pending
      expect(outcome === reason || Array.isArray(outcome)).toBe(true)
      for (const call of [
        () => sampler.sample(prompts[0]!, options),
        () => scorer.logprobs(datums),
        () => trainer.forwardBackward(datums, crossEntropy),
      ])
        await expect(call()).rejects.toBe(reason)

      const other = await open()
      const resumed = await other.trainer()
      await resumed.load(folder())
      closeTo(await now(other, resumed), before, 1e-6)
    })

    test('calls fail after an engine is closed, and none is left pending', async () => {
      const engine = await open()
      const trainer = await engine.trainer()
      const [sampler, scorer] = [await engine.sampler(engine.base), await engine.scorer(engine.base)]
      const calls = () => [
        sampler.sample(prompts[0]!, options),
        scorer.logprobs(datums),
        trainer.forwardBackward(datums, crossEntropy),
        trainer.optimStep(adam),
        trainer.snapshot(),
        engine.scorer(engine.base),
      ]
      const waiting = Promise.allSettled(calls())
      await Promise.all([engine.close(), engine.close()])
      await waiting
      for (const outcome of await Promise.allSettled(calls()))
        expect(outcome).toMatchObject({ status: 'rejected', reason: { message: /closed/ } })
      await Promise.all([sampler.close(), scorer.close(), engine.close()])
    })
  })
}

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

/** What the tests use: engines, since most tests can share one, and a folder for each test. */
function resources(subject: Subject) {
  let engines: Engine[] = []
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ruminate-conformance-'))
  })
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    engines = []
    rmSync(directory, { recursive: true, force: true })
  })

  const start = mkdtempSync(join(tmpdir(), 'ruminate-conformance-start-'))
  let first: Promise<Engine> | null = null
  let second: Promise<{ engine: Engine; trainer: Trainer }> | null = null
  const openTrained = async () => {
    const engine = await subject.open()
    const trainer = await engine.trainer()
    await trainer.save(start, { optimizer: true })
    return { engine, trainer }
  }
  afterAll(async () => {
    await (await first)?.close()
    await (await second)?.engine.close()
    rmSync(start, { recursive: true, force: true })
  })
  return {
    /** A new engine, closed after the test. */
    open: async (): Promise<Engine> => {
      const engine = await subject.open()
      engines.push(engine)
      return engine
    },
    /** An engine shared by tests that do not change its weights. */
    untrained: (): Promise<Engine> => {
      first ??= subject.open()
      return first
    },
    /**
     * A trainer and its engine, shared by tests that train and do not need the base weights afterwards. Each test
     * starts from the same weights, without a gradient; a further call in a test goes back to them.
     */
    trained: async (): Promise<{ engine: Engine; trainer: Trainer }> => {
      second ??= openTrained()
      await (await second).trainer.load(start)
      return second
    },
    folder: () => directory,
  }
}

/** Random prompts that end with token 0, and training sequences with weight 0 on their prompts. */
export function data(vocabSize: number): { prompts: Int32Array[]; datums: Datum[] } {
  const random = new Random('conformance')
  const ids = (length: number) => Int32Array.from({ length }, () => random.int(0, vocabSize - 1))
  const prompts = [2, 5, 3].map((length) => Int32Array.of(...ids(length), 0))
  const datums = [...prompts, ...prompts].map((prompt, i): Datum => {
    const datum = toDatum(prompt, ids(3 + 2 * i))
    const per = (f: () => number) => Float32Array.from(datum.tokens, f)
    return {
      ...datum,
      weights: datum.weights.map((w) => w / 4),
      logprobs: per(() => -2 - random.uniform()),
      advantages: per(() => random.normal()),
    }
  })
  return { prompts, datums }
}

/** A datum of a prompt and its response. */
function toDatum(prompt: Int32Array, response: Int32Array): Pick<Datum, 'tokens' | 'targets' | 'weights'> {
  const all = Int32Array.of(...prompt, ...response)
  return {
    tokens: all.slice(0, -1),
    targets: all.slice(1),
    weights: Float32Array.from({ length: all.length - 1 }, (_, t) => Number(t >= prompt.length - 1)),
  }
}

const texts = (sequences: readonly SampledSequence[]): number[][] =>
  sequences.map(({ tokens }) => [...tokens])

const equal = (a: readonly Float32Array[], b: readonly Float32Array[]): void => void expect(a).toEqual(b)

function closeTo(a: readonly Float32Array[], b: readonly Float32Array[], tolerance = TOLERANCE): void {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length))
  for (const [i, values] of a.entries())
    for (const [t, value] of values.entries())
      if (Number.isNaN(value)) expect(b[i]![t]).toBeNaN()
      else expect(Math.abs(value - b[i]![t]!)).toBeLessThan(tolerance)
}
