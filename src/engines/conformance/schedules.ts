import { describe, expect, test } from 'vitest'
import type { Engine, SampledSequence, Sampler, TokenDetail } from '../contract.ts'
import { closeTo, options, texts } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** What a sampler does with either schedule, and with a continuous one. */
export function scheduleTests({ open, untrained, trained, vocabSize, prompts, step }: LanguageModel): void {
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
      if (!engine.can.sequenceSeeds) return
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
      if (!engine.can.topLogprobs) {
        await expect(sampler.sample(prompts[0]!, { ...options, topLogprobs: 4 })).rejects.toThrow(/likeliest/)
        return
      }
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
        topLogprobs: vocabSize + 5,
        onToken: (_, token, detail) => {
          expect(detail!.top).toHaveLength(vocabSize)
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
        const pending = sampler.sample(prompts[0]!, { ...long, n: 64 }).catch((error: Error) => error.message)
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
}
