import { Random } from '../../common/random.ts'
import { oneLine } from '../../common/words.ts'
import { NO_ANSWER } from '../../rewards/question.ts'
import { MADE, type Question, type Solved, type Task, type Verdict, type WorkedExample } from '../task.ts'
import { readFill, wrongFill } from './fill.ts'
import { type Kind, type Problem, questionOf, randomSplitProblem } from './problems.ts'
import { voice } from './words.ts'

export { corpusDocument, corpusDocuments } from './corpus.ts'
export { KINDS, type Kind } from './problems.ts'

const ARITHMETIC: readonly Kind[] = ['arithmetic/2', 'arithmetic/3', 'arithmetic/4']
const FILL: readonly Kind[] = ['fill/1', 'fill/2', 'fill/3']

/** After this many draws without a new held-out problem, the kind is considered exhausted. */
const EXHAUSTED = 5_000

/**
 * Questions of the given kinds in equal shares, taking the kinds in turn: a pure function of its options. Held-out
 * questions are distinct problems (fewer than `count` if the kinds have no more); training questions are drawn for one
 * `step`.
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
    // Each step begins with the kind after the last one of the step before, so that every kind gets its share.
    return Array.from({ length: count }, (_, i) =>
      questionOf(random, randomSplitProblem(random, kinds[(of.step * count + i) % kinds.length]!, false)),
    )
  }
  const streams = kinds.map((kind) => ({ kind, random: new Random(seed, 'miniature held out', kind) }))
  const seen = new Set<string>()
  const questions: Question[] = []
  const exhausted = new Set<Kind>()
  for (let i = 0; questions.length < count && exhausted.size < kinds.length; i++) {
    const { kind, random } = streams[i % kinds.length]!
    for (let draw = 0; !exhausted.has(kind); draw++) {
      const problem = randomSplitProblem(random, kind, true)
      if (!seen.has(problem.key)) {
        seen.add(problem.key)
        questions.push(questionOf(random, problem))
        break
      }
      if (draw === EXHAUSTED) exhausted.add(kind)
    }
  }
  return questions
}

/**
 * Is the answer right? An arithmetic answer must be the same integer as the gold; a fill answer must be a solution when it
 * is evaluated from left to right.
 */
export function checkMiniature(question: Question, answer: string | null): Verdict {
  if (answer === null) return { correct: false, reason: NO_ANSWER }
  if (question.kind.startsWith('arithmetic/')) {
    const given = answer.trim()
    if (!/^-?\d+$/.test(question.gold)) return { correct: null, reason: 'the gold answer is not an integer' }
    if (!/^[+-]?\d+$/.test(given))
      return { correct: false, reason: `"${oneLine(given, 60)}" is not an integer` }
    const correct = BigInt(given.replace(/^\+/, '')) === BigInt(question.gold)
    return { correct, reason: correct ? 'equal' : `${oneLine(given, 60)} is not ${question.gold}` }
  }
  const problem = readFill(question.prompt, Number(question.kind.slice('fill/'.length)))
  if (!problem) return { correct: null, reason: 'the question cannot be read' }
  const wrong = wrongFill(problem, answer)
  return { correct: wrong === null, reason: wrong ?? 'a solution' }
}

function task({
  name,
  description,
  families,
  example,
}: {
  readonly name: string
  readonly description: string
  /** Kinds by family. */
  readonly families: readonly (readonly Kind[])[]
  /** Kind of the worked example. */
  readonly example: Kind
}): Task {
  return {
    name,
    description,
    language: 'en',
    training: ({ seed, step, count }) => {
      // Families get equal shares: the questions of all steps, in order, go to the families in turn.
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
    workedExample: ({ seed }) => workedExample(new Random(seed, 'worked example'), example),
    solved: ({ side, seed, count = MADE[side] }) => {
      const random = new Random(seed, 'miniature solved', side)
      return Array.from({ length: count }, (_, i) => {
        const kinds = families[i % families.length]!
        const kind = kinds[Math.floor(i / families.length) % kinds.length]!
        return solved(random, randomSplitProblem(random, kind, side === 'held-out'))
      })
    },
  }
}

/** Running totals of two to four events. */
export const miniatureArithmetic = task({
  name: 'miniature/arithmetic',
  description: 'running totals in a few steps',
  families: [ARITHMETIC],
  example: 'arithmetic/1',
})
/** A small Countdown: fill in the operators, from left to right. */
export const miniatureFill = task({
  name: 'miniature/fill',
  description: 'fill in the operators',
  families: [FILL],
  example: 'fill/1',
})
/** Both families together, half and half. */
export const miniature = task({
  name: 'miniature',
  description: 'running totals and missing operators, half and half',
  families: [ARITHMETIC, FILL],
  example: 'arithmetic/1',
})

/** A question with a long chain that checks its steps, without mistakes, and a summary. */
function workedExample(random: Random, kind: Kind): WorkedExample {
  const { question, thinking, answer } = solved(random, randomSplitProblem(random, kind, false))
  return {
    question: question.prompt,
    response: `<think>\n${thinking}\n</think>\nThe answer is \\boxed{${answer}}.`,
  }
}

/** A problem with a long chain that checks its steps, without mistakes. */
function solved(random: Random, problem: Problem): Solved {
  const question = questionOf(random, problem)
  const { chain, answer } = problem.solve(random, { style: 'V', say: voice(random, 'en'), slips: false })
  return { question, thinking: chain, answer }
}
