import { describe, expect, test } from 'vitest'
import { fakeTask } from '../../testing/fakes/fake-engine.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import { responseMetrics, rewardMetrics, runningTotal, tokenMetrics, zeroVarianceShare } from './metrics.ts'

const rollout = (
  response: string,
  tokens: number,
  stopReason: 'stop' | 'length' = 'stop',
  wellFormed = true,
): SampledRollout => ({
  question: { id: 'q', prompt: '?', gold: 'a', kind: 'k/1' },
  task: fakeTask,
  verdict: () => ({ correct: null, reason: '' }),
  prompt: '?',
  response,
  thinking: response,
  answer: null,
  summary: null,
  tokens,
  stopReason,
  wellFormed,
  opened: false,
  promptTokens: new Int32Array(1),
  sequence: {
    tokens: new Int32Array(tokens),
    logprobs: new Float32Array(tokens),
    samplingLogprobs: new Float32Array(tokens),
    stopReason,
  },
})

test('responseMetrics', () => {
  const metrics = responseMetrics([
    rollout('Wait, wrong. 再试 again', 30),
    rollout('then 8 - 5 = 3', 10, 'length', false),
  ])
  expect(metrics).toEqual({
    format: 0.5,
    'length/mean': 20,
    'length/max': 30,
    'length/cut': 0.5,
    'reflection/per_1000': (1000 * 2) / 40,
    'reflection/per_response': 1,
    'repetition/mean': 0,
    'language/mixed': 0.5,
  })
})

test('repetition is measured within each response', () => {
  const loop = rollout('Wait, wrong. '.repeat(8), 30) // 32 words and symbols: 17 n-grams, 4 of them distinct
  expect(responseMetrics([loop, rollout('7', 1)])['repetition/mean']).toBeCloseTo(13 / 17 / 2)
})

test('rewardMetrics are means over the known values', () => {
  const scores = (
    total: number | null,
    accuracy: number | null,
    correct: boolean | null,
    errors: string[] = [],
  ) => ({ total, rewards: { accuracy }, correct, errors })
  expect(
    rewardMetrics([scores(1.1, 1, true), scores(0.1, 0, false), scores(null, null, null, ['accuracy: x'])]),
  ).toEqual({
    accuracy: 0.5,
    'reward/total': 0.6000000000000001,
    'reward/accuracy': 0.5,
    'rewards/errors': 1,
  })
})

test('the mean of a reward is taken over the rollouts that it applies to', () => {
  const scores = (rewards: Record<string, number | null>) => ({
    total: 1,
    rewards,
    correct: null,
    errors: [],
  })
  const means = rewardMetrics([
    scores({ accuracy: 1 }),
    scores({ helpful: 3, language: 1 }),
    scores({ helpful: 1, language: 0 }),
    scores({ helpful: null, language: 0.5 }),
  ])
  expect(means).toMatchObject({ 'reward/accuracy': 1, 'reward/helpful': 2, 'reward/language': 0.5 })
})

test('an unknown value is NaN, never 0', () => {
  expect(rewardMetrics([])).toMatchObject({ accuracy: Number.NaN, 'reward/total': Number.NaN })
  expect(tokenMetrics([])).toMatchObject({
    entropy: Number.NaN,
    kl: Number.NaN,
    'mismatch/max': Number.NaN,
    'ratio/max': Number.NaN,
  })
})

test('zeroVarianceShare', () => {
  expect(
    zeroVarianceShare([
      [1, 1],
      [0, 1],
      [null, 1],
      [0.1, 0.1],
    ]),
  ).toBe(0.75)
})

describe('tokenMetrics', () => {
  const f = Float32Array.of.bind(Float32Array)
  const sequence = {
    weights: f(0, 0.5, 0.5),
    trainer: f(Number.NaN, -1, -2),
    old: f(0, -1, -1),
    sampler: f(0, -1.5, -2),
    entropies: f(Number.NaN, 0.5, 1.5),
    clipped: f(1, -1, 1),
    reference: f(9, -1, -1),
    onPolicy: true,
  }
  test('formulas, positions of weight 0 left out', () => {
    const metrics = tokenMetrics([sequence])
    const expected = {
      entropy: 1,
      kl: (Math.E - 1 - 1) / 2, // k3 of log r = 0 and 1
      'clip/low': 0.5,
      'clip/high': 0.5,
      'mismatch/mean': 0.25,
      'mismatch/max': 0.5,
      'ratio/mean': (1 + Math.exp(-1)) / 2,
      'ratio/max': 1,
    }
    for (const [name, value] of Object.entries(expected)) expect(metrics[name], name).toBeCloseTo(value, 6)
  })
  test('off-policy minibatches do not count as a mismatch', () => {
    expect(tokenMetrics([{ ...sequence, onPolicy: false }])['mismatch/max']).toBeNaN()
  })
  test('values that the engine does not report are unknown, and the rest are known', () => {
    const { entropies: _, clipped: __, ...known } = sequence
    const metrics = tokenMetrics([sequence, { ...known, entropies: null, clipped: null }])
    expect(metrics).toMatchObject({
      entropy: Number.NaN,
      'clip/low': Number.NaN,
      'clip/high': Number.NaN,
      'mismatch/max': 0.5,
    })
    expect(metrics.kl).toBe(tokenMetrics([sequence]).kl)
  })
})

test.each([
  [1, {}, 5, 5],
  [2, { 'total/flops': 5 }, 3, 8],
  [2, { 'total/flops': 5 }, null, Number.NaN],
  [3, {}, 3, Number.NaN],
])('the total at step %i after %j, with %j added', (step, before, added, total) => {
  expect(runningTotal(before, 'total/flops', step, added)).toBe(total)
})
