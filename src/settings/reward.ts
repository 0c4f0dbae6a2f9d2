import { z } from 'zod'
import { type DeepPartial, withThreads } from './fields.ts'
import { checkSettings } from './layers.ts'
import { belowGiven, sftSettings } from './sft.ts'

/**
 * The scale. `deepseek-r1` is the helpful reward model of R1 (Nature 645, Methods): one epoch at 6e-6, batches of 256,
 * 8,192 tokens; the paper names no schedule.
 */
export const REWARD_PRESETS = {
  miniature: {
    epochs: 2,
    batchSize: 16,
    maxLength: 1024,
    learningRate: 5e-4,
    schedule: { kind: 'cosine', warmup: 5, final: 0.1 },
  },
  'deepseek-r1': {
    epochs: 1,
    batchSize: 256,
    maxLength: 8192,
    learningRate: 6e-6,
    schedule: { kind: 'constant', warmup: 0 },
  },
} as const

const column = z.string().min(1).optional()

/**
 * Settings of `reward`: those of `sft`, but a batch is a number of comparisons, and the longest length is that of a
 * text.
 */
export const rewardSettings = sftSettings
  .omit({ task: true, template: true, questions: true, minSteps: true })
  .extend({
    /** Preferences: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. */
    data: z.string({ error: 'give preferences: a file, a folder, or a dataset of the hub' }).min(1),
    /** Names of the columns, if they are not the usual ones. */
    columns: z
      .strictObject({
        messages: column,
        prompt: column,
        chosen: column,
        rejected: column,
        text: column,
        response: column,
        label: column,
      })
      .prefault({}),
  })
export type RewardSettings = z.output<typeof rewardSettings> & { readonly threads: number }
/** Settings as they are given: any may be missing. */
export type RewardInput = DeepPartial<z.input<typeof rewardSettings>>

/**
 * Merges the given settings over their preset and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed.
 */
export function resolveRewardSettings(given: RewardInput): RewardSettings {
  const { preset } = checkSettings(rewardSettings.pick({ preset: true }), { preset: given.preset })
  return withThreads(checkSettings(rewardSettings, belowGiven(REWARD_PRESETS[preset], given)))
}
