import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { extract, readable, verify } from '../src/verify/index.ts'

/**
 * Checks that the verifier understands the golds of GSM8K and AIME: every gold is readable, equal to itself, and
 * different from the next question's unless both are the same number; and the gold is extracted from every worked
 * solution of GSM8K. FOLDER contains gsm8k/train.jsonl, gsm8k/test.jsonl and aime24/test.jsonl.
 *
 *   npx tsx tools/check-golds.ts FOLDER
 */
const folder = process.argv[2]
if (!folder) {
  console.error('usage: npx tsx tools/check-golds.ts FOLDER (with gsm8k/ and aime24/)')
  process.exit(2)
}

const rows = (...path: string[]) =>
  readFileSync(join(folder, ...path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly answer: string })

const solutions = [...rows('gsm8k', 'train.jsonl'), ...rows('gsm8k', 'test.jsonl')].map(({ answer }) => {
  const at = answer.lastIndexOf('####')
  return { answer, work: answer.slice(0, at), gold: answer.slice(at + 4).trim() }
})
const golds = [...solutions.map(({ gold }) => gold), ...rows('aime24', 'test.jsonl').map((row) => row.answer)]
const number = (gold: string) => Number(gold.replaceAll(',', ''))
const failures: string[] = []
const check = (passed: boolean, message: string) => {
  if (!passed) failures.push(message)
}

let same = 0
for (const [i, gold] of golds.entries()) {
  check(readable(gold).ok, `${gold} is not readable`)
  check(verify(gold, gold).equal === true, `${gold} does not equal itself`)
  const next = golds[(i + 1) % golds.length]!
  const equal = number(gold) === number(next)
  if (equal) same++
  const verdict = verify(gold, next)
  check(verdict.equal === equal, `${gold} against ${next}: ${verdict.equal} (${verdict.reason})`)
}

let fromWork = 0
for (const { answer, work, gold } of solutions) {
  const found = extract(answer)
  check(found !== null && verify(gold, found).equal === true, `${gold} was extracted as ${found}:\n${answer}`)
  check(verify(gold, answer).equal === true, `${gold} is not the answer of its solution:\n${answer}`)
  if (verify(gold, work).equal === true) fromWork++
}

console.log(`${golds.length} golds; ${same} equal to the next`)
console.log(`${solutions.length} worked solutions; without their last line ${fromWork} give the gold`)
for (const failure of failures.slice(0, 20)) console.log(`✗ ${failure}`)
console.log(`${failures.length} failures`)
process.exitCode = failures.length > 0 ? 1 : 0
