import { TooLarge, Undefined } from '../terms/budget.ts'
import { bitLength, type Rational, squareRoot } from '../terms/rational.ts'

/** A real number that is only known to lie within (m ± r) · 2^e, so that every result carries its own error bound. */
export interface Ball {
  readonly m: bigint
  readonly r: bigint
  readonly e: number
}

/** Larger exponents are refused. */
const MAX_EXPONENT = 1 << 24
const abs = (a: bigint) => (a < 0n ? -a : a)

/** The ball with at most `bits` bits of its middle m, a little wider if m has to be rounded. @throws TooLarge */
export function rounded(m: bigint, r: bigint, e: number, bits: number): Ball {
  const excess = Math.max(bitLength(m) - bits, bitLength(r) - 64)
  if (Math.abs(e) > MAX_EXPONENT) throw new TooLarge('an exponent')
  if (excess <= 0) return { m, r, e }
  const s = BigInt(excess)
  return { m: m >> s, r: (r >> s) + 2n, e: e + excess }
}

/** A ball around an exact fraction. */
export function fromRational({ n, d }: Rational, bits: number): Ball {
  if (d === 1n) return rounded(n, 0n, 0, bits)
  const shift = Math.max(0, bits + bitLength(d) - bitLength(n))
  return rounded((n << BigInt(shift)) / d, 1n, -shift, bits)
}

/** log2 of the largest magnitude in the ball, rounded up; −Infinity for exactly 0. */
export function top({ m, r, e }: Ball): number {
  const bits = bitLength(abs(m) + r)
  return bits === 0 ? Number.NEGATIVE_INFINITY : bits + e
}

/** −1 or 1, or 0 if the ball contains 0. */
export const signOf = ({ m, r }: Ball): -1 | 0 | 1 => (m > r ? 1 : m < -r ? -1 : 0)
export const negate = ({ m, r, e }: Ball): Ball => ({ m: -m, r, e })

export function add(a: Ball, b: Ball, bits: number): Ball {
  const [hi, lo] = top(a) >= top(b) ? [a, b] : [b, a]
  const gap = top(hi) - top(lo)
  if (gap === Number.POSITIVE_INFINITY || Number.isNaN(gap)) return hi
  if (gap > bits + 32) {
    // `lo` is smaller than the last bit that is kept.
    const e = Math.min(hi.e, top(hi) - bits - 8)
    const s = BigInt(hi.e - e)
    return rounded(hi.m << s, (hi.r << s) + 1n, e, bits)
  }
  const e = Math.min(a.e, b.e)
  const [s, t] = [BigInt(a.e - e), BigInt(b.e - e)]
  return rounded((a.m << s) + (b.m << t), (a.r << s) + (b.r << t), e, bits)
}

export function multiply(a: Ball, b: Ball, bits: number): Ball {
  const r = abs(a.m) * b.r + abs(b.m) * a.r + a.r * b.r
  return rounded(a.m * b.m, r, a.e + b.e, bits)
}

/** 1 / a. @throws Undefined if the ball contains 0. */
export function invert(a: Ball, bits: number): Ball {
  const m = abs(a.m)
  if (m <= a.r) throw new Undefined('a division by a number that may be 0')
  const k = bits + bitLength(m)
  const one = 1n << BigInt(k)
  const r = a.r === 0n ? 1n : (a.r * one) / (m * (m - a.r)) + 2n
  return rounded(one / a.m, r, -k - a.e, bits)
}

/** √a; for a ball that contains 0, a ball around 0. */
export function sqrt(a: Ball, bits: number): Ball {
  let shift = 2 * Math.max(0, bits - (bitLength(a.m) >> 1))
  if ((a.e - shift) % 2 !== 0) shift++
  const s = BigInt(shift)
  const e = (a.e - shift) / 2
  if (a.m <= a.r) return rounded(0n, squareRoot((abs(a.m) + a.r) << s) + 1n, e, bits)
  const m = squareRoot(a.m << s)
  return rounded(m, (a.r << s) / m + 2n, e, bits)
}

/** ⌊a⌋. @throws Undefined if it is not the same for the whole ball. */
export function wholePart(a: Ball): bigint {
  if (a.e > 4096) throw new TooLarge('a number')
  const floor = (m: bigint) => (a.e >= 0 ? m << BigInt(a.e) : m >> BigInt(-a.e))
  const lo = floor(a.m - a.r)
  if (lo !== floor(a.m + a.r)) throw new Undefined('a whole part that cannot be determined')
  return lo
}
