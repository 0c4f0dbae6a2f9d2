import type { Checker, Question, Verdict } from '../rewards/question.ts'

export type { Question, Verdict }

/** Where questions come from and how an answer to them is checked. */
export interface Task extends Checker {
  readonly description: string
  /** `count` training questions of RL step `step`: a pure function of (seed, step). */
  training(options: { seed: number; step: number; count: number }): Question[]
  /** The first `count` held-out questions, balanced over kinds and disjoint from every training question. */
  heldOut(options: { count: number; seed?: number }): Question[]
  /** A training question with a right response to it in R1's form, whose long chain of thought checks its steps. */
  workedExample?(options: { seed: number }): WorkedExample
  /** `count` training questions with an answer each, as data for fine-tuning has them. */
  demonstrations?(options: { seed: number; count: number }): Demonstrated[]
}

/** A question with a response that few-shot prompts can show. */
export interface WorkedExample {
  readonly question: string
  /** In R1's form: the thinking in its tags, then a summary. */
  readonly response: string
}

/** A question with an answer to learn from. */
export interface Demonstrated {
  readonly question: Question
  /** The chain of thought; null where the answer has none. */
  readonly thinking: string | null
  readonly summary: string
}

/** Should this request be refused? Tasks of general prompts say so by their kinds. */
export const isHarmful = ({ kind }: Pick<Question, 'kind'>): boolean => kind.startsWith('harmful')
