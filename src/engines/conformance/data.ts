import { expect } from 'vitest'
import type { DpoObjective } from '../../algorithms/dpo.ts'
import type { PolicyObjective } from '../../algorithms/objectives.ts'
import { Random } from '../../common/random.ts'
import type { AdamSettings, Datum, SampledSequence } from '../contract.ts'

/* What the conformance tests sample, train on and compare. */

export const adam: AdamSettings = {
  learningRate: 0.02,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 0,
}
export const crossEntropy = { kind: 'cross_entropy' } as const
/** Without a KL term, which not every engine supports. */
export const policy: PolicyObjective = {
  kind: 'policy',
  ratio: 'token',
  surrogate: 'clip',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0, estimator: 'k3' },
}

/** The loss of Bradley and Terry on the ratios to the reference policy. */
export const dpo: DpoObjective = {
  kind: 'dpo',
  loss: 'sigmoid',
  beta: 0.5,
  labelSmoothing: 0,
  margin: 0,
  lengthNormalised: false,
  referenceFree: false,
}

/** How the prompts are sampled. */
export const options = { n: 3, maxTokens: 8, temperature: 1, seed: 5 }

/** Random prompts that end with token 0, and training sequences with weight 0 on their prompts. */
export function data(vocabSize: number): { prompts: Int32Array[]; datums: Datum[] } {
  const random = new Random('conformance')
  const ids = (length: number) => Int32Array.from({ length }, () => random.int(0, vocabSize - 1))
  const prompts = [2, 5, 3].map((length) => Int32Array.of(...ids(length), 0))
  const datums = [...prompts, ...prompts].map((prompt, i): Datum => {
    const datum = toDatum(prompt, ids(3 + 2 * i))
    const per = (f: () => number) => Float32Array.from(datum.tokens, f)
    return {
      ...datum,
      weights: datum.weights.map((w) => w / 4),
      logprobs: per(() => -2 - random.uniform()),
      advantages: per(() => random.normal()),
    }
  })
  return { prompts, datums }
}

/** A datum of a prompt and its response. */
export function toDatum(
  prompt: Int32Array,
  response: Int32Array,
): Pick<Datum, 'tokens' | 'targets' | 'weights'> {
  const all = Int32Array.of(...prompt, ...response)
  return {
    tokens: all.slice(0, -1),
    targets: all.slice(1),
    weights: Float32Array.from({ length: all.length - 1 }, (_, t) => Number(t >= prompt.length - 1)),
  }
}

export const texts = (sequences: readonly SampledSequence[]): number[][] =>
  sequences.map(({ tokens }) => [...tokens])

export const equal = (a: readonly Float32Array[], b: readonly Float32Array[]): void =>
  void expect(a).toEqual(b)

/** Log-probabilities that should agree differ by less than this (nats): rounding depends on the batch. */
const TOLERANCE = 1e-3

export function closeTo(a: readonly Float32Array[], b: readonly Float32Array[], tolerance = TOLERANCE): void {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length))
  for (const [i, values] of a.entries())
    for (const [t, value] of values.entries())
      if (Number.isNaN(value)) expect(b[i]![t]).toBeNaN()
      else expect(Math.abs(value - b[i]![t]!)).toBeLessThan(tolerance)
}
