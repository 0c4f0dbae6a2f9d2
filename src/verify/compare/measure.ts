import { NotNumber } from '../compute/evaluate.ts'
import { isExact } from '../compute/numerics.ts'
import { type Expression, exactNumber, some } from '../terms/expression.ts'
import { ONE, power, type Rational, rational, times } from '../terms/rational.ts'
import { type Unit, unitOf, unitWord } from '../terms/units.ts'
import { spell } from './relation.ts'
import type { Scalars } from './scalar.ts'

/** The decimals that an answer must show to stand for a number with infinitely many decimals. */
const LONG = 6

const scaled = (x: Expression, by: Rational): Expression =>
  by.n === by.d ? x : { kind: 'product', factors: [x, exactNumber(by)] }

type Quantity = Extract<Expression, { kind: 'quantity' }>

/** 2h beside a quantity: the letter is its unit and not a factor. */
function withUnit(e: Expression, other: Expression): Expression {
  if (other.kind !== 'quantity' || !other.unit.scale || e.kind !== 'product') return e
  const [x, letter] = e.factors
  if (e.factors.length !== 2 || x?.kind !== 'number' || letter?.kind !== 'symbol' || !unitWord(letter.name))
    return e
  return { kind: 'quantity', x, unit: unitOf([[letter.name, 1]]) }
}

/** Whether two numbers with their units, percent signs and degrees are equal, to the precision that the gold shows. */
export function sameMeasure(gold: Expression, answer: Expression, scalars: Scalars): boolean {
  const [g, a] = [withUnit(gold, answer), withUnit(answer, gold)]
  const [gUnit, aUnit] = [g.kind === 'quantity' ? g.unit : null, a.kind === 'quantity' ? a.unit : null]
  if (gUnit && aUnit && g.kind === 'quantity' && a.kind === 'quantity') {
    if (gUnit.scale && aUnit.scale) {
      if (gUnit.dimension === aUnit.dimension)
        return sameMeasure(scaled(g.x, gUnit.scale), scaled(a.x, aUnit.scale), scalars)
      const [gKelvin, aKelvin] = [kelvin(g), kelvin(a)]
      if (gKelvin && aKelvin) return sameNumber(gKelvin, aKelvin, scalars)
      if (gUnit.dimension && aUnit.dimension) return yen(gUnit, aUnit) && sameMeasure(g.x, a.x, scalars)
    } else if (!alike(gUnit, aUnit)) return false
    return sameMeasure(g.x, a.x, scalars)
  }
  // A unit that only one of them has may belong to the question.
  if (g.kind === 'quantity') return mayLack(a, g, scalars) && sameMeasure(g.x, a, scalars)
  if (a.kind === 'quantity') {
    // 90 radians are not 90°.
    if (g.kind === 'degree' && a.unit.dimension === 'rad^1') return sameNumber(g, a.x, scalars)
    // 5 K may be 5000.
    if (a.unit.symbol === 'K') return false
    return mayLack(g, a, scalars) && sameMeasure(g, a.x, scalars)
  }
  for (const mark of ['percent', 'degree'] as const) {
    const [x, y] = [without(g, mark), without(a, mark)]
    if (x && y) return sameNumber(x, y, scalars)
    // A sign that only one of them has may belong to the question.
    const bare = x ? sameNumber(x, a, scalars) : y ? sameNumber(g, y, scalars) : false
    if (bare && (mark === 'degree' || large(x ?? y!, scalars))) return true
  }
  return sameNumber(g, a, scalars)
}

const sum = (...terms: Expression[]): Expression => ({ kind: 'sum', terms })

/** A temperature in kelvins; `null` if the quantity is not one. */
function kelvin({ x, unit }: Quantity): Expression | null {
  switch (unit.dimension) {
    case 'K^1':
      return scaled(x, unit.scale ?? ONE)
    // K = C + 273.15
    case 'degC^1':
      return sum(x, exactNumber(rational(27315n, 100n)))
    // K = (F + 459.67) · 5/9
    case 'degF^1':
      return scaled(sum(x, exactNumber(rational(45967n, 100n))), rational(5n, 9n))
    default:
      return null
  }
}

/** Whether one of two currencies is the sign ¥, which stands for yen and for yuan. */
const yen = (a: Unit, b: Unit) =>
  [a, b].some(({ dimension }) => dimension === '¥^1') &&
  [a, b].some(({ dimension }) => dimension === 'yen^1' || dimension === '元^1')

/** Whether a number may stand for a quantity whose unit it lacks: 5 for 5 cm or 5 apples; not 5 for 5 lakh, nor 45° for 45 cm. */
function mayLack(x: Expression, { x: value, unit }: Quantity, scalars: Scalars): boolean {
  const sign = (e: Expression) => (without(e, 'percent') ? 'percent' : without(e, 'degree') ? 'degree' : null)
  const isDegrees = sign(x) === 'degree' && /^deg[CF]\^1$/.test(unit.dimension)
  if (sign(x) && sign(x) !== sign(value) && unit.dimension && !isDegrees) return false
  return unit.counted === 'many' || (unit.counted === 'one' && !large(value, scalars))
}

/** Whether two unknown units mean the same: the same words, or more words before the thing that is counted. */
function alike(a: Unit, b: Unit): boolean {
  if (a.scale || b.scale) return false
  if (a.dimension === b.dimension) return true
  const [long, short] = a.dimension.length > b.dimension.length ? [a, b] : [b, a]
  // Red apples are apples, but pairs of shoes are not shoes.
  const more =
    long.dimension.endsWith(` ${short.dimension}`) || long.dimension.startsWith(`${short.dimension} of `)
  return (
    more &&
    long.counted === 'many' &&
    short.counted !== null &&
    !/ of /.test(long.dimension.slice(0, -short.dimension.length))
  )
}

