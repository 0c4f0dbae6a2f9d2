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
  /** `count` training questions with an answer each, like rows of fine-tuning data. */
  demonstrations?(options: { seed: number; count: number }): Demonstrated[]
  /**
   * Questions of one side with a right answer each, from which a model can learn how they are answered. Of a table, all of
   * them, or the first `count`; a task that makes its questions has a number of its own where `count` is missing.
   */
  solved?(options: { side: LeftOut['side']; seed: number; count?: number | undefined }): Solved[]
  /** The task with only those questions of these sides that fit. A task that makes its questions cannot do this. */
  select?(
    fit: Fit,
    options: { sides: readonly LeftOut['side'][]; progress: (line: string) => void },
  ): { task: Task; left: LeftOut[] }
}

/** How many solved questions a task makes, unless a number is given. */
export const MADE: Readonly<Record<LeftOut['side'], number>> = { training: 1000, 'held-out': 100 }

/** Which questions a model can be asked. */
export interface Fit {
  /** Why the question cannot be asked, or null. */
  unfit(question: Question): string | null
  /** Is the question so short that it surely fits? Tables then skip `unfit`, which encodes the prompt. */
  isShort(question: Question): boolean
}

/** The questions on one side of a task that were left out. */
export interface LeftOut {
  readonly side: 'training' | 'held-out'
  /** Number of questions before. */
  readonly of: number
  /** Number of questions that were left out. */
  readonly count: number
  /** Number of questions that can be asked. */
  readonly remaining: number
  /** The first of them, with the reason; null if none was left out. */
  readonly first: string | null
}

/** A question with a response that few-shot prompts can show. */
export interface WorkedExample {
  readonly question: string
  /** In R1's form: the thinking in its tags, then a summary. */
  readonly response: string
}

/** A question with a right answer. */
export interface Solved {
  readonly question: Question
  /** How the answer is found; null if that is not known. */
  readonly thinking: string | null
  readonly answer: string
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
