import type { ChatMessage } from '../renderer/messages.ts'
import type { Language } from './language/language.ts'

/** A question with its gold answer. */
export interface Question {
  /** Stable and unique within a task: a hash or a row number. */
  readonly id: string
  /** The question as text. */
  readonly prompt: string
  /**
   * For a question that is a chat with a system message or earlier turns: the whole chat, whose last message is the
   * user's, with `prompt` as its content.
   */
  readonly messages?: readonly ChatMessage[]
  /** The gold answer as text; for a task that checks by rule, one of the valid answers. */
  readonly gold: string
  /** Family or difficulty, by which results are broken down, such as "arithmetic/3". */
  readonly kind: string
  /** The language the thinking should be in, if it is not the task's. */
  readonly language?: Language
}

/** The question as one text: of a chat, all messages with their roles. */
export function wholeQuestion({ prompt, messages }: Pick<Question, 'prompt' | 'messages'>): string {
  return messages?.map(({ role, content }) => `${role}: ${content}`).join('\n\n') ?? prompt
}

/** Whether an answer is right. */
export type Verdict = {
  /** `null` if it cannot be known, for example because the gold cannot be parsed; such an answer is never scored. */
  readonly correct: boolean | null
  readonly reason: string
  /** For an answer with tests: the share that it passes. Calling it runs the tests after the first failure. */
  readonly share?: () => Promise<number>
}

/** The reason of a verdict on a response in which no answer was found. */
export const NO_ANSWER = 'no answer was found'

/** The part of a task that rewards use. */
export interface Checker {
  readonly name: string
  /**
   * Checks `answer`: the text of the answer part, or `null` if none was found. Never throws. A rule is pure and returns
   * its verdict directly; a check that runs a program returns a promise and limits the time of the program itself.
   */
  check(question: Question, answer: string | null): Verdict | Promise<Verdict>
  /** The language the thinking should be in, for the language reward. */
  readonly language: Language
}
