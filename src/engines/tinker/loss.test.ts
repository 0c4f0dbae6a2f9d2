import { describe, expect, test } from 'vitest'
import type { Objective, PolicyObjective } from '../../algorithms/objectives.ts'
import { Random } from '../../common/random.ts'
import { dpo, policy } from '../conformance/data.ts'
import type { Datum } from '../contract.ts'
import { checkExpressible, type LossScale, lossOf, toWire, type WireLoss } from './loss.ts'

const random = new Random('loss')
const per = (length: number, f: (t: number) => number) => Float32Array.from({ length }, (_, t) => f(t))
/** Sequences of several lengths, with prompts, uneven weights, and ratios on both sides of the clip range. */
const datums = [3, 7, 5].map(
  (length, i): Datum => ({
    tokens: Int32Array.from({ length }, (_, t) => t),
    targets: Int32Array.from({ length }, (_, t) => t + 1),
    weights: per(length, (t) => (t === 0 ? 0 : (1 + i) * (0.5 + random.uniform()))),
    logprobs: per(length, () => -2 - random.uniform()),
    advantages: per(length, () => random.normal()),
  }),
)
const current = datums.map(({ logprobs }) => logprobs!.map((q) => q + 0.8 * random.normal()))

/** d(loss)/d(log π) of each token, as a server computes it. */
function gradientOfServer({ loss, config, data }: WireLoss, reduction: LossScale['reduction']): number[][] {
  const low = config.clip_low_threshold ?? 0.8
  const high = config.clip_high_threshold ?? 1.2
  return data.map(({ loss_fn_inputs: { weights, logprobs, advantages } }, i) => {
    const terms = Array.from(current[i]!, (lp, t) => {
      const [w, A] = [weights?.data[t] ?? 1, advantages?.data[t] ?? 0]
      const ratio = Math.exp(lp - (logprobs?.data[t] ?? 0))
      const bounded = Math.min(Math.max(ratio, low), high)
      if (loss === 'cross_entropy') return -w
      if (loss === 'importance_sampling') return -w * ratio * A
      if (loss === 'cispo') return -w * bounded * A
      // ppo: the gradient of min(ρA, clip(ρ)A)
      return ratio * A <= bounded * A ? -w * ratio * A : 0
    })
    if (reduction === 'sum') return terms
    const sum = weights ? Array.from(weights.data).reduce((a, b) => a + b, 0) : terms.length
    return terms.map((term) => term / sum / data.length)
  })
}

/** d(Σ weight·loss)/d(log π) of each token. */
function gradient(objective: Objective): number[][] {
  return datums.map(({ weights, logprobs, advantages }, i) =>
    Array.from(weights, (w, t) => {
      if (w === 0) return 0
      if (objective.kind !== 'policy') return -w
      const [A, ratio] = [advantages![t]!, Math.exp(current[i]![t]! - logprobs![t]!)]
      const bounded = Math.min(Math.max(ratio, 1 - objective.clipLow), 1 + objective.clipHigh)
      if (objective.surrogate === 'reinforce') return -w * A
      if (objective.surrogate === 'importance') return -w * ratio * A
      if (objective.surrogate === 'cispo') return -w * bounded * A
      return ratio * A <= bounded * A ? -w * ratio * A : 0
    }),
  )
}

const with_ = (change: Partial<PolicyObjective>): PolicyObjective => ({ ...policy, ...change })

describe.each(['sum', 'sequence-mean'] as const)('on a server with a %s', (reduction) => {
  test.each<[string, Objective]>([
    ['cross-entropy', { kind: 'cross_entropy' }],
    ['clip', policy],
    ['clip with other bounds', with_({ clipLow: 0.1, clipHigh: 0.28 })],
    ["clip without a lower bound, as R1's", with_({ clipLow: 10, clipHigh: 10 })],
    ['importance', with_({ surrogate: 'importance' })],
    ['cispo', with_({ surrogate: 'cispo', clipLow: 1, clipHigh: 3 })],
    ['reinforce', with_({ surrogate: 'reinforce' })],
  ])('the gradient of %s is that of the objective', (_, objective) => {
    const wire = toWire(datums, objective, { reduction }, datums.length)
    const expected = gradient(objective)
    for (const [i, terms] of gradientOfServer(wire, reduction).entries())
      for (const [t, term] of terms.entries()) expect(term + 0).toBeCloseTo(expected[i]![t]! + 0, 4)
  })
})

test('prompts have no loss: their targets, log-probs and advantages are 0', () => {
  for (const { loss_fn_inputs } of toWire(datums, policy, { reduction: 'sum' }, 3).data)
    for (const { data } of Object.values(loss_fn_inputs)) expect(data[0]! + 0).toBe(0)
})

test('the loss and the clipped tokens are those of the log-probs', () => {
  const one: Datum = {
    tokens: Int32Array.of(1, 2, 3),
    targets: Int32Array.of(2, 3, 4),
    weights: Float32Array.of(0, 1, 2),
    logprobs: Float32Array.of(0, -1, -1),
    advantages: Float32Array.of(0, 1, -1),
  }
  const logprobs = [Float32Array.of(Number.NaN, -1 + Math.log(1.5), -1 + Math.log(0.5))]
  const { loss, clipped } = lossOf([one], logprobs, policy)
  // −(1 · min(1.5, 1.2) + 2 · min(−0.5, −0.8))
  expect(loss).toBeCloseTo(-(1.2 - 1.6), 5)
  expect([...clipped![0]!]).toEqual([Number.NaN, 1, -1])
  expect(lossOf([one], logprobs, { kind: 'cross_entropy' }).loss).toBeCloseTo(
    -(logprobs[0]![1]! + 2 * logprobs[0]![2]!),
    5,
  )
})

test.each<[Objective, RegExp]>([
  [dpo, /cannot train with dpo/],
  [with_({ surrogate: 'sapo' }), /surrogate sapo, only with clip, importance, cispo, reinforce/],
  [with_({ ratio: 'sequence' }), /rl\.objective\.ratio=token/],
  [with_({ dualClip: 3 }), /dualClip=null/],
  [with_({ kl: { beta: 0.1, estimator: 'k3' } }), /rl\.klInReward/],
  [with_({ klCov: 1 }), /KL-Cov/],
  [with_({ temperature: 0.7 }), /temperature 1/],
])('%o is refused', (objective, message) => {
  expect(() => checkExpressible(objective)).toThrow(message)
})
