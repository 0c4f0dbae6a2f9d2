/** An exact fraction in lowest terms, with a positive denominator. */
export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

/** n / d in lowest terms. `d` is not 0. */
export function rational(n: bigint, d = 1n): Rational {
  let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d]
  while (b) [a, b] = [b, a % b]
  const by = d < 0n ? -a : a
  return { n: n / by, d: d / by }
}

export const plus = (a: Rational, b: Rational) => rational(a.n * b.d + b.n * a.d, a.d * b.d)
export const minus = (a: Rational, b: Rational) => rational(a.n * b.d - b.n * a.d, a.d * b.d)
export const times = (a: Rational, b: Rational) => rational(a.n * b.n, a.d * b.d)
/** a / b, or `null` for a division by 0. */
export const over = (a: Rational, b: Rational) => (b.n === 0n ? null : rational(a.n * b.d, a.d * b.n))
export const equal = (a: Rational, b: Rational) => a.n === b.n && a.d === b.d
