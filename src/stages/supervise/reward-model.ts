import {
  HISTOGRAM_EDGES,
  type PreferenceQuality,
  preferenceQuality,
  type ScoredComparison,
} from '../../algorithms/preference.ts'
import type { Warn } from '../../common/warnings.ts'
import type { AdamSettings, Comparison, Engine, RewardScorer, Trainer } from '../../engines/contract.ts'
import { withPolicyRewardScorer } from '../../engines/policy.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { encodeScoredText } from '../../rewards/preference.ts'
import type { Run } from '../../runs/with-run.ts'
import type { Preference } from '../../tasks/preferences.ts'
import {
  checkFinite,
  type EpochSettings,
  type Epochs,
  type EvaluationNumbers,
  trainEpochs,
} from './epochs.ts'

/** A preference as tokens: two texts, the better one first, or one text with its label. */
export interface EncodedPreference {
  readonly texts: readonly Int32Array[]
  /** Is the labelled text good? Null for a pair. */
  readonly good: boolean | null
}

/** Encodes the texts of a preference. */
export function encodePreference(renderer: Renderer, preference: Preference): EncodedPreference {
  if ('response' in preference)
    return { texts: [encodeScoredText(renderer, preference.response)], good: preference.good }
  const { chosen, rejected } = preference
  return { texts: [encodeScoredText(renderer, chosen), encodeScoredText(renderer, rejected)], good: null }
}

/** A preference as a comparison for the trainer. */
export function toComparison({ texts, good }: EncodedPreference, weight: number): Comparison {
  const signs = good === null ? ([1, -1] as const) : ([good ? 1 : -1] as const)
  return { texts: texts.map((tokens, i) => ({ tokens, sign: signs[i]! })), weight }
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
  const started = performance.now()
  const comparisons = batch.map((preference) => toComparison(preference, 1 / batch.length))
  const { loss, flops, rewards } = await trainer.compare(comparisons)
  checkFinite(step, loss)
  const { gradNorm } = await trainer.optimStep(adam)
  const seconds = (performance.now() - started) / 1000
  return { loss, gradNorm, flops, seconds, scored: batch.map((one, i) => scored(one, rewards[i]!)) }
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

export interface RewardStep {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  /** Share of the batch's comparisons that the model ranked correctly before the step. */
  readonly accuracy: number
  readonly learningRate: number
  readonly tokensPerSecond: number
  readonly heldOut: PreferenceQuality | null
}

interface RewardTraining {
  readonly run: Run
  readonly engine: Engine
  /** Holds the weights of the run's last checkpoint, or the base weights. */
  readonly trainer: Trainer
  readonly training: readonly EncodedPreference[]
  readonly heldOut: readonly EncodedPreference[]
  readonly settings: EpochSettings
  readonly onStart?: ((before: PreferenceQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: RewardStep) => void) | undefined
  readonly onWarning?: Warn | undefined
}

/** Trains a reward model, from the run's next step to the end. */
export async function trainReward(job: RewardTraining): Promise<Epochs<PreferenceQuality>> {
  const { engine, trainer, heldOut, onStart, onStep, ...rest } = job
  const { before, after, ...trained } = await trainEpochs<EncodedPreference, EvaluationNumbers>({
    ...rest,
    trainer,
    heldOut: heldOut.length,
    name: 'reward',
    learn: async (batch, adam, step) => {
      const { scored, ...outcome } = await learnPreferences(trainer, batch, adam, step)
      const { accuracy, margin } = preferenceQuality(scored)
      const tokens = scored.flatMap(({ lengths }) => lengths).reduce((sum, length) => sum + length, 0)
      return { ...outcome, tokens, metrics: { accuracy, margin, 'batch/comparisons': batch.length } }
    },
    evaluate: () =>
      withPolicyRewardScorer({ engine, trainer }, async (scorer) =>
        qualityNumbers(await heldOutQuality(scorer, heldOut)),
      ),
    onStart: (numbers, steps) => onStart?.(qualityFrom(numbers), steps),
    onStep: ({ step, steps, epoch, loss, learningRate, metrics, tokens, seconds, evaluation }) =>
      onStep?.({
        step,
        steps,
        epoch,
        loss,
        accuracy: metrics.accuracy!,
        learningRate,
        tokensPerSecond: tokens / seconds,
        heldOut: evaluation && qualityFrom(evaluation),
      }),
  })
  return { ...trained, before: qualityFrom(before), after: qualityFrom(after) }
}

/** Names of the histogram's bins in the run: by their lower edge. */
const BINS = ['below', ...HISTOGRAM_EDGES].map((edge) => `margins/${edge}`)

/** An evaluation as numbers by name, for the record. */
export function qualityNumbers(quality: PreferenceQuality): EvaluationNumbers {
  const { longerWins, lengthCorrelation, histogram, ...plain } = quality
  return {
    ...plain,
    'longer_wins/gold': longerWins.gold,
    'longer_wins/model': longerWins.model,
    'length_correlation/gold': lengthCorrelation.gold,
    'length_correlation/model': lengthCorrelation.model,
    ...Object.fromEntries(BINS.map((name, i) => [name, histogram.counts[i]!])),
  }
}

/** Reads an evaluation back from `qualityNumbers`. A missing number is unknown (NaN). */
export function qualityFrom(numbers: EvaluationNumbers): PreferenceQuality {
  const known = (name: string): number => numbers[name] ?? Number.NaN
  return {
    comparisons: known('comparisons'),
    loss: known('loss'),
    accuracy: known('accuracy'),
    margin: known('margin'),
    longerWins: { gold: known('longer_wins/gold'), model: known('longer_wins/model') },
    lengthCorrelation: { gold: known('length_correlation/gold'), model: known('length_correlation/model') },
    histogram: { edges: HISTOGRAM_EDGES, counts: BINS.map(known) },
  }
}
