import { type Budget, TooLarge, Undefined } from '../terms/budget.ts'
import * as q from '../terms/rational.ts'
import { ONE, type Rational, ZERO } from '../terms/rational.ts'
import type { Ball } from './ball.ts'
import * as ball from './ball.ts'
import * as t from './transcendental.ts'

/** A real number: exact if possible, else a ball. */
export type Real = Rational | Ball
export interface Complex {
  readonly re: Real
  readonly im: Real
}

export const isExact = (a: Real): a is Rational => 'n' in a
const isZero = (a: Real) => isExact(a) && a.n === 0n
export const isReal = (a: Complex) => isZero(a.im)
export const complex = (re: Real, im: Real = ZERO): Complex => ({ re, im })
export const whole = (n: number | bigint): Complex => complex({ n: BigInt(n), d: 1n })
/** The number as a whole number if it is known to be exactly one, else `null`. */
export const wholeOf = (a: Complex): bigint | null =>
  isReal(a) && isExact(a.re) && a.re.d === 1n ? a.re.n : null

const sizeOf = (a: Rational) => Math.max(q.bitLength(a.n), q.bitLength(a.d))

/** Whether a number has few enough digits to look for an exact root. */
const isSmall = (a: Rational) => q.bitLength(a.n) <= 2048 && q.bitLength(a.d) <= 2048

/** The result of `compute`, or `null` if it would have too many digits; a ball is then used instead. */
function orTooLarge<T>(compute: () => T): T | null {
  try {
    return compute()
  } catch (error) {
    if (error instanceof TooLarge) return null
    throw error
  }
}

/**
 * Arithmetic with complex numbers at one precision. It also records the largest size of a term or argument in bits
 * (`span`): if the sizes are very different, a difference may be too small for the precision.
 */
export class Numerics {
  readonly bits: number
  readonly budget: Budget
  span = 0
  /** A root or logarithm of a negative number was taken. */
  leftReals = false

  constructor(bits: number, budget: Budget) {
    this.bits = bits
    this.budget = budget
  }

  // Reals

