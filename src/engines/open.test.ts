import { expect, test, vi } from 'vitest'
import type { PolicyObjective } from '../algorithms/objectives.ts'
import { initParameters } from '../models/parameters.ts'
import { fakeEngine } from '../testing/fakes/fake-engine.ts'
import { tinyConfig } from '../testing/models.ts'
import type { Engine } from './contract.ts'
import * as local from './local/index.ts'
import { type EngineName, openEngine, openSampler, requireCapabilities, withEngine } from './open.ts'

vi.mock('./local/index.ts', { spy: true })

const config = tinyConfig('llama')
const spec = { model: { config, parameters: initParameters(config, 1) }, threads: 1 }
const options = { n: 2, maxTokens: 3, temperature: 1, seed: 1 }

test.each(['nope', 'toString', '__proto__'])('there is no engine %s', async (engine) => {
  await expect(openEngine({ ...spec, engine: engine as EngineName })).rejects.toMatchObject({
    name: 'UserError',
    message: `there is no engine ${engine}; the engines are local, tinker`,
    exitCode: 2,
  })
})

test('an engine is opened with its own settings alone', async () => {
  const settings = { ...spec, engine: 'local', steps: 3, onStep: () => {} } as const
  await (await openEngine(settings)).close()
  expect(local.openLocalEngine).toHaveBeenLastCalledWith(spec)
})

test('an engine is closed if the work fails', async () => {
  let engine: Engine | undefined
  await expect(
    withEngine(spec, async (opened) => {
      engine = opened
      throw new Error('no more')
    }),
  ).rejects.toThrow('no more')
  await expect(engine!.trainer()).rejects.toThrow(/was closed/)
})

test('a sampler is opened and closed with its engine', async () => {
  const sampler = await openSampler(spec)
  expect(await sampler.sample(Int32Array.of(1), options)).toHaveLength(2)
  await sampler.close()
  await expect(sampler.sample(Int32Array.of(1), options)).rejects.toThrow(/was closed/)
  await expect(openSampler({ ...spec, rewardHead: { seed: 1 } })).rejects.toThrow(/reward model/)
})

test('a run that the engine cannot do is refused', () => {
  const objective = {
    kind: 'policy',
    surrogate: 'clip',
    ratio: 'token',
    dualClip: null,
    kl: { beta: 0.1, estimator: 'k3' },
  } as PolicyObjective
  const { can } = fakeEngine()
  requireCapabilities(can, { objective })
  const withoutKl = { ...can, klInLoss: false }
  requireCapabilities(withoutKl, { objective: { ...objective, kl: { beta: 0, estimator: 'k3' } } })
  expect(() => requireCapabilities(withoutKl, { objective })).toThrow(/rl.objective.kl.beta=0/)
  expect(() => requireCapabilities(can, { objective: { kind: 'preference' } })).toThrow(
    /only with cross_entropy, policy/,
  )
  const rewardModel = { ...can, rewardHead: true, objectives: ['preference'] as const }
  expect(() => requireCapabilities(rewardModel, { objective })).toThrow(
    /reward model: it cannot be trained with policy, only with preference/,
  )
  const oneTemperature = { ...can, temperature: false }
  requireCapabilities(oneTemperature, { objective })
  requireCapabilities(oneTemperature, { objective: { ...objective, temperature: 1 } })
  requireCapabilities(can, { objective: { ...objective, temperature: 0.7 } })
  expect(() =>
    requireCapabilities(oneTemperature, { objective: { ...objective, temperature: 0.7 } }),
  ).toThrow(/at temperature 1, but rl\.temperature is 0\.7: set rl\.temperature=1/)
  requireCapabilities({ ...can, maxTokens: 100 }, { objective, tokens: 100 })
  requireCapabilities({ ...can, maxTokens: null }, { objective, tokens: 1e6 })
  expect(() => requireCapabilities({ ...can, maxTokens: 100 }, { objective, tokens: 101 })).toThrow(
    /at most 100 tokens.*allow 101.*rl\.maxTokens/,
  )
})
