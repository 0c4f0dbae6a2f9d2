import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { PreferenceQuality } from '../algorithms/preference.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { modelFolder } from '../hub/find-model.ts'
import { loadModel, type Model } from '../models/directory.ts'
import { withRewardHead } from '../models/parameters.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import type { Trained } from '../runs/finish.ts'
import { checkSettings } from '../settings/layers.ts'
import type { DeepPartial } from '../settings/zero.ts'
import type { Epochs } from '../stages/supervise/epochs.ts'
import { comparisonOf, type RewardStep, trainReward } from '../stages/supervise/reward-model.ts'
import { checkLength, withinLength } from '../stages/supervise/within-length.ts'
import { readPreferences } from '../tasks/preferences.ts'
import { DataRecipe, type DataWatch } from './data-recipe.ts'
import { belowGiven, sftSettings, withDefaults } from './sft.ts'

/**
 * The scale. `deepseek-r1` is the helpful reward model of R1 (Nature 645, Methods): one epoch at 6e-6, batches of 256,
 * 8,192 tokens; it names no schedule.
 */
const PRESETS = {
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

/** Settings of `reward`: those of `sft`, of which a batch and its length are counted in comparisons and in texts. */
export const rewardSettings = sftSettings.extend({
  /** Preferences: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. */
  data: z.string({ error: 'which preferences? Give a file, a folder, or a dataset of the hub' }).min(1),
  /** Which columns hold what, where they have other names. */
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
export type RewardSettings = z.output<typeof rewardSettings>
/** What may be given: any part of the settings. */
export type RewardInput = DeepPartial<z.input<typeof rewardSettings>>

export interface RewardWatch extends DataWatch<RewardSettings, RewardData> {
  readonly onBefore?: ((before: PreferenceQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: RewardStep) => void) | undefined
}

/** How much data there is. */
export interface RewardData {
  /** Pairs, or answers with a label. */
  readonly kind: 'pairs' | 'labels'
  readonly training: number
  readonly heldOut: number
  /** Left out: a text is longer than `maxLength` tokens. */
  readonly overlong: number
  /** Left out of training: their prompt is among the held-out ones. */
  readonly repeated: number
  /** Of all training texts, prompts included. */
  readonly tokens: number
  readonly longest: number
}

export interface RewardResult extends Trained, Epochs<PreferenceQuality> {
  readonly seed: number
  readonly data: RewardData
}

/**
 * Reward-model training: a decoder with a scalar head learns which of two answers is better (Bradley–Terry), or which
 * answers are good.
 *
 * @example
 * const { after } = await reward({ data: 'pairs.jsonl' })
 * console.log(`${after.accuracy} of the held-out pairs are judged right`)
 */
export async function reward(
  given: RewardInput,
  { out, ...watch }: RewardWatch & { out?: string | undefined } = {},
): Promise<RewardResult> {
  const named = resolveRewardSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return recipe.begin(settings, watch, out)
}

/** Goes on with a run from its last checkpoint, to the same result as if it had never stopped. */
export const resumeReward = (directory: string, watch: RewardWatch = {}): Promise<RewardResult> =>
  recipe.goOn(directory, watch)

/** Given settings on top of what their preset says, checked. */
export function resolveRewardSettings(given: RewardInput): RewardSettings {
  const { preset } = checkSettings(rewardSettings.pick({ preset: true }), { preset: given.preset })
  return withDefaults(checkSettings(rewardSettings, belowGiven(PRESETS[preset], given)))
}

/** Preferences → tokens. */
async function prepare(settings: RewardSettings, watch: RewardWatch) {
  checkLength(settings)
  const warn = watch.onWarning ?? ((message) => process.emitWarning(message))
  const progress = watch.onProgress ?? (() => {})
  const rows = await readPreferences(settings.data, {
    columns: settings.columns,
    heldOutShare: settings.eval.share,
    warn,
    progress,
  })
  const codec = Tokenizer.load(settings.model)
  const { training, heldOut, overlong } = withinLength(rows, {
    settings,
    encode: ({ example }) => comparisonOf(codec, example),
    lengthOf: ({ texts }) => Math.max(...texts.map(({ length }) => length)),
    warn,
    progress,
  })
  if (rows.repeated > 0)
    warn(`${rows.repeated} training rows are left out: their prompt is among the held-out ones`)
  const hash = createHash('sha256')
  for (const { texts, good } of [...training, ...heldOut]) {
    for (const tokens of texts) hash.update(tokens)
    hash.update(String(good))
  }
  const lengths = training.flatMap(({ texts }) => texts.map(({ length }) => length))
  const data: RewardData = {
    kind: training[0]!.good === null ? 'pairs' : 'labels',
    training: training.length,
    heldOut: heldOut.length,
    overlong,
    repeated: rows.repeated,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
  }
  return { training, heldOut, hash: hash.digest('hex'), data }
}

/** A reward model as it is; any other model with a new head. */
function rewardModel(folder: string, seed: number): Model {
  const model = loadModel(folder)
  const padId = Tokenizer.load(folder).padId
  if (model.config.head === 'tokens') return withRewardHead(model, padId, seed)
  return { ...model, config: { ...model.config, padTokenId: model.config.padTokenId ?? padId } }
}

const recipe = new DataRecipe({
  name: 'reward',
  settings: rewardSettings,
  prepare,
  open: async ({ model: folder, seed, threads }: RewardSettings) => {
    const { config, parameters } = rewardModel(folder, seed)
    const model = { config, parameters, tokenizerFrom: folder }
    return { trainer: await openLocalTrainer({ model, threads: threads! }), padId: config.padTokenId! }
  },
  learn: ({ trainer, padId }, { training, heldOut }, { settings, watch, store }) =>
    trainReward({
      trainer,
      training,
      heldOut,
      padId,
      settings: { ...settings, evalEvery: settings.eval.every },
      store,
      signal: watch.signal,
      onStart: watch.onBefore,
      onStep: watch.onStep,
    }),
})
