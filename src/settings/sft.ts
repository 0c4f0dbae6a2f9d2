import { z } from 'zod'
import { EMBEDDED_BASE } from '../hub/find-model.ts'
import {
  betasSetting,
  chatSettings,
  checkpointSecondsSetting,
  type DeepPartial,
  engineSetting,
  modelSetting,
  scheduleSettings,
  threadsSetting,
  whole,
  withThreads,
} from './fields.ts'
import { checkSettings, merge, type Tree } from './layers.ts'

const column = z.string().min(1).optional()

/**
 * The scale. `deepseek-r1` is step 3 of R1 (Nature 645, Methods): 2–3 epochs, cosine from 5e-5 to a tenth, batches of
 * 128, 32,768 tokens; the paper names no warm-up.
 */
const PRESETS = {
  miniature: {
    epochs: 3,
    batchSize: 16,
    maxLength: 1024,
    learningRate: 1e-3,
    schedule: { kind: 'cosine', warmup: 5, final: 0.1 },
  },
  'deepseek-r1': {
    epochs: 2,
    batchSize: 128,
    maxLength: 32_768,
    learningRate: 5e-5,
    schedule: { kind: 'cosine', warmup: 0, final: 0.1 },
  },
} as const

/** Settings of `sft`. What a preset decides is filled in by `resolveSftSettings`. */
export const sftSettings = z.strictObject({
  model: modelSetting.default(EMBEDDED_BASE),
  /** Demonstrations: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. */
  data: z.string({ error: 'give demonstrations: a file, a folder, or a dataset of the hub' }).min(1),
  /** Names of the columns, if they are not `messages`, or `prompt` and `completion`. */
  columns: z.strictObject({ messages: column, prompt: column, completion: column }).prefault({}),
  /** Arguments and date of the chat template. */
  chat: chatSettings,
  engine: engineSetting,
  seed: whole(0).default(0),
  preset: z.enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[]).default('miniature'),
  epochs: whole(1),
  /** Sequences per step. */
  batchSize: whole(1),
  /** Longest sequence in tokens. Longer ones are left out and counted, never truncated. */
  maxLength: whole(2),
  learningRate: z.number().min(0),
  schedule: scheduleSettings,
  betas: betasSetting.default([0.9, 0.999]),
  weightDecay: z.number().min(0).default(0),
  gradClip: z.number().min(0).default(1),
  eval: z
    .strictObject({
      /** Share of the rows to hold out, unless the file names distinguish training from test. */
      share: z.number().gt(0).lt(1).default(0.1),
      /** Steps between evaluations; null: once per epoch. */
      every: whole(1).nullable().default(null),
    })
    .prefault({}),
  checkpointEvery: whole(1).default(20),
  checkpointSeconds: checkpointSecondsSetting,
  threads: threadsSetting,
})
export type SftSettings = z.output<typeof sftSettings> & { readonly threads: number }
/** Settings as they are given: any may be missing. */
export type SftInput = DeepPartial<z.input<typeof sftSettings>>

/**
 * Merges the given settings over their preset and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed.
 */
export function resolveSftSettings(given: SftInput): SftSettings {
  const { preset } = checkSettings(sftSettings.pick({ preset: true }), { preset: given.preset })
  return withThreads(checkSettings(sftSettings, belowGiven(PRESETS[preset], given)))
}

/**
 * Merges given settings over a preset. If the given schedule is of another kind, only the warm-up of the preset's is
 * kept.
 */
export function belowGiven(
  { schedule, ...layer }: { schedule: { kind: string; warmup: number } },
  given: { schedule?: { kind?: string | undefined } | undefined },
): Tree {
  const kind = given.schedule?.kind
  const below = kind === undefined || kind === schedule.kind ? schedule : { warmup: schedule.warmup }
  return merge({ ...layer, schedule: below }, given as Tree)
}
