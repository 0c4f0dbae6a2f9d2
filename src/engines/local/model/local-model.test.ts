import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PolicyObjective } from '../../../algorithms/objectives.ts'
import { Random } from '../../../common/random.ts'
import { countParameters, initParameters } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { AdamSettings } from '../../contract.ts'
import { microbatches, type Split } from './batches/microbatch.ts'
import type { Sequence } from './batches/sequences.ts'
import { gradientVectors } from './exchange.ts'
import { LocalModel } from './local-model.ts'

const config = tinyConfig('qwen3', {
  vocab_size: 40,
  max_position_embeddings: 256,
  eos_token_id: 0,
  pad_token_id: 0,
})

/** The memory in which a model's trainer publishes its gradient. */
const published = new Map<LocalModel, SharedArrayBuffer>()

function engine(parameters = initParameters(config, 3), split?: Split): LocalModel {
  const model = new LocalModel({ model: { config, parameters }, threads: 1, ...(split && { split }) })
  const [memory] = gradientVectors(countParameters(config), 1)
  model.openTrainer('all', [memory!])
  published.set(model, memory!)
  return model
}

/** The accumulated gradient. */
function gradientOf(model: LocalModel): Float32Array {
  model.forwardBackward([], { kind: 'cross_entropy' })
  return new Float32Array(published.get(model)!)
}

let versions = 0
function optimStep(
  model: LocalModel,
  adam: AdamSettings,
  keep = false,
): { gradNorm: number; version: number } {
  const version = ++versions
  const { gradNorm } = model.prepareStep(adam, { next: version, keep, published: true })
  model.commit()
  return { gradNorm, version }
}

const grpo: PolicyObjective = {
  kind: 'policy',
  ratio: 'token',
  surrogate: 'clip',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0.05, estimator: 'k3' },
}

function sequence(random: Random, length: number, prompt: number): Sequence {
  const ids = Int32Array.from({ length: length + 1 }, () => random.int(0, config.vocabSize - 1))
  const per = (f: () => number) => Float32Array.from({ length }, f)
  return {
    tokens: ids.slice(0, -1),
    targets: ids.slice(1),
    weights: Float32Array.from({ length }, (_, i) => (i < prompt ? 0 : 1 / length)),
    old: per(() => -3.5 - 0.3 * random.uniform()),
    reference: per(() => -3.5 - random.uniform()),
    advantages: per(() => random.normal()),
  }
}

const adam = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClipNorm: 1 }

