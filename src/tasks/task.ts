import { UserError } from '../common/errors.ts'
import type { Checker, Question, Verdict } from '../rewards/question.ts'

export type { Question, Verdict }

/** Where questions come from and how an answer to them is checked. */
export interface Task extends Checker {
  readonly description: string
  /** How many questions are chats, if any are. */
  readonly chats?: Chats
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

/** Questions with messages before the user's last one, and the place of the first of each kind, such as "train.jsonl:12". */
export interface Chats {
  readonly withHistory: { readonly count: number; readonly first: string | null }
  /** With a system message, but no earlier turns. */
  readonly withSystem: { readonly count: number; readonly first: string | null }
}

/**
 * Checks that the questions fit a template for single questions, such as R1-Zero's, which has no place for a chat.
 *
 * @param warn called with a message about system messages, which the model will not see.
 * @throws UserError if there are questions that refer to earlier turns.
 */
export function requireSingleTurns({ name, chats }: Task, warn: (message: string) => void): void {
  if (!chats) return
  const { withHistory, withSystem } = chats
  if (withHistory.count > 0)
    throw new UserError(
      `${name}: ${withHistory.count} questions are conversations (the first: ${withHistory.first}), and the template r1-zero has no place for earlier messages; use the template chat, or remove them`,
      2,
    )
  if (withSystem.count > 0)
    warn(
      `${name}: ${withSystem.count} questions have a system message (the first: ${withSystem.first}), which the template r1-zero has no place for; the template chat does`,
    )
}
