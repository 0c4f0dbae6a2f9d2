import type { Value } from '../onnx/graph.ts'
import { add, exp, mul, sub } from '../onnx/ops.ts'

/** An estimator of the KL divergence, on numbers and as a tensor program. */
interface Estimator {
  readonly estimate: (logR: number) => number
  readonly program: (logR: Value) => Value
}

/**
 * Estimators of KL[π_θ ‖ π_ref] from tokens sampled from π_θ, with log r = log π_ref − log π_θ
 * (J. Schulman, "Approximating KL Divergence", 2020, http://joschu.net/blog/kl-approx.html).
 */
const estimators = {
  // −log r: unbiased, high variance, may be negative. In a loss its gradient has expectation 0: use it in the reward.
  k1: { estimate: (logR) => -logR, program: (logR) => mul(logR, -1) },
  // ½ (log r)²: biased, low variance; its gradient is that of the true KL.
  k2: { estimate: (logR) => logR ** 2 / 2, program: (logR) => mul(mul(logR, logR), 0.5) },
  // r − 1 − log r: unbiased, low variance, never negative; used by GRPO.
  k3: {
    estimate: (logR) => Math.expm1(logR) - logR,
    program: (logR) => add(sub(exp(logR), logR), -1),
  },
} satisfies Record<string, Estimator>

/** The name of one of the estimators above. */
export type KlEstimator = keyof typeof estimators
export const klEstimators = Object.keys(estimators) as readonly KlEstimator[]

/** The strength β of a KL penalty and how the KL is estimated. β = 0: no penalty. */
export interface KlPenalty {
  readonly beta: number
  readonly estimator: KlEstimator
}

/** One token's estimate in nats, from its log-probs under the policy and the reference. */
export const klEstimate = (estimator: KlEstimator, policy: number, reference: number): number =>
  estimators[estimator].estimate(reference - policy)

/** The estimate for every token as a tensor program: log-probs [M] → nats [M]. */
export const klProgram = (estimator: KlEstimator, policy: Value, reference: Value): Value =>
  estimators[estimator].program(sub(reference, policy))

/**
 * KL in the reward: the amount to subtract from a response's reward, β Σ_t kl_t over its tokens (Ouyang et al. 2022,
 * eq. 2; Ahmadian et al. 2024).
 *
 * @throws Error if the policy and the reference have different numbers of log-probs.
 */
export function klPenalty(
  policy: ArrayLike<number>,
  reference: ArrayLike<number>,
  { beta, estimator }: KlPenalty,
): number {
  if (policy.length !== reference.length)
    throw new Error(`klPenalty: ${policy.length} policy log-probs, ${reference.length} reference log-probs`)
  let kl = 0
  for (let t = 0; t < policy.length; t++) kl += klEstimate(estimator, policy[t]!, reference[t]!)
  return beta * kl
}
