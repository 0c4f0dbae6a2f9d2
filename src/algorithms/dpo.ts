import type { Value } from '../onnx/graph.ts'
import { add, gather, mul, scatterAdd, sub } from '../onnx/ops.ts'
import type { Dim } from '../onnx/shape.ts'
import { minusLogSigma, minusLogSigmoid } from './preference.ts'

/**
 * Direct preference optimization of a language model from pairs of answers. With h_i = Σ_t (log π_θ − log π_ref) over the
 * tokens of answer i (their mean if `lengthNormalised`), and z = h_chosen − h_rejected, the loss of a pair is one of `losses`.
 */
export interface DpoObjective {
  readonly kind: 'dpo'
  readonly loss: DpoLoss
  /** β: the larger, the closer the policy stays to the reference. */
  readonly beta: number
  /** ε: the probability that a pair is labelled the wrong way round, in [0, 0.5). Must be 0 for `ipo`. */
  readonly labelSmoothing: number
  /** γ: βz should exceed it. Must be 0 for `ipo`. */
  readonly margin: number
  /** Are h the means over the tokens of an answer instead of the sums? */
  readonly lengthNormalised: boolean
  /** Is log π_ref taken as 0? */
  readonly referenceFree: boolean
}

interface Rule {
  readonly number: (z: number, o: DpoObjective) => number
  readonly program: (z: Value, o: DpoObjective) => Value
}

const losses = {
  // −(1 − ε) log σ(βz − γ) − ε log σ(γ − βz)   (DPO, arXiv 2305.18290, eq. 7; ε: its footnote "conservative DPO";
  // γ: SimPO, arXiv 2405.14734, eq. 6)
  sigmoid: {
    number: (z, { beta, margin, labelSmoothing: epsilon }) => {
      const x = beta * z - margin
      return (1 - epsilon) * minusLogSigma(x) + epsilon * minusLogSigma(-x)
    },
    program: (z, { beta, margin, labelSmoothing: epsilon }) => {
      const x = add(mul(z, beta), -margin)
      const loss = minusLogSigmoid(x)
      // −log σ(−x) = x − log σ(x)
      return epsilon === 0 ? loss : add(loss, mul(x, epsilon))
    },
  },
  // (z − 1/(2β))²   (IPO, arXiv 2310.12036, eq. 17, with its authors' means over tokens)
  ipo: {
    number: (z, { beta }) => (z - 1 / (2 * beta)) ** 2,
    program: (z, { beta }) => {
      const off = add(z, -1 / (2 * beta))
      return mul(off, off)
    },
  },
} satisfies Record<string, Rule>

/** The loss of a pair: the name of one of the losses above. */
export type DpoLoss = keyof typeof losses
export const dpoLosses = Object.keys(losses) as readonly DpoLoss[]

/** The loss of a pair from its z. */
export const dpoLoss = (objective: DpoObjective, z: number): number =>
  losses[objective.loss].number(z, objective)

/** The tokens of the answers of several pairs: float32 [M] except `sequence`. */
interface PairTensors {
  /** log π_θ. */
  readonly logprob: Value
  /** log π_ref; not read by an objective without reference. */
  readonly reference: Value
  /** 1 for a token of a chosen answer, −1 for one of a rejected answer; divided by the answer's number of tokens if z is of means. */
  readonly advantage: Value
  /** int64 [M]: the number of each token's pair. */
  readonly sequence: Value
  /** The number of pairs, or more. */
  readonly sequences: Dim
}

/** The loss of each token's pair, [M]. */
export function dpoLossOf(
  objective: DpoObjective,
  { logprob, reference, advantage, sequence, sequences }: PairTensors,
): Value {
  const logRatio = objective.referenceFree ? logprob : sub(logprob, reference)
  // z_k = Σ_(t ∈ k) s_t (log π_θ − log π_ref)
  const z = scatterAdd(mul(advantage, logRatio), sequence, sequences)
  return losses[objective.loss].program(gather(z, sequence), objective)
}
