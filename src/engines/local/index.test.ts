import { cpSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import { loadConfig, saveModel } from '../../models/checkpoint/directory.ts'
import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import type { Datum, Engine, EngineSpec, Trainer } from '../contract.ts'
import { openLocalEngine } from './index.ts'

/* What only local engines have: folders, reward heads, memory. The rest of the contract is tested in conformance. */

const MINIATURE = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
/** As many tokens as the miniature's tokenizer has. */
const config = tinyConfig('qwen3', { vocab_size: 576 })
const model = { config, parameters: initParameters(config, 1) }
const crossEntropy = { kind: 'cross_entropy' } as const
const adam = { learningRate: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClipNorm: 1 }
const datum: Datum = {
  tokens: Int32Array.of(1, 2, 3, 4),
  targets: Int32Array.of(2, 3, 4, 5),
  weights: new Float32Array(4).fill(0.25),
}

const folder = mkdtempSync(join(tmpdir(), 'ruminate-local-'))
let engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
  engines = []
  rmSync(folder, { recursive: true, force: true })
})
async function open(spec: Partial<EngineSpec> = {}): Promise<Engine> {
  const engine = await openLocalEngine({ model, threads: 1, ...spec })
  engines.push(engine)
  return engine
}

describe('weights', () => {
  test('the base weights are read again from their folder when the trainer has changed them', async () => {
    const engine = await open({ model: MINIATURE })
    const logprobs = async () => {
      const scorer = await engine.scorer(engine.base)
      const result = await scorer.logprobs([datum])
      await scorer.close()
      return result
    }
    const before = await logprobs()
    const trainer = await engine.trainer()
    await trainer.forwardBackward([datum], crossEntropy)
    await trainer.optimStep(adam)
    expect(await logprobs()).toEqual(before)
    expect(await logprobs()).toEqual(before)
  })

  describe('of a folder', () => {
    const source = join(folder, 'model')
    const save = (seed: number) =>
      saveModel(source, { config, parameters: initParameters(config, seed), tokenizerFrom: MINIATURE })
    /** An engine of the folder, whose trainer has changed the weights. */
    const openFolder = async () => {
      save(1)
      utimesSync(join(source, 'config.json'), 1, 1)
      const engine = await open({ model: source })
      const trainer = await engine.trainer()
      await trainer.forwardBackward([datum], crossEntropy)
      await trainer.optimStep(adam)
      return { engine, trainer }
    }

    test('are read again only if the folder is as it was', async () => {
      const { engine, trainer } = await openFolder()
      const refused = async (message: string) => {
        const error = await engine.scorer(engine.base).catch((reason) => reason)
        expect(error).toBeInstanceOf(UserError)
        expect(error.message).toContain(message)
      }
      const changed = `the model in ${source} has changed since it was opened`
      const setTime = (seconds: number) => utimesSync(join(source, 'config.json'), seconds, seconds)
      setTime(2)
      await refused(changed)
      setTime(1)
      await (await engine.scorer(engine.base)).close()
      save(2)
      setTime(1)
      await refused(changed)
      rmSync(source, { recursive: true })
      await refused(`there is no model folder ${source}`)
      await expect(trainer.optimStep(adam)).resolves.toBeDefined()
    })

    test('are not overwritten by the engine that was opened from it', async () => {
      const { engine, trainer } = await openFolder()
      const link = join(folder, 'link')
      symlinkSync(source, link)
      for (const directory of [source, `${source}/`, link]) {
        const refused = `cannot save to ${directory}: the engine was opened from this folder`
        await expect(trainer.save(directory)).rejects.toThrow(refused)
        await expect(engine.save(engine.base, directory)).rejects.toThrow(refused)
      }
      await trainer.save(join(source, 'inner'))
      await expect(engine.scorer(engine.base)).resolves.toBeDefined()
    })
  })

  test('are loaded without the state of the optimizer, as if training began with them', async () => {
    const step = async (trainer: Trainer) => {
      const { loss } = await trainer.forwardBackward([datum], crossEntropy)
      await trainer.optimStep(adam)
      return loss
    }
    const trainer = await (await open({ model: { ...model, tokenizerFrom: MINIATURE } })).trainer()
    await step(trainer)
    await trainer.save(folder, { optimizer: true })
    const steps = async (optimizer: boolean) => {
      const other = await (await open()).trainer()
      await other.load(folder, { optimizer })
      return [await step(other), await step(other)]
    }
    const anew = await (await open({ model: folder })).trainer()
    const expected = [await step(anew), await step(anew)]
    expect(await steps(false)).toEqual(expected)
    expect(await steps(true)).not.toEqual(expected)
  })

  test('weights of another engine or another model are refused', async () => {
    const [one, other] = [await open(), await open()]
    await expect(one.scorer(other.base)).rejects.toThrow(/belong to another engine/)
    await expect(one.scorer(one.saved(MINIATURE))).rejects.toThrow(
      /model.embed_tokens.weight is missing or has another size; the file belongs to another model/,
    )
    await expect((await one.trainer()).load(MINIATURE)).rejects.toThrow(/belongs to another model/)
  })

  test('two samplers of different versions, used in turn, do not affect each other', async () => {
    const engine = await open()
    const trainer = await engine.trainer()
    const options = { n: 2, maxTokens: 20, temperature: 1, seed: 3 }
    const prompt = Int32Array.of(1, 2)
    const first = await engine.sampler(engine.base)
    const alone = await first.sample(prompt, options)
    await trainer.forwardBackward([datum], crossEntropy)
    await trainer.optimStep(adam)
    const second = await engine.sampler(await trainer.snapshot())
    const changed = await second.sample(prompt, options)
    expect(changed).not.toEqual(alone)
    for (let i = 0; i < 2; i++) {
      expect(await first.sample(prompt, options)).toEqual(alone)
      expect(await second.sample(prompt, options)).toEqual(changed)
    }
  })
})

