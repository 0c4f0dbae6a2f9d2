import { hashText, type Random } from '../../common/random.ts'
import type { Question } from '../task.ts'
import { askArithmetic, expressionOf, randomArithmetic, solveArithmetic, totalOf } from './arithmetic.ts'
import { askFill, gapsOf, type Level, operatorsOf, randomFill, solutionsOf, solveFill } from './fill.ts'
import type { Language, Solution, Writing } from './words.ts'

/** Families and difficulties: arithmetic by the number of events, fill by level. */
export const KINDS = [
  'arithmetic/1',
  'arithmetic/2',
  'arithmetic/3',
  'arithmetic/4',
  'arithmetic/5',
  'fill/1',
  'fill/2',
  'fill/3',
] as const
export type Kind = (typeof KINDS)[number]

/** A problem of either family. */
export interface Problem {
  readonly kind: Kind
  /** What identifies it in every wording and language: `18+3*3+57` or `+ - 8?6?5=7`. */
  readonly key: string
  readonly gold: string
  ask(random: Random, language: Language): string
  solve(random: Random, writing: Writing): Solution
}

export function randomProblem(random: Random, kind: Kind): Problem {
  const n = Number(kind.slice(-1))
  if (kind.startsWith('arithmetic')) {
    const p = randomArithmetic(random, n)
    return {
      kind,
      key: expressionOf(p),
      gold: String(totalOf(p)),
      ask: (r, language) => askArithmetic(r, p, language),
      solve: (r, writing) => solveArithmetic(r, p, writing),
    }
  }
  const p = randomFill(random, n as Level)
  return {
    kind,
    key: `${operatorsOf(p.level)} ${gapsOf(p)}`,
    gold: solutionsOf(p)[0]!,
    ask: (_, language) => askFill(p, language),
    solve: (r, writing) => solveFill(r, p, writing),
  }
}

/** A tenth of all problems is held out: they are neither in the corpus nor in training questions. */
export const isHeldOut = (problem: Problem) => hashText(problem.key) % 10 === 0

/** A random problem that is, or is not, held out. */
export function randomSplitProblem(random: Random, kind: Kind, heldOut: boolean): Problem {
  for (;;) {
    const problem = randomProblem(random, kind)
    if (isHeldOut(problem) === heldOut) return problem
  }
}

/** The problem as a question in English. */
export function questionOf(random: Random, problem: Problem): Question {
  const prompt = problem.ask(random, 'en')
  return {
    id: `${problem.key} ${hashText(prompt).toString(16)}`,
    prompt,
    gold: problem.gold,
    kind: problem.kind,
  }
}
