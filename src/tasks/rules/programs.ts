import { UserError } from '../../common/errors.ts'
import { NO_ANSWER } from '../../rewards/question.ts'
import { type Cases, readCases } from '../../sandbox/cases.ts'
import { sourceIn } from '../../sandbox/source.ts'
import { Trial } from '../../sandbox/trial.ts'
import type { Rule } from './rules.ts'

const NAMES = { python: 'Python', javascript: 'JavaScript' } as const

/** The instruction that is added to a question. */
export function instruction({ language, call }: Cases): string {
  const what =
    call === null
      ? 'program that reads standard input and writes to standard output'
      : `function \`${call}\` that returns the result`
  return `Write a ${NAMES[language]} ${what}, in one code block.`
}

/** The program in the answer must pass every test case. @throws UserError if this machine has no sandbox. */
export const programs: Rule = {
  goldIsAnswer: false,
  unreadable(gold) {
    try {
      readCases(gold)
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  },
  async check({ gold }, answer) {
    const cases = readCases(gold)
    const source = answer === null ? null : sourceIn(answer, cases.language, cases.call)
    if (source === null) {
      const reason = answer === null ? NO_ANSWER : `no ${NAMES[cases.language]} program in the answer`
      return { correct: false, reason, share: async () => 0 }
    }
    try {
      const trial = new Trial(source, cases)
      const failure = await trial.firstFailure()
      return { correct: failure === null, reason: failure ?? 'passes every test', share: () => trial.share() }
    } catch (error) {
      if (error instanceof UserError) throw error
      return { correct: null, reason: error instanceof Error ? error.message : String(error) }
    }
  },
}
