import type { Random } from '../common/random.ts'

/**
 * What is done about the tokens whose log-prob and advantage vary together most, which lower the policy's entropy most
 * (Cui et al., "The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models", arXiv 2505.22617).
 */
export type CovarianceControl =
  | {
      /** Clip-Cov: the tokens have no policy gradient. */
      readonly kind: 'clip'
      /** Share of the tokens, at least one token. */
      readonly share: number
      /** Candidates are the tokens with a covariance between these. */
      readonly from: number
      readonly to: number
    }
  | {
      /** KL-Cov: the tokens have the penalty β |log π_θ − log π_old|. */
      readonly kind: 'kl'
      readonly share: number
      readonly beta: number
    }

/**
 * The tokens that the control is about, of those of an optimizer step: for Clip-Cov a random choice of the candidates (eq. 10),
 * for KL-Cov those with the largest covariance (eq. 12), where the covariance of a token is
 * (log π(o_t) − mean log π)(A_t − mean A) (eq. 9).
 *
 * @returns their indices, ascending
 */
export function covarianceSelection(
  control: CovarianceControl,
  logprobs: ArrayLike<number>,
  advantages: ArrayLike<number>,
  random: Random,
): number[] {
  const count = logprobs.length
  if (count !== advantages.length)
    throw new Error(`covarianceSelection: ${count} log-probs, ${advantages.length} advantages`)
  if (count === 0) return []
  const [logprobMean, advantageMean] = [mean(logprobs), mean(advantages)]
  const covariances = Float64Array.from(
    advantages,
    (advantage, t) => (logprobs[t]! - logprobMean) * (advantage - advantageMean),
  )
  const all = [...covariances.keys()]
  const wanted = Math.max(1, Math.floor(control.share * count))
  const chosen =
    control.kind === 'clip'
      ? random.shuffle(all.filter((t) => covariances[t]! > control.from && covariances[t]! < control.to))
      : all.sort((a, b) => covariances[b]! - covariances[a]! || a - b)
  return chosen.slice(0, wanted).sort((a, b) => a - b)
}

const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let t = 0; t < values.length; t++) sum += values[t]!
  return sum / values.length
}
