import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type DpoObjective, dpoLoss } from '../../algorithms/dpo.ts'
import { withEngine } from '../../engines/open.ts'
import { loadModel } from '../../models/checkpoint/directory.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { encodePair } from './encode-preferences.ts'
import { learnPairs, referenced } from './preference-tuning.ts'

interface Encoded {
  readonly tokens: number[]
  readonly learned: number[]
}
interface Golden {
  readonly learning_rate: number
  readonly batch: number
  readonly beta: number
  readonly runs: Readonly<
    Record<string, { loss: number; grad_norm: number; margin: number; accuracy: number }[]>
  >
  readonly simpo: (Pick<DpoObjective, 'beta' | 'margin' | 'labelSmoothing'> & {
    chosen: number[]
    rejected: number[]
    losses: number[]
  })[]
  readonly rows: {
    prompt: ChatMessage[]
    chosen: ChatMessage[]
    rejected: ChatMessage[]
    encoded: { chosen: Encoded; rejected: Encoded }
  }[]
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const golden: Golden = JSON.parse(readFileSync(path('./fixtures/dpo/golden.json'), 'utf8'))
const renderer = Renderer.load(path('../../../models/miniature-base'))
const pairs = golden.rows.map(({ prompt, chosen, rejected }) =>
  encodePair(renderer, {
    chosen: { messages: [...prompt, ...chosen] },
    rejected: { messages: [...prompt, ...rejected] },
  }),
)
const base: DpoObjective = {
  kind: 'dpo',
  loss: 'sigmoid',
  beta: golden.beta,
  labelSmoothing: 0,
  margin: 0,
  lengthNormalised: false,
  referenceFree: false,
}
const adam = {
  learningRate: golden.learning_rate,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  gradClipNorm: 1,
}

/** Numbers of TRL; see tools/golden/dpo.py. */
describe("TRL's DPO", () => {
  test.each(golden.rows.map((row, i) => ({ ...row, i })))('the tokens of $chosen', ({ i, encoded }) => {
    for (const [side, expected] of [encoded.chosen, encoded.rejected].entries()) {
      const { tokens, learned } = pairs[i]![side]!
      // our template ends a conversation with one more token, of which nothing is learned
      const kept = expected.tokens.length
      expect([...tokens].slice(0, kept)).toEqual(expected.tokens)
      expect([...learned].slice(0, kept)).toEqual(expected.learned)
      expect(learned.slice(kept).every((one) => one === 0)).toBe(true)
    }
  })

  test.each<[string, Partial<DpoObjective>]>([
    ['sigmoid', {}],
    ['ipo', { loss: 'ipo', lengthNormalised: true }],
    ['sigmoid_norm', { lengthNormalised: true }],
  ])('%s: losses, gradient norms and margins of three steps', (name, change) =>
    withEngine({ model: loadModel(path('./fixtures/sft')), threads: 2 }, async (engine) => {
      const objective = { ...base, ...change }
      const trainer = await engine.trainer()
      const all = await referenced(pairs, { engine, objective, progress: () => {} })
      for (const [i, expected] of golden.runs[name]!.entries()) {
        const batch = all.slice(i * golden.batch, (i + 1) * golden.batch)
        const ours = await learnPairs(trainer, batch, objective, adam, i + 1)
        expect(Math.abs(ours.loss / expected.loss - 1)).toBeLessThan(1e-4)
        expect(Math.abs(ours.quality.loss / expected.loss - 1)).toBeLessThan(1e-4)
        expect(Math.abs(ours.gradNorm! / expected.grad_norm - 1)).toBeLessThan(1e-3)
        // TRL's margins and accuracies are of sums, whatever the loss
        if (name === 'sigmoid') expect(Math.abs(ours.quality.margin - expected.margin)).toBeLessThan(1e-3)
        if (name === 'sigmoid' && i > 0) expect(ours.quality.accuracy).toBe(expected.accuracy)
      }
    }),
  )

  test.each(golden.simpo)('SimPO: β $beta, γ $margin, label smoothing $labelSmoothing', (g) => {
    const objective = { ...base, ...g, lengthNormalised: true, referenceFree: true }
    for (const [i, loss] of g.losses.entries())
      expect(dpoLoss(objective, g.chosen[i]! - g.rejected[i]!)).toBeCloseTo(loss, 5)
  })
})
