import { Random } from '../common/random.ts'
import { isMixed } from '../rewards/language/prose.ts'
import { sameAnswer } from '../stages/think/same-answer.ts'
import type { ThinkingFormat } from '../thinking/model.ts'
import { countReflection } from '../thinking/r1/reflection.ts'
import { groupAnswers } from '../thinking/strategies/majority.ts'
import { readAnswer } from './answer.ts'
import { estimate } from './measures/interval.ts'
import { passAtK } from './measures/pass-at-k.ts'
import { consAtK, shareRight, type Vote } from './measures/vote.ts'
import type { AtK, Form, QuestionValues } from './results.ts'
import type { KeptAnswer } from './store/store.ts'

/** The values of a question from its answers, one list a seed. `seed` is that of the random subsets. */
export function questionValues(
  answers_S_N: readonly (readonly KeptAnswer[])[],
  ks: readonly number[],
  seed: number,
): QuestionValues {
  const { key, id, kind } = answers_S_N.flat()[0]!.question
  const values_S = answers_S_N
    .filter((answers_N) => answers_N.length > 0)
    .map((answers_N) => {
      const votes = votesOf(answers_N)
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
    id,
    kind,
    passAt1: over(({ passAt1 }) => passAt1),
    pass: ks.map((_, i) => over(({ pass }) => pass[i]!)),
    cons: ks.map((_, i) => over(({ cons }) => cons[i]!)),
    thinkingTokens: over(({ thinkingTokens }) => thinkingTokens),
    completionTokens: over(({ completionTokens }) => completionTokens),
  }
}

/** The votes of responses, as a vote counts them: equal answers are one, and a blank one is none. */
function votesOf(answers: readonly KeptAnswer[]): Vote[] {
  const groups = groupAnswers(
    answers.map(({ answer }) => answer || null),
    sameAnswer,
  )
  const groupOf = new Map(groups.flatMap(({ members }, group) => members.map((i) => [i, group])))
  return answers.map(({ correct }, i) => ({ group: groupOf.get(i) ?? null, right: correct }))
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

/** Standard error of the mean over questions: s / √n with s² = Σ (x − mean)² / (n − 1). */
export function standardError(values: readonly number[]): number {
  const some = values.filter((value) => !Number.isNaN(value))
  const m = mean(some)
  return Math.sqrt(some.reduce((sum, x) => sum + (x - m) ** 2, 0) / (some.length - 1) / some.length)
}

/** By the name of each kind, the mean over its questions, and how many they are. */
export function byKind(values: readonly QuestionValues[]): {
  kinds: Record<string, number>
  kindQuestions: Record<string, number>
} {
  const checked = values.filter(({ passAt1 }) => !Number.isNaN(passAt1))
  const names = [...new Set(checked.map(({ kind }) => kind))].sort()
  const of = (name: string): number[] =>
    checked.filter(({ kind }) => kind === name).map(({ passAt1 }) => passAt1)
  return {
    kinds: Object.fromEntries(names.map((name) => [name, mean(of(name))])),
    kindQuestions: Object.fromEntries(names.map((name) => [name, of(name).length])),
  }
}

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
