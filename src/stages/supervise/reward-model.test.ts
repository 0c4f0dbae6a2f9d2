import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Trainer } from '../../engines/contract.ts'
import { LocalEngine } from '../../engines/local/engine.ts'
import { loadModel } from '../../models/directory.ts'
import { SafetensorsFile } from '../../models/safetensors.ts'
import { type ChatMessage, Tokenizer } from '../../models/tokenizer.ts'
import { type Judged, rewardsOf } from '../../rewards/preference.ts'
import type { Preference } from '../../tasks/preferences.ts'
import { comparisonDatums, comparisonOf, learnPreferences } from './reward-model.ts'

interface Row {
  readonly prompt: string | ChatMessage[]
  readonly chosen: string | ChatMessage[]
  readonly rejected: string | ChatMessage[]
  readonly tokens: { readonly chosen: number[]; readonly rejected: number[] }
}

interface Golden {
  readonly learning_rate: number
  readonly batch: number
  readonly rows: Row[]
  readonly steps: { loss: number; grad_norm: number; chosen: number[]; rejected: number[] }[]
  readonly pointwise: { loss: number; grad_norm: number }
}

const folder = fileURLToPath(new URL('./fixtures/reward', import.meta.url))
const golden: Golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'))
const codec = Tokenizer.load(fileURLToPath(new URL('../../../models/miniature-base', import.meta.url)))
const model = () => loadModel(folder)
const padId = model().config.padTokenId!
const open = (): LocalEngine => new LocalEngine({ ...model(), tokenizer: null, source: null, threads: 1 })

const together = (prompt: Row['prompt'], answer: Row['chosen']): Judged =>
  typeof prompt === 'string'
    ? { text: prompt + answer }
    : { messages: [...prompt, ...(answer as ChatMessage[])] }
const pairs = golden.rows.map(({ prompt, chosen, rejected }): Preference => {
  return { chosen: together(prompt, chosen), rejected: together(prompt, rejected) }
})
const comparisons = pairs.map((pair) => comparisonOf(codec, pair))
/** What is chosen of the first pairs, labelled good, and what is rejected, labelled bad. */
const labelled = [1, 0].flatMap((good, side) =>
  comparisons.slice(0, golden.batch).map(({ texts }) => ({ texts: [texts[side]!], good: good === 1 })),
)

const adam = {
  learningRate: golden.learning_rate,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 1,
}

/** Numbers of TRL's RewardTrainer; see tools/golden/reward.py. */
describe("TRL's reward-model training", () => {
  test.each(golden.rows)('the tokens: $prompt', ({ prompt, chosen, rejected, tokens }) => {
    const { texts } = comparisonOf(codec, {
      chosen: together(prompt, chosen),
      rejected: together(prompt, rejected),
    })
    expect(texts.map((ids) => [...ids])).toEqual([tokens.chosen, tokens.rejected])
  })

  test('three steps: rewards, losses and gradient norms', async () => {
    // LocalEngine answers at once where a Trainer promises to
    const engine = open() as unknown as Trainer
    for (const [i, { loss, grad_norm, chosen, rejected }] of golden.steps.entries()) {
      const batch = comparisons.slice(i * golden.batch, (i + 1) * golden.batch)
      const ours = await learnPreferences(engine, batch, padId, adam, i + 1)
      expect(Math.abs(ours.loss / loss - 1)).toBeLessThan(1e-5)
      expect(Math.abs(ours.gradNorm / grad_norm - 1)).toBeLessThan(1e-4)
      for (const [k, { rewards }] of ours.scored.entries())
        for (const [side, expected] of [chosen[k]!, rejected[k]!].entries())
          expect(rewards[side]).toBeCloseTo(expected, 4)
    }
  })

  test('labelled answers: the loss and the gradient norm of binary cross-entropy', async () => {
    const ours = await learnPreferences(open() as unknown as Trainer, labelled, padId, adam, 1)
    expect(Math.abs(ours.loss / golden.pointwise.loss - 1)).toBeLessThan(1e-5)
    expect(Math.abs(ours.gradNorm / golden.pointwise.grad_norm - 1)).toBeLessThan(1e-4)
  })

  test.each([
    ['pairs', comparisons.slice(0, golden.batch)],
    ['pointwise', labelled],
  ] as const)('every gradient of the first batch, within 1e-3 relative: %s', (name, batch) => {
    const engine = open()
    const { parameters } = model()
    const count = [...parameters.values()].reduce((n, { length }) => n + length, 0)
    const memory = new SharedArrayBuffer(4 * count)
    engine.forwardBackward(
      batch.flatMap((comparison, i) => comparisonDatums(comparison, i, 1 / batch.length, padId)),
      { kind: 'preference' },
      memory,
    )
    const file = new SafetensorsFile(`${folder}/golden.safetensors`)
    let at = 0
    for (const [parameter, { length }] of parameters) {
      const ours = new Float32Array(memory, 4 * at, length)
      const theirs = file.read(`${name}.${parameter}`)
      const error = Math.hypot(...theirs.map((x, i) => x - ours[i]!))
      expect(error / Math.hypot(...theirs), parameter).toBeLessThan(1e-3)
      at += length
    }
  })

  test('rewards do not depend on what else is in the batch', async () => {
    const engine = open() as unknown as Trainer
    const texts = comparisons.slice(0, golden.batch).flatMap((comparison) => comparison.texts)
    const whole = await rewardsOf(engine, texts, padId)
    for (const [i, tokens] of texts.entries())
      expect((await rewardsOf(engine, [tokens], padId))[0]).toBeCloseTo(whole[i]!, 5)
    const { chosen, rejected } = golden.steps[0]!
    for (const [k, reward] of chosen.flatMap((value, i) => [value, rejected[i]!]).entries())
      expect(whole[k]).toBeCloseTo(reward, 4)
  })
})

describe('where the reward is read', () => {
  test('at the last token that is no padding, wherever the text ends', async () => {
    const engine = open() as unknown as Trainer
    const [tokens] = comparisons[0]!.texts as [Int32Array]
    const padded = Int32Array.of(...tokens, padId, padId)
    const [plain, same] = await rewardsOf(engine, [tokens, padded], padId)
    expect(same).toBeCloseTo(plain!, 5)
  })

  test('a text of padding alone has none', async () => {
    await expect(rewardsOf(open() as unknown as Trainer, [Int32Array.of(padId)], padId)).rejects.toThrow(
      /nothing but padding/,
    )
  })
})

describe('a reward model', () => {
  const prompt = { prompt: Int32Array.of(1, 2), options: { n: 1, maxTokens: 1, temperature: 1, seed: 0 } }
  const datum = { tokens: Int32Array.of(1), targets: Int32Array.of(2), weights: Float32Array.of(1) }
  test.each<[string, (engine: LocalEngine) => unknown, RegExp]>([
    [
      'writes no text',
      (engine) => engine.sample([prompt]),
      /a reward model: it scores text and cannot write/,
    ],
    [
      'does not learn to',
      (engine) => engine.forwardBackward([datum], { kind: 'cross_entropy' }),
      /this is a reward model: it cannot learn by cross_entropy/,
    ],
  ])('%s', (_, use, message) => {
    expect(() => use(open())).toThrow(message)
  })

  test('is what learns from preferences, and nothing else', () => {
    const { config, parameters } = loadModel(fileURLToPath(new URL('./fixtures/sft', import.meta.url)))
    const engine = new LocalEngine({ config, parameters, tokenizer: null, source: null, threads: 1 })
    expect(() => engine.forwardBackward([datum], { kind: 'preference' })).toThrow(/this is no reward model/)
  })
})
