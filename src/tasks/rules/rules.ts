import { NO_ANSWER, type Question, type Verdict } from '../../rewards/question.ts'
import { readable, verify } from '../../verify/index.ts'
import { isUnevaluated } from './unevaluated.ts'

/** How answers are checked against the gold. */
export interface Rule {
  /** Is the gold itself a right answer? */
  readonly goldIsAnswer: boolean
  /** The reason why no answer can be checked against this gold, or null. */
  unreadable(gold: string): string | null
  /** Is the answer (`null`: there is none) correct? */
  check(question: Question, answer: string | null): Verdict | Promise<Verdict>
}

/** The answer must be equal to the gold, as mathematics or as the letter of a choice. */
export const equality: Rule = {
  goldIsAnswer: true,
  unreadable(gold) {
    const read = readable(gold)
    return read.ok ? null : read.reason
  },
  check({ prompt, gold }, answer) {
    if (answer === null) return { correct: false, reason: NO_ANSWER }
    const { equal, reason } = verify(gold, answer)
    if (equal && isUnevaluated(prompt, gold, answer))
      return { correct: false, reason: 'an expression whose value was asked for' }
    return { correct: equal, reason }
  },
}

/** For questions without gold, whose answers only a reward model or a judge can assess. */
export const noGold: Rule = {
  goldIsAnswer: false,
  unreadable: () => null,
  check: () => ({ correct: null, reason: 'the question has no gold answer' }),
}
