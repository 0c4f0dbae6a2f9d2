import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../engines/contract.ts'
import { withEngine } from '../../engines/open.ts'
import { loadModel } from '../../models/checkpoint/directory.ts'
import { SafetensorsFile } from '../../models/checkpoint/safetensors.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { ScoredText } from '../../rewards/preference.ts'
import type { Preference } from '../../tasks/examples/preferences.ts'
import { gradientsOf } from '../../testing/gradients.ts'
import { encodePreference } from './encode-preferences.ts'
import { learnPreferences, toComparison } from './reward-model.ts'

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
const renderer = Renderer.load(fileURLToPath(new URL('../../../models/miniature-base', import.meta.url)))
const model = () => loadModel(folder)
const padId = model().config.padTokenId!
const open = <T>(work: (engine: Engine) => Promise<T>): Promise<T> =>
  withEngine({ model: model(), threads: 1 }, work)

const together = (prompt: Row['prompt'], answer: Row['chosen']): ScoredText =>
  typeof prompt === 'string'
    ? { text: prompt + answer }
    : { messages: [...prompt, ...(answer as ChatMessage[])] }
const pairs = golden.rows.map(({ prompt, chosen, rejected }): Preference => {
  return { chosen: together(prompt, chosen), rejected: together(prompt, rejected) }
})
const preferences = pairs.map((pair) => encodePreference(renderer, pair))
/** The chosen texts of the first pairs, labelled good, and the rejected ones, labelled bad. */
const labelled = [1, 0].flatMap((good, side) =>
  preferences.slice(0, golden.batch).map(({ texts }) => ({ texts: [texts[side]!], good: good === 1 })),
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
    const { texts } = encodePreference(renderer, {
      chosen: together(prompt, chosen),
      rejected: together(prompt, rejected),
    })
    expect(texts.map((ids) => [...ids])).toEqual([tokens.chosen, tokens.rejected])
  })

  test('three steps: rewards, losses and gradient norms', () =>
    open(async (engine) => {
      const trainer = await engine.trainer()
      for (const [i, { loss, grad_norm, chosen, rejected }] of golden.steps.entries()) {
        const batch = preferences.slice(i * golden.batch, (i + 1) * golden.batch)
        const ours = await learnPreferences(trainer, batch, adam, i + 1)
        expect(Math.abs(ours.loss / loss - 1)).toBeLessThan(1e-5)
        expect(Math.abs(ours.gradNorm! / grad_norm - 1)).toBeLessThan(1e-4)
        for (const [k, { rewards }] of ours.scored.entries())
          for (const [side, expected] of [chosen[k]!, rejected[k]!].entries())
            expect(rewards[side]).toBeCloseTo(expected, 4)
      }
    }))

  test('labelled answers: the loss and the gradient norm of binary cross-entropy', () =>
    open(async (engine) => {
      const ours = await learnPreferences(await engine.trainer(), labelled, adam, 1)
      expect(Math.abs(ours.loss / golden.pointwise.loss - 1)).toBeLessThan(1e-5)
      expect(Math.abs(ours.gradNorm! / golden.pointwise.grad_norm - 1)).toBeLessThan(1e-4)
    }))

  test.each([
    ['pairs', preferences.slice(0, golden.batch)],
    ['pointwise', labelled],
  ] as const)('every gradient of the first batch, within 1e-3 relative: %s', (name, batch) =>
    open(async (engine) => {
      const trainer = await engine.trainer()
      await trainer.compare(batch.map((preference) => toComparison(preference, 1 / batch.length)))
      const file = new SafetensorsFile(`${folder}/golden.safetensors`)
      for (const [parameter, ours] of await gradientsOf(trainer, model().parameters)) {
        const theirs = file.read(`${name}.${parameter}`)
        const error = Math.hypot(...theirs.map((x, i) => x - ours[i]!))
        expect(error / Math.hypot(...theirs), parameter).toBeLessThan(1e-3)
      }
    }),
  )

  test('rewards do not depend on the rest of the batch', () =>
    open(async (engine) => {
      const scorer = await engine.rewardScorer(engine.base)
      const texts = preferences.slice(0, golden.batch).flatMap((preference) => preference.texts)
      const whole = await scorer.rewards(texts)
      for (const [i, tokens] of texts.entries())
        expect((await scorer.rewards([tokens]))[0]).toBeCloseTo(whole[i]!, 5)
      const { chosen, rejected } = golden.steps[0]!
      for (const [k, reward] of chosen.flatMap((value, i) => [value, rejected[i]!]).entries())
        expect(whole[k]).toBeCloseTo(reward, 4)
    }))
})

describe('the position of the reward', () => {
  test('is the last token that is not padding', () =>
    open(async (engine) => {
      const [tokens] = preferences[0]!.texts as [Int32Array]
      const padded = Int32Array.of(...tokens, padId, padId)
      const [plain, same] = await (await engine.rewardScorer(engine.base)).rewards([tokens, padded])
      expect(same).toBeCloseTo(plain!, 5)
    }))

  test('a text that is only padding has no reward', () =>
    open(async (engine) => {
      const scorer = await engine.rewardScorer(engine.base)
      await expect(scorer.rewards([Int32Array.of(padId)])).rejects.toThrow(/only padding/)
    }))
})

const datum = { tokens: Int32Array.of(1), targets: Int32Array.of(2), weights: Float32Array.of(1) }

test('a reward model cannot be sampled or trained on text', () =>
  open(async (engine) => {
    const sample = async () =>
      (await engine.sampler(engine.base)).sample(Int32Array.of(1, 2), {
        n: 1,
        maxTokens: 1,
        temperature: 1,
        seed: 0,
      })
    await expect(sample()).rejects.toThrow(/this is a reward model: it cannot be sampled from/)
    const trainer = await engine.trainer()
    await expect(trainer.forwardBackward([datum], { kind: 'cross_entropy' })).rejects.toThrow(
      /this is a reward model: it cannot be trained with cross_entropy/,
    )
  }))

test('a language model cannot be trained with preferences', () =>
  withEngine(
    { model: loadModel(fileURLToPath(new URL('./fixtures/sft', import.meta.url))), threads: 1 },
    async (engine) => {
      const trainer = await engine.trainer()
      await expect(trainer.compare([toComparison(preferences[0]!, 1)])).rejects.toThrow(
        /not a reward model: it cannot be trained with comparisons/,
      )
    },
  ))
