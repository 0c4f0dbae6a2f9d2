import type { Language } from './language.ts'

/** A question with the answer that a rule can check. */
export interface Question {
  /** Stable identity, unique within a task: a hash or a row number. */
  readonly id: string
  /** What the user asks, as text. */
  readonly prompt: string
  /** The gold answer as text (for a task that checks by rule, one valid answer). */
  readonly gold: string
  /** Family or difficulty, by which results are broken down, e.g. "arithmetic/3". */
  readonly kind: string
  /** Language the thinking should be in, where it is not the task's. */
  readonly language?: Language
}

/** Whether an answer is right. `null`: it cannot be known (a gold that cannot be parsed); never scored. */
export type Verdict = {
  readonly correct: boolean | null
  readonly reason: string
  /** Of an answer with tests: the share that it passes. Those after the first failure run when this is called. */
  readonly share?: () => Promise<number>
}

/** What a reward may ask of the task that a question comes from. */
export interface Checker {
  readonly name: string
  /**
   * Is `answer` (the text of the answer part, `null` when none was found) right? Never throws. A rule is pure and tells
   * at once; a promise is for a check that must run a program, within time limits of its own.
   */
  check(question: Question, answer: string | null): Verdict | Promise<Verdict>
  /** Language the thinking should be in, for the language reward. */
  readonly language: Language
}
