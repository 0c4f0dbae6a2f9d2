import { expect, test } from 'vitest'
import { resolveDistillSettings } from './distill.ts'
import type { Tree } from './layers.ts'
import { resolveR1Settings, stagesOf, usualRates } from './r1.ts'

test.each(['miniature', 'quick', 'deepseek-r1'])('preset %s and its stages are complete', (preset) => {
  const settings = resolveR1Settings({ preset, threads: 1 })
  const { rl1, rl2, zero, mixture } = stagesOf(settings)
  expect([zero.template, rl1.template, rl2.template]).toEqual(['r1-zero', 'chat', 'chat'])
  expect([zero, rl1].map(({ rewards }) => rewards.language! > 0)).toEqual([false, true])
  expect(settings.mixture.ratio).toBe(3)
  expect(mixture.epochs).toBeGreaterThanOrEqual(2)
  // the clip range of R1 (Nature 645, Methods), and the temperature of the last step
  expect([rl1.rl.objective.clipHigh, rl2.rl.objective.clipHigh]).toEqual([10, 10])
  expect([rl1.rl.temperature, rl2.rl.temperature]).toEqual([1, 0.7])
})

test('given settings are merged over the preset of their stage', () => {
  const settings = resolveR1Settings({
    preset: 'quick',
    seed: 7,
    rl1: { rewards: { language: 0 } },
    mixture: { sft: { epochs: 1 } },
  })
  const { rl1, mixture, zero } = stagesOf(settings)
  expect(rl1.rewards.language).toBe(0)
  expect([mixture.epochs, mixture.seed, zero.seed]).toEqual([1, 7, 7])
  expect(rl1.steps).toBe(stagesOf(resolveR1Settings({ preset: 'quick' })).rl1.steps)
})

test.each([
  [{ coldStart: { fewshot: 1 } }, 'unknown setting coldStart.fewshot; did you mean coldStart.fewShot?'],
  [{ rl1: { stepz: 3 } }, 'unknown setting rl1.stepz; did you mean rl1.steps?'],
  [{ rl2: { zero: { steps: -1 } } }, 'setting rl2.zero.steps is -1:'],
  [{ preferences: { helpful: { epochs: 0 } } }, 'setting preferences.helpful.epochs is 0:'],
  [{ preferences: { times: 3 } }, 'setting preferences.times is 3:'],
  [{ preset: 'large' }, 'setting preset is "large":'],
  [{ coldStart: { fewShot: 0, direct: 0, zero: 0 } }, 'the cold start has no source: set coldStart.fewShot'],
  [{ judge: { baseUrl: 'localhost', model: 'x' } }, 'setting judge'],
])('%j is an error', (given, message) => {
  expect(() => resolveR1Settings(given)).toThrow(message)
})

const decided: [(given: Tree) => unknown, Tree, string, string][] = [
  [resolveR1Settings, { zero: { engine: 'nope' } }, 'zero.engine', 'set engine instead'],
  [resolveR1Settings, { zero: { seed: 5 } }, 'zero.seed', 'set seed instead'],
  [resolveR1Settings, { rl1: { threads: 2 } }, 'rl1.threads', 'set threads instead'],
  [resolveR1Settings, { rl2: { zero: { task: 'countdown' } } }, 'rl2.zero.task', 'set task instead'],
  [resolveR1Settings, { rl1: { model: 'm' } }, 'rl1.model', 'set model instead'],
  [
    resolveR1Settings,
    { student: { zero: { model: 'm' } } },
    'student.zero.model',
    'set student.model instead',
  ],
  [resolveR1Settings, { mixture: { sft: { seed: 1 } } }, 'mixture.sft.seed', 'set seed instead'],
  [resolveR1Settings, { mixture: { sft: { data: 'd' } } }, 'mixture.sft.data', 'leave it out'],
  [
    resolveR1Settings,
    { preferences: { helpful: { engine: 'local' } } },
    'preferences.helpful.engine',
    'set engine instead',
  ],
  [resolveDistillSettings, { data: 'd', zero: { seed: 5 } }, 'zero.seed', 'set seed instead'],
  [resolveDistillSettings, { data: 'd', sft: { model: 'm' } }, 'sft.model', 'set student instead'],
  [resolveDistillSettings, { teacher: 't', sft: { data: 'd' } }, 'sft.data', 'set data instead'],
]
test.each(decided)(
  '%o: what the run decides cannot be set for a stage: %j',
  (resolve, given, setting, advice) => {
    expect(() => resolve(given)).toThrow(
      expect.objectContaining({
        message: `setting ${setting} is set by the run: ${advice}`,
        exitCode: 2,
      }),
    )
  },
)

test.each(['miniature', 'quick', 'deepseek-r1'])(
  'stored settings of preset %s resolve to themselves',
  (preset) => {
    const r1 = resolveR1Settings({ preset, seed: 3, threads: 2 })
    expect(resolveR1Settings(JSON.parse(JSON.stringify(r1)))).toEqual(r1)
    const distill = resolveDistillSettings({ preset, seed: 3, threads: 2, data: 'd' })
    expect(resolveDistillSettings(JSON.parse(JSON.stringify(distill)))).toEqual(distill)
  },
)

test('the stages of preset deepseek-r1 have the numbers of the paper, not the miniature’s', () => {
  const { rl1, rl2, coldStart, mixture, helpful, harmless } = stagesOf(
    resolveR1Settings({ preset: 'deepseek-r1' }),
  )
  for (const { rl } of [rl1, rl2])
    expect(rl).toMatchObject({
      learningRate: 3e-6,
      advantage: 'group',
      questionsPerStep: 512,
      groupSize: 16,
      objective: { clipLow: 10, clipHigh: 10, kl: { beta: 0.001 } },
    })
  expect([rl1.rl.temperature, rl2.rl.temperature]).toEqual([1, 0.7])
  for (const { learningRate, batchSize, epochs } of [helpful, harmless])
    expect([learningRate, batchSize, epochs]).toEqual([6e-6, 256, 1])
  for (const { learningRate, batchSize, epochs } of [coldStart, mixture])
    expect([learningRate, batchSize, epochs]).toEqual([5e-5, 128, 2])
})

test('the learning rates that are the preset’s, of the stages that are run and train adapters', () => {
  const lora = { rank: 16 }
  expect(usualRates(resolveR1Settings({}))).toEqual([])
  expect(usualRates(resolveR1Settings({ lora, student: { model: null }, coldStart: { rows: 0 } }))).toEqual([
    'zero.rl.learningRate',
    'rl1.rl.learningRate',
    'mixture.sft.learningRate',
    'preferences.helpful.learningRate',
    'preferences.harmless.learningRate',
    'rl2.zero.rl.learningRate',
  ])
  const rates = usualRates(
    resolveR1Settings({
      lora,
      rl1: { rl: { learningRate: 1e-4 } },
      coldStart: { sft: { learningRate: 1e-4 } },
    }),
  )
  expect(rates).not.toContain('rl1.rl.learningRate')
  expect(rates).not.toContain('coldStart.sft.learningRate')
  expect(rates).toContain('student.sft.learningRate')
})
