import { Random } from '../../common/random.ts'
import type { Question, Task, Verdict } from '../task.ts'
import { readFill, wrongFill } from './fill.ts'
import { type Kind, questionOf, randomSplitProblem } from './problems.ts'
import { voice } from './words.ts'

export { corpusDocument, corpusDocuments } from './corpus.ts'
export { KINDS, type Kind } from './problems.ts'

const ARITHMETIC: readonly Kind[] = ['arithmetic/2', 'arithmetic/3', 'arithmetic/4']
const FILL: readonly Kind[] = ['fill/1', 'fill/2', 'fill/3']

/** Draws after which a kind is taken to have no further held-out problem. */
const EXHAUSTED = 5_000

/**
 * Questions of the given kinds in equal shares, kind by kind in turn: a pure function of its options. Held-out ones
 * are distinct problems (fewer than `count` if a kind has no more); training ones are drawn for one `step`.
 */
export function miniatureQuestions({
  kinds = [...ARITHMETIC, ...FILL],
  count,
  seed,
  ...of
}: { kinds?: readonly Kind[]; count: number; seed: number } & (
  | { split: 'heldOut' }
  | { split: 'training'; step: number }
)): Question[] {
  if (kinds.length === 0) throw new Error('miniatureQuestions: kinds is empty')
  if (of.split === 'training') {
    const random = new Random(seed, 'miniature training', of.step)
    // The turn goes on from step to step, so that every kind has its share whatever the number a step.
    return Array.from({ length: count }, (_, i) =>
      questionOf(random, randomSplitProblem(random, kinds[(of.step * count + i) % kinds.length]!, false)),
    )
  }
  const streams = kinds.map((kind) => ({ kind, random: new Random(seed, 'miniature held out', kind) }))
  const seen = new Set<string>()
  const questions: Question[] = []
  const spent = new Set<Kind>()
  for (let i = 0; questions.length < count && spent.size < kinds.length; i++) {
    const { kind, random } = streams[i % kinds.length]!
    for (let draw = 0; !spent.has(kind); draw++) {
      const problem = randomSplitProblem(random, kind, true)
      if (!seen.has(problem.key)) {
        seen.add(problem.key)
        questions.push(questionOf(random, problem))
        break
      }
      if (draw === EXHAUSTED) spent.add(kind)
    }
  }
  return questions
}

/** Is the answer right? Arithmetic: the same integer. Fill: a solution, by exact evaluation from left to right. */
export function checkMiniature(question: Question, answer: string | null): Verdict {
  if (answer === null) return { correct: false, reason: 'no answer' }
  if (question.kind.startsWith('arithmetic/')) {
    const given = answer.trim()
    if (!/^-?\d+$/.test(question.gold)) return { correct: null, reason: 'the gold answer is not an integer' }
    if (!/^[+-]?\d+$/.test(given)) return { correct: false, reason: 'not an integer' }
    const correct = BigInt(given.replace(/^\+/, '')) === BigInt(question.gold)
    return { correct, reason: correct ? 'equal' : `not ${question.gold}` }
  }
  const problem = readFill(question.prompt, Number(question.kind.slice('fill/'.length)))
  if (!problem) return { correct: null, reason: 'the question cannot be read' }
  const wrong = wrongFill(problem, answer)
  return { correct: wrong === null, reason: wrong ?? 'a solution' }
}

function task(name: string, description: string, families: readonly (readonly Kind[])[]): Task {
  return {
    name,
    description,
    language: 'en',
    training: ({ seed, step, count }) => {
      // Families in equal shares; an odd question goes to the first and the second in turn.
      const n = families.length
      const position = step * count
      const slots = Array.from({ length: count }, (_, i) => (position + i) % n)
      return families
        .flatMap((kinds, f) =>
          miniatureQuestions({
            split: 'training',
            kinds,
            seed,
            step,
            count: slots.filter((s) => s === f).length,
          }),
        )
        .slice(0, count)
    },
    heldOut: ({ count, seed = 0 }) =>
      miniatureQuestions({ split: 'heldOut', kinds: families.flat(), seed, count }),
    check: checkMiniature,
  }
}

/** Running totals of two to four events. */
export const miniatureArithmetic = task('miniature/arithmetic', 'running totals in a few steps', [ARITHMETIC])
/** A small Countdown: fill in the operators, from left to right. */
export const miniatureFill = task('miniature/fill', 'fill in the operators', [FILL])
/** Both families together, half and half. */
export const miniature = task('miniature', 'running totals and missing operators, half and half', [
  ARITHMETIC,
  FILL,
])

/** A question with a long chain that checks its steps, without slips, and a summary: in R1's form, as few-shot prompts show it. */
export function workedExample(random: Random, kind: Kind): { question: string; response: string } {
  const problem = randomSplitProblem(random, kind, false)
  const question = problem.ask(random, 'en')
  const { chain, answer } = problem.solve(random, { style: 'V', say: voice(random, 'en'), slips: false })
  return { question, response: `<think>\n${chain}\n</think>\nThe answer is \\boxed{${answer}}.` }
}
