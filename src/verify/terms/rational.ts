import { TooLarge } from './budget.ts'

/** An exact fraction in lowest terms, with a positive denominator. */
export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

/** Whole numbers with more bits are not computed exactly. */
const MAX_WHOLE_BITS = 60_000
/** The same for numerators and denominators, whose greatest common divisor takes quadratic time. */
const MAX_FRACTION_BITS = 4_000
/** If one of the two has no more bits than this, it takes linear time. */
const FEW_BITS = 64

/** n / d in lowest terms. `d` is not 0. @throws TooLarge */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 1n) return { n: within(n, MAX_WHOLE_BITS), d }
  const most = Math.min(bitLength(n), bitLength(d)) <= FEW_BITS ? MAX_WHOLE_BITS : MAX_FRACTION_BITS
  within(n, most)
  within(d, most)
  let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d]
  while (b) [a, b] = [b, a % b]
  const by = d < 0n ? -a : a
  return { n: n / by, d: d / by }
}

/** The work of a greatest common divisor by Euclid's algorithm: the product of the lengths in words of 64 bits. */
export const gcdWork = (a: bigint, b: bigint): number => (1 + (bitLength(a) >> 6)) * (1 + (bitLength(b) >> 6))
/** The work of a product, about 500 words of partial products in a unit. */
export const productWork = (a: bigint, b: bigint): number => 1 + Math.ceil(gcdWork(a, b) / 500)

export const ZERO: Rational = { n: 0n, d: 1n }
export const ONE: Rational = { n: 1n, d: 1n }

export const plus = (a: Rational, b: Rational) =>
  a.d === b.d ? rational(a.n + b.n, a.d) : rational(a.n * b.d + b.n * a.d, a.d * b.d)
export const times = (a: Rational, b: Rational) => rational(a.n * b.n, a.d * b.d)
export const negative = (a: Rational): Rational => ({ n: -a.n, d: a.d })
/** a / b; `b` is not 0. */
export const over = (a: Rational, b: Rational) => rational(a.n * b.d, a.d * b.n)
export const same = (a: Rational, b: Rational) => a.n === b.n && a.d === b.d
/** The sign of a − b. */
export function order(a: Rational, b: Rational): -1 | 0 | 1 {
  const [x, y] = [a.n * b.d, b.n * a.d]
  return x < y ? -1 : x > y ? 1 : 0
}

/** ⌊a⌋. */
export function floor(a: Rational): bigint {
  const q = a.n / a.d
  return a.n < 0n && q * a.d !== a.n ? q - 1n : q
}

/** a ^ k for a whole k, or `null` for 0 ^ negative. @throws TooLarge */
export function power(a: Rational, k: bigint): Rational | null {
  if (k < 0n) return a.n === 0n ? null : power({ n: a.n < 0n ? -a.d : a.d, d: a.n < 0n ? -a.n : a.n }, -k)
  if (a.d === 1n && (a.n === 0n || a.n === 1n || a.n === -1n))
    return k === 0n ? ONE : { n: k % 2n === 0n ? a.n * a.n : a.n, d: 1n }
  const bits = Math.max(bitLength(a.n), a.d === 1n ? 0 : bitLength(a.d))
  const limit = a.d === 1n ? MAX_WHOLE_BITS : MAX_FRACTION_BITS
  if (k > BigInt(limit) || (bits - 1) * Number(k) > limit) throw new TooLarge('a power')
  return { n: a.n ** k, d: a.d ** k }
}

/** The exact k-th root of a ≥ 0, or `null` if it is not a fraction. */
export function root(a: Rational, k: number): Rational | null {
  const n = wholeRoot(a.n, k)
  const d = n === null ? null : wholeRoot(a.d, k)
  return n === null || d === null ? null : { n, d }
}

function wholeRoot(a: bigint, k: number): bigint | null {
  if (a < 2n) return a
  const bits = bitLength(a)
  if (bits <= k) return null
  const r = k === 2 ? squareRoot(a) : floorRoot(a, k, bits)
  return r ** BigInt(k) === a ? r : null
}

/** ⌊a^(1/k)⌋ by Newton's method from above. */
function floorRoot(a: bigint, k: number, bits: number): bigint {
  const [K, J] = [BigInt(k), BigInt(k - 1)]
  let x = 1n << BigInt(Math.ceil(bits / k))
  for (;;) {
    const y = (J * x + a / x ** J) / K
    if (y >= x) return x
    x = y
  }
}

/** ⌊√a⌋ for a ≥ 0. */
export function squareRoot(a: bigint): bigint {
  if (a < 1n << 52n) return BigInt(Math.floor(Math.sqrt(Number(a))))
  const bits = bitLength(a)
  // Starting from the root of the leading bits, each step doubles the number of correct bits.
  const half = BigInt((bits >> 2) + 1)
  let x = bits > 104 ? (squareRoot(a >> (2n * half)) + 1n) << half : 1n << BigInt((bits + 1) >> 1)
  for (;;) {
    const y = (x + a / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

/** The number of bits of |a|. */
export function bitLength(a: bigint): number {
  const size = a < 0n ? -a : a
  if (size < 1n << 53n) {
    const small = Number(size)
    return small < 2 ** 32 ? 32 - Math.clz32(small) : 64 - Math.clz32(small / 2 ** 32)
  }
  const text = size.toString(16)
  return text === '0' ? 0 : text.length * 4 - Math.clz32(Number.parseInt(text[0]!, 16)) + 28
}

function within(a: bigint, bits: number): bigint {
  if (a > -(2n ** 53n) && a < 2n ** 53n) return a
  if (bitLength(a) > bits) throw new TooLarge('a number')
  return a
}
