import { type Expression, type Relation, some } from '../terms/expression.ts'
import { unitWord } from '../terms/units.ts'
import { Cursor, type Grammar, Unreadable } from './cursor.ts'
import { derivative } from './derivative.ts'
import { atom, closesBars, startsAtom } from './parse-atom.ts'
import { BEFORE_CONDITION } from './parse-matrix.ts'
import {
  isLast,
  isLastTimes,
  isMinutes,
  isOrdinal,
  perUnit,
  unitAfter,
  wordsInParentheses,
} from './parse-unit.ts'
import { tokenize } from './tokens.ts'

const RELATIONS: Record<string, Relation> = {
  '=': '=',
  equals: '=',
  '<': '<',
  '>': '>',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
  ne: '!=',
  approx: 'approx',
  sim: 'approx',
  in: 'in',
  notin: 'notin',
  equiv: 'equiv',
  subset: 'subset',
  subseteq: 'subset',
  to: 'to',
}

/**
 * Parses LaTeX or plain mathematics. From the weakest binding to the strongest: lists, relations, operations on sets, sums,
 * products, powers. `thousands`: a comma before three digits separates thousands. `ambiguous`: there is such a comma.
 *
 * @throws Unreadable, TooLarge
 */
export function parse(source: string, thousands: boolean): { expression: Expression; ambiguous: boolean } {
  const { tokens, ambiguous } = tokenize(source, thousands)
  const cursor = new Cursor(tokens, GRAMMAR)
  let expression = list(cursor)
  while (!cursor.done) {
    if (/^(?:Rightarrow|iff|therefore|because)$/.test(cursor.peek()!.text)) {
      // The last step of a derivation counts.
      cursor.next()
      if (!cursor.done) expression = list(cursor)
    } else if (cursor.take('mark', '.') || cursor.take('mark', '}') || cursor.take('mark', '&')) {
      if (!cursor.done && !cursor.mark('}')) throw new Unreadable('a full stop in the middle')
    } else throw new Unreadable(`unexpected "${cursor.peek()!.text}"`)
  }
  return { expression, ambiguous }
}

/** Items separated by commas, semicolons, "and", "or", wide spaces or line ends. A single item is returned as it is. */
function list(c: Cursor): Expression {
  const items: Expression[] = []
  let joiner: ',' | 'and' | 'or' = ','
  for (;;) {
    let separated = items.length === 0
    for (let token = c.peek(); token; token = c.peek()) {
      const { kind, text } = token
      const wedge = kind === 'command' && (text === 'wedge' || text === 'vee')
      if (kind === 'joiner' || wedge)
        joiner = text === 'or' || text === 'vee' ? 'or' : joiner === 'or' ? 'or' : 'and'
      else if (
        !(kind === 'mark' && (text === ',' || text === ';')) &&
        !(kind === 'break' && !(c.matrix && text === '\\')) &&
        !(kind === 'word' && c.matrix && BEFORE_CONDITION.test(text))
      )
        break
      c.next()
      separated = true
      // 640,000 and 3,40,00,000 are no lists.
      const [last, after] = [items.at(-1), c.peek()]
      const continues = after?.kind === 'number' && !after.spaced && /^0\d+$/.test(after.text)
      if (
        text === ',' &&
        continues &&
        (c.brackets === 0 || after.text.length === 3) &&
        last?.kind === 'number' &&
        !/^0./.test(last.literal.digits)
      )
        throw new Unreadable('digits after a comma')
      if (kind === 'joiner' && c.done) throw new Unreadable('it is incomplete')
    }
    const token = c.peek()
    if (!token || (items.length > 0 && !separated) || !startsItem(c)) break
    items.push(item(c))
  }
  if (items.length === 0) throw new Unreadable(c.done ? 'it is empty' : `unexpected "${c.peek()!.text}"`)
  return items.length === 1 ? items[0]! : { kind: 'list', items, joiner }
}

