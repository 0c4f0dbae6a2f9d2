import { hashText, Random } from '../../common/random.ts'
import { NO_ANSWER } from '../../rewards/question.ts'
import { rational, same } from '../../verify/terms/rational.ts'
import { MADE, type Question, type Task, type Verdict } from '../task.ts'
import { evaluateExpression } from './expression.ts'

interface Puzzle {
  readonly numbers: readonly number[]
  readonly target: number
  readonly solution: string
}

/** Range of the targets. */
const TARGETS = { lo: 10, hi: 100 }

/** A puzzle made from its solution: random pairs of parts are combined until one is left; all values are positive integers. */
function randomPuzzle(random: Random, size: number): Puzzle {
  for (;;) {
    const numbers = Array.from({ length: size }, () => random.int(1, 99))
    let parts = numbers.map((n) => ({ value: n, text: String(n) }))
    while (parts.length > 1) {
      random.shuffle(parts)
      const [a, b, ...others] = parts as [(typeof parts)[0], ...typeof parts]
      const operator = random.pick(['+', '-', '*', '/'])
      const value = {
        '+': a.value + b!.value,
        '-': a.value - b!.value,
        '*': a.value * b!.value,
        '/': a.value / b!.value,
      }[operator]!
      if (value < 1 || !Number.isInteger(value)) break
      parts = [...others, { value, text: `(${a.text}${operator}${b!.text})` }]
    }
    const { value, text } = parts[0]!
    if (parts.length === 1 && value >= TARGETS.lo && value <= TARGETS.hi)
      return { numbers, target: value, solution: text.slice(1, -1) }
  }
}

/** A tenth of the puzzles is held out; the order of the numbers makes no difference. */
const keyOf = (p: Puzzle) => `${[...p.numbers].sort((a, b) => a - b).join(' ')} = ${p.target}`
const isHeldOut = (p: Puzzle) => hashText(keyOf(p)) % 10 === 0

function question(random: Random, size: number, heldOut: boolean): Question {
  for (;;) {
    const puzzle = randomPuzzle(random, size)
    if (isHeldOut(puzzle) !== heldOut) continue
    const { numbers, target, solution } = puzzle
    return {
      id: `${numbers.join(' ')} = ${target}`,
      prompt:
        `Using the numbers [${numbers.join(', ')}], write an expression that equals ${target}. ` +
        'Use + - * / and parentheses, and each number exactly once.',
      gold: solution,
      kind: `countdown/${size}`,
    }
  }
}

const sizeAt = (i: number) => 3 + (i % 2)

/** Countdown as in TinyZero: reach the target with three or four numbers, each used exactly once. */
export const countdown: Task = {
  name: 'countdown',
  description: 'reach a target with three or four numbers and + - * /',
  language: 'en',
  training: ({ seed, step, count }) => {
    const random = new Random(seed, 'countdown training', step)
    return Array.from({ length: count }, (_, i) => question(random, sizeAt(step * count + i), false))
  },
  heldOut: ({ count, seed = 0 }) => {
    const random = new Random(seed, 'countdown held out')
    const questions = new Map<string, Question>()
    while (questions.size < count) {
      const q = question(random, sizeAt(questions.size), true)
      questions.set(q.id, q)
    }
    return [...questions.values()]
  },
  check: checkCountdown,
  solved: ({ side, seed, count = MADE[side] }) => {
    const random = new Random(seed, 'countdown solved', side)
    return Array.from({ length: count }, (_, i) => {
      const asked = question(random, sizeAt(i), side === 'held-out')
      return { question: asked, thinking: `${asked.gold} = ${asked.id.split(' = ')[1]}`, answer: asked.gold }
    })
  },
}

function checkCountdown(question: Question, answer: string | null): Verdict {
  const match = /\[([\d, ]+)\].* equals (\d+)\./.exec(question.prompt)
  if (!match) return { correct: null, reason: 'the question cannot be read' }
  if (answer === null) return { correct: false, reason: NO_ANSWER }
  const result = evaluateExpression(answer)
  if ('error' in result) return { correct: false, reason: `not an expression: ${result.error}` }
  const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b).join(' ')
  if (sorted(result.numbers) !== sorted(match[1]!.split(',').map(Number)))
    return { correct: false, reason: 'not each number of the question exactly once' }
  const { value } = result
  if (same(value, rational(BigInt(match[2]!)))) return { correct: true, reason: 'a solution' }
  return { correct: false, reason: `gives ${value.n}${value.d === 1n ? '' : `/${value.d}`}, not ${match[2]}` }
}
