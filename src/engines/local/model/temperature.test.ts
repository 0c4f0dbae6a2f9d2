import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { PolicyObjective } from '../../../algorithms/objectives.ts'
import { tokenWeights } from '../../../algorithms/weights.ts'
import { loadModel } from '../../../models/checkpoint/directory.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { countParameters, initParameters, parameterShapes } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { Sequence } from './batches/sequences.ts'
import { gradientVectors } from './exchange.ts'
import { LocalModel } from './local-model.ts'

const clip: PolicyObjective = {
  kind: 'policy',
  ratio: 'token',
  surrogate: 'clip',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0, estimator: 'k3' },
}

/** A model with a trainer, and its accumulated gradient by the names of the parameters. */
function trainable(config: ModelConfig, parameters: Map<string, Float32Array>) {
  const model = new LocalModel({ model: { config, parameters }, threads: 1 })
  const [memory] = gradientVectors(countParameters(config), 1)
  model.openTrainer('all', [memory!])
  const gradient = () => {
    const all = new Float32Array(memory!)
    let at = 0
    return new Map(
      [...parameterShapes(config)].map(([name, shape]) => {
        const size = shape.reduce((a, b) => a * b, 1)
        at += size
        return [name, all.slice(at - size, at)]
      }),
    )
  }
  return { model, gradient }
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length)
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!))).toBeLessThan(tolerance)
}

/*
 * A policy of two tokens without context: attention and feed-forward add nothing, so the logits after token x are W h(x)
 * with h(x) = rmsNorm(embedding of x). A response has two tokens a and b after the prompt 0, and only the first is
 * rewarded: J = Σ_ab π(a|0) π(b|a) R(a) = Σ_a π(a|0) R(a).
 */
describe.each([0.6, 1, 1.3])('a policy of two tokens at temperature %d', (temperature) => {
  const config = tinyConfig('llama', {
    vocab_size: 2,
    num_hidden_layers: 1,
    tie_word_embeddings: false,
    eos_token_id: 1,
    pad_token_id: 0,
  })
  const parameters = initParameters(config, 5)
  for (const name of ['self_attn.o_proj', 'mlp.down_proj'])
    parameters.get(`model.layers.0.${name}.weight`)!.fill(0)
  const W = parameters.get('lm_head.weight')!
  for (const [i, w] of W.entries()) W[i] = 20 * w
  const R = [1, 3]
  const d = config.hiddenSize

  /** h(x). */
  const hidden = (x: number): number[] => {
    const e = [...parameters.get('model.embed_tokens.weight')!.slice(x * d, (x + 1) * d)]
    const rms = Math.sqrt(e.reduce((sum, v) => sum + v * v, 0) / d + config.rmsNormEps)
    return e.map((v) => v / rms)
  }
  /** π(·|x) = softmax(W h(x) / T). */
  const policy = (x: number): number[] => {
    const z = [0, 1].map((v) =>
      Math.exp(hidden(x).reduce((sum, h, i) => sum + h * W[v * d + i]!, 0) / temperature),
    )
    return z.map((e) => e / (z[0]! + z[1]!))
  }
  const pairs = [0, 1].flatMap((a) => [0, 1].map((b) => [a, b] as const))
  const probability = (a: number, b: number) => policy(0)[a]! * policy(a)[b]!
  const responses = pairs.map(
    ([a, b]): Sequence => ({
      tokens: Int32Array.of(0, a),
      targets: Int32Array.of(a, b),
      weights: new Float32Array(2).fill(probability(a, b)),
      old: Float32Array.of(Math.log(policy(0)[a]!), Math.log(policy(a)[b]!)),
      advantages: new Float32Array(2).fill(R[a]!),
    }),
  )

  test('log-probs and entropies are those of softmax(logits / T)', () => {
    const { model } = trainable(config, parameters)
    const scored = model.logprobs(responses, 0, temperature)
    const result = model.forwardBackward(responses, { ...clip, temperature })
    for (const [i, { old, tokens }] of responses.entries()) {
      expectClose(scored[i]!, old!)
      expectClose(result.logprobs[i]!, old!)
      expectClose(
        result.entropies[i]!,
        Array.from(tokens, (x) => -policy(x).reduce((sum, p) => sum + p * Math.log(p), 0)),
      )
    }
  })

  test.each(['clip', 'importance', 'cispo', 'reinforce'] as const)(
    '%s: the gradient is the analytic one; tokens that no reward depends on add nothing',
    (surrogate) => {
      const { model, gradient } = trainable(config, parameters)
      model.forwardBackward(responses, { ...clip, surrogate, temperature })
      // ∂J/∂W_v = π(v|0) (R(v) − Σ π R) h(0) / T, from the first token alone; the loss is −J
      const mean = policy(0).reduce((sum, p, v) => sum + p * R[v]!, 0)
      const expected = [0, 1].flatMap((v) =>
        hidden(0).map((h) => (-policy(0)[v]! * (R[v]! - mean) * h) / temperature),
      )
      expectClose(gradient().get('lm_head.weight')!, expected)
    },
  )

  test('a sampled token has the log-prob that training gives it', () => {
    const { model } = trainable(config, parameters)
    const options = { n: 400, maxTokens: 2, temperature, seed: 1 }
    const sequences = model.sample([{ prompt: Int32Array.of(0), options }], 0)[0]!
    let ones = 0
    for (const { tokens, logprobs, samplingLogprobs } of sequences) {
      expectClose(logprobs, [Math.log(policy(0)[tokens[0]!]!), Math.log(policy(tokens[0]!)[tokens[1]!]!)])
      expect(samplingLogprobs).toBe(logprobs)
      ones += tokens[0]! / options.n
    }
    expect(Math.abs(ones - policy(0)[1]!)).toBeLessThan(0.08)
  })

  test('what truncation leaves out is corrected: the weights are π / q', () => {
    const { model } = trainable(config, parameters)
    const options = { n: 20, maxTokens: 2, temperature, topK: 1, seed: 1 }
    for (const { tokens, logprobs, samplingLogprobs } of model.sample(
      [{ prompt: Int32Array.of(0), options }],
      0,
    )[0]!) {
      expectClose(logprobs, [Math.log(policy(0)[tokens[0]!]!), Math.log(policy(tokens[0]!)[tokens[1]!]!)])
      expect([...samplingLogprobs]).toEqual([0, 0])
    }
  })
})

