import { putFloat16 } from '../../checkpoint/half.ts'

/*
 * The K types of ggml: blocks of 256 values with a float16 scale, divided into groups with scales of their own, which are
 * quantised themselves. Every operation is rounded to float32 in ggml's order, so that the bytes are equal to those of
 * `quantize_row_q4_K_ref` and `quantize_row_q6_K_ref` of ggml-quants.c.
 */

const f32 = Math.fround
/** Values per block. */
const K = 256

/** The nearest integer of a float32, halves to even, by adding and subtracting 1.5 · 2²³. */
const nearest = (x: number): number => f32(f32(x) + 12582912) - 12582912
const clamp = (x: number, lo: number, hi: number): number => (x < lo ? lo : x > hi ? hi : x)

const Q4K_BYTES = 144
const GROUP = 32
const GROUPS = K / GROUP

/** 4 bits per value: x ≈ d · scale · q − dmin · min, with 6-bit scales and minima of 8 groups of 32. */
export function quantiseQ4K(values: Float32Array, bytes: Uint8Array): void {
  const levels = new Uint8Array(K)
  const [scales, minima] = [new Float32Array(GROUPS), new Float32Array(GROUPS)]
  for (let i = 0, at = 0; i < values.length; i += K, at += Q4K_BYTES) {
    const x = values.subarray(i, i + K)
    let [maxScale, maxMin] = [0, 0]
    for (let g = 0; g < GROUPS; g++) {
      fitGroup(x, g * GROUP, levels, g, scales, minima)
      maxScale = Math.max(maxScale, scales[g]!)
      maxMin = Math.max(maxMin, minima[g]!)
    }
    const inverseScale = maxScale > 0 ? f32(63 / maxScale) : 0
    const inverseMin = maxMin > 0 ? f32(63 / maxMin) : 0
    const d = putFloat16(bytes, at, f32(maxScale / 63))
    const dmin = putFloat16(bytes, at + 2, f32(maxMin / 63))
    const packed = bytes.subarray(at + 4, at + 16)
    for (let g = 0; g < GROUPS; g++) {
      const scale = Math.min(63, nearest(inverseScale * scales[g]!) & 0xff)
      const min = Math.min(63, nearest(inverseMin * minima[g]!) & 0xff)
      if (g < 4) {
        packed[g] = scale
        packed[g + 4] = min
      } else {
        packed[g + 4] = (scale & 15) | ((min & 15) << 4)
        packed[g - 4]! |= (scale >> 4) << 6
        packed[g]! |= (min >> 4) << 6
      }
      const [step, offset] = [f32(d * scale), f32(dmin * min)]
      if (step === 0) continue
      for (let j = g * GROUP; j < (g + 1) * GROUP; j++)
        levels[j] = clamp(nearest(f32(f32(x[j]! + offset) / step)), 0, 15)
    }
    for (let j = 0, to = at + 16; j < K; j += 64)
      for (let l = 0; l < 32; l++) bytes[to++] = levels[j + l]! | (levels[j + l + 32]! << 4)
  }
}

const weights = new Float32Array(GROUP)
const tried = new Uint8Array(GROUP)

/**
 * Fits x ≈ scale · level + min with levels 0 … 15 and min ≤ 0 to a group of 32, by weighted least squares for 21 guesses
 * of the scale; large values weigh more (`make_qkx2_quants`). The minimum is stored without its sign.
 */
function fitGroup(
  x: Float32Array,
  from: number,
  levels: Uint8Array,
  group: number,
  scales: Float32Array,
  minima: Float32Array,
): void {
  let squares = 0
  for (let i = 0; i < GROUP; i++) squares = f32(squares + f32(x[from + i]! * x[from + i]!))
  const mean = f32(Math.sqrt(f32(squares / GROUP)))
  for (let i = 0; i < GROUP; i++) weights[i] = f32(mean + Math.abs(x[from + i]!))

  let [min, max] = [x[from]!, x[from]!]
  let sumW = weights[0]!
  let sumX = f32(sumW * x[from]!)
  for (let i = 1; i < GROUP; i++) {
    const v = x[from + i]!
    if (v < min) min = v
    if (v > max) max = v
    sumW = f32(sumW + weights[i]!)
    sumX = f32(sumX + f32(weights[i]! * v))
  }
  if (min > 0) min = 0
  if (max === min) {
    for (let i = 0; i < GROUP; i++) levels[from + i] = 0
    scales[group] = 0
    minima[group] = -min
    return
  }
  const first = f32(15 / f32(max - min))
  let scale = f32(1 / first)
  let bestError = 0
  for (let i = 0; i < GROUP; i++) {
    const level = clamp(nearest(f32(first * f32(x[from + i]! - min))), 0, 15)
    levels[from + i] = level
    const difference = f32(f32(f32(scale * level) + min) - x[from + i]!)
    bestError = f32(bestError + f32(weights[i]! * f32(difference * difference)))
  }
  for (let step = 0; step <= 20; step++) {
    // the minimum is the best one so far, as in ggml
    const inverse = f32(f32(f32(-1 + f32(f32(0.1) * step)) + 15) / f32(max - min))
    let [sumL, sumL2, sumXL] = [0, 0, 0]
    for (let i = 0; i < GROUP; i++) {
      const v = x[from + i]!
      const level = clamp(nearest(f32(inverse * f32(v - min))), 0, 15)
      tried[i] = level
      const wl = f32(weights[i]! * level)
      sumL = f32(sumL + wl)
      sumL2 = f32(sumL2 + f32(wl * level))
      sumXL = f32(sumXL + f32(wl * v))
    }
    const determinant = f32(f32(sumW * sumL2) - f32(sumL * sumL))
    if (!(determinant > 0)) continue
    let newScale = f32(f32(f32(sumW * sumXL) - f32(sumX * sumL)) / determinant)
    let newMin = f32(f32(f32(sumL2 * sumX) - f32(sumL * sumXL)) / determinant)
    if (newMin > 0) {
      newMin = 0
      newScale = f32(sumXL / sumL2)
    }
    let error = 0
    for (let i = 0; i < GROUP; i++) {
      const difference = f32(f32(f32(newScale * tried[i]!) + newMin) - x[from + i]!)
      error = f32(error + f32(weights[i]! * f32(difference * difference)))
    }
    if (error < bestError) {
      levels.set(tried, from)
      bestError = error
      scale = newScale
      min = newMin
    }
  }
  scales[group] = scale
  minima[group] = -min
}

