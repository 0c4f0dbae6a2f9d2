import { mkdirSync, writeFileSync } from 'node:fs'
import { Random } from '../src/common/random.ts'

/*
 * Makes examples/coins.csv: 60 word problems that the embedded base cannot do, with a worked solution each. Its skill is
 * partly there (sums of numbers with two digits), its wording is new.
 *
 *   npx tsx tools/example-table.ts
 */

const ROWS = 60
const NAMES = ['Mia', 'Leo', 'Nora', 'Paul', 'Ida', 'Max']
const GOODS = ['a pen', 'a cup', 'a ball', 'a cake', 'a map', 'a kite']

/** A sum in two parts, tens first, as the base calculates: 64-17 → "64-10=54", "54-7=47". */
function inParts(total: number, sign: '+' | '-', amount: number): { sums: string[]; total: number } {
  const sums: string[] = []
  for (const part of [amount - (amount % 10), amount % 10].filter((digit) => digit > 0)) {
    const after = sign === '+' ? total + part : total - part
    sums.push(`${total}${sign}${part}=${after}`)
    total = after
  }
  return { sums, total }
}

/** Someone has coins, buys two things and is given some: a question, its solution and its answer. */
function problem(random: Random): [question: string, solution: string, answer: string] {
  const [one, other] = random.shuffle([...GOODS])
  const [first, second, given] = [random.int(11, 35), random.int(11, 35), random.int(11, 35)]
  const start = random.int(first + second + 1, 99)
  const name = random.pick(NAMES)
  const question = random.pick([
    `${name} has ${start} coins and buys ${one} for ${first} and ${other} for ${second}. Then Dad gives ${given} more. How many coins are left?`,
    `With ${start} coins, ${name} pays ${first} for ${one}, then ${second} for ${other}, and earns ${given} at home. What remains?`,
    `${name} takes ${start} coins along. ${first} go for ${one}, ${second} for ${other}. A friend pays back ${given}. How many are in the bag?`,
  ])
  const lines: string[] = []
  let total = start
  for (const [i, [sign, amount]] of (
    [
      ['-', first],
      ['-', second],
      ['+', given],
    ] as const
  ).entries()) {
    const step = inParts(total, sign, amount)
    lines.push(`${i === 0 ? 'First' : 'Next'} ${step.sums.join('\n')}`)
    total = step.total
  }
  return [question, [...lines, `So the result is ${total}.`].join('\n'), String(total)]
}

const random = new Random(0, 'example table')
const rows = new Map<string, [string, string, string]>()
while (rows.size < ROWS) {
  const row = problem(random)
  if (Number(row[2]) < 100) rows.set(row[0], row)
}
const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
mkdirSync('examples', { recursive: true })
writeFileSync(
  'examples/coins.csv',
  [['question', 'solution', 'answer'], ...rows.values()]
    .map((row) => `${row.map(quoted).join(',')}\n`)
    .join(''),
)
