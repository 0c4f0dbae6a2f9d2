import type { Checker, Question, Verdict } from './question.ts'

/** A response to a question, as rewards see it. */
export interface Rollout {
  readonly question: Question
  readonly task: Checker
  /** The prompt as the model saw it, including the template. */
  readonly prompt: string
  /** Whether the prompt ended with an open think tag, so that the response begins inside the thinking. */
  readonly opened: boolean
  /** The whole response as text, with special tokens but without the end-of-text token. */
  readonly response: string
  /** The chain of thought, or `null` if there is none. */
  readonly thinking: string | null
  /** The answer part, or `null` if there is none. In R1's format: the content of the box in the summary, or else the summary. */
  readonly answer: string | null
  /** The text for the user: all that follows the thinking in R1's format, the answer part in R1-Zero's. */
  readonly summary: string | null
  /** The task's verdict on the answer. The check runs only once, however often this is called, as it may run a program. */
  readonly verdict: () => Verdict | Promise<Verdict>
  /** Number of sampled tokens. */
  readonly tokens: number
  readonly stopReason: 'stop' | 'length'
}

/**
 * A named score of a rollout. `score` returns `null` for "unknown", which leaves the rollout out of the update; so does an
 * exception, which is also reported as an error.
 */
export interface Reward {
  readonly name: string
  /**
   * Time limit in milliseconds, in place of the caller's: for a reward that may wait, for example for a sandbox.
   * `Infinity`: no limit, for work that always ends, such as that of a model of any size that this program computes.
   */
  readonly timeoutMs?: number
  /** Set for a reward model. Training can learn to exploit it, so it is watched. */
  readonly learned?: true
  /** Whether it applies to a rollout; if not, it is left out of the scores. By default it always applies. */
  applies?(rollout: Rollout): boolean
  score(rollout: Rollout): number | null | Promise<number | null>
  /**
   * Why the rollout has this score, in a short sentence without a full stop: "answer 12 is not 14". `null` or missing: the
   * score says all there is. It is asked once, after `score`, and never changes the score.
   */
  reason?(rollout: Rollout, score: number | null): string | null | Promise<string | null>
}
