import { Random } from '../common/random.ts'
import { isMixed } from '../rewards/prose.ts'
import type { ThinkingFormat } from '../thinking/model.ts'
import { countReflection } from '../thinking/reflection.ts'
import { verify } from '../verify/index.ts'
import { readAnswer } from './answer.ts'
import { estimate } from './measures/interval.ts'
import { passAtK } from './measures/pass-at-k.ts'
import { consAtK, groupAnswers, shareRight } from './measures/vote.ts'
import type { AtK, Form } from './results.ts'
import type { KeptAnswer } from './store/store.ts'

/** The values of one question, means over seeds. NaN is unknown. */
export interface QuestionValues {
  readonly key: string
  readonly kind: string
  /** Share of right answers. */
  readonly passAt1: number
  /** For each k. */
  readonly pass: readonly number[]
  readonly cons: readonly number[]
  readonly thinkingTokens: number
  readonly completionTokens: number
}

/** Are two answers the same to a voter? */
const equal = (a: string, b: string): boolean => verify(a, b).equal === true

/** The values of a question from its answers, one list a seed. `seed` is that of the random subsets. */
export function questionValues(
  answers_S_N: readonly (readonly KeptAnswer[])[],
  ks: readonly number[],
  seed: number,
): QuestionValues {
  const { key, kind } = answers_S_N.flat()[0]!.question
  const values_S = answers_S_N
    .filter((answers_N) => answers_N.length > 0)
    .map((answers_N) => {
      const groups = groupAnswers(
        answers_N.map(({ answer }) => answer),
        equal,
      )
      const votes = answers_N.map(({ correct }, i) => ({ group: groups[i]!, right: correct }))
      const checked = votes.filter(({ right }) => right !== null)
      const right = checked.filter((one) => one.right).length
      return {
        passAt1: shareRight(votes),
        pass: ks.map((k) => passAtK(checked.length, right, k)),
        cons: consAtK(votes, ks, new Random(seed, 'votes', key)),
        thinkingTokens: mean(
          answers_N.map(({ response }) => response.end.usage.thinkingTokens ?? Number.NaN),
        ),
        completionTokens: mean(
          answers_N.map(({ response }) => response.end.usage.completionTokens ?? Number.NaN),
        ),
      }
    })
  const over = (value: (values: (typeof values_S)[number]) => number): number => known(values_S.map(value))
  return {
    key,
    kind,
    passAt1: over(({ passAt1 }) => passAt1),
    pass: ks.map((_, i) => over(({ pass }) => pass[i]!)),
    cons: ks.map((_, i) => over(({ cons }) => cons[i]!)),
    thinkingTokens: over(({ thinkingTokens }) => thinkingTokens),
    completionTokens: over(({ completionTokens }) => completionTokens),
  }
}

/** Accuracy with k responses a question, for each k that there are enough responses for. */
export const atK = (values: readonly QuestionValues[], ks: readonly number[], seed: number): AtK[] =>
  ks.map((k, i) => ({
    k,
    pass: estimate(
      values.map(({ pass }) => pass[i]!),
      seed,
    ),
    cons: estimate(
      values.map(({ cons }) => cons[i]!),
      seed,
    ),
  }))

/** What the responses look like. */
export function formOf(answers: readonly KeptAnswer[], format: ThinkingFormat): Form {
  const texts = answers.map(
    ({ response }) => response.end.text ?? [response.thinking, response.answer].join('\n'),
  )
  const reflections = texts.map(countReflection)
  const lengths = answers.map(({ response }) => response.end.usage.completionTokens ?? Number.NaN)
  return {
    wellFormed: mean(
      answers.map(({ response }) => {
        const { wellFormed } = readAnswer(response, format)
        return wellFormed === null ? Number.NaN : Number(wellFormed)
      }),
    ),
    reflectionPerResponse: mean(reflections),
    // reflective words / tokens · 1000, over all responses together
    reflection: (1000 * mean(reflections)) / mean(lengths),
    mixed: mean(answers.map(({ response }, i) => Number(isMixed(response.thinking ?? texts[i]!)))),
    cut: mean(answers.map(({ response }) => Number(response.end.reason === 'length'))),
  }
}

/** The mean; NaN (unknown) if there are no values, or one of them is unknown. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The mean of the known values; NaN (unknown) if there are none. */
export const known = (values: readonly number[]): number =>
  mean(values.filter((value) => !Number.isNaN(value)))
