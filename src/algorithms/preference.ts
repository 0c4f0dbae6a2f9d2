import type { Value } from '../onnx/graph.ts'
import { logSoftmax, neg, pad, reshape, slice } from '../onnx/ops.ts'
import type { Dim } from '../onnx/shape.ts'

/** −log σ(z) of each value, [M]: (σ(z), σ(−z)) is the softmax of (z, 0). */
export function minusLogSigmoid(z: Value): Value {
  const [count] = z.shape as [Dim]
  const both = logSoftmax(pad(reshape(z, [count, 1]), 1, 0, 1))
  return neg(reshape(slice(both, 1, 0, 1, 1), [count]))
}

/** A held-out comparison as the model judges it. */
export interface ScoredComparison {
  /** The reward and the length in tokens of each text; of a pair, the better one first. */
  readonly rewards: readonly number[]
  readonly lengths: readonly number[]
  /** Of a labelled text; null for a pair. */
  readonly good: boolean | null
}

/** What a reward model is worth on comparisons that it has not seen. Means over nothing are NaN: unknown. */
export interface PreferenceQuality {
  readonly comparisons: number
  /** −1/n Σ log σ(z). */
  readonly loss: number
  /** Share with z > 0: the better of the pair has the higher reward; a good text a reward > 0. */
  readonly accuracy: number
  /** Mean z. */
  readonly margin: number
  /**
   * Of pairs: how often the longer text is the better one, by the data and by the model, over pairs of different length.
   * A model that is far above the data has learned that long is good.
   */
  readonly longerWins: { readonly gold: number; readonly model: number }
  /** Pearson's correlation of length with the label (labelled texts) and with the reward. */
  readonly lengthCorrelation: { readonly gold: number; readonly model: number }
  /** How many comparisons have a z below the first edge, from each edge to the next, and from the last one on. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] }
}

/** −4, −3.5, … 4. */
export const HISTOGRAM_EDGES: readonly number[] = Array.from({ length: 17 }, (_, i) => -4 + i / 2)

/** z = Σ s·r: of a pair, better − worse; of a labelled text, the reward or, where it is bad, its negative. */
const marginOf = ({ rewards, good }: ScoredComparison): number =>
  good === null ? rewards[0]! - rewards[1]! : good ? rewards[0]! : -rewards[0]!

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
    // −log σ(z) = max(−z, 0) + log(1 + e^−|z|)
    loss: mean(margins.map((z) => Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z))))),
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

/** Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²); NaN where one of them does not vary. */
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