function startsItem(c: Cursor): boolean {
  const { kind, text } = c.peek()!
  return (
    startsAtom(c) ||
    kind === 'word' ||
    (kind === 'mark' && /^(?:[-+<]|dollar)$/.test(text)) ||
    (kind === 'command' && /^(?:pm|mp|neg|plus|minus)$/.test(text))
  )
}

/** A relation or a single expression, with its modulus. */
function item(c: Cursor): Expression {
  return c.nested(() => {
    const sides = [side(c)]
    const relations: Relation[] = []
    for (let token = c.peek(); token; token = c.peek()) {
      const relation = token.kind === 'mark' || token.kind === 'command' ? RELATIONS[token.text] : undefined
      if (!relation || !Object.hasOwn(RELATIONS, token.text)) break
      c.next()
      // An incomplete `x = ` at the end of a calculation is ignored.
      if (c.done) break
      relations.push(relation)
      // In x = 3 when y = 4, the words begin a condition.
      const before = sides.at(-1)!
      if (before.kind === 'quantity' && !before.unit.scale && before.unit.counted === null)
        throw new Unreadable('words before a relation')
      sides.push(side(c))
    }
    const whole: Expression = relations.length === 0 ? sides[0]! : { kind: 'relation', sides, relations }
    return modulus(c, whole)
  })
}

/** The expression with a modulus that follows it: `(mod 5)`, `\pmod{5}`, `\mod 5`. */
function modulus(c: Cursor, x: Expression): Expression {
  if (c.mark('(') && c.is('command', 'mod', 1)) {
    c.next()
    c.next()
    const modulus = sum(c)
    if (!c.take('mark', ')')) throw new Unreadable('a parenthesis is not closed')
    return { kind: 'modulo', x, modulus }
  }
  if (c.take('command', 'pmod') || c.take('command', 'mod')) return { kind: 'modulo', x, modulus: sum(c) }
  return x
}

/** One side of a relation: operations on sets, ratios, units. */
function side(c: Cursor): Expression {
  const outer = c.currency
  c.currency = null
  let x = ratio(c)
  for (;;) {
    const operation =
      (c.command('cup') && !isLast(c)) || isUnion(c)
        ? 'cup'
        : c.command('cap') && !isLast(c)
          ? 'cap'
          : c.command('setminus')
            ? 'minus'
            : null
    if (!operation) break
    c.next()
    const right = ratio(c)
    x =
      x.kind === 'sets' && x.operation === operation && operation !== 'minus'
        ? { ...x, items: [...x.items, right] }
        : { kind: 'sets', operation, items: [x, right] }
  }
  x = unitAfter(c, x)
  c.currency = outer
  return x
}

