import { sameMeaning } from './compare/equal.ts'
import { Scalars } from './compare/scalar.ts'
import { NotNumber } from './compute/evaluate.ts'
import {
  compact,
  type ExtractOptions,
  extract,
  extractGold,
  lastStatement,
  reasonedChoice,
  WAYS,
} from './find/extract.ts'
import { restore } from './parse/clean.ts'
import { type Reading, read } from './parse/read.ts'
import { TooLarge, Undefined } from './terms/budget.ts'
import type { Expression } from './terms/expression.ts'
import { isCertain, momentOf, sameLength, sameMoment } from './words/calendar.ts'
import { formulaOf } from './words/chemistry.ts'
import { choiceOf, isUndecided } from './words/choice.ts'
import { isTruth, plain, sameText } from './words/plain.ts'
import { predicate, states } from './words/sentence.ts'

/** Whether an answer equals the gold answer, and why. */
export interface Verdict {
  /** `null` (unknown) if the gold answer cannot be understood. */
  readonly equal: boolean | null
  readonly reason: string
}

export type VerifyOptions = ExtractOptions

/** A gold answer as read. */
interface Gold extends Reading {
  /** Why nothing can be compared with it, or `null`. */
  readonly unknown: string | null
}

/** Golds are cached, because many answers are compared with the same one. */
const MAX_CACHED = 512
const cache = new Map<string, Gold>()

/** Whether an answer, alone or in a whole response, is mathematically equal to the gold answer. Never throws. */
export function verify(gold: string, answer: string, options: VerifyOptions = {}): Verdict {
  const g = readGold(gold)
  if (g.unknown !== null) return { equal: null, reason: g.unknown }
  try {
    return compareAnswer(gold, g, compact(restore(answer)), options)
  } catch (error) {
    return { equal: false, reason: `the answer cannot be compared: ${internalError(error)}` }
  }
}

/** An unexpected error must not stop a training run, so it is reported in the verdict. */
const internalError = (error: unknown) =>
  `an error in the verifier (${error instanceof Error ? error.message : error})`

/** Without extra white space and without a final full stop. */
const trimmed = (text: string) => text.replace(/\s+/g, ' ').replace(/^ |\.? ?$/g, '')

function compareAnswer(gold: string, g: Reading, response: string, options: VerifyOptions): Verdict {
  const { order = WAYS } = options
  const answer = lastStatement(response, order)
  // An answer with the same words as the gold is right, even if it is prose in which a formula could be found.
  const unmarked = order.findIndex((way) => !/^(?:tag|boxed|hash)$/.test(way))
  const marked = extract(answer, { order: order.slice(0, unmarked < 0 ? undefined : unmarked) })
  const whole = order.includes('formula') ? answer : ''
  if (trimmed(marked ?? whole) === trimmed(gold)) return { equal: true, reason: 'the same text' }
  const gChoice = choiceOf(g.source)
  const choice = marked === null && (gChoice || isTruth(g.source)) ? reasonedChoice(answer) : null
  const found = choice ?? extract(answer, options)
  if (found === null) return { equal: false, reason: 'no answer was found' }
  const a = read(found, 'answer')
  const different = (why: string): Verdict => ({ equal: false, reason: `"${shortened(found)}" ${why}` })
  if (a.source === '') return different(a.problem ?? 'is empty')
  if (a.source === g.source) return { equal: true, reason: 'the same text' }

  const [gTime, aTime] = [momentOf(g.source), momentOf(a.source)]
  const moments = gTime && aTime && sameMoment(gTime, aTime)
  if (moments !== null)
    return moments ? { equal: true, reason: 'the same date or time' } : different('is another date or time')
  if (sameLength(g.source, a.source)) return { equal: true, reason: 'the same duration' }
  // 2:15 may be a ratio, but neither 2:15 PM nor May 5 is a number.
  if ((gTime && isCertain(gTime)) || (aTime && isCertain(aTime)))
    return different('is a time, or the gold answer is one')
  const aChoice = choiceOf(a.source)
  // A single lower-case letter is a variable.
  if (gChoice && !/^[a-j]$/.test(g.source)) {
    if (aChoice)
      return gChoice.letters === aChoice.letters && !isUndecided(aChoice)
        ? { equal: true, reason: 'the same choice' }
        : different('is another choice')
    // "A" is neither "A triangle" nor "A is wrong" nor 12 A.
    if (gChoice.rest === '' && MORE.test(a.source)) return different('is not a choice')
  }
  const gFormula = formulaOf(g.source)
  const aFormula = formulaOf(a.source, true)
  if (gFormula !== null && aFormula !== null)
    return gFormula === aFormula
      ? { equal: true, reason: 'the same formula' }
      : different('is another formula')
  if (
    sameText(g.source, a.source) ||
    states(g.source, a.source) ||
    (marked === null && states(g.source, whole))
  )
    return { equal: true, reason: 'the same words' }
  // "The answer is 5" in a box, "the probability is one half"
  const said = predicate(found)
  const other = ratioOf(g.source, a.source) ?? said
  const answers = other === null ? a.expressions : [...a.expressions, ...read(other, 'answer').expressions]
  // an answer of B. 12 where the gold is 12
  const rest =
    !gChoice && aChoice?.rest && !isUndecided(aChoice) ? read(aChoice.rest, 'answer').expressions : []
  const goldRest = gChoice?.rest ? read(gChoice.rest).expressions : []
  if (answers.length === 0 && rest.length === 0) return different(`cannot be read: ${a.problem}`)
  return compare([...g.expressions, ...goldRest], [...answers, ...rest], (why) =>
    different(why ?? `is different from "${shortened(g.source)}"`),
  )
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)

