import type { Question, Verdict } from '../rewards/question.ts'
import { readable, verify } from '../verify/index.ts'

/** How answers are checked against a gold. */
export interface Rule {
  /** Why no answer can be checked against this gold, or null. */
  unreadable(gold: string): string | null
  check(question: Question, answer: string | null): Verdict | Promise<Verdict>
}

/** Is the answer equal to the gold, as mathematics, or as a choice? */
export const equality: Rule = {
  unreadable(gold) {
    const read = readable(gold)
    return read.ok ? null : read.reason
  },
  check({ gold }, answer) {
    if (answer === null) return { correct: false, reason: 'no answer' }
    const { equal, reason } = verify(gold, answer)
    return { correct: equal, reason }
  },
}

/** There is no gold: only a reward model or a judge can tell. */
export const noGold: Rule = {
  unreadable: () => null,
  check: () => ({ correct: null, reason: 'the question has no gold answer' }),
}