const Q6K_BYTES = 210
const SMALL = 16
/** Groups whose largest magnitude is below this are zero. */
const ZERO = f32(1e-15)

/** 6 bits per value: x ≈ d · scale · (q − 32), with 8-bit scales of 16 groups of 16. */
export function quantiseQ6K(values: Float32Array, bytes: Uint8Array): void {
  const levels = new Uint8Array(K)
  const scales = new Float32Array(K / SMALL)
  for (let i = 0, at = 0; i < values.length; i += K, at += Q6K_BYTES) {
    const x = values.subarray(i, i + K)
    let largest = 0
    for (let g = 0; g < K / SMALL; g++) {
      scales[g] = fitSymmetric(x, g * SMALL, levels)
      if (Math.abs(scales[g]!) > Math.abs(largest)) largest = scales[g]!
    }
    if (Math.abs(largest) < ZERO) continue // all bytes are 0
    const inverse = f32(-128 / largest)
    const d = putFloat16(bytes, at + 208, f32(1 / inverse))
    for (let g = 0; g < K / SMALL; g++) {
      const scale = Math.min(127, nearest(f32(inverse * scales[g]!)))
      bytes[at + 192 + g] = scale
      const step = f32(d * ((scale << 24) >> 24))
      if (step === 0) continue
      for (let j = g * SMALL; j < (g + 1) * SMALL; j++)
        levels[j] = clamp(nearest(f32(x[j]! / step)), -32, 31) + 32
    }
    for (let j = 0; j < K; j += 128)
      for (let l = 0; l < 32; l++) {
        const [a, b, c, e] = [0, 32, 64, 96].map((o) => levels[j + l + o]!) as [
          number,
          number,
          number,
          number,
        ]
        bytes[at + j / 2 + l] = (a & 15) | ((c & 15) << 4)
        bytes[at + j / 2 + 32 + l] = (b & 15) | ((e & 15) << 4)
        bytes[at + 128 + j / 4 + l] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((e >> 4) << 6)
      }
  }
}

/**
 * Fits x ≈ scale · (level − 32) with levels 0 … 63 to a group of 16, by least squares weighted with x² for 19 guesses of
 * the scale (`make_qx_quants`). Returns the scale.
 */
function fitSymmetric(x: Float32Array, from: number, levels: Uint8Array): number {
  let largest = 0
  for (let i = from; i < from + SMALL; i++) if (Math.abs(x[i]!) > Math.abs(largest)) largest = x[i]!
  if (Math.abs(largest) < ZERO) {
    levels.fill(0, from, from + SMALL)
    return 0
  }
  const sums = (inverse: number): [number, number] => {
    let [sumLX, sumL2] = [0, 0]
    for (let i = from; i < from + SMALL; i++) {
      const v = x[i]!
      const level = clamp(nearest(f32(inverse * v)), -32, 31)
      const w = f32(v * v)
      sumLX = f32(sumLX + f32(f32(w * v) * level))
      sumL2 = f32(sumL2 + f32(f32(w * level) * level))
    }
    return [sumLX, sumL2]
  }
  const keep = (inverse: number): void => {
    for (let i = from; i < from + SMALL; i++) levels[i] = 32 + clamp(nearest(f32(inverse * x[i]!)), -32, 31)
  }
  const first = f32(-32 / largest)
  keep(first)
  const [sumLX, sumL2] = sums(first)
  let scale = sumL2 === 0 ? 0 : f32(sumLX / sumL2)
  let best = f32(scale * sumLX)
  for (let step = -9; step <= 9; step++) {
    if (step === 0) continue
    const inverse = f32(f32(-f32(32 + f32(f32(0.1) * step))) / largest)
    const [lx, l2] = sums(inverse)
    if (l2 > 0 && f32(lx * lx) > f32(best * l2)) {
      keep(inverse)
      scale = f32(lx / l2)
      best = f32(scale * lx)
    }
  }
  return scale
}
