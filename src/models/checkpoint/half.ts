/** value = (−1)^sign · 2^(e−15) · 1.m for a normal number, 2^(−14) · 0.m for a subnormal one (IEEE 754 binary16). */
function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  if (exponent === 0) return sign * mantissa * 2 ** -24
  return sign * 2 ** (exponent - 15) * (1 + mantissa / 1024)
}

/** The magnitudes from which numbers become infinite when they are rounded: halfway to the next power of 2. */
export const FLOAT16_END = (2 - 2 ** -11) * 2 ** 15
export const BFLOAT16_END = (2 - 2 ** -8) * 2 ** 127

let table: Float32Array | null = null

/** The values of all IEEE binary16 numbers, by their bits. */
export function float16Table(): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => float16Value(bits))
  return table
}

/** Converts IEEE binary16 to float32. */
export function float16ToFloat32(from: Uint16Array, to: Float32Array): void {
  const values = float16Table()
  for (let i = 0; i < from.length; i++) to[i] = values[from[i]!]!
}

/** Converts bfloat16, which is the upper half of a float32. */
export function bfloat16ToFloat32(from: Uint16Array, to: Float32Array): void {
  const bits = new Uint32Array(to.buffer, to.byteOffset, to.length)
  for (let i = 0; i < from.length; i++) bits[i] = from[i]! << 16
}

/** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
export function float32ToBfloat16(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length)
  for (let i = 0; i < from.length; i++) {
    const b = bits[i]!
    to[i] = Number.isNaN(from[i]!) ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16
  }
}

/** Rounds to the nearest IEEE binary16, ties to even; numbers too large become infinite, and NaN stays NaN. */
export function float32ToFloat16(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length)
  for (let i = 0; i < from.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000
    const magnitude = bits[i]! & 0x7fffffff
    if (magnitude > 0x7f800000) to[i] = sign | 0x7e00
    // FLOAT16_END and more
    else if (magnitude >= 0x477ff000) to[i] = sign | 0x7c00
    // A normal number, from 2⁻¹⁴ on: the exponent's bias is 15 in place of 127, and 13 bits are rounded away.
    else if (magnitude >= 0x38800000)
      to[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
    // A subnormal one is a multiple of 2⁻²⁴: adding 2⁻¹ as float32 rounds to these.
    else to[i] = sign | subnormal(Math.abs(from[i]!))
  }
}

const single = new Float32Array(1)
const half = new Uint16Array(1)
/** Writes a number as float16, little-endian, and returns the number that this is. */
export function putFloat16(bytes: Uint8Array, at: number, value: number): number {
  single[0] = value
  float32ToFloat16(single, half)
  bytes[at] = half[0]! & 0xff
  bytes[at + 1] = half[0]! >> 8
  return float16Table()[half[0]!]!
}

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)
/** The multiple of 2⁻²⁴ that is nearest to a number below 2⁻¹⁴. */
function subnormal(value: number): number {
  scratch[0] = value + 0.5
  return scratchBits[0]! - 0x3f000000
}
