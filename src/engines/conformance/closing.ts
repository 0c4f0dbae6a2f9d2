import { expect, test } from 'vitest'
import { adam, closeTo, crossEntropy, options } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** What calls do once a sampler, a scorer or an engine is closed or cancelled. */
export function closingTests({ open, trained, folder, prompts, datums, now, step }: LanguageModel): void {
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
}
