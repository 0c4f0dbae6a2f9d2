import { signOf, top } from '../compute/ball.ts'
import { evaluate, NotNumber, type Values } from '../compute/evaluate.ts'
import { type Complex, complex, isExact, isReal, Numerics } from '../compute/numerics.ts'
import { Budget, TooLarge, Undefined } from '../terms/budget.ts'
import { type Expression, exactNumber, mapChildren, some, symbolsOf } from '../terms/expression.ts'
import { bitLength, order, type Rational, rational, same as sameRational } from '../terms/rational.ts'
import { wholeSymbols } from './whole.ts'

/** The initial and the largest precision in bits: numbers of very different sizes need more. */
const BITS = 160
const MAX_BITS = 2600
/** The work that one comparison may take. */
const WORK = 30_000
/** The work of a point at which there is no value, since an exception takes time. */
const NO_VALUE = 60
/** The number of points at which two expressions with variables must agree. */
const POINTS = 4
const MAX_TRIES = 24
/** The number of members of two sequences that are compared. */
const SEQUENCE = 11

/** A function with jumps. */
const isStep = (e: Expression) => e.kind === 'call' && /^(?:floor|ceil|sgn)$/.test(e.name)
/** Points at which such functions often jump. */
const STEPS: readonly Rational[] = [2, 4, -2, 0, 6, 1, 3, -3, 12]
  .map((n) => rational(BigInt(n), 2n))
  .concat([1, 2, 4, -1, -2].map((n) => rational(BigInt(n), 3n)))

/** The numerical comparisons of one gold with one answer, which share a budget. */
export class Scalars {
  readonly #budget = new Budget(WORK)

  /** Whether two expressions are the same number or the same function of their variables; `null` if it cannot be decided. */
  same(a: Expression, b: Expression): boolean | null {
    const hasBareLog = (e: Expression) =>
      some(e, (x) => x.kind === 'call' && x.name === 'log' && x.args.length === 1)
    const first = this.#sameFunction(a, b)
    if (first === true) return true
    if (this.#sameSequence(a, b)) return true
    // A log without a base may be natural or to base 10.
    if (!(hasBareLog(a) || hasBareLog(b))) return first
    return this.#sameFunction(withBase10(a), withBase10(b))
  }

  /** Whether two expressions with variables that can only be whole numbers agree at positive whole numbers. */
  #sameSequence(a: Expression, b: Expression): boolean {
    const whole = [...wholeSymbols(b, wholeSymbols(a))].sort()
    if (whole.length === 0) return false
    const names = [...new Set([...symbolsOf(a), ...symbolsOf(b)])].filter((x) => !x.startsWith('?')).sort()
    let agreed = 0
    for (let k = 0; k < SEQUENCE; k++) {
      const values = point(names, k, k % 2 === 0 ? 'mixed' : 'positive')
      whole.forEach((name, at) => {
        values.set(name, complex(rational(BigInt(1 + ((k * (2 * at + 1) + 3 * at) % SEQUENCE)))))
      })
      const agree = this.#agree(a, b, values, 'real')
      if (agree === false) return false
      if (agree === true) agreed++
    }
    return agreed >= POINTS
  }

  #sameFunction(a: Expression, b: Expression): boolean | null {
    const names = [...new Set([...symbolsOf(a), ...symbolsOf(b)])].filter((x) => !x.startsWith('?')).sort()
    if (names.length === 0) return this.#agree(a, b, new Map(), 'any')
    if (names.length > 24) throw new TooLarge('the number of variables')
    if (some(a, isStep) || some(b, isStep))
      // ⌊x⌋ and ⌈x⌉ − 1 only differ at whole numbers.
      for (let k = 0; k < STEPS.length; k++) {
        const values = new Map(names.map((name, at) => [name, complex(STEPS[(k + at * 3) % STEPS.length]!)]))
        if (this.#agree(a, b, values, 'real') === false) return false
      }
    let agreed = 0
    // Real values of both signs first, then positive and whole ones; complex results only if there are no others.
    for (const kind of ['mixed', 'positive', 'whole', 'complex'] as const) {
      for (let k = 0; k < (kind === 'mixed' ? 8 : 6) && agreed < POINTS; k++) {
        const agree = this.#agree(a, b, point(names, k, kind), kind === 'complex' ? 'any' : 'real')
        if (agree === false) return false
        if (agree === true) agreed++
      }
      if (agreed >= 2) return true
    }
    return agreed > 0 ? true : null
  }

  /** Whether two expressions agree at one point; `null` if one of them has no value there. */
  #agree(a: Expression, b: Expression, values: Values, results: 'real' | 'any'): boolean | null {
    for (let bits = BITS; ; ) {
      const n = new Numerics(bits, this.#budget)
      let x: Complex
      let y: Complex
      try {
        x = evaluate(a, n, values)
        y = evaluate(b, n, values)
        if (results === 'real' && n.leftReals) return null
        if (isExact(x.re) && isExact(y.re) && isExact(x.im) && isExact(y.im))
          return sameRational(x.re, y.re) && sameRational(x.im, y.im)
        const spent = n.span
        const difference = n.subtract(x, y)
        // The two values may have any size, but their terms and the digits of an exact value are limited.
        const needed = 2 * (isExact(x.re) === isExact(y.re) ? spent : n.span) + BITS / 2
        if (isExact(difference.re) && isExact(difference.im)) return nearZero(difference, 0)
        const size = Math.max(sizeOf(x), sizeOf(y))
        if (!nearZero(difference, Math.max(-24, size - bits / 2))) return false
        if (needed <= bits) return true
        if (needed > MAX_BITS) throw new TooLarge('the range of sizes')
        bits = needed + 64
      } catch (error) {
        if (!(error instanceof Undefined) || values.size === 0) throw error
        this.#budget.spend(NO_VALUE)
        return null
      }
    }
  }

