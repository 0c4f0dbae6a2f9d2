import { plural } from '../common/words.ts'

interface Minibatch {
  /** N. */
  readonly responses: number
  /** Σ |o_i|. */
  readonly tokens: number
  readonly maxTokens: number
  /** P: the number of questions with a token. */
  readonly questions: number
}
/** The weight of a token of a response of `length` tokens, |o_i|, to a question whose responses have `ofQuestion` in all. */
type Rule = (length: number, minibatch: Minibatch, ofQuestion: number) => number

/** How the tokens of a minibatch are averaged. */
const rules = {
  // 1/N Σ_i 1/|o_i| Σ_t: every response counts the same   (GRPO: DeepSeekMath, arXiv 2402.03300, eq. 3)
  sequence_mean: (length, { responses }) => 1 / (responses * length),
  // 1/Σ|o_i| Σ_i Σ_t: every token counts the same   (DAPO, arXiv 2503.14476, eq. 12)
  token_mean: (_, { tokens }) => 1 / tokens,
  // 1/P Σ_p 1/Σ_(i ∈ p)|o_i| Σ_(i ∈ p) Σ_t: every question counts the same, and every token of its responses
  // (ScaleRL's prompt-level average, arXiv 2510.13786, §3.2)
  question_mean: (_, { questions }, ofQuestion) => 1 / (questions * ofQuestion),
  // 1/(N·maxTokens) Σ_i Σ_t: no length bias   (Dr. GRPO, arXiv 2503.20783)
  fixed_length: (_, { responses, maxTokens }) => 1 / (responses * maxTokens),
  // 1/N Σ_i Σ_t: the log-prob of the whole response   (RLOO, arXiv 2402.14740)
  sequence_sum: (_, { responses }) => 1 / responses,
} satisfies Record<string, Rule>

/** How the tokens of a minibatch are averaged: the name of one of the rules above. */
export type Normalisation = keyof typeof rules
export const normalisations = Object.keys(rules) as readonly Normalisation[]

/**
 * The weight of every token of each response of a minibatch: one number per response. A length of 0 marks a masked
 * response: its weight is 0, but it still counts in N, as in TRL.
 *
 * @param questions What identifies the question of each response; read by `question_mean` alone.
 * @throws Error if a length is outside 0 … maxTokens.
 */
export function tokenWeights(
  normalisation: Normalisation,
  lengths: readonly number[],
  maxTokens: number,
  questions: readonly unknown[] = lengths.map(() => null),
): number[] {
  const perQuestion = new Map<unknown, number>()
  for (const [i, length] of lengths.entries())
    perQuestion.set(questions[i], (perQuestion.get(questions[i]) ?? 0) + length)
  const minibatch = {
    responses: lengths.length,
    tokens: lengths.reduce((a, b) => a + b, 0),
    maxTokens,
    questions: [...perQuestion.values()].filter((tokens) => tokens > 0).length,
  }
  return lengths.map((length, i) => {
    if (length < 0 || length > maxTokens)
      throw new Error(`tokenWeights: a response has ${plural(length, 'token')}, outside 0 … ${maxTokens}`)
    return length === 0 ? 0 : rules[normalisation](length, minibatch, perQuestion.get(questions[i])!)
  })
}

/** Overlong filtering: responses cut off at the token limit get length 0 and so weight 0 (DAPO, §3.4). */
export function maskTruncated(lengths: readonly number[], truncated: readonly boolean[]): number[] {
  if (lengths.length !== truncated.length)
    throw new Error(`maskTruncated: ${lengths.length} lengths, ${truncated.length} flags`)
  return lengths.map((length, i) => (truncated[i] ? 0 : length))
}

/**
 * Truncated importance weights w_t = min(π_old(o_t) / q(o_t), cap), for tokens drawn from q instead of π_old
 * (Ionides 2008, "Truncated importance sampling"; Espeholt et al. 2018; Yao et al. 2025, "Your efficient RL framework
 * secretly brings you off-policy RL training"). q differs from π_old
 *  - by the sampler's rounding, where π_old is the trainer's; or
 *  - because top-k, top-p or min-p left tokens out: q = π_old / Z on the tokens that are kept, whose mass is Z, so w = Z.
 *    Then E_q[w f] = Σ π_old f over these tokens: exact, but for the tokens that are never drawn.
 *
 * Multiply the advantages by them: w > 0, so w·min(ρA, clip(ρ)A) = min(ρ·wA, clip(ρ)·wA), and the same holds for the
 * dual clip, CISPO and REINFORCE. The KL term stays unweighted, as in TRL and verl. With a ratio per sequence, tokens
 * share one gradient, so their weights would only be averaged.
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
