import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { openLocalTrainer } from '../engines/local/index.ts'
import { EMBEDDED_BASE, modelFolder } from '../hub/find-model.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import type { Trained } from '../runs/finish.ts'
import { checkSettings, merge, type Tree } from '../settings/layers.ts'
import { type DeepPartial, scheduleSettings } from '../settings/zero.ts'
import { type Finetuned, type FinetuneStep, finetune } from '../stages/supervise/finetune.ts'
import type { HeldOutLoss, Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { checkLength, withinLength } from '../stages/supervise/within-length.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'
import { DataRecipe, type DataWatch } from './data-recipe.ts'

const whole = (least: number) => z.int().min(least)
const column = z.string().min(1).optional()

/**
 * The scale. `deepseek-r1` is step 3 of R1 (Nature 645, Methods): 2–3 epochs, cosine from 5e-5 to a tenth, batches of
 * 128, 32,768 tokens; it names no warm-up.
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
  /** A Hugging Face folder, a run, the name of an embedded model, or a model of the hub. */
  model: z.string().min(1).default(EMBEDDED_BASE),
  /** Demonstrations: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. */
  data: z.string({ error: 'which demonstrations? Give a file, a folder, or a dataset of the hub' }).min(1),
  /** Which columns hold what, where they are not `messages`, or `prompt` and `completion`. */
  columns: z.strictObject({ messages: column, prompt: column, completion: column }).prefault({}),
  engine: z.literal('local').default('local'),
  seed: whole(0).default(0),
  preset: z.enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[]).default('miniature'),
  epochs: whole(1),
  /** Sequences a step. */
  batchSize: whole(1),
  /** Longer sequences are left out, and counted; none is cut. */
  maxLength: whole(2),
  learningRate: z.number().min(0),
  schedule: scheduleSettings,
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  weightDecay: z.number().min(0).default(0),
  gradClip: z.number().min(0).default(1),
  eval: z
    .strictObject({
      /** Held out of the data, unless the names of its files tell training from test. */
      share: z.number().gt(0).lt(1).default(0.1),
      /** Steps between evaluations; null: once an epoch. */
      every: whole(1).nullable().default(null),
    })
    .prefault({}),
  checkpointEvery: whole(1).default(20),
  /** Of the runtime; null: one a core. Results depend on it in the last bits. */
  threads: whole(1).nullable().default(null),
})
export type SftSettings = z.output<typeof sftSettings>
/** What may be given: any part of the settings. */
export type SftInput = DeepPartial<z.input<typeof sftSettings>>

export interface SftWatch extends DataWatch<SftSettings, SftData> {
  readonly onBefore?: ((before: HeldOutLoss, steps: number) => void) | undefined
  readonly onStep?: ((step: FinetuneStep) => void) | undefined
}

/** How much data there is. */
export interface SftData {
  readonly training: number
  readonly heldOut: number
  /** Left out: longer than `maxLength` tokens. */
  readonly overlong: number
  /** Left out of training: held out too. */
  readonly repeated: number
  /** Of the training sequences, prompts included, and those of them that are learned. */
  readonly tokens: number
  readonly learnedTokens: number
  readonly longest: number
}

export interface SftResult extends Trained, Finetuned {
  readonly seed: number
  readonly data: SftData
}

/**
 * Supervised fine-tuning on demonstrations: conversations, with the loss on what the assistant says, or prompts and
 * their completions.
 *
 * @example
 * const { before, after } = await sft({ data: 'conversations.jsonl', epochs: 2 })
 */
export async function sft(
  given: SftInput,
  { out, ...watch }: SftWatch & { out?: string | undefined } = {},
): Promise<SftResult> {
  const named = resolveSftSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return recipe.begin(settings, watch, out)
}

/** Goes on with a run from its last checkpoint, to the same result as if it had never stopped. */
export const resumeSft = (directory: string, watch: SftWatch = {}): Promise<SftResult> =>
  recipe.goOn(directory, watch)

/** Given settings on top of what their preset says, checked. */
export function resolveSftSettings(given: SftInput): SftSettings {
  const { preset } = checkSettings(sftSettings.pick({ preset: true }), { preset: given.preset })
  return withDefaults(checkSettings(sftSettings, belowGiven(PRESETS[preset], given)))
}

/** Given settings on top of a preset's. Another kind of schedule than the preset's has other numbers. */
export function belowGiven(
  { schedule, ...layer }: { schedule: { kind: string; warmup: number } },
  given: { schedule?: { kind?: string | undefined } | undefined },
): Tree {
  const kind = given.schedule?.kind
  const below = kind === undefined || kind === schedule.kind ? schedule : { warmup: schedule.warmup }
  return merge({ ...layer, schedule: below }, given as Tree)
}

/** A thread a core, unless told. */
export function withDefaults<S extends { threads: number | null }>(settings: S): S {
  return { ...settings, threads: settings.threads ?? Math.min(availableParallelism(), 8) }
}

/** Demonstrations → tokens and masks. */
async function prepare(settings: SftSettings, watch: SftWatch) {
  checkLength(settings)
  const warn = watch.onWarning ?? ((message) => process.emitWarning(message))
  const progress = watch.onProgress ?? (() => {})
  const rows = await readDemonstrations(settings.data, {
    columns: settings.columns,
    heldOutShare: settings.eval.share,
    warn,
    progress,
  })
  const codec = Tokenizer.load(settings.model)
  const { training, heldOut, overlong } = withinLength(rows, {
    settings,
    encode: ({ demonstration }) => supervise(codec, demonstration),
    lengthOf: ({ tokens }) => tokens.length,
    warn,
    progress,
  })
  if (rows.repeated > 0) warn(`${rows.repeated} training rows are left out: they are among the held-out ones`)
  const hash = createHash('sha256')
  for (const { tokens, learned } of [...training, ...heldOut]) hash.update(tokens).update(learned)
  const sum = (count: (sequence: Sequence) => number): number =>
    training.reduce((total, sequence) => total + count(sequence), 0)
  const data: SftData = {
    training: training.length,
    heldOut: heldOut.length,
    overlong,
    repeated: rows.repeated,
    tokens: sum(({ tokens }) => tokens.length),
    learnedTokens: sum(({ learned }) => learned.reduce((n, one) => n + one, 0)),
    longest: training.reduce((most, { tokens }) => Math.max(most, tokens.length), 0),
  }
  return { training, heldOut, hash: hash.digest('hex'), data }
}

const recipe = new DataRecipe({
  name: 'sft',
  settings: sftSettings,
  prepare,
  open: async ({ model, threads }: SftSettings) => ({
    trainer: await openLocalTrainer({ model, threads: threads! }),
  }),
  learn: ({ trainer }, { training, heldOut }, { settings, watch, store }) =>
    finetune({
      trainer,
      training,
      heldOut,
      settings: { ...settings, evalEvery: settings.eval.every },
      store,
      signal: watch.signal,
      onStart: watch.onBefore,
      onStep: watch.onStep,
    }),
})
