import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine, Trainer } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { embedded } from '../../testing/servers/tinker-server.ts'
import type { Datum } from '../../tinker/protocol/index.ts'
import { outputOf, readDatums } from './datums.ts'
import { losses, lossOf } from './losses.ts'

const folder = embedded('miniature-base')
const config = loadConfig(folder)
let engine: Engine
let trainer: Trainer
beforeAll(async () => {
  engine = await openEngine({ model: folder, threads: 1 })
  trainer = await engine.trainer()
})
afterAll(() => engine.close())

const text = [488, 292, 317, 32, 49, 50, 300]
const tensor = (data: number[], dtype: 'float32' | 'int64' = 'float32') => ({
  data,
  dtype,
  shape: [data.length],
})
const datum = (inputs: Record<string, number[]>): Datum => ({
  model_input: {
    chunks: [
      { type: 'encoded_text', tokens: text.slice(0, 3) },
      { type: 'encoded_text', tokens: text.slice(3, -1) },
    ],
  },
  loss_fn_inputs: {
    target_tokens: tensor(text.slice(1), 'int64'),
    ...Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, tensor(data)])),
  },
})
const advantages = [0, 0, 1, -1, 0.5, -2]
const q = [0, 0, -2, -0.5, -3, -1]

it.each([
  ['cross_entropy', {}, { weights: [0, 0, 1, 0.5, 1, 1] }],
  ['cross_entropy', {}, { weights: [0, 0, 1, -0.5, 1, 1] }],
  ['cross_entropy', {}, {}],
  ['importance_sampling', {}, { logprobs: q, advantages }],
  ['importance_sampling', {}, { logprobs: q, advantages, weights: [0, 0, 1, 1, 0.5, 0.5] }],
  ['ppo', {}, { logprobs: q, advantages }],
  ['ppo', { clip_low_threshold: 0.5, clip_high_threshold: 3 }, { logprobs: q, advantages }],
  ['cispo', { clip_high_threshold: 5 }, { logprobs: q, advantages }],
  ['dro', { beta: 0.2 }, { logprobs: q, advantages }],
  ['gspo', { clip_low_threshold: 0.1, clip_high_threshold: 1.5 }, { logprobs: q, advantages }],
] as const)(
  '%s with %j: the engine computes the loss that the client is told',
  async (name, given, inputs) => {
    const { loss, config: settings } = lossOf(name, given)
    const datums = readDatums([datum(inputs as unknown as Record<string, number[]>)], loss, config)
    const { loss: computed, logprobs } = await trainer.forwardBackward(datums, loss.objective(settings))
    const known = logprobs.map((values) => values.map((value) => (Number.isNaN(value) ? 0 : value)))
    const { metrics, loss_fn_outputs } = outputOf(datums, known, loss, settings)
    expect(metrics['loss:sum']).toBeCloseTo(computed, 3)
    expect(Number.isFinite(computed)).toBe(true)
    expect(loss_fn_outputs[0]!.elementwise_loss!.data.length).toBe(text.length - 1)
  },
)

it('a sum of several datums, of which each has its own GSPO ratio', async () => {
  const { loss, config: settings } = lossOf('gspo', {})
  const batch = [datum({ logprobs: q, advantages }), datum({ logprobs: q.map((x) => x * 2), advantages })]
  const datums = readDatums(batch, loss, config)
  const { loss: computed, logprobs } = await trainer.forwardBackward(datums, loss.objective(settings))
  const known = logprobs.map((values) => values.map((value) => (Number.isNaN(value) ? 0 : value)))
  expect(outputOf(datums, known, loss, settings).metrics['loss:sum']).toBeCloseTo(computed, 3)
})

it.each([
  ['sft', {}, /there is no loss "sft" here; there are cross_entropy, /],
  ['ppo', { beta: 1 }, /ppo has no setting "beta"; it has clip_low_threshold, clip_high_threshold/],
  ['cross_entropy', { beta: 1 }, /has no setting "beta"; it has none/],
  ['dro', { beta: Number.NaN }, /beta must be a finite number/],
] as const)('the loss %s with %j is refused', (name, given, message) => {
  expect(() => lossOf(name, given)).toThrow(message)
})

it.each([
  ['ppo', { clip_low_threshold: 1.2 }, /clip_low_threshold must be in \[0, 1\]/],
  ['cispo', { clip_high_threshold: 0.5 }, /clip_high_threshold at least 1/],
  ['dro', { beta: -1 }, /beta must be at least 0/],
] as const)('%s with %j is refused', (name, given, message) => {
  const { loss, config: settings } = lossOf(name, given)
  expect(() => loss.objective(settings)).toThrow(message)
})

const good = { logprobs: q, advantages }
it.each([
  ['no datums', [], /^data is empty/],
  ['missing log-probs', [datum({ advantages })], /^data\[0\]\.loss_fn_inputs lacks logprobs/],
  ['too few advantages', [datum({ ...good, advantages: [1] })], /advantages has 1 values for 6 tokens/],
  [
    'a value that is no number',
    [datum({ ...good, logprobs: q.map(() => Number.NaN) })],
    /logprobs has NaN at position 0/,
  ],
  ['an unknown input', [datum({ ...good, mask: advantages })], /has mask, which this loss does not read/],
  ['a negative weight', [datum({ ...good, weights: advantages })], /weights must not be negative/],
  ['the second datum', [datum(good), datum({ logprobs: q })], /^data\[1\]\.loss_fn_inputs lacks advantages/],
  [
    'a target outside',
    [
      {
        ...datum(good),
        loss_fn_inputs: {
          ...datum(good).loss_fn_inputs,
          target_tokens: tensor([1, 2, 3, 4, 5, 576], 'int64'),
        },
      },
    ],
    /target_tokens has 576 at position 5, which is no token of the vocabulary, 0 to 575/,
  ],
  [
    'several targets a token',
    [
      {
        ...datum(good),
        loss_fn_inputs: {
          ...datum(good).loss_fn_inputs,
          target_tokens: { ...tensor(Array(12).fill(1), 'int64'), shape: [6, 2] },
        },
      },
    ],
    /target_tokens has the shape \[6,2\]; one value for each token is expected: \[6\]/,
  ],
  ['no tokens', [{ ...datum(good), model_input: { chunks: [] } }], /^data\[0\]\.model_input has no tokens/],
  [
    'too many tokens',
    [
      {
        ...datum(good),
        model_input: { chunks: [{ type: 'encoded_text' as const, tokens: Array(1025).fill(1) }] },
      },
    ],
    /has 1025 tokens; the model takes at most 1024/,
  ],
])('%s: refused in one line', (_, data, message) => {
  expect(() => readDatums(data, losses.ppo, config)).toThrow(message)
})
