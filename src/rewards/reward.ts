import type { Checker, Question, Verdict } from './question.ts'

/** What a reward may look at. */
export interface Rollout {
  readonly question: Question
  readonly task: Checker
  /** The prompt as the model saw it (template included). */
  readonly prompt: string
  /** The whole response as text, special tokens included, the end-of-text token left out. */
  readonly response: string
  /** The chain of thought, or `null` when none could be found. */
  readonly thinking: string | null
  /** The answer part, or `null` when none could be found. In R1's form: what the summary has in its box, else all of it. */
  readonly answer: string | null
  /** What is said to the user: in R1's form all that follows the thinking, in R1-Zero's the answer part. */
  readonly summary: string | null
  /** The task's verdict on the answer. It is checked once, whoever asks: a check may run a program. */
  readonly verdict: () => Verdict | Promise<Verdict>
  /** Number of sampled tokens. */
  readonly tokens: number
  readonly stopReason: 'stop' | 'length'
}

/** A named score of a rollout. Return `null` for "unknown": the rollout is then left out of the update. Throwing is counted as an error, and the rollout is left out too. */
export interface Reward {
  readonly name: string
  /** Milliseconds after which it has failed, for one that waits its turn (for a sandbox, say); the caller's otherwise. */
  readonly timeoutMs?: number
  /** It learned from examples what to score (a reward model), so that training can learn to please it: it is watched. */
  readonly learned?: true
  /** Whether it has anything to say of a rollout. Where not, it is no part of the scores; it always has by default. */
  applies?(rollout: Rollout): boolean
  score(rollout: Rollout): number | null | Promise<number | null>
}
