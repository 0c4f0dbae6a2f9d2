import type { Random } from '../../common/random.ts'
import type { Language, Solution, Writing } from './words.ts'

/** `a`, or `a` groups of `b`, are added or taken away. */
interface Event {
  readonly sign: '+' | '-'
  readonly a: number
  readonly b: number | null
}

/** A running total: `start`, changed by 1–5 events, and within 1..99 after each of them. */
export interface Arithmetic {
  readonly start: number
  readonly events: readonly Event[]
}

const amount = (e: Event) => (e.b === null ? e.a : e.a * e.b)
const apply = (total: number, sign: '+' | '-', n: number) => (sign === '+' ? total + n : total - n)
const text = (e: Event) => e.sign + (e.b === null ? e.a : `${e.a}*${e.b}`)

/** The problem as an expression, e.g. `18+3*3+57`, which identifies it. */
export const expressionOf = (p: Arithmetic) => p.start + p.events.map(text).join('')

/** The right answer. */
export const totalOf = (p: Arithmetic) => p.events.reduce((t, e) => apply(t, e.sign, amount(e)), p.start)

/** A random problem with `n` events. */
export function randomArithmetic(random: Random, n: number): Arithmetic {
  const start = random.int(10, 99)
  const events: Event[] = []
  let total = start
  while (events.length < n) {
    const sign = random.pick(['+', '-'] as const)
    const grouped = random.uniform() < 0.35
    const e: Event = grouped
      ? { sign, a: random.int(2, 9), b: random.int(3, 12) }
      : { sign, a: random.int(11, 89), b: null }
    const after = apply(total, sign, amount(e))
    if (amount(e) > 99 || after < 1 || after > 99) continue
    events.push(e)
    total = after
  }
  return { start, events }
}

const SCENES = [
  { en: ['A shop', 'It'], zh: '商店' },
  { en: ['Tom', 'He'], zh: '小明' },
  { en: ['Anna', 'She'], zh: '小红' },
] as const
const THINGS = [
  { en: 'apples', zh: '苹果' },
  { en: 'books', zh: '书' },
  { en: 'eggs', zh: '鸡蛋' },
] as const

/** Asks for the total: as an expression (40 %) or as a story. */
export function askArithmetic(random: Random, p: Arithmetic, language: Language): string {
  if (random.uniform() < 0.4) return `${language === 'en' ? 'Compute' : '计算'} ${expressionOf(p)}.`
  const scene = random.pick(SCENES)
  const thing = random.pick(THINGS)[language]
  if (language === 'zh') {
    const sentences = p.events.map(
      (e) => `${e.sign === '+' ? '得到' : '卖出'} ${e.b === null ? e.a : `${e.a} 组 ${e.b}`}.`,
    )
    return `${scene.zh}有 ${p.start} ${thing}. ${sentences.join(' ')} 计算${thing}.`
  }
  const [who, they] = scene.en
  const sentences = p.events.map(
    (e) => `${they} ${e.sign === '+' ? 'gets' : 'sells'} ${e.b === null ? e.a : `${e.a} groups of ${e.b}`}.`,
  )
  return `${who} has ${p.start} ${thing}. ${sentences.join(' ')} Count the ${thing}.`
}

const SLIPS = [1, -1, 2, -2, 10, -10]

/** Solves a problem in a style. A chain in which a slip leads out of 0..99 is drawn again. */
export function solveArithmetic(random: Random, p: Arithmetic, writing: Writing): Solution {
  for (;;) {
    const solution = attempt(random, p, writing)
    if (solution) return solution
  }
}

/** One drawing of a chain; null where a slip leads out of 0..99. */
function attempt(random: Random, p: Arithmetic, { style, say, slips }: Writing): Solution | null {
  const slip = (n: number) => n + random.pick(SLIPS)
  const happens = (rate: number) => slips && random.uniform() < rate
  const inRange = (n: number) => n >= 0 && n <= 99

  if (style === 'D') {
    const answer = happens(0.1) ? slip(totalOf(p)) : totalOf(p)
    return inRange(answer) ? { chain: say('know'), answer: String(answer) } : null
  }

  const lines: string[] = []
  let total = p.start
  if (style === 'S') {
    for (let i = 0; i < p.events.length; i += 2) {
      const pair = p.events.slice(i, i + 2)
      let after = totalOf({ start: total, events: pair })
      if (happens(0.08)) after = slip(after)
      if (!inRange(after)) return null
      lines.push(`${total}${pair.map(text).join('')}=${after}`)
      total = after
    }
    return { chain: `${say('quick')} ${lines.join('\n')}`, answer: String(total) }
  }

  const rate = style === 'L' ? 0.08 : 0.02
  let fine = true
  /** One event with tens and ones apart, e.g. `6*9=54`, `75-50=25`, `25-4=21`. At most one of its sums has a slip. */
  const step = (e: Event, onesFirst = false): { sums: string[]; after: number } => {
    const sums: string[] = []
    const parts = amount(e) % 10 && amount(e) > 10 ? 2 : 1
    let slipAt = happens(rate) ? random.int(0, parts - (e.b === null ? 1 : 0)) : -1
    const result = (n: number) => {
      const value = slipAt-- === 0 ? slip(n) : n
      fine &&= inRange(value)
      return value
    }
    let n = amount(e)
    if (e.b !== null) {
      n = result(n)
      sums.push(`${e.a}*${e.b}=${n}`)
    }
    const digits = [n - (n % 10), n % 10].filter((d) => d > 0)
    let after = total
    for (const d of onesFirst ? digits.reverse() : digits) {
      const before = after
      after = result(apply(before, e.sign, d))
      sums.push(`${before}${e.sign}${d}=${after}`)
    }
    return { sums, after }
  }

  for (const [i, e] of p.events.entries()) {
    let done = step(e)
    lines.push(`${say(i === 0 ? 'first' : 'next')} ${done.sums.join('\n')}`)
    if (style === 'V' && random.uniform() < 0.75) {
      const again = step(e, true)
      lines.push(say('recheck'), ...again.sums)
      if (again.after === done.after) lines.push(say('same'))
      else {
        done = step(e)
        lines.push(say('wrong'), ...done.sums)
      }
    }
    total = done.after
  }
  lines.push(`${say('result')} ${total}.`)
  return fine ? { chain: lines.join('\n'), answer: String(total) } : null
}