  #ball(a: Real): Ball {
    if (!isExact(a)) return a
    const size = sizeOf(a)
    // The ball loses the last digits of the number.
    if (size > this.bits / 2 && size > this.span) this.span = size
    return ball.fromRational(a, this.bits)
  }
  /** Spends the work of a result. */
  #paid<R extends Real>(a: R): R {
    if (!isExact(a)) this.budget.spend(4 + (this.bits >> 6))
    else if (a.d === 1n) this.budget.spend(1 + (q.bitLength(a.n) >> 6))
    // Most of the work is the greatest common divisor.
    else this.budget.spend(1 + q.gcdWork(a.n, a.d))
    return a
  }
  /** Spends the work of a series at this precision. */
  #series(argument: Real): void {
    this.#note(argument)
    const words = this.bits >> 6
    this.budget.spend(60 + 10 * words * words)
  }
  /** Records the size of a term or of a function's argument. */
  #note(a: Real): void {
    const size = isExact(a) ? sizeOf(a) : ball.signOf(a) === 0 ? 0 : Math.abs(ball.top(a))
    if (size > this.span) this.span = size
  }
  #add(a: Real, b: Real): Real {
    if (isZero(a)) return b
    if (isZero(b)) return a
    this.#note(a)
    this.#note(b)
    if (isExact(a) && isExact(b)) {
      const exact = orTooLarge(() => q.plus(a, b))
      if (exact) return this.#paid(exact)
    }
    return this.#paid(ball.add(this.#ball(a), this.#ball(b), this.bits))
  }
  #negative(a: Real): Real {
    return isExact(a) ? q.negative(a) : ball.negate(a)
  }
  #multiply(a: Real, b: Real): Real {
    if (isZero(a) || isZero(b)) return ZERO
    if (isExact(a) && isExact(b)) {
      const exact = orTooLarge(() => q.times(a, b))
      if (exact) return this.#paid(exact)
    }
    return this.#paid(ball.multiply(this.#ball(a), this.#ball(b), this.bits))
  }
  #invert(a: Real): Real {
    if (isZero(a)) throw new Undefined('a division by 0')
    const exact = isExact(a) ? orTooLarge(() => q.over(ONE, a)) : null
    return exact ?? this.#paid(ball.invert(this.#ball(a), this.bits))
  }
  /** √a for a ≥ 0 (or about 0). */
  #root(a: Real): Real {
    if (isExact(a) && isSmall(a)) {
      const exact = q.root(a, 2)
      if (exact) return exact
    }
    return this.#paid(ball.sqrt(this.#ball(a), this.bits))
  }
  /** The sign of a number; 0 if the number is 0 or its sign is unknown. */
  sign(a: Real): -1 | 0 | 1 {
    return isExact(a) ? (a.n > 0n ? 1 : a.n < 0n ? -1 : 0) : ball.signOf(a)
  }

  // Complex numbers

  add(a: Complex, b: Complex): Complex {
    return { re: this.#add(a.re, b.re), im: this.#add(a.im, b.im) }
  }
  negative(a: Complex): Complex {
    return { re: this.#negative(a.re), im: this.#negative(a.im) }
  }
  subtract(a: Complex, b: Complex): Complex {
    return this.add(a, this.negative(b))
  }
  multiply(a: Complex, b: Complex): Complex {
    if (isReal(a) && isReal(b)) return complex(this.#multiply(a.re, b.re))
    return {
      re: this.#add(this.#multiply(a.re, b.re), this.#negative(this.#multiply(a.im, b.im))),
      im: this.#add(this.#multiply(a.re, b.im), this.#multiply(a.im, b.re)),
    }
  }
  divide(a: Complex, b: Complex): Complex {
    const [x, y] = [wholeOf(a), wholeOf(b)]
    // A quotient of long whole numbers, such as factorials, may be short.
    if (x !== null && y && x % y === 0n) return complex(this.#paid({ n: x / y, d: 1n }))
    if (isReal(b)) {
      const by = this.#invert(b.re)
      return { re: this.#multiply(a.re, by), im: this.#multiply(a.im, by) }
    }
    const by = this.#invert(this.#add(this.#multiply(b.re, b.re), this.#multiply(b.im, b.im)))
    const top = this.multiply(a, this.conjugate(b))
    return { re: this.#multiply(top.re, by), im: this.#multiply(top.im, by) }
  }
  conjugate(a: Complex): Complex {
    return { re: a.re, im: this.#negative(a.im) }
  }
  abs(a: Complex): Complex {
    if (isReal(a)) {
      if (isExact(a.re) || this.sign(a.re) !== 0) return this.sign(a.re) < 0 ? this.negative(a) : a
      const { m, r, e } = a.re
      return complex({ m: 0n, r: (m < 0n ? -m : m) + r, e })
    }
    return complex(this.#root(this.#add(this.#multiply(a.re, a.re), this.#multiply(a.im, a.im))))
  }

  sqrt(a: Complex): Complex {
    if (isReal(a)) {
      if (this.sign(a.re) >= 0) {
        const re = this.#root(a.re)
        // A ball around 0 may reach below it.
        return isExact(a.re) || this.sign(a.re) > 0 ? complex(re) : { re, im: re }
      }
      this.leftReals = true
      return { re: ZERO, im: this.#root(this.#negative(a.re)) }
    }
    this.leftReals = true
    // √(x + iy) = √((|a| + x) / 2) ± i √((|a| − x) / 2)
    const size = this.abs(a).re
    const half: Rational = { n: 1n, d: 2n }
    const re = this.#root(this.#multiply(this.#add(size, a.re), half))
    const im = this.#root(this.#multiply(this.#add(size, this.#negative(a.re)), half))
    return { re, im: this.sign(a.im) < 0 ? this.#negative(im) : im }
  }

  exp(a: Complex): Complex {
    if (isReal(a) && isZero(a.re)) return whole(1)
    this.#series(a.re)
    const size = isZero(a.re) ? ONE : this.#paid(t.exp(this.#ball(a.re), this.bits))
    if (isReal(a)) return complex(size)
    const { sin, cos } = this.#sinCos(a.im)
    return { re: this.#multiply(size, cos), im: this.#multiply(size, sin) }
  }

  log(a: Complex): Complex {
    if (isReal(a)) {
      const sign = this.sign(a.re)
      if (sign === 0) throw new Undefined('the logarithm of 0')
      if (isExact(a.re) && a.re.n === a.re.d) return whole(0)
      this.#series(a.re)
      const size = this.#paid(t.log(this.#ball(sign < 0 ? this.#negative(a.re) : a.re), this.bits))
      if (sign > 0) return complex(size)
      this.leftReals = true
      return { re: size, im: this.pi().re }
    }
    this.leftReals = true
    return { re: this.log(this.abs(a)).re, im: this.argument(a) }
  }

  argument(a: Complex): Real {
    const [x, y] = [this.sign(a.re), this.sign(a.im)]
    if (x === 0 && y === 0) throw new Undefined('the argument of 0')
    const quarter = this.#multiply(this.pi().re, { n: 1n, d: 2n })
    if (isZero(a.im)) return x > 0 ? ZERO : this.pi().re
    // Divide by the larger part.
    const [X, Y] = [this.#ball(a.re), this.#ball(a.im)]
    if (x === 0 || (y !== 0 && ball.top(Y) > ball.top(X))) {
      const rest = this.#atan(this.#multiply(a.re, this.#invert(a.im)))
      return this.#add(y > 0 ? quarter : this.#negative(quarter), this.#negative(rest))
    }
    const angle = this.#atan(this.#multiply(a.im, this.#invert(a.re)))
    if (x > 0) return angle
    return this.#add(angle, y < 0 ? this.#negative(this.pi().re) : this.pi().re)
  }

  pi(): Complex {
    return complex(t.pi(this.bits + 8))
  }
  e(): Complex {
    return this.exp(whole(1))
  }

  #sinCos(a: Real): { sin: Real; cos: Real } {
    if (isZero(a)) return { sin: ZERO, cos: ONE }
    this.#series(a)
    const { sin, cos } = t.sinCos(this.#ball(a), this.bits)
    return { sin: this.#paid(sin), cos: this.#paid(cos) }
  }
  #atan(a: Real): Real {
    this.#series(a)
    return isZero(a) ? ZERO : this.#paid(t.atan(this.#ball(a), this.bits))
  }

  /** sin and cos of a complex number. */
  sinCos(a: Complex): { sin: Complex; cos: Complex } {
    if (isReal(a)) {
      const { sin, cos } = this.#sinCos(a.re)
      return { sin: complex(sin), cos: complex(cos) }
    }
    // e^(ia) = cos a + i sin a
    const up = this.exp(this.multiply({ re: ZERO, im: ONE }, a))
    const down = this.divide(whole(1), up)
    const half = complex({ n: 1n, d: 2n })
    return {
      cos: this.multiply(half, this.add(up, down)),
      sin: this.multiply({ re: ZERO, im: { n: -1n, d: 2n } }, this.subtract(up, down)),
    }
  }

  /** The arc tangent of a real number. */
  atan(a: Complex): Complex {
    if (!isReal(a)) throw new Undefined('the arc tangent of a complex number')
    return complex(this.#atan(a.re))
  }

  /** a ^ b, exact if possible. A negative base has a real root if the exponent's denominator is odd. */
  power(a: Complex, b: Complex): Complex {
    const k = wholeOf(b)
    if (k !== null) return this.#wholePower(a, k)
    if (isReal(a) && isZero(a.re)) {
      if (this.sign(b.re) > 0) return whole(0)
      throw new Undefined('a power of 0')
    }
    if (isReal(a) && isReal(b) && isExact(b.re)) {
      const { n, d } = b.re
      if (d === 2n && n < 100n && n > -100n) return this.#wholePower(this.sqrt(a), n)
      const sign = this.sign(a.re)
      if (sign === 0) throw new Undefined('a root of a number that may be 0')
      const odd = d % 2n === 1n
      if (sign < 0 && odd) {
        const size = this.#positivePower(this.negative(a), b.re)
        return n % 2n === 0n ? size : this.negative(size)
      }
      if (sign > 0) return this.#positivePower(a, b.re)
    }
    if (isReal(a) && this.sign(a.re) < 0) this.leftReals = true
    return this.exp(this.multiply(b, this.log(a)))
  }

  #positivePower(a: Complex, b: Rational): Complex {
    if (isExact(a.re) && b.d < 64n && isSmall(a.re)) {
      const exact = q.root(a.re, Number(b.d))
      if (exact) return this.#wholePower(complex(exact), b.n)
    }
    return this.exp(this.multiply(complex(b), this.log(a)))
  }

  #wholePower(a: Complex, k: bigint): Complex {
    if (isReal(a) && isExact(a.re)) {
      const { re } = a
      const exact = orTooLarge(() => q.power(re, k) ?? undefined)
      if (exact === undefined) throw new Undefined('a negative power of 0')
      if (exact) return complex(this.#paid(exact))
    }
    if (k < 0n) return this.divide(whole(1), this.#wholePower(a, -k))
    if (k > 1n << 40n) throw new TooLarge('an exponent')
    let result = whole(1)
    for (let base = a, left = k; left > 0n; left >>= 1n) {
      if (left & 1n) result = this.multiply(result, base)
      if (left > 1n) base = this.multiply(base, base)
    }
    return result
  }

  /** ⌊a⌋ of a real number. */
  floor(a: Complex): Complex {
    if (!isReal(a)) throw new Undefined('the whole part of a complex number')
    return whole(isExact(a.re) ? q.floor(a.re) : ball.wholePart(a.re))
  }

  /** Whether a number is 0; `null` if the precision is too low to tell. */
  zero(a: Complex): boolean | null {
    const parts = [a.re, a.im].map((part): boolean | null => {
      if (isExact(part)) return part.n === 0n
      if (ball.signOf(part) !== 0) return false
      // Close to 0, at half of the precision.
      return ball.top(part) < -this.bits / 2 ? true : null
    })
    return parts.includes(false) ? false : parts.includes(null) ? null : true
  }
}
