import { Random } from '../src/common/random.ts'
import { formula, noise, pair } from '../src/verify/cases/fuzz.ts'
import { type Case, cases } from '../src/verify/cases/index.ts'
import { verify } from '../src/verify/index.ts'
import { THREADS } from './compare.ts'
import { Peer, type Repetition } from './peer.ts'

const FUZZ = 100_000
/** Answers that are whole responses are not changed; Math-Verify expects other formulas between dollars. */
const ATTACKS = new Set(['adversarial', 'hedges'])
const RESPONSES = new Set(['boxes', 'phrases'])
const spelled = (text: string) => (/\$|\\boxed|\\\(|\\\[|<answer>/.test(text) ? text : `$${text}$`)

/** Compares the verifier with Math-Verify on the pairs of our tables, and times it on random text. */
export async function verifier(repetitions = 5): Promise<void> {
  const pairs = cases.map(
    ({ table, gold, answer }) => [spelled(gold), RESPONSES.has(table) ? answer : spelled(answer)] as const,
  )
  console.log('\nverify')
  console.log(`  ${pairs.length} pairs of src/verify/cases, the same text for both, one after another`)
  const peer = await Peer.start('verify.py', { threads: THREADS, pairs })
  try {
    const ours = judgeAll(pairs, repetitions)
    report('Ruminate', ours.verdicts, ours.each)
    if (typeof peer === 'string') console.log(`  ${peer}`)
    else {
      const theirs = (await peer.repetition()) as Repetition & Judged
      report(peer.title, theirs.verdicts, theirs.each)
      compareWith(theirs, ours)
    }
  } finally {
    if (typeof peer !== 'string') peer.close()
  }
  for (const [name, make] of Object.entries({ noise, formula })) fuzz(name, make)
}

interface Judged {
  readonly verdicts: readonly (boolean | null)[]
  /** Seconds of each pair. */
  readonly each: readonly number[]
}

/** Each pair's time is the median of the repetitions, after one to warm up. */
function judgeAll(pairs: readonly (readonly [string, string])[], repetitions: number): Judged {
  const verdicts = pairs.map(([gold, answer]) => verify(gold, answer).equal)
  const each = pairs.map(([gold, answer]) => {
    const times = Array.from({ length: repetitions }, () => {
      const start = performance.now()
      verify(gold, answer)
      return (performance.now() - start) / 1000
    })
    return times.sort((a, b) => a - b)[repetitions >> 1]!
  })
  return { verdicts, each }
}

/** Rates exclude adversarial pairs, which run into Math-Verify's time limits. */
const ordinary = (each: readonly number[]) => each.filter((_, i) => !ATTACKS.has(cases[i]!.table))
const total = (seconds: readonly number[]) => seconds.reduce((a, b) => a + b, 0)

function report(side: string, verdicts: Judged['verdicts'], each: readonly number[]): void {
  const times = ordinary(each)
  const right = cases.filter((c, i) => verdicts[i] === c.equal).length
  const falsePositives = cases.filter((c, i) => verdicts[i] === true && !c.equal).length
  console.log(
    `  ${side.padEnd(20)} ${Math.round(times.length / total(times))} pairs/s   ${right} right (${((100 * right) / cases.length).toFixed(1)} %), ${falsePositives} false positives   slowest ${(1000 * each.reduce((a, b) => Math.max(a, b))).toFixed(1)} ms`,
  )
}

function compareWith(theirs: Judged, ours: Judged): void {
  console.log(
    `  ${(total(ordinary(theirs.each)) / total(ordinary(ours.each))).toFixed(1)} × as fast (adversarial pairs left out)`,
  )
  const differ = cases.filter((_, i) => theirs.verdicts[i] !== ours.verdicts[i])
  console.log(`  agree on ${cases.length - differ.length}, disagree on ${differ.length}:`)
  for (const side of [ours, theirs]) {
    const wrong = differ.filter((c) => side.verdicts[cases.indexOf(c)] !== c.equal)
    console.log(`  ${side === ours ? 'Ruminate' : 'Math-Verify'} is wrong on ${wrong.length} of them`)
    for (const c of wrong) console.log(`    ${show(c)}`)
  }
}

const show = ({ table, gold, answer, equal }: Case) =>
  `${table.padEnd(14)} ${JSON.stringify(gold)} ${equal ? '=' : '≠'} ${JSON.stringify(answer).slice(0, 120)}`

function fuzz(name: string, make: (random: Random) => string): void {
  const random = new Random('bench', 'verify', name)
  const times = new Float64Array(FUZZ)
  let slowest: readonly [ms: number, gold: string, answer: string] = [0, '', '']
  const counts = { true: 0, false: 0, null: 0 }
  for (let i = 0; i < FUZZ; i++) {
    const [gold, answer] = pair(random, make)
    const start = performance.now()
    const { equal } = verify(gold, answer)
    times[i] = performance.now() - start
    counts[`${equal}`]++
    if (times[i]! > slowest[0]) slowest = [times[i]!, gold, answer]
  }
  times.sort()
  const at = (share: number) => times[Math.floor(share * (FUZZ - 1))]!.toFixed(3)
  console.log(
    `  ${FUZZ} pairs of ${name}: median ${at(0.5)} ms, 99.9 % within ${at(0.999)} ms, slowest ${at(1)} ms; ${counts.true} equal, ${counts.false} different, ${counts.null} unknown`,
  )
  const [, gold, answer] = slowest
  const again = performance.now()
  verify(gold, answer)
  console.log(
    `    slowest, ${(performance.now() - again).toFixed(1)} ms when repeated: ${JSON.stringify([gold, answer]).slice(0, 300)}`,
  )
}
