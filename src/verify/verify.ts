import { TooLarge, Undefined } from './budget.ts'
import { momentOf, sameMoment } from './calendar.ts'
import { choiceOf, isUndecided } from './choice.ts'
import { sameMeaning } from './equal.ts'
import { NotNumber } from './evaluate.ts'
import type { Expression } from './expression.ts'
import { decision, type ExtractOptions, extract, stated, WAYS } from './extract.ts'
import { isTruth, plain, sameText } from './plain.ts'
import { type Reading, read } from './read.ts'
import { Scalars } from './scalar.ts'

export interface Verdict {
  /** `null`: unknown, because the gold answer cannot be understood. */
  readonly equal: boolean | null
  readonly reason: string
}

export type VerifyOptions = ExtractOptions

/** Golds are read once for all the answers to their question. */
const KEPT = 512
const golds = new Map<string, Reading & { readonly unknown: string | null }>()

/** Is the answer (bare, or a whole response) mathematically equal to the gold answer? Never throws. */
export function verify(gold: string, answer: string, options: VerifyOptions = {}): Verdict {
  const g = readGold(gold)
  if (g.unknown !== null) return { equal: null, reason: g.unknown }
  try {
    return judge(gold, g, answer, options)
  } catch (error) {
    return { equal: false, reason: `the answer cannot be compared: ${defect(error)}` }
  }
}

/** An error that nobody foresaw must not end a training run: the verdict says that it happened. */
const defect = (error: unknown) =>
  `an error of the verifier (${error instanceof Error ? error.message : error})`

/** Without what does not count at the ends and between words. */
const trimmed = (text: string) => text.replace(/\s+/g, ' ').replace(/^ |\.? ?$/g, '')

function judge(gold: string, g: Reading, answer: string, options: VerifyOptions): Verdict {
  // A gold in prose is met by its own words: no formula is looked for in them.
  const { order = WAYS } = options
  const others = order.findIndex((way) => !/^(?:tag|boxed|hash)$/.test(way))
  const told = extract(answer, { order: order.slice(0, others < 0 ? undefined : others) })
  const whole = order.includes('formula') ? answer : ''
  if (trimmed((told ?? whole).slice(0, 2 * gold.length + 100)) === trimmed(gold))
    return { equal: true, reason: 'the same text' }
  const gChoice = choiceOf(g.source)
  const decided = told === null && (gChoice || isTruth(g.source)) ? decision(answer) : null
  const found = decided ?? extract(answer, options)
  if (found === null) return { equal: false, reason: 'no answer was found' }
  const a = read(found)
  const shown = found.length > 60 ? `${found.slice(0, 57)}...` : found
  const no = (why: string): Verdict => ({ equal: false, reason: `"${shown}" ${why}` })
  if (a.source === '') return no(a.problem ?? 'says nothing')
  if (a.source === g.source) return { equal: true, reason: 'the same text' }

  const [gTime, aTime] = [momentOf(g.source), momentOf(a.source)]
  if (gTime && aTime)
    return sameMoment(gTime, aTime)
      ? { equal: true, reason: 'the same date or time' }
      : no('is another date or time')
  // 2:15 may be a ratio, but neither 2:15 PM nor May 5 is a number.
  if (isMoment(gTime, g.source) || isMoment(aTime, a.source))
    return no('is a time, or the gold answer is one')
  const aChoice = choiceOf(a.source)
  // A lower letter alone is a variable.
  if (gChoice && !/^[a-j]$/.test(g.source)) {
    if (aChoice)
      return gChoice.letters === aChoice.letters && !isUndecided(aChoice)
        ? { equal: true, reason: 'the same choice' }
        : no('is another choice')
    // "A" is neither "A triangle" nor "A is wrong" nor 12 A.
    if (gChoice.rest === '' && MORE.test(a.source)) return no('is no choice')
  }
  if (sameText(g.source, a.source)) return { equal: true, reason: 'the same words' }
  const answers = a.expressions.length > 0 ? a.expressions : []
  // B. 12 against 12
  const rest = !gChoice && aChoice?.rest && !isUndecided(aChoice) ? read(aChoice.rest).expressions : []
  const goldRest = gChoice?.rest ? read(gChoice.rest).expressions : []
  if (answers.length === 0 && rest.length === 0) return no(`cannot be read: ${a.problem}`)
  return compare([...g.expressions, ...goldRest], [...answers, ...rest], no)
}

const MORE = /\d|(?<![\\a-zA-Z])[a-zA-Z]{2}/

/** Is it a date, or a time to the minute in the morning or evening? */
const isMoment = (moment: string | null, source: string) =>
  moment !== null && (moment.includes('/') || (/\d ?:/.test(source) && /[ap]\W*(?:m\W*)?$/i.test(source)))

/** Too large, without a value, or with more digits than the machine can hold. */
const isLimit = (error: unknown): error is Error =>
  error instanceof TooLarge || error instanceof Undefined || error instanceof RangeError

function compare(
  golds: readonly Expression[],
  answers: readonly Expression[],
  no: (why: string) => Verdict,
): Verdict {
  let why = 'is different'
  const scalars = new Scalars()
  for (const g of golds)
    for (const a of answers)
      try {
        if (sameMeaning(g, a, scalars)) return { equal: true, reason: 'equal' }
      } catch (error) {
        if (isLimit(error)) why = `cannot be computed: ${error.message}`
        else if (!(error instanceof NotNumber)) throw error
      }
  return no(why)
}

/** Can this gold answer be understood? */
export function readable(gold: string): { ok: true } | { ok: false; reason: string } {
  const { unknown } = readGold(gold)
  return unknown === null ? { ok: true } : { ok: false, reason: unknown }
}

function readGold(gold: string): Reading & { readonly unknown: string | null } {
  const kept = golds.get(gold)
  if (kept) return kept
  const result = understood(gold)
  if (golds.size >= KEPT) golds.clear()
  golds.set(gold, result)
  return result
}

function understood(gold: string): Reading & { readonly unknown: string | null } {
  try {
    const reading = read(stated(gold))
    return { ...reading, unknown: problemOf(gold, reading) }
  } catch (error) {
    const unknown = `the gold answer cannot be read: ${defect(error)}`
    return { source: '', expressions: [], problem: unknown, unknown }
  }
}

function problemOf(gold: string, { source, expressions, problem }: Reading): string | null {
  if (gold.trim() === '') return 'the gold answer is empty'
  if (momentOf(source) || choiceOf(source) || plain(source)) return null
  if (expressions.length === 0) return `the gold answer cannot be read: ${problem}`
  let why: string | null = null
  for (const e of expressions)
    try {
      if (sameMeaning(e, e, new Scalars())) return null
      why ??= 'it is not equal to itself'
    } catch (error) {
      if (!isLimit(error) && !(error instanceof NotNumber)) throw error
      why ??= error.message
    }
  return `the gold answer cannot be computed: ${why}`
}
