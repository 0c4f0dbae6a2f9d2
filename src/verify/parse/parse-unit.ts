import { type Expression, exactNumber } from '../terms/expression.ts'
import { order, rational } from '../terms/rational.ts'
import { isAfter } from '../terms/things.ts'
import { type Unit, unitOf, unitWord } from '../terms/units.ts'
import { type Cursor, Unreadable } from './cursor.ts'
import { isNumberWord, numberWords } from './number-words.ts'
import { BEFORE_CONDITION } from './parse-matrix.ts'

/** Currency signs and the units that they stand for. */
export const CURRENCIES: Record<string, string> = {
  dollar: 'dollar',
  '€': 'euro',
  '£': 'GBP',
  '¥': '¥',
  '₹': 'rupee',
  '¢': 'cent',
}

const SCALES: Record<string, bigint> = {
  dozen: 12n,
  hundred: 100n,
  thousand: 1000n,
  million: 1_000_000n,
  billion: 1_000_000_000n,
  trillion: 1_000_000_000_000n,
  百: 100n,
  千: 1000n,
  万: 10_000n,
  亿: 100_000_000n,
}

/** Words for powers, as in "5 squared". */
const POWERS: readonly (readonly [string, bigint])[] = [
  ['squared', 2n],
  ['cubed', 3n],
]
/** Words that change the number before them, or deny it. */
const CHANGES =
  /^(?:more|less|fewer|than|not|no|wrong|incorrect|false|to|from|half|halves|thirds|fourths|fifths|sixths|sevenths|eighths|ninths|tenths|hundredths|thousandths|factorial|choose|over|divided|doubled?|tripled?|maybe|possibly|but|except|alternatively|instead|tens|gross|hundreds|thousands|millions|billions)$/i
/** 1 third is a fraction, 1 third grader is not. */
const ORDINAL = /^(?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth|thousandth)$/i

/** The expression with the unit, currency or words that follow it. @throws Unreadable, TooLarge */
export function unitAfter(c: Cursor, x: Expression): Expression {
  if (x.kind === 'text') return x
  let value = x
  const scale = (): void => {
    for (
      let token = c.peek();
      token?.kind === 'word' && Object.hasOwn(SCALES, token.text);
      token = c.peek()
    ) {
      value = { kind: 'product', factors: [value, exactNumber(rational(SCALES[token.text]!))] }
      c.next()
    }
  }
  scale()
  for (const [name, k] of POWERS)
    while (c.take('word', name)) value = { kind: 'power', base: value, exponent: exactNumber(rational(k)) }
  if (c.peek()?.kind === 'word' && !c.peek()!.spaced && isOrdinal(value, c.peek()!.text)) {
    c.next()
    return value
  }
  const unit = readUnit(c) ?? unitInParentheses(c, value) ?? (c.currency ? unitOf([[c.currency, 1]]) : null)
  if (!unit) return value
  // "A triangle", "x is wrong"
  if (!unit.scale && value.kind === 'symbol') throw new Unreadable('words after a letter')
  // 3 hours 20 minutes: a smaller unit of the same kind
  if (unit.scale && smallerFollows(c, unit)) c.next()
  if (unit.scale && c.peek()?.kind === 'number') {
    const rest = unitAfter(c, c.grammar.sum(c))
    const smaller =
      rest.kind === 'quantity' && rest.unit.scale && order(rest.unit.scale, unit.scale) < 0 ? rest.unit : null
    if (!smaller || smaller.dimension !== unit.dimension) throw new Unreadable('two different numbers')
    if (rest.kind === 'quantity' && rest.unit.scale) {
      const by = {
        kind: 'quotient',
        top: exactNumber(rest.unit.scale),
        bottom: exactNumber(unit.scale),
      } as const
      const part: Expression = { kind: 'product', factors: [rest.x, by] }
      return { kind: 'quantity', x: { kind: 'sum', terms: [value, part] }, unit }
    }
  }
  return { kind: 'quantity', x: value, unit }
}