test.each([0, -1, 1.5, Number.NaN])('%d threads are refused', async (threads) => {
  await expect(open({ threads })).rejects.toThrow(
    `threads must be a whole number of at least 1, not ${threads}`,
  )
})

describe('a reward head', () => {
  const texts = [Int32Array.of(5, 6, 7), Int32Array.of(8, 9)]
  const rewards = async (engine: Engine): Promise<number[]> =>
    (await engine.rewardScorer(engine.base)).rewards(texts)

  test('is random by its seed, and is kept by a model that has one', async () => {
    const spec = { model: MINIATURE }
    const first = await rewards(await open({ ...spec, rewardHead: { seed: 1 } }))
    expect(await rewards(await open({ ...spec, rewardHead: { seed: 1 } }))).toEqual(first)
    expect(await rewards(await open({ ...spec, rewardHead: { seed: 2 } }))).not.toEqual(first)

    const engine = await open({ ...spec, rewardHead: { seed: 1 } })
    await engine.save(engine.base, folder)
    expect(loadConfig(folder)).toMatchObject({ head: 'score', padTokenId: loadConfig(MINIATURE).padTokenId })
    expect(await rewards(await open({ model: folder, rewardHead: { seed: 3 } }))).toEqual(first)
    expect(await rewards(await open({ model: folder }))).toEqual(first)
  })

  test('reads at the last token other than padding; a text that is only padding has no reward', async () => {
    const padId = loadConfig(MINIATURE).padTokenId!
    const engine = await open({ model: MINIATURE, rewardHead: { seed: 1 } })
    const scorer = await engine.rewardScorer(engine.base)
    const [plain, padded] = await scorer.rewards([texts[0]!, Int32Array.of(...texts[0]!, padId, padId)])
    expect(padded).toBeCloseTo(plain!, 5)
    await expect(scorer.rewards([Int32Array.of(padId)])).rejects.toThrow(/only padding/)
  })
})

describe('sampling', () => {
  const options = { n: 1, maxTokens: 3, temperature: 1, seed: 1 }

  test.each(['batch', 'continuous'] as const)(
    'an error in onToken fails only its own request, schedule %s',
    async (schedule) => {
      const sampler = await (await open()).sampler((engines[0] as Engine).base, { schedule })
      const onToken = () => {
        throw new Error('not now')
      }
      const [failed, other] = [
        sampler.sample(Int32Array.of(1), { ...options, onToken }),
        sampler.sample(Int32Array.of(1), options),
      ]
      await expect(failed).rejects.toThrow('not now')
      await expect(other).resolves.toHaveLength(1)
    },
  )

  test('a request that is aborted leaves a continuous sampler', async () => {
    const sampler = await (await open()).sampler((engines[0] as Engine).base, { schedule: 'continuous' })
    const leaving = new AbortController()
    const left = sampler.sample(Int32Array.of(1), { ...options, maxTokens: 8, signal: leaving.signal })
    leaving.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    await sampler.sample(Int32Array.of(1), options)
    expect(sampler.load?.()).toMatchObject({ running: 0, waiting: 0 })
  })

  test.each(['batch', 'continuous'] as const)(
    'a prompt of 10⁶ tokens is refused before anything is computed, schedule %s',
    async (schedule) => {
      const engine = await open({ threads: 2 })
      const sampler = await engine.sampler(engine.base, { schedule })
      const error = await sampler.sample(new Int32Array(1e6), options).catch((reason) => reason)
      expect(error).toBeInstanceOf(PromptTooLong)
      expect(sampler.load?.().promptTokens ?? 0).toBe(0)
      await expect(sampler.sample(Int32Array.of(1), options)).resolves.toHaveLength(1)
    },
  )

  test('a conversation is sent to the replica that knows it', async () => {
    const engine = await open({ threads: 2 })
    const sampler = await engine.sampler(engine.base, { schedule: 'continuous' })
    const conversations = [1, 2, 3].map((first) =>
      Int32Array.from({ length: 40 }, (_, t) => (first * t) % 500),
    )
    await Promise.all(conversations.map((prompt) => sampler.sample(prompt, options)))
    for (const prompt of conversations) {
      const [next] = await sampler.sample(Int32Array.of(...prompt, 5, 6), options)
      expect(next!.cachedTokens).toBe(32)
    }
  })

  test('stop strings need a tokenizer', async () => {
    const stop = { ...options, stop: ['x'] }
    const engine = await open()
    const sampler = await engine.sampler(engine.base)
    await expect(sampler.sample(Int32Array.of(1), stop)).rejects.toThrow(/need a tokenizer/)
    cpSync(MINIATURE, folder, { recursive: true })
    const other = await open({ model: { ...model, tokenizerFrom: folder } })
    const [sequence] = await (await other.sampler(other.base)).sample(Int32Array.of(1), stop)
    expect(sequence!.tokens.length).toBeGreaterThan(0)
  })
})
