import { Random } from '../src/common/random.ts'
import type { Datum } from '../src/engines/contract.ts'
import { withEngine } from '../src/engines/open.ts'
import { compare, THREADS, timed } from './compare.ts'
import { type BenchOptions, trainableOf } from './lora.ts'
import type { BenchModel } from './model.ts'

const SEQUENCES = 16
const LENGTH = 128
/** Consecutive steps per repetition, as in training; for a large model a single step is long enough. */
const STEPS = 10
/** The learning rate is small, so that a large model with random weights does not amplify rounding errors. */
const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.05, gradClipNorm: 1 }

/**
 * Next-token prediction on a padded batch: sequences of 128, 124, … 68 tokens; several steps per repetition. With `lora`,
 * adapters of this rank on all linear layers are trained.
 */
export async function trainStep(
  model: BenchModel,
  { repetitions = model.large ? 3 : 20, lora = null }: BenchOptions = {},
): Promise<void> {
  const steps = model.large ? 1 : STEPS
  const random = new Random('bench', 'train-step')
  const rows = Array.from({ length: SEQUENCES }, (_, i) =>
    Int32Array.from({ length: LENGTH - 4 * i + 1 }, () => random.int(0, 255)),
  )
  const tokens = rows.reduce((sum, row) => sum + row.length - 1, 0)
  const datums: Datum[] = rows.map((row) => ({
    tokens: row.slice(0, -1),
    targets: row.slice(1),
    weights: new Float32Array(row.length - 1).fill(1 / tokens),
  }))
  await withEngine({ model: model.directory, threads: THREADS }, async (engine) => {
    const trainer = await engine.trainer({ trainable: trainableOf(lora) })
    await compare({
      name: lora === null ? 'train-step' : `train-step, LoRA of rank ${lora}`,
      work: [
        model.title,
        `${steps} × forward, backward, gradient clipping and AdamW on ${SEQUENCES} sequences padded to ${LENGTH} (${tokens} tokens without padding), ${THREADS} threads`,
      ],
      ours: async () => {
        const { seconds, value } = await timed(async () => {
          let last = Number.NaN
          for (let step = 0; step < steps; step++) {
            last = (await trainer.forwardBackward(datums, { kind: 'cross_entropy' })).loss
            await trainer.optimStep(adam)
          }
          return last
        })
        return { seconds, loss: value }
      },
      peer: {
        script: 'train_step.py',
        setup: {
          model: model.directory,
          rows: rows.map((row) => [...row]),
          adam,
          pad: model.tokenizer.padId,
          steps,
          lora,
        },
      },
      repetitions,
      amount: { count: steps * tokens, unit: 'tokens' },
      // Adapters begin with other random numbers on each side, which matters from the second step on.
      ...(lora === null || steps === 1 ? { sameLoss: 1e-3 } : {}),
    })
  })
}
