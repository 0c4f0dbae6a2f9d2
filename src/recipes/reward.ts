import type { PreferenceQuality } from '../algorithms/preference.ts'
import { type RewardInput, type RewardSettings, resolveRewardSettings } from '../settings/reward.ts'
import { type EncodedPreference, encodePreference } from '../stages/supervise/encode-preferences.ts'
import {
  type ExampleRecipe,
  type ExampleResult,
  type ExampleWatch,
  type Resuming,
  resumeOnExamples,
  type Starting,
  startOnExamples,
} from '../stages/supervise/example-run.ts'
import { type ExampleCounts, encodeRows } from '../stages/supervise/examples.ts'
import { type RewardStep, trainReward } from '../stages/supervise/reward-model.ts'
import { readPreferences } from '../tasks/examples/preferences.ts'

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
export function reward(given: RewardInput, options: Starting & RewardWatch = {}): Promise<RewardResult> {
  return startOnExamples(recipe, given, options)
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export function resumeReward(directory: string, options: Resuming & RewardWatch = {}): Promise<RewardResult> {
  return resumeOnExamples(recipe, directory, options)
}

/** The amount of data. */
interface RewardData extends ExampleCounts {
  /** Pairs, or answers with a label. */
  readonly kind: 'pairs' | 'labels'
}

export type RewardWatch = ExampleWatch<RewardSettings, RewardData, PreferenceQuality, RewardStep>
export type RewardResult = ExampleResult<PreferenceQuality, RewardData>

const recipe: ExampleRecipe<
  RewardInput,
  RewardSettings,
  EncodedPreference,
  RewardData,
  PreferenceQuality,
  RewardStep
> = {
  name: 'reward',
  resolve: resolveRewardSettings,
  sourceOf: ({ data }) => data,
  objectiveOf: () => ({ kind: 'preference' }),
  /** A language model gets a new scalar head; a reward model keeps its head. */
  rewardHeadOf: ({ seed }) => ({ seed }),

  /** Preferences → tokens. */
  async read({ model, data, columns, maxLength, eval: { share } }, { renderer, splitBy, warn, progress }) {
    const rows = await readPreferences(data, { columns, heldOutShare: share, splitBy, warn, progress })
    const examples = encodeRows(rows, {
      data,
      model,
      renderer,
      maxLength,
      encode: ({ example }) => [encodePreference(renderer, example)],
      heldOutBy: 'prompts',
      textsOf: ({ texts }) => texts,
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
  },
  describe: ({ training, counts }) => ({ kind: training[0]!.good === null ? 'pairs' : 'labels', ...counts }),

  /** Epochs over the preferences. */
  train: (job) => trainReward(job),
}
