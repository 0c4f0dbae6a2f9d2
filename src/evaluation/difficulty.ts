import { estimate } from './measures/interval.ts'
import type { DifficultyKind, DifficultyResult } from './results.ts'
import type { KeptAnswer } from './store/store.ts'
import { known, mean } from './summarise.ts'

/** More kinds than these are subjects rather than difficulties. */
const MOST_KINDS = 12
const QUARTERS = ['easiest quarter', 'second quarter', 'third quarter', 'hardest quarter']

/** How the questions of a task are grouped by difficulty. */
export interface Difficulties {
  readonly kind: DifficultyKind
  /** Names from easy to hard, as far as that is known. */
  readonly names: readonly string[]
  /** The difficulty of a question by its key. */
  readonly of: ReadonlyMap<string, string>
  /** May an answer be counted? Quarters are made from half of the answers and drawn from the others. */
  readonly counts: (answer: KeptAnswer) => boolean
}

/**
 * Groups questions by their kind, where the task has at least two and at most twelve; else into quarters by the share of
 * right answers. Quarters are made from the answers with even numbers, of all cells together, and measured with those of
 * odd numbers: questions on which a model was unlucky would otherwise seem hard.
 */
export function difficultiesOf(answers: readonly KeptAnswer[]): Difficulties {
  const kinds = new Map(answers.map(({ question }) => [question.key, question.kind]))
  const names = [...new Set(kinds.values())].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  if (names.length > 1 && names.length <= MOST_KINDS)
    return { kind: 'kind', names, of: kinds, counts: () => true }
  const rights = new Map<string, number[]>()
  for (const { question, sample, correct } of answers)
    if (sample % 2 === 0 && correct !== null)
      rights.set(question.key, [...(rights.get(question.key) ?? []), Number(correct)])
  const ranked = [...rights].map(([key, right]) => ({ key, share: mean(right) }))
  ranked.sort((a, b) => b.share - a.share || (a.key < b.key ? -1 : 1))
  return {
    kind: 'quarter',
    names: QUARTERS,
    of: new Map(ranked.map(({ key }, i) => [key, QUARTERS[Math.floor((4 * i) / ranked.length)]!])),
    counts: ({ sample }) => sample % 2 === 1,
  }
}

/** What was measured of the questions of each difficulty; those without an answer that counts are left out. */
export function byDifficulty(
  answers: readonly KeptAnswer[],
  { names, of, counts }: Difficulties,
  seed: number,
): DifficultyResult[] {
  return names.flatMap((name) => {
    const own = answers.filter((answer) => counts(answer) && of.get(answer.question.key) === name)
    const perQuestion = [...new Set(own.map(({ question }) => question.key))].map((key) =>
      own.filter(({ question }) => question.key === key),
    )
    if (perQuestion.length === 0) return []
    const rights = perQuestion.map((some) =>
      known(some.map(({ correct }) => (correct === null ? Number.NaN : Number(correct)))),
    )
    const tokens = perQuestion.map((some) =>
      mean(some.map(({ response }) => response.end.usage.thinkingTokens ?? Number.NaN)),
    )
    return [
      {
        name,
        questions: perQuestion.length,
        accuracy: estimate(rights, seed),
        thinkingTokens: estimate(tokens, seed, { share: false }),
      },
    ]
  })
}
