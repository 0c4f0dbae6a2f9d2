import {
  BFLOAT16_END,
  FLOAT16_END,
  float32ToBfloat16,
  float32ToFloat16,
  putFloat16,
} from '../../checkpoint/half.ts'
import { bytesOf, TENSOR_TYPES, type TensorTypeName } from '../tensor-types.ts'
import { quantiseQ4K, quantiseQ6K } from './quantise-k.ts'

/** The types that can be written. */
export type WritableType = 'F32' | 'F16' | 'BF16' | 'Q5_0' | 'Q8_0' | 'Q4_K' | 'Q6_K'

/**
 * The magnitudes from which a value of a type, or the float16 scale of its block, may become infinite. The scales of the K types
 * are fitted, and may exceed those of the extreme values: half of what these allow.
 */
export const FIRST_TOO_LARGE: Readonly<Record<WritableType, number>> = {
  F32: Number.POSITIVE_INFINITY,
  F16: FLOAT16_END,
  BF16: BFLOAT16_END,
  Q5_0: 16 * FLOAT16_END,
  Q8_0: 127 * FLOAT16_END,
  Q4_K: (63 / 2) * FLOAT16_END,
  Q6_K: ((128 * 32) / 2) * FLOAT16_END,
}

/**
 * Values as the bytes of a tensor type, equal to those of ggml's reference implementation (`quantize_row_*_ref` in
 * ggml-quants.c). `values` must be whole blocks.
 *
 * @throws Error if the values are not whole blocks.
 */
export function quantise(values: Float32Array, type: WritableType): Uint8Array<ArrayBuffer> {
  const { blockSize } = TENSOR_TYPES[type satisfies TensorTypeName]
  if (values.length % blockSize !== 0)
    throw new Error(`quantise: ${values.length} values are not whole ${type} blocks of ${blockSize}`)
  const bytes = new Uint8Array(bytesOf(TENSOR_TYPES[type], values.length))
  encoders[type](values, bytes)
  return bytes
}

const encoders: Readonly<Record<WritableType, (values: Float32Array, bytes: Uint8Array) => void>> = {
  F32: (values, bytes) => bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  F16: (values, bytes) => float32ToFloat16(values, new Uint16Array(bytes.buffer)),
  BF16: (values, bytes) => float32ToBfloat16(values, new Uint16Array(bytes.buffer)),
  Q5_0: quantiseQ50,
  Q8_0: quantiseQ80,
  Q4_K: quantiseQ4K,
  Q6_K: quantiseQ6K,
}

// Every operation is rounded to float32, as in ggml.
const f32 = Math.fround

/** Blocks of 32: a float16 scale d = max|x| / 127, then round(x / d) as int8. */
function quantiseQ80(x: Float32Array, bytes: Uint8Array): void {
  for (let i = 0, at = 0; i < x.length; i += 32, at += 34) {
    let largest = 0
    for (let j = 0; j < 32; j++) largest = Math.max(largest, Math.abs(x[i + j]!))
    const d = f32(largest / 127)
    const inverse = d === 0 ? 0 : f32(1 / d)
    putFloat16(bytes, at, d)
    for (let j = 0; j < 32; j++) {
      const q = f32(x[i + j]! * inverse)
      // halves are rounded away from zero
      bytes[at + 2 + j] = q < 0 ? -Math.floor(0.5 - q) : Math.floor(q + 0.5)
    }
  }
}

/**
 * Blocks of 32: a float16 scale d = x / −16 for the x of the largest magnitude, the fifth bits of all values, then the
 * lower four bits of x / d + 16, value j with value j + 16.
 */
function quantiseQ50(x: Float32Array, bytes: Uint8Array): void {
  for (let i = 0, at = 0; i < x.length; i += 32, at += 22) {
    let largest = 0
    for (let j = 0; j < 32; j++) if (Math.abs(x[i + j]!) > Math.abs(largest)) largest = x[i + j]!
    const d = f32(largest / -16)
    const inverse = d === 0 ? 0 : f32(1 / d)
    putFloat16(bytes, at, d)
    const level = (value: number): number => Math.min(31, Math.trunc(f32(f32(value * inverse) + 16.5)))
    let fifth = 0
    for (let j = 0; j < 16; j++) {
      const [low, high] = [level(x[i + j]!), level(x[i + 16 + j]!)]
      bytes[at + 6 + j] = (low & 15) | ((high & 15) << 4)
      fifth |= ((low >> 4) << j) | ((high >> 4) << (j + 16))
    }
    for (let b = 0; b < 4; b++) bytes[at + 2 + b] = (fifth >>> (8 * b)) & 0xff
  }
}
