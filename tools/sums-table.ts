import { writeFileSync } from 'node:fs'
import { Random } from '../src/common/random.ts'

/*
 * Makes examples/smollm2/sums.csv: sums of two numbers of two figures, each pair once.
 *
 *   npx tsx tools/sums-table.ts
 */

const ROWS = 800
const random = new Random(1, 'sums')
const pairs = new Set<string>()
while (pairs.size < ROWS) pairs.add(`${random.int(10, 99)} + ${random.int(10, 99)}`)
const sum = (pair: string): number => pair.split(' + ').reduce((total, number) => total + Number(number), 0)
const rows = [...pairs].map((pair) => `What is ${pair}? Answer with the number only.,${sum(pair)}`)
writeFileSync('examples/smollm2/sums.csv', ['question,answer', ...rows, ''].join('\n'))
