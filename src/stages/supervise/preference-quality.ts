import { HISTOGRAM_EDGES, type PreferenceQuality } from '../../algorithms/preference.ts'
import type { EpochStep, EvaluationRecord } from './epochs.ts'

/** What is told of a step of a training on preferences. */
export interface PreferenceStep<Quality extends PreferenceQuality> extends EpochStep<Quality> {
  /** Share of the batch's comparisons that the model ranked correctly before the step. */
  readonly accuracy: number
}

/** Names of the histogram's bins in the run: by their lower edge. */
const BINS = ['below', ...HISTOGRAM_EDGES].map((edge) => `margins/${edge}`)

/** How the quality on held-out preferences is recorded. */
export const qualityRecord: EvaluationRecord<PreferenceQuality> = {
  toNumbers: ({ longerWins, lengthCorrelation, histogram, ...plain }) => ({
    ...plain,
    'longer_wins/gold': longerWins.gold,
    'longer_wins/model': longerWins.model,
    'length_correlation/gold': lengthCorrelation.gold,
    'length_correlation/model': lengthCorrelation.model,
    ...Object.fromEntries(BINS.map((name, i) => [name, histogram.counts[i]!])),
  }),
  fromNumbers: (numbers) => {
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
  },
}
