import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { withEngine } from '../../engines/open.ts'
import { loadModel } from '../../models/checkpoint/directory.ts'
import { SafetensorsFile } from '../../models/checkpoint/safetensors.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { gradientsOf } from '../../testing/gradients.ts'
import { heldOutLoss, learn, nextTokenDatum, type Sequence } from './learn.ts'
import { supervise } from './masks.ts'

interface Golden {
  readonly learning_rate: number
  readonly batch: number
  readonly conversations: { messages: ChatMessage[]; tokens: number[]; learned: number[] }[]
  readonly padded: { loss: number; grad_norm: number }[]
  readonly packed: { loss: number; grad_norm: number }[]
}

const folder = fileURLToPath(new URL('./fixtures/sft', import.meta.url))
const golden: Golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'))
const renderer = Renderer.load(fileURLToPath(new URL('../../../models/miniature-base', import.meta.url)))
const sequences: Sequence[] = golden.conversations.flatMap(({ messages }) =>
  supervise(renderer, { messages }),
)
const spec = { model: loadModel(folder), threads: 1 }

/** Numbers of TRL's SFTTrainer; see tools/golden/sft.py. */
describe("TRL's supervised fine-tuning", () => {
  test.each(golden.conversations)('the tokens and the mask: $messages', ({ messages, tokens, learned }) => {
    const [ours] = supervise(renderer, { messages }) as [Sequence]
    expect([...ours.tokens]).toEqual(tokens)
    expect([...ours.learned]).toEqual(learned)
  })

  test.each(['padded', 'packed'] as const)('three steps of %s batches: losses and gradient norms', (form) =>
    withEngine(spec, async (engine) => {
      const trainer = await engine.trainer()
      const adam = {
        learningRate: golden.learning_rate,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weightDecay: 0,
        gradClipNorm: 1,
      }
      for (const [i, { loss, grad_norm }] of golden[form].entries()) {
        const batch = sequences.slice(i * golden.batch, (i + 1) * golden.batch)
        const ours = await learn(trainer, batch, adam, i + 1)
        expect(Math.abs(ours.loss / loss - 1)).toBeLessThan(1e-5)
        expect(Math.abs(ours.gradNorm! / grad_norm - 1)).toBeLessThan(1e-4)
      }
    }),
  )

  test('every gradient of the first batch, within 1e-3 relative', () =>
    withEngine(spec, async (engine) => {
      const trainer = await engine.trainer()
      const batch = sequences.slice(0, golden.batch)
      const learned = batch.reduce((n, s) => n + s.learned.reduce((a, b) => a + b, 0), 0)
      const datums = batch.map((sequence) => nextTokenDatum(sequence, 1 / learned))
      await trainer.forwardBackward(datums, { kind: 'cross_entropy' })
      const file = new SafetensorsFile(`${folder}/golden.safetensors`)
      for (const [name, ours] of await gradientsOf(trainer, loadModel(folder).parameters)) {
        const theirs = file.read(`grad.${name}`)
        const error = Math.hypot(...theirs.map((x, i) => x - ours[i]!))
        expect(error / Math.hypot(...theirs), name).toBeLessThan(1e-3)
      }
    }))

  test('the held-out loss of a batch equals its training loss', () =>
    withEngine(spec, async (engine) => {
      const batch = sequences.slice(0, golden.batch)
      const { loss, tokens } = await heldOutLoss(await engine.scorer(engine.base), batch)
      expect(Math.abs(loss / golden.padded[0]!.loss - 1)).toBeLessThan(1e-5)
      expect(tokens).toBe(
        golden.conversations.slice(0, golden.batch).flatMap(({ learned }) => learned.filter(Boolean)).length,
      )
    }))
})
