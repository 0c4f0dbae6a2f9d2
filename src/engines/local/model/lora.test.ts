import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Objective } from '../../../algorithms/objectives.ts'
import { loadModel } from '../../../models/checkpoint/directory.ts'
import { readAdapters } from '../../../models/checkpoint/peft/adapters.ts'
import { baseFolder } from '../../../models/checkpoint/peft/find-base.ts'
import { SafetensorsFile } from '../../../models/checkpoint/safetensors.ts'
import { isAdapter, type Lora } from '../../../models/lora.ts'
import { countParameters, initParameters, parameterShapes } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import { comparisonSequences, type Sequence } from './batches/sequences.ts'
import { gradientVectors } from './exchange.ts'
import { LocalModel } from './local-model.ts'

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../models/fixtures/peft/${name}`, import.meta.url))

/** Outputs, loss and gradients that PEFT computed; see tools/golden/peft_adapters.py. */
describe.each(['llama', 'qwen2', 'patterns', 'reward', 'gemma3', 'gemma3-reward'])(
  'adapters of %s equal PEFT',
  (name) => {
    const folder = fixture(name)
    const adapted = readAdapters(folder, loadModel(baseFolder(folder)))
    const { config } = adapted
    const golden = new SafetensorsFile(join(folder, 'golden.safetensors'))
    const ids = Int32Array.from(golden.readInt64('input_ids'), Number)
    const rows = [ids.slice(0, 12), ids.slice(12)]
    const scores = config.head === 'score'
    const objective: Objective = { kind: scores ? 'preference' : 'cross_entropy' }
    const texts = rows.map((tokens, i) => ({ tokens, sign: i === 0 ? (1 as const) : (-1 as const) }))
    const sequences: Sequence[] = scores
      ? comparisonSequences({ texts, weight: 1 }, 0, config.padTokenId!)
      : rows.map((row) => ({
          tokens: row.slice(0, -1),
          targets: row.slice(1),
          weights: new Float32Array(11).fill(1 / 22),
        }))

    test('the loss, and the gradient of every tensor in the folder, within 1e-4 relative', () => {
      const model = new LocalModel({ model: adapted, threads: 1 })
      const [memory] = gradientVectors(countParameters(config), 1)
      model.openTrainer('all', [memory!])
      const { loss } = model.forwardBackward(sequences, objective)
      const expected = golden.read('loss')[0]!
      expect(Math.abs(loss - expected) / expected).toBeLessThan(1e-4)
      let at = 0
      let compared = 0
      for (const [parameter, shape] of parameterShapes(config)) {
        const size = shape.reduce((a, b) => a * b, 1)
        const ours = new Float32Array(memory!).slice(at, at + size)
        at += size
        const key = `grad.base_model.model.${parameter}`
        if (!golden.tensors.has(key)) continue
        const theirs = golden.read(key)
        const error = Math.hypot(...theirs.map((x, i) => x - ours[i]!))
        expect(error / Math.max(Math.hypot(...theirs), 1e-4), parameter).toBeLessThan(1e-4)
        compared++
      }
      expect(compared).toBe(golden.tensors.size - 3)
    })

    test('what they compute is what the merged model computes, which is what PEFT computed', () => {
      const output = golden.read(scores ? 'rewards' : 'logits')
      const [apart, together] = [adapted, loadModel(folder)].map((model) =>
        new LocalModel({ model, threads: 1 }).logprobs(sequences, 0),
      ) as [Float32Array[], Float32Array[]]
      for (const [b, row] of sequences.entries())
        for (let t = 0; t < row.tokens.length; t++) {
          if (row.weights[t] === 0) continue
          const z = output.slice((b * 12 + t) * config.vocabSize, (b * 12 + t + 1) * config.vocabSize)
          const expected = scores ? output[b]! : z[row.targets[t]!]! - logSum(z)
          expect(Math.abs(apart[b]![t]! - expected)).toBeLessThan(1e-4)
          expect(Math.abs(together[b]![t]! - expected)).toBeLessThan(1e-4)
        }
    })
  },
)

const logSum = (z: Float32Array): number => Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0))

const lora: Lora = { rank: 4, alpha: 8, targets: 'all-linear', seed: 7 }
const config = tinyConfig('qwen3', { head_dim: 8 })
const adam = { learningRate: 0.02, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClipNorm: 1 }
const tokens = Int32Array.from([3, 1, 4, 1, 5, 9, 2, 6])
const targets = Int32Array.from([1, 4, 1, 5, 9, 2, 6, 5])
const sequence: Sequence = { tokens, targets, weights: new Float32Array(8).fill(1 / 8) }

describe('training adapters', () => {
  const open = (trainable: Lora = lora) => {
    const parameters = initParameters(config, 3)
    const model = new LocalModel({ model: { config, parameters }, threads: 1 })
    model.openTrainer({ lora: trainable })
    return { model, parameters }
  }
  let next = 1
  const step = (model: LocalModel, keep = false) => {
    const { loss } = model.forwardBackward([sequence], { kind: 'cross_entropy' })
    model.prepareStep(adam, { next: ++next, keep, published: false })
    model.commit()
    return loss
  }
  const logprobs = (model: LocalModel, version: number) => model.logprobs([sequence], version)[0]!

  test('changes what the model computes, but no value of the base weights, which can be read at any time', () => {
    const { model, parameters } = open()
    const before = new Map([...parameters].map(([name, values]) => [name, values.slice()]))
    const base = logprobs(model, 0)
    expect(logprobs(model, 1)).toEqual(base) // B is 0
    const first = step(model)
    const second = step(model)
    expect(second).toBeLessThan(first)
    expect(parameters).toEqual(before)
    expect(logprobs(model, 0)).toEqual(base)
    expect(logprobs(model, next)).not.toEqual(base)
  })

  test('a held version is a copy of the adapters alone', () => {
    const { model } = open()
    step(model)
    const held = next
    const then = logprobs(model, held)
    step(model, true)
    step(model)
    expect(logprobs(model, held)).toEqual(then)
    expect(logprobs(model, next)).not.toEqual(then)
  })

  test('the initial A depends on the seed alone and is uniform in ±1/√in; B is 0', () => {
    const saved = (seed: number) => {
      const { model } = open({ ...lora, seed })
      const folder = mkdtempSync(join(tmpdir(), 'ruminate-lora-'))
      model.save(folder, 1)
      const file = new SafetensorsFile(join(folder, 'adapter_model.safetensors'))
      return new Map([...file.tensors.keys()].map((name) => [name, file.read(name)]))
    }
    const initial = saved(7)
    expect([...initial.keys()].every((name) => isAdapter(name) && name.startsWith('base_model.model.'))).toBe(
      true,
    )
    expect(initial.size).toBe(2 * 7 * config.numLayers)
    for (const [name, values] of initial) {
      if (name.endsWith('lora_B.weight')) expect(values.every((x) => x === 0)).toBe(true)
      else {
        const bound = 1 / Math.sqrt(values.length / lora.rank)
        const largest = Math.max(...values.map(Math.abs))
        expect(largest).toBeLessThanOrEqual(bound)
        expect(largest).toBeGreaterThan(0.9 * bound)
      }
    }
    expect(saved(7)).toEqual(initial)
    expect(saved(8)).not.toEqual(initial)
  })

  test('saved and loaded again, with the optimizer, it goes on bit for bit', () => {
    const { model } = open()
    step(model)
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-lora-'))
    model.save(folder, next, { optimizer: true })
    const expected = [step(model), step(model)]

    const { model: again } = open({ ...lora, seed: 1 })
    again.prepareLoad(folder, { next: 2, keep: false })
    again.commit()
    expect([step(again), step(again)]).toEqual(expected)
  })

  test('adapters with other settings, or of another base, are refused', () => {
    const { model } = open()
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-lora-'))
    model.save(folder, 1, { optimizer: true })
    const load = (other: LocalModel) => other.prepareLoad(folder, { next: 2, keep: false })
    expect(() => load(open({ ...lora, rank: 2 }).model)).toThrow(/other adapters than the settings ask for/)
    expect(() => load(open({ ...lora, alpha: 4 }).model)).toThrow(/other adapters than the settings ask for/)
    const foreign = new LocalModel({ model: { config, parameters: initParameters(config, 4) }, threads: 1 })
    foreign.openTrainer({ lora })
    expect(() => load(foreign)).toThrow(/names no base model/)
  })

  test.each(['q_proj', 'self_attn.v_proj', 'model.layers.1.mlp.down_proj'])('targets can be %s', (target) => {
    const { model } = open({ ...lora, targets: [target] })
    expect(step(model)).toBeGreaterThan(step(model))
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-lora-'))
    model.save(folder, next)
    const adapted = readAdapters(folder, { config, parameters: initParameters(config, 3) })
    expect(Object.keys(adapted.config.adapters!)).toHaveLength(target.includes('layers') ? 1 : 2)
  })

  test('a target that is no linear layer of the decoder is named', () => {
    expect(() => open({ ...lora, targets: ['q_proj', 'lm_head'] })).toThrow(
      'lora.targets names lm_head, which is no linear layer of this model: choose all-linear, or some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj',
    )
  })

  test('samples with the adapters of a version, with the log-probs that the scorer computes', () => {
    const { model } = open()
    for (let i = 0; i < 5; i++) step(model)
    const options = { n: 2, maxTokens: 6, temperature: 1, seed: 3 }
    const sampled = model.sample([{ prompt: tokens, options }], next)[0]!
    const plain = model.sample([{ prompt: tokens, options }], 0)[0]!
    expect(sampled).not.toEqual(plain)
    for (const { tokens: response, logprobs } of sampled) {
      const all = Int32Array.from([...tokens, ...response])
      const scored = model
        .logprobs(
          [
            {
              tokens: all.slice(0, -1),
              targets: all.slice(1),
              weights: new Float32Array(all.length - 1).fill(1),
            },
          ],
          next,
        )[0]!
        .slice(tokens.length - 1)
      for (const [i, lp] of logprobs.entries()) expect(Math.abs(lp - scored[i]!)).toBeLessThan(1e-4)
    }
  })
})
