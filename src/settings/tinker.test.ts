import { expect, test } from 'vitest'
import { resolveDistillSettings } from './distill.ts'
import { resolveR1Settings, stagesOf } from './r1.ts'
import { resolveSftSettings } from './sft.ts'
import { resolveZeroSettings } from './zero.ts'

const usual = resolveZeroSettings({})

test('on this machine nothing changes', () => {
  expect(usual).toMatchObject({ lora: null, tinker: null, async: null })
  expect(usual.rl).toMatchObject({
    klInReward: null,
    importanceCap: null,
    objective: { kl: { beta: 0.001 } },
  })
})

test('on a server: adapters, ten times the learning rate, and the KL penalty in the reward', () => {
  const { lora, rl } = resolveZeroSettings({ engine: 'tinker' })
  expect(lora).toMatchObject({ rank: 16, alpha: 32, targets: 'all-linear' })
  expect(rl.learningRate).toBeCloseTo(10 * usual.rl.learningRate, 10)
  expect(rl.objective.kl.beta).toBe(0)
  expect(rl.klInReward).toEqual({ beta: 0.001, estimator: 'k1' })
})

test('what is given is kept', () => {
  const all = resolveZeroSettings({ engine: 'tinker', lora: null })
  expect(all.lora).toBeNull()
  expect(all.rl.learningRate).toBe(usual.rl.learningRate)
  const given = resolveZeroSettings({
    engine: 'tinker',
    lora: { rank: 4, alpha: 32 },
    rl: { learningRate: 1e-3, klInReward: null },
    tinker: { url: 'http://127.0.0.1:8000', model: 'Qwen/Qwen3-4B' },
  })
  expect(given).toMatchObject({
    lora: { rank: 4, alpha: 32 },
    rl: { learningRate: 1e-3, klInReward: null },
    tinker: { url: 'http://127.0.0.1:8000', model: 'Qwen/Qwen3-4B', patience: 1800, concurrency: 64 },
  })
})

test('sft, distill and the stages of r1 train adapters, too; reward models stay here', () => {
  expect(resolveSftSettings({ engine: 'tinker', data: 'rows.jsonl' }).lora).toMatchObject({ rank: 16 })
  expect(resolveDistillSettings({ engine: 'tinker', teacher: 'teacher' }).lora).toMatchObject({ rank: 16 })
  const stages = stagesOf(resolveR1Settings({ engine: 'tinker' }))
  expect(stages.rl1).toMatchObject({
    engine: 'tinker',
    lora: { rank: 16 },
    rl: { objective: { kl: { beta: 0 } } },
  })
})

test.each(['miniature', 'quick', 'deepseek-r1'] as const)(
  'every stage of the preset %s can be trained on a server',
  (preset) => {
    const here = stagesOf(resolveR1Settings({ preset }))
    const there = stagesOf(resolveR1Settings({ preset, engine: 'tinker' }))
    for (const name of ['zero', 'rl1', 'rl2', 'studentZero'] as const) {
      const { beta } = here[name].rl.objective.kl
      expect(there[name].rl).toMatchObject({
        temperature: 1,
        objective: { kl: { beta: 0 } },
        klInReward: beta === 0 ? null : { beta },
      })
      expect(there[name].rl.learningRate).toBeCloseTo(10 * here[name].rl.learningRate, 10)
    }
    for (const name of ['coldStart', 'mixture', 'distill'] as const)
      expect(there[name].learningRate).toBeCloseTo(10 * here[name].learningRate, 10)
    expect([there.helpful, there.harmless]).toEqual([here.helpful, here.harmless])
  },
)

test('what is given for a stage is kept, so that the engine can refuse it', () => {
  const stages = stagesOf(
    resolveR1Settings({
      engine: 'tinker',
      rl2: { zero: { rl: { temperature: 0.7, objective: { kl: { beta: 0.2 } } } } },
      mixture: { sft: { learningRate: 1e-3 } },
    }),
  )
  expect(stages.rl2.rl).toMatchObject({ temperature: 0.7, objective: { kl: { beta: 0.2 } } })
  expect(stages.mixture.learningRate).toBe(1e-3)
})

test('sampling ahead is corrected by importance weights', () => {
  expect(resolveZeroSettings({ async: { staleness: 2 } })).toMatchObject({
    async: { staleness: 2 },
    rl: { importanceCap: 2 },
  })
  expect(resolveZeroSettings({ async: {}, rl: { importanceCap: 5 } }).rl.importanceCap).toBe(5)
  expect(() => resolveZeroSettings({ async: { staleness: 0 } })).toThrow(/async\.staleness/)
})

test('the server’s name of one model is refused in runs of several', () => {
  const server = { engine: 'tinker', tinker: { model: 'a' } }
  expect(() => resolveR1Settings(server)).toThrow(/tinker\.model names one model, and the student is another/)
  expect(resolveR1Settings({ ...server, student: { model: null } }).tinker).toMatchObject({ model: 'a' })
  expect(() => resolveDistillSettings({ ...server, teacher: 'b' })).toThrow(/and the teacher is another/)
})

test('an address that is none is refused', () => {
  expect(() => resolveZeroSettings({ tinker: { url: 'nowhere' } })).toThrow(/tinker\.url/)
})
