import type { Answers } from './ask.ts'

/** A question with one of its responses, to be shown. */
export interface AnswerExample {
  readonly question: string
  readonly response: string
  readonly answer: string | null
  readonly gold: string
  readonly correct: boolean | null
}

/** Answers that are shown. */
const SHOWN = 3

/** A right response if there is one, and wrong ones, each to another question. */
export function examplesOf(checked_P_G: Answers['checked_P_G']): AnswerExample[] {
  const right = checked_P_G.find((checked_G) => checked_G.some(({ correct }) => correct))
  const shown = [
    ...(right ? [right.find(({ correct }) => correct)!] : []),
    ...checked_P_G
      .filter((checked_G) => checked_G !== right)
      .map((checked_G) => checked_G.find(({ correct }) => !correct) ?? checked_G[0]!),
  ]
  return shown.slice(0, SHOWN).map(({ question, response, answer, correct }) => ({
    question: question.prompt,
    response,
    answer,
    gold: question.gold,
    correct,
  }))
}