/** The expression without the sign at its end, or `null` if there is none. */
function without(e: Expression, mark: 'percent' | 'degree'): Expression | null {
  if (e.kind === mark) return e.x
  if (e.kind === 'negative') {
    const x = without(e.x, mark)
    return x && { kind: 'negative', x }
  }
  return null
}

/** Whether a number is above 1: 28 % may be given as 28, but 1 % is not 1. */
function large(e: Expression, scalars: Scalars): boolean {
  try {
    return !scalars.within(e, exactNumber(rational(0n)), ONE)
  } catch {
    return false
  }
}

function sameNumber(g: Expression, a: Expression, scalars: Scalars): boolean {
  try {
    const same = scalars.same(g, a)
    if (same !== false) return same ?? spell(g) === spell(a)
  } catch (error) {
    if (error instanceof NotNumber) return spell(g) === spell(a)
    throw error
  }
  return rounds(g, a, scalars)
}

/** Whether the answer equals the gold to the precision that the gold shows. */
function rounds(g: Expression, a: Expression, scalars: Scalars): boolean {
  if (some(g, (x) => x.kind === 'symbol') || some(a, (x) => x.kind === 'symbol')) return false
  const gold = shown(g)
  if (gold) {
    const precise = gold.decimals >= 2 || gold.significant >= 3
    if (!precise || gold.round || !scalars.within(g, a, gold.half, false)) return false
    // Of the numbers that round to the gold, a decimal is only equal if it shows what the exact number is.
    const answer = shown(a)
    if (answer || terminates(a, scalars))
      return (
        scalars.within(g, a, times(gold.half, NEARLY)) || (a.kind === 'number' && (repeats(a) || isPi(a)))
      )
    return isFraction(a, scalars) || gold.significant >= LONG - 1 || isMultipleOfPi(a)
  }
  // 1/12 = 0.083333: a number with infinitely many decimals.
  const answer = shown(a)
  if (!answer || answer.decimals < LONG || answer.significant < LONG) return false
  return !terminates(g, scalars) && scalars.within(g, a, answer.half)
}

/** The part of half a unit in the last place by which a decimal may differ from a gold that is rounded. */
const NEARLY = rational(1n, 25n)

/** Whether a decimal ends in a digit at least three times, the last one possibly rounded up: 0.333, 16.67. */
function repeats({ literal: { digits } }: Extract<Expression, { kind: 'number' }>): boolean {
  const [before, last] = [digits.slice(0, -1), digits.at(-1)!]
  const digit = before.at(-1)
  if (digit === undefined || before.at(-2) !== digit) return false
  return last === digit || (digit >= '5' && Number(last) === Number(digit) + 1)
}

/** Whether a decimal of at least four digits is π as far as it goes. */
const isPi = ({ literal: { digits, decimals } }: Extract<Expression, { kind: 'number' }>) =>
  digits.length > 3 &&
  decimals === digits.length - 1 &&
  Number(digits) === Math.round(Math.PI * 10 ** decimals)

/** π itself, or a product or quotient with it: questions often say to use 3.14. */
const isMultipleOfPi = (e: Expression) => some(e, (x) => x.kind === 'constant' && x.name === 'pi')

function isFraction(e: Expression, scalars: Scalars): boolean {
  const { re, im } = scalars.value(e)
  return isExact(re) && isExact(im)
}

/** Whether a number has finitely many decimals. */
function terminates(e: Expression, scalars: Scalars): boolean {
  // a repeating decimal such as 0.(142857) is written in full
  if (e.kind === 'number') return true
  const { re, im } = scalars.value(e)
  if (!isExact(re) || !isExact(im)) return false
  let { d } = re
  for (const p of [2n, 5n]) while (d % p === 0n) d /= p
  return d === 1n
}

/** The precision of a decimal. */
interface Shown {
  readonly decimals: number
  readonly significant: number
  /** Half of the last digit's place. */
  readonly half: Rational
  /** Whether it is a multiple of an eighth, and so more likely exact than rounded. */
  readonly round: boolean
}

/** The precision of a decimal as written, possibly multiplied by exact numbers; `null` if the number is exact. */
function shown(e: Expression): Shown | null {
  switch (e.kind) {
    case 'number': {
      const { decimals, significant, value } = e.literal
      if (decimals === 0) return null
      const round = 8n % value.d === 0n
      return { decimals, significant, half: rational(1n, 2n * 10n ** BigInt(decimals)), round }
    }
    case 'negative':
      return shown(e.x)
    case 'percent': {
      const x = shown(e.x)
      return x && { ...x, half: times(x.half, rational(1n, 100n)) }
    }
    case 'product': {
      const [first, ...rest] = e.factors
      const x = shown(first!)
      const by = x && rest.map(exact).reduce((p, q) => p && q && times(p, q), ONE as Rational | null)
      return x && by && { ...x, half: times(x.half, by) }
    }
    default:
      return null
  }
}

/** The value of a number or of a whole power of one, such as 10^k; `null` for anything else. */
function exact(e: Expression): Rational | null {
  if (e.kind === 'number') return e.literal.value
  if (e.kind !== 'power' || e.base.kind !== 'number') return null
  const minus = e.exponent.kind === 'negative'
  const k = e.exponent.kind === 'negative' ? e.exponent.x : e.exponent
  if (k.kind !== 'number' || k.literal.value.d !== 1n || k.literal.value.n > 300n) return null
  return power(e.base.literal.value, minus ? -k.literal.value.n : k.literal.value.n)
}