describe('trainer', () => {
  test('one step along the gradient of GRPO lowers the loss by |g|² η', () => {
    const e = engine()
    const random = new Random(1)
    const data = [sequence(random, 9, 3), sequence(random, 14, 5), sequence(random, 5, 1)]
    const before = e.forwardBackward(data, grpo).loss
    // Two half batches accumulate the gradient of one whole.
    const f = engine()
    f.forwardBackward(data.slice(0, 1), grpo)
    f.forwardBackward(data.slice(1), grpo)
    const sgdLike = { learningRate: 1e-4, beta1: 0, beta2: 0, eps: 1e4, weightDecay: 0, gradClipNorm: 0 }
    const { gradNorm } = optimStep(e, sgdLike)
    expect(optimStep(f, sgdLike).gradNorm).toBeCloseTo(gradNorm, 5)
    // With β₁ = β₂ = 0 and a huge ε the update is −η g / ε: the loss falls by η |g|² / ε to first order.
    const step = 3e-3
    e.forwardBackward(data, grpo)
    optimStep(e, { ...sgdLike, learningRate: step * 1e4 })
    const after = e.forwardBackward(data, grpo).loss
    expect((before - after) / (step * gradNorm ** 2)).toBeCloseTo(1, 1)
  })

  test('log-probs do not depend on padding, the batch or prompt masking', () => {
    const e = engine()
    const random = new Random(2)
    const data = [sequence(random, 20, 3), sequence(random, 7, 2)]
    const together = e.logprobs(data, 0)
    for (const [i, d] of data.entries()) {
      const alone = e.logprobs([{ ...d, weights: d.weights.map(() => 1) }], 0)[0]!
      for (let t = 0; t < d.tokens.length; t++)
        if (d.weights[t] === 0) expect(together[i]![t]).toBeNaN()
        else expect(together[i]![t]).toBeCloseTo(alone[t]!, 4)
    }
  })

  test('computing a prompt once for all its responses changes neither log-probs nor the gradient', () => {
    const random = new Random(7)
    const responses = [9, 4, 12, 7, 7, 3, 10]
    const prompts = [6, 11].map((n) => Int32Array.from({ length: n }, () => random.int(0, 39)))
    const data = responses.map((n, i): Sequence => {
      const prompt = prompts[i % 2]!
      const d = sequence(random, prompt.length + n, prompt.length)
      d.tokens.set(prompt)
      return d
    })
    const parts = microbatches(data, config, { maxTokens: 80, maxLosses: 80, packed: false, chunks: 1 })
    expect(parts.length).toBeGreaterThan(1)
    for (const { prefix } of parts) expect(prefix).not.toBeNull()
    const [shared, alone] = [engine(), engine()]
    const together = shared.forwardBackward(data, grpo)
    for (const [i, d] of data.entries()) {
      expect(
        microbatches([d], config, { maxTokens: 80, maxLosses: 80, packed: false, chunks: 1 })[0]!.prefix,
      ).toBeNull()
      const { logprobs, entropies } = alone.forwardBackward([d], grpo)
      for (const t of d.tokens.keys())
        if (d.weights[t] === 0) expect(together.logprobs[i]![t]).toBeNaN()
        else {
          expect(together.logprobs[i]![t]).toBeCloseTo(logprobs[0]![t]!, 4)
          expect(together.entropies[i]![t]).toBeCloseTo(entropies[0]![t]!, 4)
        }
    }
    const [one, other] = [gradientOf(shared), gradientOf(alone)]
    const difference = Math.hypot(...one.map((g, i) => g - other[i]!))
    expect(difference / Math.hypot(...other)).toBeLessThan(1e-4)
  })

  test.each([
    ['alone', [4, 13, 9, 13, 5], 0, 1000],
    ['after shared prompts of several lengths', [9, 4, 12, 7, 7, 3, 10], 6, 1000],
    ['of one length, without padding', [8, 8, 8], 0, 1000],
    ['too long for a microbatch', [40, 31], 0, 20],
    ['too long for a microbatch with their prompts', [9, 14, 12, 13], 6, 10],
  ])(
    'sequences %s: neither leaving out padding, nor logits in parts, nor computing layers again changes log-probs and gradient',
    (_, lengths, shared, maxTokens) => {
      const random = new Random(7)
      const prompts = [shared, shared + 5].map((n) => Int32Array.from({ length: n }, () => random.int(0, 39)))
      const data = lengths.map((n, i): Sequence => {
        const prompt = shared === 0 ? new Int32Array(0) : prompts[i % 2]!
        const d = sequence(random, prompt.length + n, Math.max(1, prompt.length))
        d.tokens.set(prompt)
        return d
      })
      const [packed, padded] = [true, false].map((packed) =>
        engine(initParameters(config, 3), { maxTokens, maxLosses: 1000, packed, chunks: packed ? 3 : 1 }),
      ) as [LocalModel, LocalModel]
      const [one, other] = [packed.forwardBackward(data, grpo), padded.forwardBackward(data, grpo)]
      expect(one.loss).toBeCloseTo(other.loss, 5)
      for (const i of data.keys())
        for (const name of ['logprobs', 'entropies', 'clipped'] as const)
          for (const [t, value] of one[name][i]!.entries())
            if (Number.isNaN(other[name][i]![t])) expect(value).toBeNaN()
            else expect(value).toBeCloseTo(other[name][i]![t]!, 5)
      const [g, h] = [gradientOf(packed), gradientOf(padded)]
      expect(Math.hypot(...g.map((x, i) => x - h[i]!)) / Math.hypot(...h)).toBeLessThan(1e-5)
      for (const [i, logprobs] of packed.logprobs(data, 0).entries())
        for (const [t, value] of logprobs.entries())
          if (data[i]!.weights[t] !== 0) expect(value).toBeCloseTo(one.logprobs[i]![t]!, 5)
    },
  )

  test.each([
    ['', [4, 13, 9]],
    [', also fewer logits than parts', [3]],
  ])('logits in parts, and layers computed again, give adapters the same gradient%s', (_, lengths) => {
    const random = new Random(9)
    const data = lengths.map((n) => sequence(random, n, 1))
    const [parts, again, whole] = [
      { chunks: 3, maxTokens: 1000 },
      { chunks: 3, maxTokens: 1 },
      { chunks: 1, maxTokens: 1000 },
    ].map((split) => {
      const model = new LocalModel({
        model: { config, parameters: initParameters(config, 3) },
        threads: 1,
        split: { maxLosses: 1000, packed: true, ...split },
      })
      model.openTrainer({ lora: { rank: 2, alpha: 4, targets: 'all-linear', seed: 0 } })
      const { loss, entropies } = model.forwardBackward(data, grpo)
      const { gradNorm } = model.prepareStep(adam, { next: 2, keep: false, published: false })
      model.commit()
      return [loss, gradNorm, ...entropies, ...model.logprobs(data, 2)].flatMap((x) =>
        typeof x === 'number' ? [x] : [...x].filter((y) => !Number.isNaN(y)),
      )
    }) as [number[], number[], number[]]
    for (const found of [parts, again]) {
      expect(found.length).toBe(whole.length)
      for (const [i, x] of found.entries()) expect(x).toBeCloseTo(whole[i]!, 4)
    }
  })

  test('after a call that failed between microbatches and was abandoned, the gradient is that of the next call', () => {
    const random = new Random(5)
    const data = [5, 9, 7].map((n) => sequence(random, n, 1))
    let [runs, failsAt] = [0, 0]
    const beforeRun = () => {
      if (++runs === failsAt) throw new Error('stopped')
    }
    const split = { maxTokens: 10, maxLosses: 10, packed: false, chunks: 1 }
    const open = (before: () => void) => {
      const model = new LocalModel(
        { model: { config, parameters: initParameters(config, 3) }, threads: 1, split },
        before,
      )
      model.openTrainer('all')
      return model
    }
    const [stopped, other] = [open(beforeRun), open(() => {})]
    const step = (model: LocalModel, version: number) => {
      model.forwardBackward(data, grpo)
      const { gradNorm } = model.prepareStep(adam, { next: version, keep: false, published: false })
      model.commit()
      return [gradNorm, model.logprobs(data, version)]
    }
    for (const [i, at] of [1, 2, 3].entries()) {
      ;[runs, failsAt] = [0, at]
      expect(() => stopped.forwardBackward(data, grpo)).toThrow('stopped')
      stopped.abandon()
      expect(step(stopped, i + 1)).toEqual(step(other, i + 1))
    }
  })

  test('a step without a gradient is one on the gradient 0', () => {
    const model = engine()
    const data = [sequence(new Random(6), 8, 2)]
    model.forwardBackward(data, grpo)
    const { version } = optimStep(model, adam)
    const before = model.logprobs(data, version)
    const still = { ...adam, beta1: 0, weightDecay: 0 }
    const next = ++versions
    expect(model.prepareStep(still, { next, keep: false, published: false }).gradNorm).toBe(0)
    model.commit()
    expect(model.logprobs(data, next)).toEqual(before)
  })

  test('a held version does not change with the weights, after a step or from a checkpoint', () => {
    const e = engine()
    const d = [sequence(new Random(3), 8, 2)]
    const logprobs = (version: number) => e.logprobs(d, version)[0]!
    const start = logprobs(0)
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-versions-'))
    try {
      e.save(folder, 0, { optimizer: true })
      e.forwardBackward(d, grpo)
      const { version: stepped } = optimStep(e, adam, true)
      const after = logprobs(stepped)
      expect(after).not.toEqual(start)
      expect(logprobs(0)).toEqual(start)
      const restored = ++versions
      e.prepareLoad(folder, { next: restored, keep: true })
      expect(logprobs(stepped)).toEqual(after)
      e.commit()
      expect(logprobs(restored)).toEqual(start)
      expect(logprobs(stepped)).toEqual(after)
      const read = ++versions
      e.hold(read, folder)
      expect(logprobs(read)).toEqual(start)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('a gradient that is not finite changes nothing', () => {
    const e = engine()
    const d = sequence(new Random(4), 6, 1)
    const before = e.logprobs([d], 0)
    e.forwardBackward([{ ...d, advantages: d.advantages!.map(() => Number.NaN) }], grpo)
    expect(() => optimStep(e, adam)).toThrow(/optimizer step 1: the gradient norm is NaN/)
    e.abandon()
    expect(e.logprobs([d], 0)).toEqual(before)
    expect(gradientOf(e).every((g) => g === 0)).toBe(true)
  })

  test('a large model has few microbatches of mixed lengths, since adding up its gradients is slow', () => {
    const data = Array.from({ length: 16 }, (_, i) => {
      const length = 127 - 4 * i
      return {
        tokens: new Int32Array(length),
        targets: new Int32Array(length),
        weights: new Float32Array(length).fill(1),
      }
    })
    const large = { ...config, hiddenSize: 512, intermediateSize: 1536, numLayers: 8 }
    expect(
      microbatches(data, large, { maxTokens: 4096, maxLosses: 4096, packed: false, chunks: 1 }).map(
        ({ members }) => members.length,
      ),
    ).toEqual([8, 8])
  })

  test('microbatches keep sequences whole and within the limit', () => {
    const data = [5, 30, 7, 12, 29].map((n) => sequence(new Random(n), n, 1))
    const parts = microbatches(data, config, { maxTokens: 60, maxLosses: 60, packed: false, chunks: 1 })
    expect(parts.flatMap((p) => p.members).sort()).toEqual([0, 1, 2, 3, 4])
    for (const p of parts) expect(p.tokens.batch * p.tokens.length).toBeLessThanOrEqual(60)
  })

  test('microbatches keep the texts of a comparison together, whatever their lengths and the limit', () => {
    const lengths = [5, 30, 7, 12, 29, 8, 8, 31]
    const data = lengths.map((n, i) => ({ ...sequence(new Random(n), n, n - 1), comparison: i % 4 }))
    for (const limit of [1, 40, 70, 1000]) {
      const parts = microbatches(data, config, {
        maxTokens: limit,
        maxLosses: limit,
        packed: false,
        chunks: 1,
      })
      expect(parts.flatMap((p) => p.members).sort()).toEqual(lengths.map((_, i) => i))
      for (const p of parts) {
        expect(p.tokens.length).toBe(Math.max(...p.members.map((i) => lengths[i]!)))
        for (const [row, i] of p.members.entries()) {
          const other = p.members.indexOf((i + 4) % 8)
          expect(other).toBeGreaterThanOrEqual(0)
          expect(p.sequence[row]).toBe(BigInt(Math.min(row, other)))
        }
      }
    }
  })
})

/** log π(tokens[t + 1] | tokens[0 … t]). */
function nextLogprobs(model: LocalModel, tokens: Int32Array, temperature = 1): Float32Array {
  const weights = new Float32Array(tokens.length - 1).fill(1)
  const datum = { tokens: tokens.slice(0, -1), targets: tokens.slice(1), weights }
  return model.logprobs([datum], 0, temperature)[0]!
}

describe('sampler', () => {
  const prompts = [4, 17, 9].map((n) =>
    Int32Array.from({ length: n }, (_, i) => (i * 7 + n) % config.vocabSize),
  )
  const options = { n: 4, maxTokens: 90, temperature: 1, stopTokens: [0, 1], seed: 5 }

  test('its log-probs equal the trainer’s, also as the cache grows and sequences end', () => {
    const e = engine()
    let worst = 0
    for (const [i, group] of e
      .sample(
        prompts.map((prompt) => ({ prompt, options })),
        0,
      )
      .entries())
      for (const s of group) {
        const all = Int32Array.of(...prompts[i]!, ...s.tokens)
        const trained = nextLogprobs(e, all).slice(prompts[i]!.length - 1)
        for (const [t, lp] of s.logprobs.entries()) worst = Math.max(worst, Math.abs(lp - trained[t]!))
        expect(s.stopReason).toBe([0, 1].includes(s.tokens.at(-1)!) ? 'stop' : 'length')
      }
    expect(worst).toBeLessThan(1e-4)
  })

  test('a sequence depends on its seed, not on its neighbours', () => {
    const e = engine()
    const together = e.sample(
      prompts.map((prompt) => ({ prompt, options })),
      0,
    )
    const alone = prompts.map((prompt) => e.sample([{ prompt, options }], 0)[0]!)
    expect(together.flat().map((s) => [...s.tokens])).toEqual(alone.flat().map((s) => [...s.tokens]))
    const other = e.sample([{ prompt: prompts[0]!, options: { ...options, seed: 6 } }], 0)[0]!
    expect(other.map((s) => [...s.tokens])).not.toEqual(alone[0]!.map((s) => [...s.tokens]))
  })

  test('values that earlier sequences left in the caches do not affect later ones', () => {
    const short = { prompt: prompts[0]!, options: { ...options, maxTokens: 40 } }
    const expected = engine().sample([short], 0)
    const parameters = initParameters(config, 3)
    const used = engine(parameters)
    used.sample(
      prompts.map((prompt) => ({ prompt, options })),
      0,
    )
    expect(used.sample([short], 0)).toEqual(expected)

    // versions that diverged: one outputs NaN, the other only values too large for a mask to hide
    const endless = { prompt: prompts[0]!, options: { ...options, stopTokens: [] } }
    for (const [name, value, version] of [
      ['model.layers.0.self_attn.v_proj.weight', Number.NaN, 1],
      ['model.layers.1.self_attn.k_norm.weight', 1e30, 2],
    ] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'ruminate-diverged-'))
      try {
        const diverged = initParameters(config, 3)
        diverged.get(name)!.fill(value)
        engine(diverged).save(folder, 0)
        used.hold(version, folder)
        const sample = () => used.sample([endless], version)
        if (version === 1) expect(sample).toThrow(/not finite.*diverged/)
        else sample()
        expect(used.sample([short], 0)).toEqual(expected)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  })

  test('a failure leaves nothing in the caches, also for the same weights', () => {
    const parameters = initParameters(config, 3)
    // An embedding that makes every sequence fail once it has this token, which sequences sample at different times.
    const expected = engine(parameters).sample([{ prompt: prompts[0]!, options }], 0)
    const bad = expected[0]![0]!.tokens[5]!
    const rows = parameters.get('model.embed_tokens.weight')!
    const before = rows.slice()
    rows.fill(Number.NaN, bad * config.hiddenSize, (bad + 1) * config.hiddenSize)
    const untied = { ...config, tieEmbeddings: false }
    const e = new LocalModel({
      model: { config: untied, parameters: new Map(parameters).set('lm_head.weight', before) },
      threads: 1,
    })
    const free = { prompt: prompts[0]!, options: { ...options, stopTokens: [] } }
    expect(() => e.sample([free], 0)).toThrow(/not finite/)
    const short = { prompt: prompts[0]!, options: { ...options, maxTokens: 3 } }
    expect(e.sample([short], 0)[0]!.map(({ tokens }) => [...tokens])).toEqual(
      expected[0]!.map(({ tokens }) => [...tokens.slice(0, 3)]),
    )
  })

  test('each sequence has the log-probs of its own temperature, whatever else is in the batch', () => {
    const e = engine()
    const temperatures = [0.6, 1, 0, 1.3]
    const requests = temperatures.map((temperature, i) => ({
      prompt: prompts[i % 2]!,
      options: { ...options, n: 2, maxTokens: 20, temperature },
    }))
    for (const [i, group] of e.sample(requests, 0).entries()) {
      const alone = e.sample([requests[i]!], 0)[0]!
      const { prompt } = requests[i]!
      for (const [j, s] of group.entries()) {
        expect([...s.tokens]).toEqual([...alone[j]!.tokens])
        const trained = nextLogprobs(e, Int32Array.of(...prompt, ...s.tokens), temperatures[i] || 1)
        for (const [t, lp] of s.logprobs.entries())
          expect(Math.abs(lp - trained[prompt.length - 1 + t]!)).toBeLessThan(1e-4)
        if (temperatures[i] === 0) expect(s.samplingLogprobs.every((lp) => lp === 0)).toBe(true)
        else expect(s.samplingLogprobs).toBe(s.logprobs)
      }
    }
  })

  test('truncation divides the probability by the mass that is kept', () => {
    const e = engine()
    const prompt = prompts[0]!
    const request = { prompt, options: { ...options, n: 8, maxTokens: 1, temperature: 0.8, topK: 3 } }
    const all = Array.from({ length: config.vocabSize }, (_, v) =>
      Math.exp(nextLogprobs(e, Int32Array.of(...prompt, v), 0.8).at(-1)!),
    )
    const [first, second, third] = all.sort((a, b) => b - a)
    const mass = first! + second! + third!
    for (const { logprobs, samplingLogprobs } of e.sample([request], 0)[0]!)
      expect(logprobs[0]! - samplingLogprobs[0]!).toBeCloseTo(Math.log(mass), 4)
  })

  test('more sequences than fit together are sampled in waves, with the same tokens', () => {
    const e = engine()
    const n = 1300
    const short = { ...options, maxTokens: 4, stopTokens: [] }
    const lengths = new Map<number, number>()
    let most = 0
    const onToken = (index: number) => {
      lengths.set(index, (lengths.get(index) ?? 0) + 1)
      most = Math.max(most, [...lengths.values()].filter((length) => length < short.maxTokens).length)
    }
    const requests = [
      { prompt: prompts[0]!, options: { ...short, n: 2 } },
      { prompt: prompts[1]!, options: { ...short, n }, first: 7, onToken },
      { prompt: prompts[2]!, options: { ...short, n: 3 } },
    ]
    const sampled = e.sample(requests, 0)
    expect(sampled.map(({ length }) => length)).toEqual([2, n, 3])
    expect(most).toBeLessThanOrEqual(512)
    expect([...lengths.keys()].sort((a, b) => a - b)).toEqual([...Array(n).keys()])
    for (const from of [0, 400, 800, 1200]) {
      const part = { ...requests[1]!, options: { ...short, n: 100 }, first: 7 + from, onToken: undefined }
      expect(sampled[1]!.slice(from, from + 100).map(({ tokens }) => [...tokens])).toEqual(
        e.sample([part], 0)[0]!.map(({ tokens }) => [...tokens]),
      )
    }
  })

  test('temperature 0 follows the likeliest token', () => {
    const e = engine()
    const request = { prompt: prompts[0]!, options: { n: 1, maxTokens: 8, temperature: 0, seed: 0 } }
    const [s] = e.sample([request], 0)[0]!
    const all = Int32Array.of(...prompts[0]!, ...s!.tokens)
    for (let t = prompts[0]!.length; t < all.length; t++) {
      const scores = Array.from(
        { length: config.vocabSize },
        (_, v) => nextLogprobs(e, Int32Array.of(...all.slice(0, t), v)).at(-1)!,
      )
      expect(all[t]).toBe(scores.indexOf(Math.max(...scores)))
    }
  })
})
