import type { Value } from '../onnx/graph.ts'
import {
  add,
  and,
  cast,
  clip,
  div,
  exp,
  expand,
  gather,
  greater,
  less,
  max,
  min,
  mul,
  neg,
  reduceSum,
  scatterAdd,
  sigmoid,
  stopGradient,
  sub,
  where,
} from '../onnx/ops.ts'
import type { Dim } from '../onnx/shape.ts'
import { type DpoObjective, dpoLossOf } from './dpo.ts'
import { type KlPenalty, klProgram } from './kl.ts'
import { minusLogSigmoid } from './preference.ts'

/** −Σ w log π: pretraining and supervised fine-tuning. */
interface CrossEntropy {
  readonly kind: 'cross_entropy'
}

/** A policy gradient. GRPO, Dr. GRPO, DAPO, GSPO, CISPO, SAPO, RLOO and REINFORCE++ are settings of it. */
export interface PolicyObjective {
  readonly kind: 'policy'
  readonly ratio: RatioKind
  /**
   * What is maximised, from the ratio ρ = π_θ / π_old and the advantage A:
   * `clip` min(ρA, clip(ρ)A); `importance` ρA; `cispo` sg(clip(ρ)) A log π_θ; `sapo` (4/τ) σ(τ(ρ − 1)) A; `reinforce`
   * A log π_θ (on-policy only).
   */
  readonly surrogate: SurrogateName
  /** Ratios are clipped to [1 − clipLow, 1 + clipHigh]. Ratios are positive, so a clipLow ≥ 1 means no lower bound. */
  readonly clipLow: number
  readonly clipHigh: number
  /** Where A < 0, the clipped surrogate is kept ≥ dualClip·A. Must be above 1; null: off. */
  readonly dualClip: number | null
  /** SAPO's temperatures τ where A > 0 and elsewhere; by default 1 and 1.05, as in the paper. */
  readonly gate?: { readonly positive: number; readonly negative: number } | undefined
  /** KL to the reference policy, in the loss. */
  readonly kl: KlPenalty
  /** The strength β of KL-Cov's penalty β |log π_θ − log π_old| on the tokens that a datum marks; by default there is none. */
  readonly klCov?: number | undefined
  /**
   * The policies are softmax(logits / temperature): π_θ, π_old and π_ref, hence ratios, KL and entropies. It must be the
   * temperature that was sampled at; by default 1.
   */
  readonly temperature?: number | undefined
}

/**
 * A reward model (`head: 'score'`): −Σ w log σ(z), z = Σ s·r over the texts of a comparison. For a pair, where the better
 * text has s = +1 and the worse −1, this is the Bradley–Terry model; for a single text, labelled good (+1) or bad (−1),
 * it is binary cross-entropy.
 */
interface PreferenceObjective {
  readonly kind: 'preference'
}

/** What a training step optimises, as data that can travel to an engine. */
export type Objective = CrossEntropy | PolicyObjective | PreferenceObjective | DpoObjective

/** SAPO's temperatures (arXiv 2511.20347, §5): the gate falls faster for tokens with A ≤ 0. */
export const SAPO_GATE = { positive: 1, negative: 1.05 } as const

/** Whether the loss reads the reference policy's log-probs. */
export const needsReference = (objective: Objective): boolean =>
  (objective.kind === 'policy' && objective.kl.beta !== 0) ||
  (objective.kind === 'dpo' && !objective.referenceFree)

/** Whether the loss has KL-Cov's penalty, and so reads which tokens are marked. */
export const hasKlCov = (objective: Objective): boolean =>
  objective.kind === 'policy' && objective.klCov !== undefined

/** The lowest temperature of a policy: logits divided by a smaller number could exceed float32. */
export const LEAST_TEMPERATURE = 1e-6

/** The temperature of the distributions that the loss is about; 1 unless a policy objective has another. */
export const temperatureOf = (objective: Objective): number =>
  objective.kind === 'policy' ? (objective.temperature ?? 1) : 1

