import type { PreferenceQuality } from '../algorithms/preference.ts'
import { UserError } from '../common/errors.ts'
import { modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { checkTokens } from '../models/tokenizer/vocabulary.ts'
import { Renderer } from '../renderer/renderer.ts'
import type { Trained } from '../runs/with-run.ts'
import { type RewardInput, type RewardSettings, resolveRewardSettings } from '../settings/reward.ts'
import type { Epochs } from '../stages/supervise/epochs.ts'
import {
  type ExampleWatch,
  type Notices,
  resumedSettings,
  runOnExamples,
  type Where,
} from '../stages/supervise/example-run.ts'
import { checkMaxLength, type Examples, encodeRows } from '../stages/supervise/examples.ts'
import {
  type EncodedPreference,
  encodePreference,
  type RewardStep,
  trainReward,
} from '../stages/supervise/reward-model.ts'
import type { Splitting } from '../tasks/examples.ts'
import { readPreferences } from '../tasks/preferences.ts'

/**
 * Reward-model training: a decoder with a scalar head learns which of two answers is better (Bradley–Terry), or whether
 * an answer is good.
 *
 * @example
 * const { after } = await reward({ data: 'pairs.jsonl' })
 * console.log(`${after.accuracy} of the held-out pairs are ranked correctly`)
 *
 * @throws UserError for settings, data or a model that cannot be used, before the run starts; `Interrupted`.
 */
export async function reward(
  given: RewardInput,
  { out, splitBy, ...watch }: RewardWatch & { out?: string | undefined } & Splitting = {},
): Promise<RewardResult> {
  const named = resolveRewardSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return train({ out }, settings, { splitBy, watch })
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export async function resumeReward(
  directory: string,
  {
    model,
    data,
    splitBy,
    ...watch
  }: RewardWatch & Partial<Pick<RewardInput, 'model' | 'data'>> & Splitting = {},
): Promise<RewardResult> {
  const settings = resumedSettings(directory, 'reward', { model, data }, resolveRewardSettings)
  return train({ resume: directory }, settings, { splitBy, watch })
}

/** Preferences → tokens. */
async function readExamples(
  settings: RewardSettings,
  { warn, progress, splitBy }: Notices & Splitting,
): Promise<Examples<EncodedPreference>> {
  checkMaxLength(settings)
  const { data, columns, maxLength } = settings
  const heldOutShare = settings.eval.share
  const rows = await readPreferences(data, { columns, heldOutShare, splitBy, warn, progress })
  const renderer = Renderer.load(settings.model, settings)
  renderer.checkArguments(settings.chat.arguments)
  const { vocabSize } = loadConfig(settings.model)
  const examples = encodeRows(rows, {
    data,
    maxLength,
    encode: ({ example }) => {
      const encoded = encodePreference(renderer, example)
      for (const text of encoded.texts) checkTokens(text, vocabSize, 'the row', renderer)
      const [chosen, rejected] = encoded.texts
      if (rejected && chosen!.join() === rejected.join())
        throw new UserError('its two answers are the same to the model, so there is no preference')
      return [encoded]
    },
    heldOutBy: 'prompts',
    lengthOf: ({ texts }) => Math.max(...texts.map(({ length }) => length)),
    hashed: ({ texts, good }) => [...texts, String(good)],
    warn,
    progress,
  })
  const labels = new Set(examples.training.map(({ good }) => good))
  const [label] = labels
  if (labels.size === 1 && label !== null)
    warn(
      `all training answers are labelled ${label ? 'good' : 'bad'}, so there is nothing to tell apart: add answers with the other label`,
    )
  return examples
}

/** Epochs over the preferences. A language model gets a new scalar head; a reward model keeps its head. */
function train(
  where: Where,
  settings: RewardSettings,
  { splitBy, watch }: Splitting & { readonly watch: RewardWatch },
): Promise<RewardResult> {
  return runOnExamples({
    recipe: 'reward',
    where,
    settings,
    source: settings.data,
    read: (notices) => readExamples(settings, { ...notices, splitBy }),
    describe,
    watch,
    objective: { kind: 'preference' },
    rewardHead: { seed: settings.seed },
    renderer: null,
    train: (job) =>
      trainReward({ ...job, onStart: watch.onBefore, onStep: watch.onStep, onWarning: watch.onWarning }),
  })
}

function describe({
  training,
  heldOut,
  overlong,
  repeated,
  unusable,
}: Examples<EncodedPreference>): RewardData {
  const lengths = training.flatMap(({ texts }) => texts.map(({ length }) => length))
  return {
    kind: training[0]!.good === null ? 'pairs' : 'labels',
    training: training.length,
    heldOut: heldOut.length,
    overlong,
    repeated,
    unusable,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
  }
}

export interface RewardWatch extends ExampleWatch<RewardSettings, RewardData> {
  readonly onBefore?: ((before: PreferenceQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: RewardStep) => void) | undefined
}

/** The amount of data. */
interface RewardData {
  /** Pairs, or answers with a label. */
  readonly kind: 'pairs' | 'labels'
  readonly training: number
  readonly heldOut: number
  /** Rows left out because a text is longer than `maxLength` tokens. */
  readonly overlong: number
  /** Rows left out of training because their prompt is also held out. */
  readonly repeated: number
  /** Rows left out because they cannot be read, or because something in them would not be scored. */
  readonly unusable: number
  /** Tokens of all training texts, prompts included. */
  readonly tokens: number
  /** Tokens of the longest training text. */
  readonly longest: number
}

export interface RewardResult extends Trained, Epochs<PreferenceQuality> {
  readonly seed: number
  readonly data: RewardData
}