/** Whether the next token is a U between sets, as in `(0,1)U(2,3)`. */
const isUnion = (c: Cursor) => c.is('letter', 'U') && /^[[(\]{]$/.test(c.peek(1)?.text ?? '')

/** `3:4` is a quotient, `1:2:3` a ratio. */
function ratio(c: Cursor): Expression {
  const parts = [sum(c)]
  while (c.mark(':') && !c.builder && parts[0]!.kind !== 'text') {
    c.next()
    if (c.done) break
    if (c.mark('=')) break
    parts.push(sum(c))
  }
  if (parts.length === 1) return parts[0]!
  if (parts.length === 2) return { kind: 'quotient', top: parts[0]!, bottom: parts[1]! }
  return { kind: 'call', name: 'ratio', args: parts }
}

const sign = (c: Cursor): '+' | '-' | 'pm' | 'mp' | null => {
  if (c.mark('+') || c.command('plus')) return '+'
  if (c.mark('-') || c.command('minus')) return '-'
  return c.command('pm') ? 'pm' : c.command('mp') ? 'mp' : null
}

function signed(s: '+' | '-' | 'pm' | 'mp', x: Expression): Expression {
  return s === '+' ? x : s === '-' ? { kind: 'negative', x } : { kind: 'either', x, lower: s === 'mp' }
}

function sum(c: Cursor): Expression {
  return c.nested(() => {
    const terms: Expression[] = []
    for (;;) {
      const s = sign(c)
      if (s) c.next()
      else if (terms.length > 0) break
      // `+-`, as in "+/-"
      if (s === '+' && c.mark('/') && c.is('mark', '-', 1)) {
        c.next()
        c.next()
        terms.push({ kind: 'either', x: product(c), lower: false })
        continue
      }
      const x = product(c)
      terms.push(s ? signed(s, x) : x)
    }
    return terms.length === 1 ? terms[0]! : { kind: 'sum', terms }
  })
}

function product(c: Cursor): Expression {
  return c.nested(() => {
    let factors = [unary(c)]
    for (;;) {
      if (isTimes(c)) {
        c.next()
        factors.push(unary(c))
      } else if (perUnit(c)) break
      else if (c.mark('/') || c.command('div')) {
        c.next()
        const differential = c.is('letter', 'd') && c.peek(1)?.kind === 'letter' && !c.peek(1)!.spaced
        const bottom = differential ? productOf([power(c), power(c)]) : unary(c)
        factors = [derivative(productOf(factors), bottom) ?? quotient(productOf(factors), bottom)]
      } else if (
        startsAtom(c) &&
        !(isUnion(c) && factors.at(-1)!.kind === 'group') &&
        !unitFollows(c, factors) &&
        !closesBars(c) &&
        !wordsInParentheses(c) &&
        !isMinutes(c) &&
        !(c.mark('(') && c.is('command', 'mod', 1))
      ) {
        const previous = factors.at(-1)!
        const token = c.peek()!
        if (token.kind === 'number' && previous.kind === 'number') {
          // 2 1/2
          const number = mixedNumber(c, previous)
          if (!number) throw new Unreadable(`unexpected "${token.text}"`)
          factors[factors.length - 1] = marked(c, number)
        } else if (
          c.command('frac') &&
          previous.kind === 'number' &&
          factors.length === 1 &&
          isWhole(previous)
        ) {
          const fraction = power(c)
          const marked = fraction.kind === 'percent' || fraction.kind === 'degree' ? fraction.kind : null
          const inner = fraction.kind === 'percent' || fraction.kind === 'degree' ? fraction.x : fraction
          const whole: Expression = { kind: 'sum', terms: [previous, inner] }
          factors = !properFraction(inner)
            ? [previous, fraction]
            : [marked ? { kind: marked, x: whole } : whole]
        } else factors.push(power(c))
      } else break
    }
    return productOf(factors)
  })
}

/** Whether a letter after a number is a unit, as in `5 m/s`: a space separates them, and only units follow. */
function unitFollows(c: Cursor, factors: readonly Expression[]): boolean {
  const token = c.peek()!
  if (token.kind !== 'letter' || c.brackets > 0) return false
  if (token.upright && unitWord(token.text) && !factors.some((x) => some(x, (y) => y.kind === 'symbol')))
    return true
  if (factors.length !== 1 || factors[0]!.kind !== 'number') return false
  if (!token.spaced) return false
  let rest = ''
  for (let k = 0; k < 10 && c.peek(k); k++) rest += c.peek(k)!.text
  return /^[mshgLNJWVAKdl](?:\^\{?[23]\}?)?(?:\/[sh](?:\^\{?2\}?)?)?\.?$|^[mhd](?:and|,)?\d+(?:cm|mm|dm|min|m|s|h|sec)/.test(
    rest,
  )
}

/** `\times`, or the letter x between a number and a power of ten. */
function isTimes(c: Cursor): boolean {
  if (c.mark('*') || (c.command('times') && !isLastTimes(c)) || c.command('cdot')) return true
  return c.is('letter', 'x') && c.is('number', '10', 1) && c.is('mark', '^', 2)
}

const quotient = (top: Expression, bottom: Expression): Expression => ({ kind: 'quotient', top, bottom })

const productOf = (factors: readonly Expression[]): Expression =>
  factors.length === 1 ? factors[0]! : { kind: 'product', factors }

const isWhole = (e: Expression) => e.kind === 'number' && e.literal.value.d === 1n && e.literal.decimals === 0

/** Whether it is a/b with whole numbers 0 < a < b. */
function properFraction(e: Expression): boolean {
  if (e.kind !== 'quotient' || e.top.kind !== 'number' || e.bottom.kind !== 'number') return false
  const [a, b] = [e.top.literal.value, e.bottom.literal.value]
  return isWhole(e.top) && isWhole(e.bottom) && a.n > 0n && a.n < b.n
}

function mixedNumber(c: Cursor, whole: Expression): Expression | null {
  const top = c.peek()!
  const bottom = c.peek(2)
  if (!isWhole(whole) || !top.spaced || !c.is('mark', '/', 1) || bottom?.kind !== 'number') return null
  const fraction: Expression = {
    kind: 'quotient',
    top: { kind: 'number', literal: top.number! },
    bottom: { kind: 'number', literal: bottom.number! },
  }
  if (!properFraction(fraction)) return null
  for (let i = 0; i < 3; i++) c.next()
  return { kind: 'sum', terms: [whole, fraction] }
}

function unary(c: Cursor): Expression {
  const s = sign(c)
  if (!s) return power(c)
  c.next()
  return c.nested(() => signed(s, unary(c)))
}

/** An atom with its postfix signs and exponents: `n!`, `50%`, `30°`, `x^2`. */
function power(c: Cursor): Expression {
  return c.nested(() => {
    let x = atom(c)
    for (;;) {
      x = marked(c, x)
      if (c.mark('!')) {
        c.next()
        x = { kind: 'call', name: c.take('mark', '!') ? 'double factorial' : 'factorial', args: [x] }
      } else if (c.mark('^')) {
        c.next()
        x = raised(c, x)
      } else return x
    }
  })
}

/** An expression with the percent and degree signs after it. */
function marked(c: Cursor, x: Expression): Expression {
  if (c.take('mark', '%') || c.take('command', 'percent')) {
    if (c.peek()?.kind === 'number') throw new Unreadable('a number after %')
    return marked(c, { kind: 'percent', x })
  }
  return c.take('command', 'degree') ? marked(c, { kind: 'degree', x }) : x
}

function raised(c: Cursor, base: Expression): Expression {
  const braced = c.mark('{')
  const at = braced ? 1 : 0
  const mark = c.peek(at)
  const closes = !braced || c.is('mark', '}', at + 1)
  const skip = (n: number) => {
    for (let i = 0; i < n; i++) c.next()
  }
  if (mark && closes) {
    const { text } = mark
    if (text === 'circ' || text === 'degree' || (text === 'o' && base.kind === 'number')) {
      skip(braced ? 3 : 1)
      return { kind: 'degree', x: base }
    }
    // 5^{th}
    if (isOrdinal(base, text)) {
      skip(braced ? 3 : 1)
      return base
    }
    // a^{st}: not an ordinal
    if (mark.kind === 'word' && /^(?:th|st|nd|rd)$/.test(text)) {
      skip(braced ? 3 : 1)
      return { kind: 'power', base, exponent: productOf([...text].map((name) => ({ kind: 'symbol', name }))) }
    }
    if (text === 'top') {
      skip(braced ? 3 : 1)
      return { kind: 'power', base, exponent: { kind: 'symbol', name: 'T' } }
    }
    if (base.kind === 'numbers' && (text === '+' || text === '-' || text === '*')) {
      skip(braced ? 3 : 1)
      return { kind: 'numbers', name: `${base.name}${text}` }
    }
  }
  return { kind: 'power', base, exponent: exponent(c) }
}

/** The exponent after ^: a group, or a signed atom with exponents of its own. */
function exponent(c: Cursor): Expression {
  return c.nested(() => {
    const s = sign(c)
    if (s) {
      c.next()
      return signed(s, exponent(c))
    }
    const x = atom(c)
    // 10^{1} ^\circ is a number of degrees.
    const degree = [1, 2].some((at) => /^(?:circ|degree)$/.test(c.peek(at)?.text ?? ''))
    if (c.mark('^') && !degree) {
      c.next()
      return { kind: 'power', base: x, exponent: exponent(c) }
    }
    return x
  })
}

const GRAMMAR: Grammar = { list, item, sum, power, exponent }
