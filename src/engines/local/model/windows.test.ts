import { describe, expect, test } from 'vitest'
import { Random } from '../../../common/random.ts'
import { initAdapters, withAdapters } from '../../../models/lora.ts'
import { countParameters, initParameters, type Model, withRewardHead } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { SampledSequence } from '../../contract.ts'
import { microbatches } from './batches/microbatch.ts'
import type { Sequence } from './batches/sequences.ts'
import { gradientVectors } from './exchange.ts'
import { LocalModel } from './local-model.ts'

/* Layers with windows, and with adapters: training, scoring, and both schedules of sampling compute the same, beyond the window too. */

const SLIDING = 'sliding_attention'
const FULL = 'full_attention'

/** Windows around the sizes in which the cache grows (32) and in which the continuous schedule stores it (16). */
const models: Readonly<Record<string, () => Model>> = {
  'gemma3, window 1': () => tiny('gemma3_text', { sliding_window: 1 }),
  'gemma3, window 5': () => tiny('gemma3_text', {}),
  'gemma3, window 16, all layers': () =>
    tiny('gemma3_text', { sliding_window: 16, layer_types: [SLIDING, SLIDING] }),
  'gemma3, window 33, three layers': () =>
    tiny('gemma3_text', {
      sliding_window: 33,
      num_hidden_layers: 3,
      layer_types: [FULL, SLIDING, SLIDING],
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: 'default', rope_theta: 1e4 },
      },
    }),
  'mistral, window 7': () => tiny('mistral', { sliding_window: 7 }),
  'qwen2, window 6 from layer 1': () =>
    tiny('qwen2', { use_sliding_window: true, sliding_window: 6, max_window_layers: 1 }),
  'gemma3, window 5, with adapters': () => adapted(tiny('gemma3_text', {})),
  'mistral, window 7, with adapters': () => adapted(tiny('mistral', { sliding_window: 7 })),
}

function tiny(...[type, changes]: Parameters<typeof tinyConfig>): Model {
  const config = tinyConfig(type, { max_position_embeddings: 256, ...changes })
  const parameters = initParameters(config, 3)
  const random = new Random('windows')
  // no norm is the identity
  for (const [name, w] of parameters)
    if (name.includes('norm')) for (let i = 0; i < w.length; i++) w[i] = w[i]! + 0.2 * random.normal()
  return { config, parameters }
}

/** The model with adapters that change what it computes. */
function adapted(model: Model): Model {
  const config = withAdapters(model.config, { rank: 2, alpha: 4, targets: 'all-linear' })
  const adapters = initAdapters(config, 1)
  const random = new Random('adapters')
  for (const [name, values] of adapters)
    if (name.endsWith('lora_B.weight'))
      for (let i = 0; i < values.length; i++) values[i] = 0.2 * random.normal()
  return { config, parameters: new Map([...model.parameters, ...adapters]) }
}

const open = (model: Model) => new LocalModel({ model, threads: 1 })
const prompts = [3, 30, 47, 48].map((n) => Int32Array.from({ length: n }, (_, i) => (i * i * 7 + n) % 47))

/** log π(tokens[t + 1] | tokens[0 … t]), by one row without a prefix. */
function nextLogprobs(model: LocalModel, tokens: Int32Array): Float32Array {
  const weights = new Float32Array(tokens.length - 1).fill(1)
  return model.logprobs([{ tokens: tokens.slice(0, -1), targets: tokens.slice(1), weights }], 0)[0]!
}

function expectScored(model: LocalModel, prompt: Int32Array, { tokens, logprobs }: SampledSequence): void {
  const scored = nextLogprobs(model, Int32Array.of(...prompt, ...tokens)).slice(prompt.length - 1)
  expect(Math.max(...logprobs.map((lp, t) => Math.abs(lp - scored[t]!)))).toBeLessThan(1e-4)
}

