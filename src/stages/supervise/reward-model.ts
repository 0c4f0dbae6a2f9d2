import {
  type PreferenceQuality,
  preferenceQuality,
  type ScoredComparison,
} from '../../algorithms/preference.ts'
import type { AdamSettings, Comparison, RewardScorer, Trainer } from '../../engines/contract.ts'
import { withPolicyRewardScorer } from '../../engines/policy.ts'
import type { EncodedPreference } from './encode-preferences.ts'
import { type Epochs, type ExampleTraining, trainEpochs } from './epochs.ts'
import { optimizerStep } from './optimizer-step.ts'
import { type PreferenceStep, qualityRecord } from './preference-quality.ts'

export type RewardStep = PreferenceStep<PreferenceQuality>

/** Trains a reward model, from the run's next step to the end. */
export function trainReward({
  engine,
  onStep,
  ...job
}: ExampleTraining<EncodedPreference, PreferenceQuality, RewardStep>): Promise<Epochs<PreferenceQuality>> {
  const { trainer, heldOut } = job
  return trainEpochs(job, {
    name: 'reward',
    learn: async (batch, adam, step) => {
      const { scored, ...outcome } = await learnPreferences(trainer, batch, adam, step)
      const { accuracy, margin } = preferenceQuality(scored)
      const tokens = scored.flatMap(({ lengths }) => lengths).reduce((sum, length) => sum + length, 0)
      return { ...outcome, tokens, metrics: { accuracy, margin, 'batch/comparisons': batch.length } }
    },
    evaluate: () => withPolicyRewardScorer({ engine, trainer }, (scorer) => heldOutQuality(scorer, heldOut)),
    record: qualityRecord,
    onStep: (step, { accuracy }) => onStep?.({ ...step, accuracy: accuracy! }),
  })
}

/**
 * One optimizer step on −1/n Σ log σ(z) over the n comparisons of a batch.
 *
 * @throws UserError if the loss is not finite; the weights are then unchanged.
 */
export async function learnPreferences(
  trainer: Trainer,
  batch: readonly EncodedPreference[],
  adam: AdamSettings,
  step: number,
) {
  const comparisons = batch.map((preference) => toComparison(preference, 1 / batch.length))
  const { rewards, ...outcome } = await optimizerStep(trainer, adam, step, () => trainer.compare(comparisons))
  return { ...outcome, scored: batch.map((one, i) => scored(one, rewards[i]!)) }
}

/** A preference as a comparison for the trainer. */
export function toComparison({ texts, good }: EncodedPreference, weight: number): Comparison {
  const signs = good === null ? ([1, -1] as const) : ([good ? 1 : -1] as const)
  return { texts: texts.map((tokens, i) => ({ tokens, sign: signs[i]! })), weight }
}

/** The quality of the scorer's rewards on held-out preferences. */
async function heldOutQuality(
  scorer: RewardScorer,
  preferences: readonly EncodedPreference[],
): Promise<PreferenceQuality> {
  const rewards = await scorer.rewards(preferences.flatMap(({ texts }) => texts))
  let next = 0
  return preferenceQuality(
    preferences.map((one) =>
      scored(
        one,
        one.texts.map(() => rewards[next++]!),
      ),
    ),
  )
}

const scored = ({ texts, good }: EncodedPreference, rewards: readonly number[]): ScoredComparison => ({
  rewards,
  lengths: texts.map(({ length }) => length),
  good,
})
