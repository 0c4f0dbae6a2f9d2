import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../models/directory.ts'
import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import type { Datum, Engine, EngineSpec } from '../contract.ts'
import { openLocalEngine } from './index.ts'

/* What only local engines have: folders, reward heads, memory. The rest of the contract is tested in conformance. */

const MINIATURE = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const config = tinyConfig('qwen3')
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

  test('reads at the last token other than padding; a text of padding alone has no reward', async () => {
    const padId = loadConfig(MINIATURE).padTokenId!
    const engine = await open({ model: MINIATURE, rewardHead: { seed: 1 } })
    const scorer = await engine.rewardScorer(engine.base)
    const [plain, padded] = await scorer.rewards([texts[0]!, Int32Array.of(...texts[0]!, padId, padId)])
    expect(padded).toBeCloseTo(plain!, 5)
    await expect(scorer.rewards([Int32Array.of(padId)])).rejects.toThrow(/padding alone/)
  })
})

describe('sampling', () => {
  const options = { n: 1, maxTokens: 3, temperature: 1, seed: 1 }

  test('an error in onToken fails only its own request', async () => {
    const sampler = await (await open()).sampler((engines[0] as Engine).base)
    const onToken = () => {
      throw new Error('not now')
    }
    const [failed, other] = [
      sampler.sample(Int32Array.of(1), { ...options, onToken }),
      sampler.sample(Int32Array.of(1), options),
    ]
    await expect(failed).rejects.toThrow('not now')
    await expect(other).resolves.toHaveLength(1)
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
