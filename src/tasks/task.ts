import type { Checker, Question, Verdict } from '../rewards/question.ts'

export type { Question, Verdict }

/** Where questions come from and how an answer to them is checked. */
export interface Task extends Checker {
  readonly description: string
  /** `count` training questions of RL step `step`: a pure function of (seed, step). */
  training(options: { seed: number; step: number; count: number }): Question[]
  /** Held-out questions, disjoint from every training question; the first `count`, balanced over kinds. */
  heldOut(options: { count: number; seed?: number }): Question[]
}
