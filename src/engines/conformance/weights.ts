import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closeTo, equal, policy } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** Versions of the weights: held, saved and restored. */
export function weightsTests({
  open,
  trained,
  folder,
  datums,
  logprobs,
  now,
  step,
  sampleAll,
}: LanguageModel): void {
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
    const same = engine.can.bitExactResume ? equal : closeTo
    same(await middle.logprobs(datums), between)
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
      else same(again, expected)
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
        check: async () =>
          (engine.can.bitExactResume ? equal : closeTo)(await scorer.logprobs(datums), before),
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
}
