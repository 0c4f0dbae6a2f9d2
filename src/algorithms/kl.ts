import type { Value } from '../onnx/graph.ts'
import { add, exp, mul, sub } from '../onnx/ops.ts'

/**
 * Estimators of KL[π_θ ‖ π_ref] from tokens sampled from π_θ, with log r = log π_ref − log π_θ
 * (J. Schulman, "Approximating KL Divergence", 2020, http://joschu.net/blog/kl-approx.html).
 *
 * - `k1` = −log r: unbiased, high variance, may be negative. In a loss its gradient has expectation 0: use it in the
 *   reward.
 * - `k2` = ½ (log r)²: biased, low variance; its gradient is that of the true KL.
 * - `k3` = r − 1 − log r: unbiased, low variance, never negative; the one of GRPO.
 */
export type KlEstimator = 'k1' | 'k2' | 'k3'

/** The strength β of a KL penalty and how the KL is estimated. β = 0: no penalty. */
export interface KlPenalty {
  readonly beta: number
  readonly estimator: KlEstimator
}

const estimators: { readonly [K in KlEstimator]: (logR: number) => number } = {
  k1: (logR) => -logR,
  k2: (logR) => logR ** 2 / 2,
  k3: (logR) => Math.expm1(logR) - logR,
}

const programs: { readonly [K in KlEstimator]: (logR: Value) => Value } = {
  k1: (logR) => mul(logR, -1),
  k2: (logR) => mul(mul(logR, logR), 0.5),
  k3: (logR) => add(sub(exp(logR), logR), -1),
}

/** One token's estimate in nats. */
export const klEstimate = (estimator: KlEstimator, policy: number, reference: number): number =>
  estimators[estimator](reference - policy)

/** Estimates of every token as a tensor program: log-probs [M] → nats [M]. */
export const klProgram = (estimator: KlEstimator, policy: Value, reference: Value): Value =>
  programs[estimator](sub(reference, policy))

/**
 * KL in the reward: what to subtract from a response's reward, β Σ_t kl_t over its tokens (Ouyang et al. 2022, eq. 2;
 * Ahmadian et al. 2024).
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
