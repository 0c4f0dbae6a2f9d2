import type { Random } from '../../common/random.ts'
import type { Language, Solution, Writing } from './words.ts'

export type Operator = '+' | '-' | '*'
export type Level = 1 | 2 | 3

/** Fill in operators so that the numbers, evaluated from left to right, give the target. */
export interface Fill {
  readonly level: Level
  readonly numbers: readonly number[]
  readonly target: number
}

const LEVELS: Record<
  Level,
  { size: number; lo: number; hi: number; operators: Operator[]; solutions: number }
> = {
  1: { size: 3, lo: 1, hi: 9, operators: ['+', '-'], solutions: 1 },
  2: { size: 3, lo: 2, hi: 8, operators: ['+', '-', '*'], solutions: 2 },
  3: { size: 4, lo: 1, hi: 9, operators: ['+', '-'], solutions: 2 },
}

const apply = (a: number, o: Operator, b: number) => (o === '+' ? a + b : o === '-' ? a - b : a * b)

/** All ways to fill the gaps, in the fixed order of the search. */
const COMBINATIONS = Object.fromEntries(
  Object.entries(LEVELS).map(([level, { size, operators }]) => {
    let all: Operator[][] = [[]]
    for (let gap = 1; gap < size; gap++) all = all.flatMap((c) => operators.map((o) => [...c, o]))
    return [level, all]
  }),
) as Record<`${Level}`, Operator[][]>

/** The values after each operation, from left to right. */
const valuesOf = (numbers: readonly number[], operators: readonly Operator[]) => {
  let value = numbers[0]!
  return operators.map((o, i) => (value = apply(value, o, numbers[i + 1]!)))
}

const write = (numbers: readonly number[], operators: readonly Operator[]) =>
  numbers.map((n, i) => (i === 0 ? n : `${operators[i - 1]}${n}`)).join('')

/** The gaps and the target, e.g. `8?6?5=7`. */
export const gapsOf = (p: Fill) => `${p.numbers.join('?')}=${p.target}`

/** The operators of a level, e.g. `+ -`. */
export const operatorsOf = (level: Level) => LEVELS[level].operators.join(' ')

/** Every solution, e.g. `8-6+5`, in the order of the search. */
export const solutionsOf = (p: Fill) =>
  COMBINATIONS[p.level]
    .filter((c) => valuesOf(p.numbers, c).at(-1) === p.target)
    .map((c) => write(p.numbers, c))

/**
 * A random problem of a level. A combination with a negative intermediate value is not valid, so a try may stop there. The
 * results of valid combinations are at most 99, and the problem has few solutions, all of them valid.
 */
export function randomFill(random: Random, level: Level): Fill {
  const { size, lo, hi, solutions } = LEVELS[level]
  for (;;) {
    const numbers = Array.from({ length: size }, () => random.int(lo, hi))
    const ways = COMBINATIONS[level].map((c) => valuesOf(numbers, c))
    const valid = ways.filter((v) => v.every((n) => n >= 0))
    const target = random.pick(valid).at(-1)!
    const hits = ways.filter((v) => v.at(-1) === target)
    if (valid.some((v) => v.at(-1)! > 99) || hits.length > solutions) continue
    if (hits.every((v) => v.every((n) => n >= 0))) return { level, numbers, target }
  }
}

/** Asks for the operators. */
export function askFill(p: Fill, language: Language): string {
  const operators = operatorsOf(p.level)
  return language === 'en'
    ? `Fill in ${operators} left to right: ${gapsOf(p)}.`
    : `从左填入 ${operators} : ${gapsOf(p)}.`
}

/** Reads a problem back from its question; null where the text is not such a question. */
export function readFill(prompt: string, level: number): Fill | null {
  const gaps = /(\d+(?:\?\d+)+)=(\d+)/.exec(prompt)
  if (!gaps || !(level in LEVELS)) return null
  return { level: level as Level, numbers: gaps[1]!.split('?').map(Number), target: Number(gaps[2]) }
}

/** Why an expression is not a solution; null where it is one. */
export function wrongFill(p: Fill, answer: string): string | null {
  const expression = answer.replace(/\s+/g, '')
  if (!/^\d+(?:[-+*]\d+)*$/.test(expression)) return 'not an expression of numbers and operators'
  const numbers = expression.split(/[-+*]/).map(Number)
  if (numbers.join() !== p.numbers.join()) return 'not the numbers of the question in their order'
  const operators = [...expression.replace(/\d+/g, '')] as Operator[]
  if (operators.some((o) => !LEVELS[p.level].operators.includes(o))) return 'an operator that is not allowed'
  const value = valuesOf(numbers, operators).at(-1)
  return value === p.target ? null : `gives ${value}, not ${p.target}`
}

/**
 * Solves a problem in a style, by trying combinations in a fixed order from a random start. A try is checked by a
 * subtraction: it is wrong after `check 8-5=3` and right after `check 5-5=0`. The answer is the last expression tried.
 */
export function solveFill(random: Random, p: Fill, { style, say, slips }: Writing): Solution {
  const combinations = COMBINATIONS[p.level]
  if (style === 'D') {
    const good = !slips || random.uniform() < 0.15
    const answer = random.pick(good ? solutionsOf(p) : combinations.map((c) => write(p.numbers, c)))
    return { chain: say('guess'), answer }
  }

  const slip = (n: number) => {
    if (!slips || n < 0 || random.uniform() >= 0.02) return n
    return n + random.pick([1, -1, 2, -2].filter((d) => n + d >= 0))
  }
  /** The sums of one try, which stops at the first negative value; `value` is then null. */
  const calculate = (operators: readonly Operator[]): { sums: string; value: number | null } => {
    const sums: string[] = []
    let value = p.numbers[0]!
    for (const [i, o] of operators.entries()) {
      const n = p.numbers[i + 1]!
      const after = slip(apply(value, o, n))
      sums.push(`${value}${o}${n}=${after}`)
      value = after
      if (value < 0) return { sums: sums.join('\n'), value: null }
    }
    return { sums: sums.join('\n'), value }
  }

  const start = random.int(0, combinations.length - 1)
  const combination = (i: number) => combinations[(start + i) % combinations.length]!
  if (style === 'S') {
    return {
      chain: `${say('quick')} ${calculate(combination(0)).sums}`,
      answer: write(p.numbers, combination(0)),
    }
  }

  const most = style === 'L' ? random.int(1, 2) : combinations.length
  const lines: string[] = []
  for (let i = 0; ; i++) {
    const answer = write(p.numbers, combination(i))
    const { sums, value } = calculate(combination(i))
    lines.push(`${say('try')} ${sums}`)
    if (value !== null) {
      const difference = slip(value - p.target)
      lines.push(`${say('check')} ${value}-${p.target}=${difference}`)
      if (difference === 0) return { chain: [...lines, say('right')].join('\n'), answer }
    }
    lines.push(say('wrong'))
    if (i + 1 === most || (style === 'V' && slips && random.uniform() < 0.08))
      return { chain: [...lines, say('stop')].join('\n'), answer }
  }
}