/** 3 to 2 as 3:2, if the gold is such a ratio: elsewhere it is a range. */
const ratioOf = (gold: string, answer: string) =>
  /\d\s*:\s*\d/.test(gold) && /^\d[\d.]*(?: to \d[\d.]*)+$/.test(answer)
    ? answer.replaceAll(' to ', ':')
    : null

const MORE = /\d|(?<![\\a-zA-Z])[a-zA-Z]{2}/

/** Whether an error means that a value is too large, does not exist, or has more digits than fit in memory. */
const isLimit = (error: unknown): error is Error =>
  error instanceof TooLarge || error instanceof Undefined || error instanceof RangeError

function compare(
  golds: readonly Expression[],
  answers: readonly Expression[],
  different: (why: string | null) => Verdict,
): Verdict {
  let why: string | null = null
  const scalars = new Scalars()
  for (const g of golds)
    for (const a of answers)
      try {
        if (sameMeaning(g, a, scalars)) return { equal: true, reason: 'equal' }
      } catch (error) {
        if (isLimit(error)) why = `cannot be computed: ${error.message}`
        else if (!(error instanceof NotNumber)) throw error
      }
  return different(why)
}

/** Whether a gold answer can be understood, and if not, why. Never throws. */
export function readable(gold: string): { ok: true } | { ok: false; reason: string } {
  const { unknown } = readGold(gold)
  return unknown === null ? { ok: true } : { ok: false, reason: unknown }
}

function readGold(gold: string): Gold {
  const cached = cache.get(gold)
  if (cached) return cached
  const result = readNewGold(gold)
  if (cache.size >= MAX_CACHED) cache.clear()
  cache.set(gold, result)
  return result
}

function readNewGold(gold: string): Gold {
  try {
    const reading = read(extractGold(gold))
    return { ...reading, unknown: problemOf(gold, reading) }
  } catch (error) {
    const unknown = `the gold answer cannot be read: ${internalError(error)}`
    return { source: '', expressions: [], problem: unknown, unknown }
  }
}

function problemOf(gold: string, { source, expressions, problem }: Reading): string | null {
  if (gold.trim() === '') return 'the gold answer is empty'
  if (momentOf(source) || choiceOf(source) || formulaOf(source) || plain(source)) return null
  if (expressions.length === 0) return `the gold answer cannot be read: ${problem}`
  let why: string | null = null
  const scalars = new Scalars()
  for (const e of expressions)
    try {
      if (sameMeaning(e, e, scalars)) return null
      why ??= 'it is not equal to itself'
    } catch (error) {
      if (!isLimit(error) && !(error instanceof NotNumber)) throw error
      why ??= error.message
    }
  return `the gold answer cannot be computed: ${why}`
}
