import { z } from 'zod'
import { dpoLosses } from '../algorithms/dpo.ts'
import { UserError } from '../common/errors.ts'
import { type DeepPartial, withThreads } from './fields.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { belowGiven, sftSettings } from './sft.ts'

/**
 * The scale. `dpo` is the paper's (Rafailov et al., arXiv 2305.18290, appendix B): batches of 64, 1e-6, 150 steps of warm-up, on
 * models of up to 7B; the paper names neither the length nor the number of epochs.
 */
export const DPO_PRESETS = {
  miniature: {
    epochs: 2,
    batchSize: 16,
    maxLength: 1024,
    learningRate: 1e-4,
    schedule: { kind: 'cosine', warmup: 5, final: 0.1 },
  },
  dpo: {
    epochs: 1,
    batchSize: 64,
    maxLength: 2048,
    learningRate: 1e-6,
    schedule: { kind: 'constant', warmup: 150 },
  },
} as const

const dpo = {
  loss: 'sigmoid',
  beta: 0.1,
  labelSmoothing: 0,
  margin: 0,
  lengthNormalised: false,
  referenceFree: false,
} as const
/** The objective of each algorithm. */
const ALGORITHMS = {
  // Rafailov et al., arXiv 2305.18290, eq. 7
  dpo,
  // Azar et al., arXiv 2310.12036, eq. 17, with means over tokens as its authors and TRL compute it
  ipo: { ...dpo, loss: 'ipo', lengthNormalised: true },
  // Meng et al., arXiv 2405.14734, eq. 6: β = 2, γ = 0.5, no reference
  simpo: { ...dpo, beta: 2, margin: 0.5, lengthNormalised: true, referenceFree: true },
} as const
/** The names of all algorithms. */
export const dpoAlgorithms = Object.keys(ALGORITHMS) as (keyof typeof ALGORITHMS)[]

const column = z.string().min(1).optional()

/** Settings of `dpo`: those of `sft`, but a batch is a number of pairs, and the longest length is that of one answer with its prompt. */
export const dpoSettings = sftSettings
  .omit({ task: true, template: true, questions: true, minSteps: true })
  .extend({
    /** Pairs of answers: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. */
    data: z.string({ error: 'give pairs of answers: a file, a folder, or a dataset of the hub' }).min(1),
    /** Names of the columns, if they are not the usual ones. */
    columns: z
      .strictObject({ messages: column, prompt: column, chosen: column, rejected: column })
      .prefault({}),
    preset: z.enum(Object.keys(DPO_PRESETS) as (keyof typeof DPO_PRESETS)[]).default('miniature'),
    algorithm: z.enum(dpoAlgorithms as [keyof typeof ALGORITHMS]).default('dpo'),
    /** See `DpoObjective`. */
    objective: z.strictObject({
      loss: z.enum(dpoLosses as [(typeof dpoLosses)[number]]),
      beta: z.number().positive(),
      labelSmoothing: z.number().min(0).lt(0.5),
      margin: z.number(),
      lengthNormalised: z.boolean(),
      referenceFree: z.boolean(),
    }),
  })
export type DpoSettings = z.output<typeof dpoSettings> & { readonly threads: number }
/** Settings as they are given: any may be missing. */
export type DpoInput = DeepPartial<z.input<typeof dpoSettings>>

/**
 * Merges the given settings over their preset and their algorithm, and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed, or for settings that contradict each other.
 */
export function resolveDpoSettings(given: DpoInput): DpoSettings {
  const names = dpoSettings.pick({ preset: true, algorithm: true })
  const { preset, algorithm } = checkSettings(names, { preset: given.preset, algorithm: given.algorithm })
  const layers = merge({ objective: ALGORITHMS[algorithm] } as Tree, belowGiven(DPO_PRESETS[preset], given))
  const settings = checkSettings(dpoSettings, layers)
  const { loss, labelSmoothing, margin } = settings.objective
  for (const [name, value] of Object.entries({ labelSmoothing, margin }))
    if (loss === 'ipo' && value !== 0)
      throw new UserError(
        `objective.${name} is ${value}, which has no effect on the loss ipo: set it to 0, or set objective.loss=sigmoid`,
        2,
      )
  return withThreads(settings)
}