interface Golden {
  readonly prompts: number[][]
  readonly completions: number[][]
  readonly advantages: number[]
  readonly epsilon: number
  readonly beta: number
  readonly cases: {
    readonly temperature: number
    readonly logprobs: number[][]
    readonly entropies: number[][]
    readonly old: number[][]
    readonly reference: number[][]
    readonly loss: number
    readonly gradients: Record<string, number[]>
    readonly norms: Record<string, number>
  }[]
}

describe("TRL's numbers at a temperature (tools/golden/trl_temperature.py)", () => {
  const fixture = new URL('fixtures/trl-temperature.json', import.meta.url)
  const golden = JSON.parse(readFileSync(fixture, 'utf8')) as Golden
  const { config, parameters } = loadModel(
    fileURLToPath(new URL('../../../models/fixtures/qwen3', import.meta.url)),
  )

  test.each(golden.cases)('$temperature', ({ temperature, loss, norms, gradients, ...each }) => {
    const { model, gradient } = trainable(config, parameters)
    const lengths = golden.completions.map(({ length }) => length)
    const weights = tokenWeights('token_mean', lengths, Math.max(...lengths))
    const before = golden.prompts[0]!.length - 1
    const sequences = golden.completions.map((completion, i): Sequence => {
      const all = Int32Array.of(...golden.prompts[i]!, ...completion)
      const positions = (values: readonly number[]) =>
        Float32Array.of(...new Array<number>(before).fill(0), ...values)
      return {
        tokens: all.slice(0, -1),
        targets: all.slice(1),
        weights: positions(completion.map(() => weights[i]!)),
        old: positions(each.old[i]!),
        reference: positions(each.reference[i]!),
        advantages: positions(completion.map(() => golden.advantages[i]!)),
      }
    })
    const result = model.forwardBackward(sequences, {
      ...clip,
      clipLow: golden.epsilon,
      clipHigh: golden.epsilon,
      kl: { beta: golden.beta, estimator: 'k3' },
      temperature,
    })
    expectClose([result.loss], [loss])
    const scored = model.logprobs(sequences, 0, temperature)
    for (const i of sequences.keys()) {
      expectClose(result.logprobs[i]!.slice(before), each.logprobs[i]!)
      expectClose(scored[i]!.slice(before), each.logprobs[i]!)
      expectClose(result.entropies[i]!.slice(before), each.entropies[i]!)
    }
    const ours = gradient()
    for (const [name, values] of Object.entries(gradients)) expectClose(ours.get(name)!, values)
    expect([...ours.keys()].sort()).toEqual(Object.keys(norms).sort())
    for (const [name, norm] of Object.entries(norms)) expectClose([Math.hypot(...ours.get(name)!)], [norm])
  })
})
