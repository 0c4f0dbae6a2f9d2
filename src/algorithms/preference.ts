import type { Value } from '../onnx/graph.ts'
import { logSoftmax, neg, pad, reshape, slice } from '../onnx/ops.ts'
import type { Dim } from '../onnx/shape.ts'

/** −log σ(z) of each value, [M]: (σ(z), σ(−z)) is the softmax of (z, 0). */
export function minusLogSigmoid(z: Value): Value {
  const [count] = z.shape as [Dim]
  const both = logSoftmax(pad(reshape(z, [count, 1]), 1, 0, 1))
  return neg(reshape(slice(both, 1, 0, 1, 1), [count]))
}

/** −log σ(z) = max(−z, 0) + log(1 + e^−|z|) */
export const minusLogSigma = (z: number): number => Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)))

/** A held-out comparison with the rewards that the model gives its texts. */
export interface ScoredComparison {
  /** The reward of each text; in a pair, the better text comes first. */
  readonly rewards: readonly number[]
  /** The length of each text in tokens. */
  readonly lengths: readonly number[]
  /** The label of a single text; null for a pair. */
  readonly good: boolean | null
}

/** How well a reward model does on comparisons that it has not seen. A mean over nothing is NaN: unknown. */
export interface PreferenceQuality {
  readonly comparisons: number
  /** −1/n Σ log σ(z). */
  readonly loss: number
  /** Share with z > 0: the better text of a pair has the higher reward, or the reward of a single text has the sign of its label. */
  readonly accuracy: number
  /** Mean z. */
  readonly margin: number
  /**
   * How often the longer text of a pair is the better one, according to the data and to the model, over pairs of
   * different length. A model far above the data has learned to prefer long texts.
   */
  readonly longerWins: { readonly gold: number; readonly model: number }
  /** Pearson's correlation of length with the label (over labelled texts) and with the reward. */
  readonly lengthCorrelation: { readonly gold: number; readonly model: number }
  /** How many comparisons have a z below the first edge, between consecutive edges, and from the last edge up. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] }
}

/** −4, −3.5, … 4. */
export const HISTOGRAM_EDGES: readonly number[] = Array.from({ length: 17 }, (_, i) => -4 + i / 2)

/** z = Σ s·r: for a pair, better − worse; for a labelled text, its reward, negated if the label is bad. */
const marginOf = ({ rewards, good }: ScoredComparison): number =>
  good === null ? rewards[0]! - rewards[1]! : good ? rewards[0]! : -rewards[0]!

/** Measures a reward model on held-out comparisons. */
export function preferenceQuality(scored: readonly ScoredComparison[]): PreferenceQuality {
  const margins = scored.map(marginOf)
  const uneven = scored.flatMap(({ rewards, lengths, good }) => {
    const longer = good === null ? lengths[0]! - lengths[1]! : 0
    return longer === 0 ? [] : [{ gold: longer > 0, model: longer * (rewards[0]! - rewards[1]!) > 0 }]
  })
  const labelled = scored.filter(({ good }) => good !== null)
  const lengths = scored.flatMap((comparison) => comparison.lengths)
  return {
    comparisons: scored.length,
    loss: mean(margins.map(minusLogSigma)),
    accuracy: mean(margins.map((z) => Number(z > 0))),
    margin: mean(margins),
    longerWins: {
      gold: mean(uneven.map(({ gold }) => Number(gold))),
      model: mean(uneven.map(({ model }) => Number(model))),
    },
    lengthCorrelation: {
      gold: correlation(
        labelled.map((comparison) => comparison.lengths[0]!),
        labelled.map(({ good }) => Number(good)),
      ),
      model: correlation(
        lengths,
        scored.flatMap(({ rewards }) => rewards),
      ),
    },
    histogram: { edges: HISTOGRAM_EDGES, counts: histogram(margins) },
  }
}

function histogram(values: readonly number[]): number[] {
  const counts = new Array<number>(HISTOGRAM_EDGES.length + 1).fill(0)
  for (const value of values) counts[HISTOGRAM_EDGES.filter((edge) => value >= edge).length]!++
  return counts
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²); NaN if x or y is constant. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)]
  let [xy, xx, yy] = [0, 0, 0]
  for (const [i, value] of x.entries()) {
    const [dx, dy] = [value - meanX, y[i]! - meanY]
    xy += dx * dy
    xx += dx * dx
    yy += dy * dy
  }
  return xx === 0 || yy === 0 ? Number.NaN : xy / Math.sqrt(xx * yy)
}