/** The tokens of a microbatch, all sequences flattened: float32 [M] except `sequence`. Log-probs in nats. */
export interface TokenTensors {
  /** log π_θ, through which gradients flow. */
  readonly logprob: Value
  /** log π_old. */
  readonly old: Value
  /** log π_ref; read only by an objective with a KL term (β ≠ 0). */
  readonly reference: Value
  readonly advantage: Value
  /** 1 for the tokens with KL-Cov's penalty, else 0; read only by an objective that has it. */
  readonly marked?: Value | undefined
  /** Factor ≥ 0 of each token's loss. Tokens of weight 0 are left out of their sequence's ratio. */
  readonly weight: Value
  /** int64 [M]: the index of each token's sequence, 0 … sequences − 1. */
  readonly sequence: Value
  /** The number of sequences. */
  readonly sequences: Dim
}

export interface ObjectiveProgram {
  /** Σ weight·loss: a scalar. The weights (`tokenWeights`) make it a mean. */
  readonly loss: Value
  /** float32 [M]: +1 or −1 where the upper or lower clip bound removed the gradient or capped the ratio, else 0. */
  readonly clipped: Value
}

/** The objective as a tensor program, appended to the graph of its operands. */
export function buildObjective(objective: Objective, tokens: TokenTensors): ObjectiveProgram {
  const { logprob, reference, weight } = tokens
  if (objective.kind === 'cross_entropy')
    return { loss: weighted(weight, neg(logprob)), clipped: none(logprob) }
  if (objective.kind === 'preference')
    return { loss: weighted(weight, preferenceLoss(tokens)), clipped: none(logprob) }
  if (objective.kind === 'dpo')
    return { loss: weighted(weight, dpoLossOf(objective, tokens)), clipped: none(logprob) }
  const { gain, clipped } = surrogates[objective.surrogate](objective, tokens)
  const { beta, estimator } = objective.kl
  // −J = −(surrogate − β KL[π_θ ‖ π_ref])   (DeepSeekMath, arXiv 2402.03300, eq. 3; Nature 645, 633, eq. 1)
  const unpenalised = neg(gain)
  // + β |log π_θ − log π_old| on the marked tokens   (KL-Cov: arXiv 2505.22617, eq. 12, as its code and verl compute it)
  const loss =
    objective.klCov === undefined
      ? unpenalised
      : add(unpenalised, mul(mul(tokens.marked!, absolute(sub(logprob, tokens.old))), objective.klCov))
  return {
    loss: weighted(
      weight,
      beta === 0 ? loss : add(loss, mul(klProgram(estimator, logprob, reference), beta)),
    ),
    clipped,
  }
}

type Surrogate = (o: PolicyObjective, t: TokenTensors) => { gain: Value; clipped: Value }

