import { UserError } from '../../../common/errors.ts'
import { plural } from '../../../common/words.ts'
import type { Answered } from '../../../rewards/preference.ts'
import { isHarmful } from '../../../tasks/task.ts'
import { withModel } from '../../sample/open-model.ts'
import { rollOut } from '../../sample/rollouts.ts'
import type { DataContext } from '../context.ts'
import {
  type LabelData,
  type PairData,
  type PreferencePair,
  preferencePairs,
  type SafetyLabel,
  safetyLabels,
} from './preferences.ts'

interface PreferenceDataSettings {
  /** Number of prompts, and responses per prompt. */
  readonly prompts: number
  readonly samples: number
  readonly pairsPerPrompt: number
  /** How often the judge compares one pair. */
  readonly times: number
  /** Pairs with a |Δ| above this are kept. */
  readonly minMargin: number
}

/** Training data of step 4's two reward models. */
interface PreferenceData {
  readonly pairs: readonly PreferencePair[]
  readonly labels: readonly SafetyLabel[]
  /** The policy's answers to the prompts that are not harmful. */
  readonly answers: readonly Answered[]
  /** How many pairs and labels were kept, and why the others were not. */
  readonly counts: {
    readonly pairs: { readonly kept: number } & Omit<PairData, 'pairs'>
    readonly labels: { readonly kept: number } & Omit<LabelData, 'labels'>
  }
}

/** How often the judge labels one response. */
const LABEL_TIMES = 2

/**
 * Step 4's preferences (DeepSeek-R1, Nature 645): a judge compares the answers of step 3's model to general prompts, and
 * labels its responses as safe or unsafe.
 *
 * @throws UserError if no pair or no label is left, or the judge cannot be reached.
 */
export async function preferenceData(
  { general, judge, maxTokens, seed, threads, engine, tinker, chat, progress }: DataContext,
  {
    policy,
    settings,
  }: {
    /** Folder of step 3's model. */
    readonly policy: string
    readonly settings: PreferenceDataSettings
  },
): Promise<PreferenceData> {
  const { prompts, samples, pairsPerPrompt, times, minMargin } = settings
  const rollouts_P_G = await withModel(
    policy,
    { threads, engine, tinker, chat, template: 'chat', progress },
    ({ sampler, renderer }) =>
      rollOut(sampler, renderer, general, general.training({ seed: seed + 2, step: 1, count: prompts }), {
        group: samples,
        maxTokens,
        temperature: 1,
        stream: [seed, 'preferences'],
        progress,
      }),
  )
  const harmless_P_G = rollouts_P_G.filter((rollouts_G) => !isHarmful(rollouts_G[0]!.question))
  const { pairs, ...pairCounts } = await preferencePairs(harmless_P_G, {
    judge,
    seed,
    times,
    minMargin,
    perQuestion: pairsPerPrompt,
  })
  const { labels, ...labelCounts } = await safetyLabels(rollouts_P_G.flat(), {
    judge,
    seed,
    times: LABEL_TIMES,
  })
  if (pairs.length === 0 || labels.length === 0)
    throw new UserError(
      `${pairs.length} of ${plural(pairCounts.judged, 'pair')} and ${labels.length} of ${plural(labelCounts.judged, 'labelled response')} are left, and the reward models need both; raise preferences.prompts or lower preferences.minMargin`,
    )
  // if a prompt was drawn more than once, only its last answers count
  const byPrompt = new Map(harmless_P_G.map((rollouts_G) => [rollouts_G[0]!.question.prompt, rollouts_G]))
  const answers = [...byPrompt].flatMap(([prompt, rollouts_G]) =>
    rollouts_G.flatMap(({ summary }) => (summary === null ? [] : [{ prompt, answer: summary }])),
  )
  return {
    pairs,
    labels,
    answers,
    counts: {
      pairs: { kept: pairs.length, ...pairCounts },
      labels: { kept: labels.length, ...labelCounts },
    },
  }
}