/** Whether "and" or, between times, a comma joins a smaller unit of the same kind: 2 dollars and 50 cents. */
function smallerFollows(c: Cursor, unit: Unit): boolean {
  const comma = c.mark(',') && unit.dimension === 's^1'
  const name = c.peek(2)
  if (!(comma || c.is('joiner', 'and')) || c.peek(1)?.kind !== 'number' || !unit.scale || !name) return false
  const smaller = unitWord(name.text === 'min' ? 'minute' : name.text)?.[0]
  return smaller !== undefined && unit.dimension === `${smaller[1]}^1` && order(smaller[0], unit.scale) < 0
}

/** The number of tokens of a parenthesis with only words, as in `5 (times)`; 0 if none follows. */
export function wordsInParentheses(c: Cursor): number {
  if (!c.mark('(')) return 0
  let words = 0
  for (let k = 1; k < 12; k++) {
    const token = c.peek(k)
    if (!token) return 0
    if (
      token.kind === 'word' ||
      (token.kind === 'command' && /^(?:times|cap|cup|min|max|degree)$/.test(token.text))
    )
      words++
    else if (token.kind === 'mark' && token.text === ')') return words > 0 ? k + 1 : 0
    else if (!(token.kind === 'letter' && words > 0) && !(token.kind === 'mark' && /^[-.]$/.test(token.text)))
      return 0
  }
  return 0
}

/** The unit in `5 (times)`; `5 (five)` has none. */
function unitInParentheses(c: Cursor, value: Expression): Unit | null {
  const length = wordsInParentheses(c)
  if (length === 0) return null
  c.next()
  const spelled = numberWords((ahead) => c.peek(ahead))
  if (spelled && spelled.length === length - 2) {
    const same =
      value.kind === 'number' && value.literal.value.d === 1n && value.literal.value.n === spelled.value
    if (!same) throw new Unreadable('two different numbers')
    for (let k = 1; k < length; k++) c.next()
    return null
  }
  const words = Array.from({ length: length - 2 }, (_, k) => c.peek(k)!)
  if (words.some(({ kind, text }) => kind === 'command' || (kind === 'mark' && text === '-'))) {
    // "cap" and "times" are also signs; push-ups
    if (words.some(({ text }) => CHANGES.test(text))) throw new Unreadable('a number and words')
    for (let k = 1; k < length; k++) c.next()
    const joined = words.map(({ text, spaced }) => `${spaced ? ' ' : ''}${text}`).join('')
    return unitOf(joined.split(/[ -]+/).map((word) => [word, 1]))
  }
  const unit = readUnit(c)
  if (!unit || !c.take('mark', ')')) throw new Unreadable('a parenthesis is not closed')
  return unit
}

/** Whether a number and its ending are an ordinal: 1st, 12th; not 1th or 2st. */
export function isOrdinal(x: Expression, ending: string): boolean {
  if (x.kind !== 'number' || x.literal.value.d !== 1n || x.literal.decimals > 0) return false
  const { n } = x.literal.value
  const teen = (n / 10n) % 10n === 1n
  const usual = teen ? undefined : { '1': 'st', '2': 'nd', '3': 'rd' }[String(n % 10n)]
  return ending.toLowerCase() === (usual ?? 'th')
}