  /** The value of an expression without variables. @throws Undefined, TooLarge, NotNumber */
  value(e: Expression): Complex {
    return evaluate(e, new Numerics(BITS, this.#budget), new Map())
  }

  /** The sign of a − b for real numbers; 0 if they are equal. @throws Undefined, TooLarge, NotNumber */
  order(a: Expression, b: Expression): -1 | 0 | 1 {
    const n = new Numerics(BITS, this.#budget)
    const [x, y] = [evaluate(a, n, new Map()), evaluate(b, n, new Map())]
    if (!isReal(x) || !isReal(y)) throw new Undefined('an order of complex numbers')
    return n.sign(n.subtract(x, y).re)
  }

  /** Whether |a − b| ≤ limit, or < limit unless `including`. False if a or b is not a number. @throws TooLarge */
  within(a: Expression, b: Expression, limit: Rational, including = true): boolean {
    try {
      const n = new Numerics(BITS, this.#budget)
      const size = n.abs(n.subtract(evaluate(a, n, new Map()), evaluate(b, n, new Map()))).re
      const most = including ? 0 : -1
      if (isExact(size)) return order(size, limit) <= most
      return n.sign(n.subtract(complex(size), complex(limit)).re) <= most
    } catch (error) {
      if (error instanceof Undefined || error instanceof NotNumber) return false
      throw error
    }
  }

  /** The sign of f / g if it is the same constant at all points where both have values other than 0, else `null`. */
  ratio(f: Expression, g: Expression): -1 | 1 | null {
    const names = [...new Set([...symbolsOf(f), ...symbolsOf(g)])].filter((x) => !x.startsWith('?')).sort()
    let sign: -1 | 1 | null = null
    let first: Complex | null = null
    let agreed = 0
    for (let k = 0; k < MAX_TRIES && agreed < POINTS; k++) {
      const values = point(names, k, k < 10 ? 'mixed' : 'positive')
      try {
        const at = (bits: number): { n: Numerics; x: Complex; y: Complex } => {
          const n = new Numerics(bits, this.#budget)
          const [x, y] = [evaluate(f, n, values), evaluate(g, n, values)]
          const needed = 2 * n.span + BITS / 2
          if (needed <= bits || (isExact(x.re) && isExact(y.re))) return { n, x, y }
          if (needed > MAX_BITS) throw new TooLarge('the range of sizes')
          return at(needed + 64)
        }
        const { n, x, y } = at(BITS)
        if (n.leftReals) continue
        const [xZero, yZero] = [n.zero(x), n.zero(y)]
        if (xZero !== yZero) return null
        if (xZero !== false) continue
        const ratio = n.divide(x, y)
        if (!isReal(ratio)) return null
        if (first && !nearZero(n.subtract(ratio, first))) return null
        first ??= ratio
        sign = n.sign(ratio.re) < 0 ? -1 : 1
        agreed++
      } catch (error) {
        if (!(error instanceof Undefined)) throw error
        this.#budget.spend(NO_VALUE)
      }
    }
    return agreed >= 2 ? sign : null
  }
}

/** Whether a number may be 0, and is at most 2^limit. */
function nearZero({ re, im }: Complex, limit = -24): boolean {
  return [re, im].every((x) => (isExact(x) ? x.n === 0n : signOf(x) === 0 && top(x) < limit))
}

/** The binary exponent of the larger part. */
function sizeOf({ re, im }: Complex): number {
  return Math.max(...[re, im].map((x) => (isExact(x) ? bitLength(x.n) - bitLength(x.d) : top(x))))
}

/** Gives every log without a base the base 10. */
function withBase10(e: Expression): Expression {
  const inner = mapChildren(e, withBase10)
  if (inner.kind !== 'call' || inner.name !== 'log' || inner.args.length > 1) return inner
  return { ...inner, args: [inner.args[0]!, TEN] }
}
const TEN = exactNumber(rational(10n))

/** The values of the variables at the k-th point: odd multiples of a power of ½, so that exponents contain no hidden root of −1. */
function point(
  names: readonly string[],
  k: number,
  kind: 'mixed' | 'positive' | 'whole' | 'complex',
): Map<string, Complex> {
  const values = new Map<string, Complex>()
  names.forEach((name, at) => {
    // a hash of the variable, the point and the kind
    let h = Math.imul(at * 31 + k * 1013 + kind.length * 7919 + 12345, 0x9e3779b1)
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
    h = (h ^ (h >>> 13)) >>> 0
    if (kind === 'whole') {
      values.set(name, complex({ n: BigInt(2 + (h % (k < 3 ? 12 : 5)) + (at === 0 ? k : 0)), d: 1n }))
      return
    }
    const size = (h % 4093) * 2 + 1
    const negative = kind !== 'positive' && ((h >>> 20) & 1) === 1
    // Up to 4; then up to ½, for arc sines; then up to 128, for logarithms of differences.
    const scale = k < 3 ? 11n : k % 3 === 0 ? 14n : k % 3 === 1 ? 6n : 11n
    values.set(name, complex(rational(BigInt(negative ? -size : size), 1n << scale)))
  })
  return values
}