const surrogates = {
  // min(ρA, clip(ρ, 1 − ε_low, 1 + ε_high) A)   (Schulman et al. 2017, eq. 7; DAPO, arXiv 2503.14476, eq. 10)
  clip: (o, t) => {
    const A = t.advantage
    const [low, high] = [1 - o.clipLow, 1 + o.clipHigh]
    const rho = ratio(o, t)
    const gain = min(mul(rho, A), mul(clip(rho, low, high), A))
    const above = and(greater(A, 0), greater(rho, high))
    const below = and(less(A, 0), less(rho, low))
    if (o.dualClip === null) return { gain, clipped: flags(above, below) }
    // where A < 0: max(min(ρA, clip(ρ)A), cA)   (dual clip: Ye et al. 2020, arXiv 1912.09729)
    const negative = less(A, 0)
    const capped = and(negative, greater(rho, o.dualClip))
    return {
      gain: where(negative, max(gain, mul(A, o.dualClip)), gain),
      clipped: where(capped, 1, flags(above, below)),
    }
  },
  // ρA
  importance: (o, t) => ({ gain: mul(ratio(o, t), t.advantage), clipped: none(t.logprob) }),
  // sg(clip(ρ, 1 − ε_low, 1 + ε_high)) A log π_θ: no token loses its gradient   (MiniMax-M1, arXiv 2506.13585, eq. 4)
  cispo: (o, t) => {
    const [low, high] = [1 - o.clipLow, 1 + o.clipHigh]
    const rho = stopGradient(ratio(o, t))
    return {
      gain: mul(mul(clip(rho, low, high), t.advantage), t.logprob),
      clipped: flags(greater(rho, high), less(rho, low)),
    }
  },
  // (4/τ) σ(τ(ρ − 1)) A with τ = τ_pos where A > 0, else τ_neg: its gradient is that of ρA at ρ = 1 and fades smoothly away
  // from it   (SAPO, arXiv 2511.20347, eq. 5 and 6)
  sapo: (o, t) => {
    const gate = o.gate ?? SAPO_GATE
    const rho = ratio(o, t)
    const tau = where(greater(t.advantage, 0), gate.positive, gate.negative)
    const gain = mul(mul(div(4, tau), sigmoid(mul(tau, add(rho, -1)))), t.advantage)
    return { gain, clipped: none(t.logprob) }
  },
  // A log π_θ   (Williams 1992; RLOO: Ahmadian et al. 2024, arXiv 2402.14740)
  reinforce: (_, t) => ({ gain: mul(t.advantage, t.logprob), clipped: none(t.logprob) }),
} satisfies Record<string, Surrogate>

/** The name of one of the surrogates above. */
export type SurrogateName = keyof typeof surrogates
export const surrogateNames = Object.keys(surrogates) as readonly SurrogateName[]

type RatioRule = (logRatio: Value, counted: Value, tokens: TokenTensors) => Value

/** ρ for every token, [M], from log π_θ − log π_old of every token; `counted` is false for tokens of weight 0. */
const ratios = {
  // ρ_t = π_θ(o_t) / π_old(o_t)   (DeepSeekMath, eq. 3; the Nature paper writes the ratio of whole responses)
  token: (logRatio) => exp(logRatio),
  // s_i = (π_θ(o_i) / π_old(o_i))^(1/|o_i|) = exp(mean_t log ρ_t), the same for every token of response i;
  // the gradient flows through all of s_i   (GSPO, arXiv 2507.18071, eq. 7)
  sequence: (logRatio, counted, { sequence, sequences }) => {
    const total = scatterAdd(logRatio, sequence, sequences)
    const length = max(scatterAdd(cast(counted, 'float32'), sequence, sequences), 1)
    return exp(gather(div(total, length), sequence))
  },
} satisfies Record<string, RatioRule>

/** One ratio per token (GRPO), or one per sequence: the geometric mean of its tokens' ratios (GSPO). */
export type RatioKind = keyof typeof ratios
export const ratioKinds = Object.keys(ratios) as readonly RatioKind[]

function ratio(o: PolicyObjective, tokens: TokenTensors): Value {
  const { logprob, old, weight } = tokens
  const counted = greater(weight, 0)
  const logRatio = where(counted, sub(logprob, old), 0)
  return ratios[o.ratio](logRatio, counted, tokens)
}

/** The loss of each text's comparison, [M]. `logprob` holds each text's reward and `advantage` its sign. */
function preferenceLoss({ logprob: reward, advantage: sign, sequence, sequences }: TokenTensors): Value {
  // z_k = Σ_(i ∈ k) s_i r_i
  const margin = scatterAdd(mul(sign, reward), sequence, sequences)
  return minusLogSigmoid(gather(margin, sequence))
}

const weighted = (weight: Value, loss: Value): Value => reduceSum(mul(weight, loss))
const flags = (above: Value, below: Value): Value => where(above, 1, where(below, -1, 0))
/** |x|, whose gradient at 0 is 0. */
const absolute = (x: Value): Value => mul(x, flags(greater(x, 0), less(x, 0)))
const none = (like: Value): Value => expand(like.graph.scalar(0), like.shape)
