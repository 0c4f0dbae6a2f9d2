import { ifTooLong, UserError } from '../../common/errors.ts'
import type { Generator } from '../../providers/generator.ts'
import { type JudgeOptions, judgePair } from '../../rewards/judge.ts'
import { isHarmful } from '../../tasks/task.ts'

/** A model's answers to general prompts, by the question's id. `answer` is null if there is none. */
export type Answers = Readonly<
  Record<string, { readonly question: string; readonly kind: string; readonly answer: string | null }>
>

/** How often a model's answers are better than another model's. */
export interface WinRate {
  /** (wins + ½ ties) / decided comparisons; null if none was decided. */
  readonly rate: number | null
  /** Standard error of the rate over questions; null if unknown. */
  readonly standardError: number | null
  readonly win: number
  readonly tie: number
  readonly loss: number
  /** Comparisons in which the judge's votes disagree, are not in the requested format, or had no room in its context. */
  readonly unknown: number
}

/**
 * A judge compares a model's answers with another model's answers to the same questions. Harmful requests are left out,
 * since helpfulness is not wanted there.
 *
 * @throws UserError if the other model answered other questions, or the judge cannot be reached.
 */
export async function winRate(
  judge: Generator,
  answers: Answers,
  previous: Answers,
  options: JudgeOptions = {},
): Promise<WinRate> {
  const compared = Object.entries(answers).filter(([, answer]) => !isHarmful(answer))
  const judgements = await Promise.all(
    compared.map(([id, { question, answer }]) => {
      const before = previous[id]
      if (before?.question !== question)
        throw new UserError(
          `the previous stage did not answer "${question}"; both stages need the same questions`,
        )
      return judgePair(judge, { question, a: answer ?? '', b: before.answer ?? '' }, options).catch(
        ifTooLong({ winner: null }),
      )
    }),
  )
  const count = (winner: 'A' | 'B' | 'tie' | null) => judgements.filter((j) => j.winner === winner).length
  const [win, tie, loss, unknown] = [count('A'), count('tie'), count('B'), count(null)]
  const n = win + tie + loss
  const rate = (win + tie / 2) / n
  // s / √n with s² = Σ (x − mean)² / (n − 1)
  const squares = win * (1 - rate) ** 2 + tie * (0.5 - rate) ** 2 + loss * rate ** 2
  return {
    rate: n > 0 ? rate : null,
    standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : null,
    win,
    tie,
    loss,
    unknown,
  }
}
