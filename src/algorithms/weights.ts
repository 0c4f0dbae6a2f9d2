/**
 * How the tokens of a minibatch are averaged, with N responses of |o_i| tokens:
 * - `sequence_mean`: 1/N Σ_i 1/|o_i| Σ_t, every response counts alike (GRPO: DeepSeekMath, arXiv 2402.03300, eq. 3)
 * - `token_mean`: 1/Σ|o_i| Σ_i Σ_t, every token counts alike (DAPO, arXiv 2503.14476, eq. 12)
 * - `fixed_length`: 1/(N·maxTokens) Σ_i Σ_t, no length bias (Dr. GRPO, arXiv 2503.20783)
 * - `sequence_sum`: 1/N Σ_i Σ_t, the log-prob of the whole response (RLOO, arXiv 2402.14740)
 */
export type Normalisation = 'sequence_mean' | 'token_mean' | 'fixed_length' | 'sequence_sum'

/**
 * The weight of each token of each response of a minibatch (one number a response). A length of 0 is a masked response:
 * its weight is 0, and it still counts in N, as in TRL.
 */
export function tokenWeights(
  normalisation: Normalisation,
  lengths: readonly number[],
  maxTokens: number,
): number[] {
  const n = lengths.length
  const tokens = lengths.reduce((a, b) => a + b, 0)
  const weight: { readonly [K in Normalisation]: (length: number) => number } = {
    sequence_mean: (length) => 1 / (n * length),
    token_mean: () => 1 / tokens,
    fixed_length: () => 1 / (n * maxTokens),
    sequence_sum: () => 1 / n,
  }
  return lengths.map((length) => {
    if (length < 0 || length > maxTokens)
      throw new Error(`tokenWeights: a response of ${length} tokens where 0 … ${maxTokens} are possible`)
    return length === 0 ? 0 : weight[normalisation](length)
  })
}

/** Overlong filtering: responses cut off at the token limit get length 0, hence weight 0 (DAPO, §3.4). */
export function maskTruncated(lengths: readonly number[], truncated: readonly boolean[]): number[] {
  if (lengths.length !== truncated.length)
    throw new Error(`maskTruncated: ${lengths.length} lengths, ${truncated.length} flags`)
  return lengths.map((length, i) => (truncated[i] ? 0 : length))
}

/**
 * Truncated importance weights w_t = min(π_old(o_t) / π_sampler(o_t), cap), for a sampler whose probabilities differ
 * from the trainer's (Espeholt et al. 2018; Yao et al. 2025, "Your efficient RL framework secretly brings you
 * off-policy RL training").
 *
 * Multiply the advantages by them: w > 0, so w·min(ρA, clip(ρ)A) = min(ρ·wA, clip(ρ)·wA), and the same holds for the
 * dual clip, CISPO and REINFORCE. The KL term stays unweighted.
 */
export function truncatedImportance(
  old: ArrayLike<number>,
  sampler: ArrayLike<number>,
  cap: number,
): Float32Array {
  if (old.length !== sampler.length)
    throw new Error(
      `truncatedImportance: ${old.length} trainer log-probs, ${sampler.length} sampler log-probs`,
    )
  return Float32Array.from(old, (logprob, t) => Math.min(Math.exp(logprob - sampler[t]!), cap))
}
