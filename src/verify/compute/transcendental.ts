import { TooLarge, Undefined } from '../terms/budget.ts'
import { bitLength, squareRoot } from '../terms/rational.ts'
import { add, type Ball, invert, negate, rounded, signOf, top } from './ball.ts'

/** Extra bits with which functions compute, so that their own error is far below the wanted precision. */
const GUARD = 64
/** log2 of the largest argument: the exponential or the reduction of a larger one would be too large. */
const MAX_TOP = 24

/** floor(m · 2^(e + w)) and a radius: the ball in units of 2^−w. */
function fixed(a: Ball, w: number): { x: bigint; r: bigint } {
  const s = a.e + w
  if (s >= 0) return { x: a.m << BigInt(s), r: a.r << BigInt(s) }
  return { x: a.m >> BigInt(-s), r: (a.r >> BigInt(-s)) + 2n }
}

/** The number of fractional bits to compute with. */
function width(a: Ball, bits: number): number {
  const t = top(a)
  if (t > MAX_TOP * 8) throw new TooLarge('an argument')
  // A small argument keeps its relative precision.
  return bits + GUARD + Math.max(0, t, Number.isFinite(t) ? Math.min(-t, 4 * bits) : 0)
}

/** A constant in units of 2^−w, computed once for every 512 bits of w. */
function constant(compute: (w: number) => bigint): (w: number) => bigint {
  const known = new Map<number, bigint>()
  return (w) => {
    const block = Math.ceil((w + 16) / 512) * 512
    let value = known.get(block)
    if (value === undefined) {
      value = compute(block)
      known.set(block, value)
    }
    return value >> BigInt(block - w)
  }
}

/** Σ ± z^(2j+1) / (2j+1) for z = 1/n: artanh(1/n), or arctan(1/n) with alternating signs. */
function inverseSeries(n: bigint, w: number, alternate: boolean): bigint {
  let term = (1n << BigInt(w + 16)) / n
  let sum = term
  const square = n * n
  for (let k = 3n; term !== 0n; k += 2n) {
    term /= square
    const part = term / k
    sum += alternate && k % 4n === 3n ? -part : part
  }
  return sum >> 16n
}

// Machin: π = 16 arctan(1/5) − 4 arctan(1/239)
const piFixed = constant((w) => 16n * inverseSeries(5n, w, true) - 4n * inverseSeries(239n, w, true))
// log 2 = 18 artanh(1/26) − 2 artanh(1/4801) + 8 artanh(1/8749)
const log2Fixed = constant(
  (w) =>
    18n * inverseSeries(26n, w, false) -
    2n * inverseSeries(4801n, w, false) +
    8n * inverseSeries(8749n, w, false),
)

/** π. */
export const pi = (bits: number): Ball => ({ m: piFixed(bits), r: 64n, e: -bits })

/** e^a. @throws TooLarge, Undefined */
export function exp(a: Ball, bits: number): Ball {
  if (top(a) > MAX_TOP) throw new TooLarge('an exponential')
  const w = bits + GUARD + Math.max(0, top(a))
  const { x, r } = fixed(a, w)
  const W = BigInt(w)
  const log2 = log2Fixed(w)
  const k = x / log2
  const error = r + (k < 0n ? -k : k) + 64n
  if (error >> (W - 1n)) throw new Undefined('an exponential of a number that is not known precisely enough')
  // exp(x) = 2^k · exp(t / 2^8)^(2^8)
  let term = 1n << W
  let sum = term
  const t = (x - k * log2) >> 8n
  for (let j = 1n; term !== 0n && term !== -1n; j++) {
    term = (term * t) >> W
    term /= j
    sum += term
  }
  for (let i = 0; i < 8; i++) sum = (sum * sum) >> W
  return rounded(sum, ((sum * error * 2n) >> W) + (1n << 32n), Number(k) - w, bits)
}

/** The natural logarithm of a positive ball. @throws Undefined if the ball contains 0 or negative numbers. */
export function log(a: Ball, bits: number): Ball {
  if (signOf(a) <= 0) throw new Undefined('the logarithm of a number that may be 0')
  const w = 2 * bits + GUARD
  const W = BigInt(w)
  const length = bitLength(a.m)
  // a = f · 2^k with f in [1, 2)
  const f = w >= length - 1 ? a.m << BigInt(w - length + 1) : a.m >> BigInt(length - 1 - w)
  const k = length - 1 + a.e
  const radius = (a.r << W) / (a.m - a.r)
  let g = f
  for (let i = 0; i < 6; i++) g = squareRoot(g << W)
  // log g = 2 artanh((g − 1) / (g + 1))
  const one = 1n << W
  const y = ((g - one) << W) / (g + one)
  const square = (y * y) >> W
  let term = y
  let sum = y
  for (let j = 3n; term !== 0n; j += 2n) {
    term = (term * square) >> W
    sum += term / j
  }
  const value = (sum << 7n) + BigInt(k) * log2Fixed(w)
  return rounded(value, radius + (1n << 24n) + BigInt(Math.abs(k)) * 64n, -w, bits)
}

/** sin a and cos a. @throws TooLarge */
export function sinCos(a: Ball, bits: number): { sin: Ball; cos: Ball } {
  const w = width(a, bits)
  const W = BigInt(w)
  const { x, r } = fixed(a, w)
  const half = piFixed(w) >> 1n
  const q = (2n * x + half) / (2n * half) - (2n * x + half < 0n ? 1n : 0n)
  const t = x - q * half
  const square = (t * t) >> W
  let cos = 1n << W
  let sin = t
  let term = t
  let even = 1n << W
  for (let j = 1n; even !== 0n || term !== 0n; j++) {
    even = -((even * square) >> W) / ((2n * j - 1n) * (2n * j))
    term = -(((term * square) / (2n * j * (2n * j + 1n))) >> W)
    if (j > 4n * W) break
    cos += even
    sin += term
  }
  const radius = r + (q < 0n ? -q : q) * 64n + BigInt(w)
  const s = { m: sin, c: cos }
  const turn = Number(((q % 4n) + 4n) % 4n)
  const [sm, cm] = [
    [s.m, s.c],
    [s.c, -s.m],
    [-s.m, -s.c],
    [-s.c, s.m],
  ][turn]!
  return { sin: rounded(sm!, radius, -w, bits), cos: rounded(cm!, radius, -w, bits) }
}

/** arctan a. @throws TooLarge */
export function atan(a: Ball, bits: number): Ball {
  if (top(a) > 1 && signOf(a) !== 0) {
    // arctan x = ± π/2 − arctan(1/x)
    const quarter = { ...pi(bits + GUARD), e: -bits - GUARD - 1 }
    const rest = negate(atan(invert(a, bits + GUARD), bits))
    return add(signOf(a) > 0 ? quarter : negate(quarter), rest, bits)
  }
  const w = width(a, bits)
  const W = BigInt(w)
  const { x, r } = fixed(a, w)
  const one = 1n << W
  // arctan t = 2 arctan(t / (1 + √(1 + t²)))
  let t = x
  for (let i = 0; i < 4; i++) t = (t << W) / (one + squareRoot((one << W) + t * t))
  const square = (t * t) >> W
  let term = t
  let sum = t
  for (let j = 3n; term !== 0n && term !== -1n; j += 2n) {
    term = -((term * square) >> W)
    sum += term / j
  }
  return rounded(sum << 4n, r + (1n << 24n), -w, bits)
}
