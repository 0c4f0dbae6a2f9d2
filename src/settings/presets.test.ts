import { expect, test } from 'vitest'
import { algorithmNames, baseNames, type RlPreset, rlPreset } from './presets.ts'

/** The names of the settings in which two presets differ. */
const differences = (a: RlPreset, b: RlPreset): string[] =>
  (Object.keys(a) as (keyof RlPreset)[])
    .filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]))
    .sort()

test('r1-zero has the numbers of the paper', () => {
  const { objective, ...zero } = rlPreset('r1-zero')
  expect(objective).toMatchObject({ ratio: 'token', surrogate: 'clip', kl: { beta: 0.001, estimator: 'k3' } })
  expect(zero).toMatchObject({
    groupSize: 16,
    epochs: 1,
    learningRate: 3e-6,
    temperature: 1,
    maxTokens: 32_768,
  })
  expect(zero.questionsPerStep * zero.groupSize).toBe(8192)
  expect((zero.questionsPerStep * zero.groupSize) / zero.minibatches).toBe(512)
  expect((zero.referenceRefresh ?? 0) * zero.minibatches).toBe(400)
})

test.each<[string, string[]]>([
  ['grpo', []],
  ['dr-grpo', ['advantage', 'normalisation', 'objective']],
  ['dapo', ['dynamicSampling', 'normalisation', 'objective', 'overlong']],
  ['gspo', ['objective']],
  ['cispo', ['normalisation', 'objective']],
  ['sapo', ['objective']],
  ['clip-cov', ['covariance', 'normalisation', 'objective']],
  ['kl-cov', ['covariance', 'normalisation', 'objective']],
  ['scalerl', ['advantage', 'curriculum', 'dropZeroVariance', 'interruption', 'normalisation', 'objective']],
  ['rloo', ['advantage', 'klInReward', 'minibatches', 'normalisation', 'objective']],
  ['reinforce++', ['advantage', 'klInReward', 'normalisation', 'objective']],
])('%s changes only its own settings', (algorithm, changed) => {
  expect(differences(rlPreset('r1-zero'), rlPreset('r1-zero', algorithm))).toEqual(changed)
})

test.each([
  [14_336, 12_288],
  [700, 600],
  [260, 160],
  [120, 60],
])(
  'scalerl ends thinking after six sevenths of the longest response, and leaves room to answer: of %i tokens, %i',
  (maxTokens, after) => {
    expect(rlPreset('r1-zero', 'scalerl', maxTokens).interruption?.after).toBe(after)
  },
)

test('kl-cov has at least two optimizer steps on the same responses, without which it has no effect', () => {
  expect(rlPreset('miniature', 'kl-cov').minibatches).toBe(2)
  expect(rlPreset('r1-zero', 'kl-cov').minibatches).toBe(16)
})

test.each<[string, string, string[], Partial<RlPreset>]>([
  ['deepseek-r1', 'r1-zero', ['objective', 'rewards'], { rewards: { accuracy: 1, format: 1, language: 1 } }],
  ['deepseek-r1-general', 'deepseek-r1', ['temperature'], { temperature: 0.7 }],
  [
    'miniature-r1',
    'miniature',
    ['objective', 'rewards'],
    { rewards: { accuracy: 1, format: 0.1, language: 0.1 } },
  ],
])('%s is %s with R1’s own numbers', (base, from, changed, numbers) => {
  const preset = rlPreset(base)
  expect(differences(rlPreset(from), preset)).toEqual(changed)
  expect(preset).toMatchObject(numbers)
  expect(preset.objective).toEqual({ ...rlPreset(from).objective, clipLow: 10, clipHigh: 10 })
})

test('every preset survives JSON', () => {
  for (const base of baseNames)
    for (const algorithm of algorithmNames) {
      const preset = rlPreset(base, algorithm)
      expect(JSON.parse(JSON.stringify(preset))).toEqual(preset)
    }
})

test('the scale comes from the base', () => {
  expect(rlPreset('miniature', 'dapo').overlong).toEqual({ buffer: 52 })
  expect(rlPreset('miniature', 'rloo').klInReward).toEqual({ beta: 0.001, estimator: 'k1' })
})

test.each([
  [
    'r2',
    'grpo',
    /unknown preset "r2"; choose one of r1-zero, deepseek-r1, deepseek-r1-general, miniature, miniature-r1$/,
  ],
  ['miniature', 'ppo', /unknown algorithm "ppo"; choose one of grpo, dr-grpo/],
  ['miniature', 'toString', /unknown algorithm/],
])('%s with %s is an error', (base, algorithm, message) =>
  expect(() => rlPreset(base, algorithm)).toThrow(message),
)