/** Whether `min` means minutes, as in "2 min", and not a minimum, as in min(2, 3). */
export const isMinutes = (c: Cursor) =>
  c.command('min') && (c.peek()!.upright || !/^(?:[({_]|\{)$/.test(c.peek(1)?.text ?? ''))

/** Whether the next token is a final "times", as in "5 times". */
export const isLastTimes = (c: Cursor) => c.command('times') && isLast(c)

/** Whether nothing but a closing parenthesis follows the next token: "2/3 cup" is not a union. */
export const isLast = (c: Cursor) => !c.peek(1) || (c.peek(1)!.kind === 'mark' && c.peek(1)!.text === ')')

/** Whether a price or another rate follows: / and a unit, as in $15/hour. */
export function perUnit(c: Cursor): boolean {
  const unit = c.peek(1)
  return (
    c.mark('/') &&
    ((unit?.kind === 'word' && unitWord(unit.text) !== null) ||
      (unit?.kind === 'letter' && c.currency !== null && unitWord(unit.text) !== null))
  )
}

/** Words with exponents: `cm^2`, `m/s`, `miles per hour`, `square feet`. */
function readUnit(c: Cursor): Unit | null {
  const parts: [string, number][] = []
  let sign = 1
  // after "per" or "/", until the unit follows
  let dividing = false
  if (perUnit(c)) {
    c.next()
    sign = -1
    if (c.currency) parts.push([c.currency, 1])
  }
  let pending = 1
  for (;;) {
    const token = c.peek()
    if (!token) break
    // "times" and "min" are also commands.
    const named = isLastTimes(c) || isMinutes(c) || (isLast(c) && /^c[au]p$/.test(token.text))
    if (
      token.kind === 'word' ||
      named ||
      (token.kind === 'letter' && (token.upright || token.spaced || sign < 0 || parts.length > 0))
    ) {
      const word = token.text
      if (c.matrix && (BEFORE_CONDITION.test(word) || /^otherwise$/i.test(word))) break
      if (parts.length === 0 && token.kind === 'letter' && !unitWord(word)) break
      const isPart = ORDINAL.test(word) && c.peek(1)?.kind !== 'word'
      if (CHANGES.test(word) || isPart || isNumberWord(word)) throw new Unreadable(`a number and "${word}"`)
      c.next()
      if (/^per$/i.test(word)) {
        // $15 per hour
        if (parts.length === 0 && c.currency) parts.push([c.currency, 1])
        sign = -1
        dividing = true
        continue
      } else if (/^(?:sq|square|cu|cubic)$/i.test(word)) {
        pending = /^s/i.test(word) ? 2 : 3
        c.take('mark', '.')
      } else if (/^squared$/i.test(word) && parts.length > 0) parts.at(-1)![1] *= 2
      else if (/^cubed$/i.test(word) && parts.length > 0) parts.at(-1)![1] *= 3
      else if (/^(?:平方|立方)./.test(word)) parts.push([word.slice(2), sign * (word[0] === '平' ? 2 : 3)])
      else if (/^(?:degC|Celsius|celsius)$/.test(word)) parts.push(['degC', 1])
      else {
        parts.push([word, sign * pending])
        pending = 1
      }
      dividing = false
      continue
    }
    if (parts.length > 0 && token.kind === 'mark' && token.text === '^') {
      const braced = c.is('mark', '{', 1)
      let at = braced ? 2 : 1
      const minus = c.is('mark', '-', at)
      if (minus) at++
      const exponent = c.peek(at)
      if (exponent?.kind !== 'number' || !/^\d$/.test(exponent.text)) break
      for (let i = 0; i <= at; i++) c.next()
      if (braced) c.closeBrace()
      parts.at(-1)![1] *= Number(exponent.text) * (minus ? -1 : 1)
      continue
    }
    const currency =
      token.kind === 'mark' && Object.hasOwn(CURRENCIES, token.text) ? CURRENCIES[token.text] : undefined
    if (currency) {
      c.next()
      parts.push([currency, 1])
      continue
    }
    const following = c.peek(1)
    const joins =
      following?.kind === 'word' ||
      following?.kind === 'letter' ||
      (following?.text === 'min' && following.upright)
    // N-m
    if (parts.length > 0 && token.text === '-' && following?.upright && unitWord(following.text)) {
      c.next()
      continue
    }
    if (parts.length > 0 && joins && token.kind === 'mark' && token.text === '/') {
      c.next()
      sign = -1
      continue
    }
    if (
      parts.length > 0 &&
      joins &&
      ((token.kind === 'mark' && token.text === '*') || (token.kind === 'command' && token.text === 'cdot'))
    ) {
      c.next()
      continue
    }
    break
  }
  // 5 sq, 5 per
  if (pending !== 1 || dividing || (sign < 0 && parts.length === 0))
    throw new Unreadable('a unit is incomplete')
  // $5 each
  if (c.currency && parts.length > 0 && parts.every(([word]) => isAfter(word)))
    return unitOf([[c.currency, 1]])
  return parts.length > 0 ? unitOf(parts) : null
}
