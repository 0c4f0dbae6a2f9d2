import {
  HISTOGRAM_EDGES,
  type PreferenceQuality,
  preferenceQuality,
  type ScoredComparison,
} from '../../algorithms/preference.ts'
import type { AdamSettings, Datum, Trainer } from '../../engines/contract.ts'
import { encodeJudged, type RewardCodec, rewardDatum, rewardIn, rewardsOf } from '../../rewards/preference.ts'
import type { RunStore } from '../../runs/store.ts'
import type { Preference } from '../../tasks/preferences.ts'
import {
  type EpochSettings,
  type Epochs,
  type EvaluationNumbers,
  refuseDivergence,
  trainEpochs,
} from './epochs.ts'

/** Two texts, the better one first, or one with its label: as tokens. */
export interface Comparison {
  readonly texts: readonly Int32Array[]
  /** Of a labelled text; null for a pair. */
  readonly good: boolean | null
}

export function comparisonOf(codec: RewardCodec, preference: Preference): Comparison {
  if ('response' in preference)
    return { texts: [encodeJudged(codec, preference.response)], good: preference.good }
  const { chosen, rejected } = preference
  return { texts: [encodeJudged(codec, chosen), encodeJudged(codec, rejected)], good: null }
}

/** A comparison's texts as data: their signs, and weights that add up to its own. */
export function comparisonDatums(
  { texts, good }: Comparison,
  number: number,
  weight: number,
  padId: number,
): Datum[] {
  return texts.map((tokens, i) => {
    const sign = good === null ? 1 - 2 * i : good ? 1 : -1
    return { ...rewardDatum(tokens, padId, { weight: weight / texts.length, sign }), comparison: number }
  })
}

/** One optimizer step on −1/n Σ log σ(z) over the n comparisons of a batch. */
export async function learnPreferences(
  trainer: Trainer,
  batch: readonly Comparison[],
  padId: number,
  adam: AdamSettings,
  step: number,
) {
  const started = performance.now()
  const datums = batch.flatMap((comparison, i) => comparisonDatums(comparison, i, 1 / batch.length, padId))
  const { loss, flops, logprobs } = await trainer.forwardBackward(datums, { kind: 'preference' })
  const { gradNorm } = await trainer.optimStep(adam)
  const seconds = (performance.now() - started) / 1000
  refuseDivergence(step, loss, gradNorm)
  return { loss, gradNorm, flops, seconds, scored: scoredOf(batch, logprobs.map(rewardIn)) }
}

function scoredOf(comparisons: readonly Comparison[], rewards: readonly number[]): ScoredComparison[] {
  let at = 0
  return comparisons.map(({ texts, good }) => {
    const from = at
    at += texts.length
    return { rewards: rewards.slice(from, at), lengths: texts.map(({ length }) => length), good }
  })
}

/** Comparisons that are not trained on. */
async function heldOutPreferences(
  trainer: Trainer,
  comparisons: readonly Comparison[],
  padId: number,
): Promise<PreferenceQuality> {
  const texts = comparisons.flatMap((comparison) => comparison.texts)
  return preferenceQuality(scoredOf(comparisons, await rewardsOf(trainer, texts, padId)))
}

export interface RewardStep {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  /** Share of the batch's comparisons that the model judged right before it learned from them. */
  readonly accuracy: number
  readonly learningRate: number
  readonly tokensPerSecond: number
  readonly heldOut: PreferenceQuality | null
}

export interface RewardTraining {
  readonly trainer: Trainer
  readonly training: readonly Comparison[]
  readonly heldOut: readonly Comparison[]
  /** The reward is read at the last token that is not this one. */
  readonly padId: number
  readonly settings: EpochSettings
  readonly store: RunStore
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((before: PreferenceQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: RewardStep) => void) | undefined
}

/** Reward-model training. Goes on after the store's last step, whose weights the trainer holds. */
export async function trainReward(job: RewardTraining): Promise<Epochs<PreferenceQuality>> {
  const { trainer, heldOut, padId, onStart, onStep, ...rest } = job
  const { before, after, ...trained } = await trainEpochs<Comparison, EvaluationNumbers>({
    ...rest,
    trainer,
    name: 'reward',
    learn: async (batch, adam, step) => {
      const { scored, ...outcome } = await learnPreferences(trainer, batch, padId, adam, step)
      const { accuracy, margin } = preferenceQuality(scored)
      const tokens = scored.flatMap(({ lengths }) => lengths).reduce((sum, length) => sum + length, 0)
      return { ...outcome, tokens, metrics: { accuracy, margin, 'batch/comparisons': batch.length } }
    },
    evaluate: async () => toNumbers(await heldOutPreferences(trainer, heldOut, padId)),
    onStart: (numbers, steps) => onStart?.(fromNumbers(numbers), steps),
    onStep: ({ step, steps, epoch, loss, learningRate, metrics, tokens, seconds, evaluation }) =>
      onStep?.({
        step,
        steps,
        epoch,
        loss,
        accuracy: metrics.accuracy!,
        learningRate,
        tokensPerSecond: tokens / seconds,
        heldOut: evaluation && fromNumbers(evaluation),
      }),
  })
  return { ...trained, before: fromNumbers(before), after: fromNumbers(after) }
}

/** The names of the histogram's parts in the run: the lower edge of each. */
const PARTS = ['below', ...HISTOGRAM_EDGES].map((edge) => `margins/${edge}`)

/** An evaluation as numbers by name, to be recorded. */
function toNumbers(quality: PreferenceQuality): EvaluationNumbers {
  const { longerWins, lengthCorrelation, histogram, ...plain } = quality
  return {
    ...plain,
    'longer_wins/gold': longerWins.gold,
    'longer_wins/model': longerWins.model,
    'length_correlation/gold': lengthCorrelation.gold,
    'length_correlation/model': lengthCorrelation.model,
    ...Object.fromEntries(PARTS.map((name, i) => [name, histogram.counts[i]!])),
  }
}

function fromNumbers(numbers: EvaluationNumbers): PreferenceQuality {
  const known = (name: string): number => numbers[name] ?? Number.NaN
  return {
    comparisons: known('comparisons'),
    loss: known('loss'),
    accuracy: known('accuracy'),
    margin: known('margin'),
    longerWins: { gold: known('longer_wins/gold'), model: known('longer_wins/model') },
    lengthCorrelation: { gold: known('length_correlation/gold'), model: known('length_correlation/model') },
    histogram: { edges: HISTOGRAM_EDGES, counts: PARTS.map(known) },
  }
}