describe.each(Object.keys(models))('%s', (name) => {
  const source = models[name]!()
  const { config } = source
  const model = open(source)
  const options = { n: 3, maxTokens: 40, temperature: 1, stopTokens: [0], seed: 5 }

  test('a token outside of every layer’s window has no influence, and one inside has', () => {
    const reach = config.windows.reduce<number>((n, w) => n + (w ?? Number.POSITIVE_INFINITY) - 1, 0)
    const tokens = prompts[3]!
    for (const [distance, seen] of [
      [reach, true],
      [reach + 1, false],
    ] as const) {
      if (distance > tokens.length - 2) continue
      const at = tokens.length - 2
      const changed = tokens.slice()
      changed[at - distance] = (tokens[at - distance]! + 1) % 47
      expect(nextLogprobs(model, changed)[at] !== nextLogprobs(model, tokens)[at]).toBe(seen)
    }
  })

  test('what is sampled in a batch has the log-probs of the scorer', () => {
    const sampled = model.sample(
      prompts.map((prompt) => ({ prompt, options })),
      0,
    )
    for (const [i, group] of sampled.entries()) for (const s of group) expectScored(model, prompts[i]!, s)
  })

  test('the continuous schedule samples the same greedy tokens, in company, and again from its cache', () => {
    const greedy = { ...options, n: 1, temperature: 0, stopTokens: [] }
    const alone = prompts.map((prompt) => model.sample([{ prompt, options: greedy }], 0)[0]![0]!)
    const round = (sampler: ReturnType<LocalModel['continuous']>, some: readonly Int32Array[]) => {
      const results: SampledSequence[] = []
      for (const [i, prompt] of some.entries()) {
        sampler.add({
          prompt,
          options: greedy,
          aborted: () => false,
          onToken: () => {},
          onResult: ([s]) => {
            results[i] = s!
          },
          onError: (error) => {
            throw error
          },
        })
        sampler.step()
      }
      while (sampler.busy) sampler.step()
      return results
    }
    const sampler = model.continuous(0, 1)
    const first = round(sampler, prompts)
    const again = round(sampler, prompts)
    expect(round(model.continuous(0, 1), [prompts[2]!])).toEqual([first[2]])
    for (const [i, s] of first.entries()) {
      expect([...s.tokens]).toEqual([...alone[i]!.tokens])
      expectScored(model, prompts[i]!, s)
      expect(again[i]!.logprobs).toEqual(s.logprobs)
      expect(again[i]!.cachedTokens).toBe(Math.floor((prompts[i]!.length - 1) / 16) * 16)
    }
  })

  test('a prompt that is computed once for all its responses changes neither log-probs nor the gradient', () => {
    const data = [9, 4, 12, 7, 3, 30].map((n, i): Sequence => {
      const random = new Random(n)
      const prompt = prompts[1 + (i % 2)]!
      const ids = Int32Array.of(...prompt, ...Array.from({ length: n }, () => random.int(0, 47)))
      const length = ids.length - 1
      const weights = Float32Array.from({ length }, (_, t) => (t < prompt.length - 1 ? 0 : 1 / n))
      return { tokens: ids.slice(0, -1), targets: ids.slice(1), weights }
    })
    expect(
      microbatches(data, config, { maxTokens: 4096, maxLosses: 4096, packed: false, chunks: 1 })[0]!.prefix,
    ).not.toBeNull()
    const gradientOf = (parts: readonly Sequence[][]) => {
      const trainer = open(source)
      const [memory] = gradientVectors(countParameters(config), 1)
      trainer.openTrainer('all', [memory!])
      const logprobs = parts.flatMap(
        (part) => trainer.forwardBackward(part, { kind: 'cross_entropy' }).logprobs,
      )
      return { logprobs, gradient: new Float32Array(memory!) }
    }
    const shared = gradientOf([data])
    const alone = gradientOf(data.map((d) => [d]))
    for (const [i, d] of data.entries())
      for (const [t, weight] of d.weights.entries())
        if (weight !== 0)
          expect(Math.abs(shared.logprobs[i]![t]! - alone.logprobs[i]![t]!)).toBeLessThan(1e-4)
    const difference = Math.hypot(...shared.gradient.map((g, i) => g - alone.gradient[i]!))
    expect(difference / Math.hypot(...alone.gradient)).toBeLessThan(1e-4)
  })

  test('a reward model scores texts longer than the window alike, alone and together', () => {
    const rewarding = open(withRewardHead(source, 49, 1))
    const data = prompts.map((tokens): Sequence => {
      const weights = Float32Array.from(tokens, (_, t) => Number(t === tokens.length - 1))
      return { tokens, targets: tokens, weights }
    })
    const together = rewarding.logprobs(data, 0)
    for (const [i, d] of data.entries())
      expect(together[i]!.at(-1)).toBeCloseTo(rewarding.logprobs([d], 0)[0]!.at(-1)!, 4)
  })
})
