import { afterAll, describe, expect, test } from 'vitest'
import { Random } from '../../../common/random.ts'
import { initParameters } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { Datum, Engine, SampleOptions, Weights } from '../../contract.ts'
import { openLocalEngine } from '../index.ts'

/* Two replicas, each with a part of the batch, compared with a single one. */

const config = tinyConfig('qwen3')
const open = (threads: number) =>
  openLocalEngine({ model: { config, parameters: initParameters(config, 1) }, threads })
const [one, two] = await Promise.all([open(1), open(2)])
const trainers = await Promise.all([one.trainer(), two.trainer()])
afterAll(() => Promise.all([one.close(), two.close()]))

const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.01, gradClipNorm: 1 }
const random = new Random('replicas')
const prompts = Array.from({ length: 5 }, (_, p) => Int32Array.of(p + 1, 2 * p + 1, 3))
const datums: Datum[] = prompts.flatMap((prompt) =>
  Array.from({ length: 3 }, () => {
    const ids = Int32Array.from([
      ...prompt,
      ...Array.from({ length: random.int(3, 12) }, () => random.int(0, config.vocabSize - 1)),
    ])
    return {
      tokens: ids.slice(0, -1),
      targets: ids.slice(1),
      weights: Float32Array.from({ length: ids.length - 1 }, (_, t) => Number(t >= prompt.length - 1)),
    }
  }),
)

const close = (a: readonly Float32Array[], b: readonly Float32Array[], tolerance: number) => {
  expect(a.length).toBe(b.length)
  for (const [i, x] of a.entries()) {
    expect(x.length).toBe(b[i]!.length)
    for (const [t, value] of x.entries())
      if (Number.isNaN(value)) expect(b[i]![t]).toBeNaN()
      else expect(Math.abs(value - b[i]![t]!)).toBeLessThan(tolerance)
  }
}

async function logprobs(engine: Engine, weights: Weights, data: readonly Datum[]): Promise<Float32Array[]> {
  const scorer = await engine.scorer(weights)
  const result = await scorer.logprobs(data)
  await scorer.close()
  return result
}

describe('training', () => {
  test('three steps: the same losses, log-probs, gradient norms and weights', async () => {
    for (let step = 0; step < 3; step++) {
      const [a, b] = await Promise.all(
        trainers.map((t) => t.forwardBackward(datums, { kind: 'cross_entropy' })),
      )
      expect(b!.loss / a!.loss).toBeCloseTo(1, 5)
      close(a!.logprobs, b!.logprobs, 1e-4)
      close(a!.entropies!, b!.entropies!, 1e-4)
      const [p, q] = await Promise.all(trainers.map((t) => t.optimStep(adam)))
      expect(q!.gradNorm! / p!.gradNorm!).toBeCloseTo(1, 4)
    }
    const [v, w] = await Promise.all(trainers.map((t) => t.snapshot()))
    close(await logprobs(one, v!, datums), await logprobs(two, w!, datums), 1e-3)
  })

  test('a step clears the gradient', async () => {
    expect((await trainers[1].optimStep({ ...adam, learningRate: 0 })).gradNorm).toBe(0)
  })

  test('every replica has the new weights', async () => {
    const weights = await trainers[1].snapshot()
    const together = await logprobs(two, weights, datums)
    // A single datum is computed by the first replica; several are spread over both.
    for (const [i, datum] of datums.entries()) {
      close(await logprobs(two, weights, [datum]), [together[i]!], 1e-4)
    }
  })
})

describe('sampling', () => {
  const options: Omit<SampleOptions, 'onToken'> = { n: 4, maxTokens: 6, temperature: 1, seed: 5 }
  const current = async (k: number, engine: Engine) => engine.sampler(await trainers[k]!.snapshot())
  const texts = async (k: number, engine: Engine, requested: readonly Int32Array[]) => {
    const sampler = await current(k, engine)
    const results = await Promise.all(requested.map((prompt) => sampler.sample(prompt, options)))
    return results.map((sequences) => sequences.map(({ tokens }) => [...tokens]))
  }

  test.each([
    ['a single prompt, its sequences spread', [prompts[0]!]],
    ['many prompts', prompts],
  ])('%s: same sequences, in order', async (_, requested) => {
    expect(await texts(1, two, requested)).toEqual(await texts(0, one, requested))
  })

  test('tokens stream from both replicas with the index of their sequence', async () => {
    const sampler = await current(1, two)
    const streamed: number[][] = [[], [], [], []]
    const sequences = await sampler.sample(prompts[0]!, {
      ...options,
      onToken: (index, token) => streamed[index]!.push(token),
    })
    expect(streamed).toEqual(sequences.map(({ tokens }) => [...tokens]))
  })
})
