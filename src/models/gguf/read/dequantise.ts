import { bfloat16ToFloat32, float16Table, float16ToFloat32 } from '../../checkpoint/half.ts'
import type { TensorTypeName } from '../tensor-types.ts'

/*
 * The values of ggml's blocks, as by `dequantize_row_*` in ggml-quants.c. Every product and sum is rounded to float32, as it
 * is there, so that the result is the same to the bit.
 */

const f32 = Math.fround

/** Reads the blocks of one type into float32; `bytes` holds whole blocks, and `values` has room for all of their values. */
type Dequantise = (bytes: Uint8Array, values: Float32Array) => void

/** The values that 4 bits stand for in the types IQ4. */
const IQ4_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const

/** Values of K types per block. */
const K = 256

const DEQUANTISE: Readonly<Record<TensorTypeName, Dequantise>> = {
  F32: (bytes, values) => {
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(
      bytes.subarray(0, values.byteLength),
    )
  },
  F16: (bytes, values) => float16ToFloat32(halves(bytes), values),
  BF16: (bytes, values) => bfloat16ToFloat32(halves(bytes), values),

  // x = d · (q − 8)
  Q4_0: eachBlock(32, 18, (block, values, at) => {
    const d = block.half(0)
    for (let i = 0; i < 16; i++) {
      const q = block.byte(2 + i)
      values[at + i] = f32(d * ((q & 15) - 8))
      values[at + i + 16] = f32(d * ((q >> 4) - 8))
    }
  }),

  // x = d · q + m
  Q4_1: eachBlock(32, 20, (block, values, at) => {
    const d = block.half(0)
    const m = block.half(2)
    for (let i = 0; i < 16; i++) {
      const q = block.byte(4 + i)
      values[at + i] = f32(f32(d * (q & 15)) + m)
      values[at + i + 16] = f32(f32(d * (q >> 4)) + m)
    }
  }),

  // x = d · (q − 16), the fifth bits together
  Q5_0: eachBlock(32, 22, (block, values, at) => {
    const d = block.half(0)
    const high = block.word(2)
    for (let i = 0; i < 16; i++) {
      const q = block.byte(6 + i)
      values[at + i] = f32(d * (((q & 15) | (((high >>> i) & 1) << 4)) - 16))
      values[at + i + 16] = f32(d * (((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16))
    }
  }),

  // x = d · q + m
  Q5_1: eachBlock(32, 24, (block, values, at) => {
    const d = block.half(0)
    const m = block.half(2)
    const high = block.word(4)
    for (let i = 0; i < 16; i++) {
      const q = block.byte(8 + i)
      values[at + i] = f32(f32(d * ((q & 15) | (((high >>> i) & 1) << 4))) + m)
      values[at + i + 16] = f32(f32(d * ((q >> 4) | (((high >>> (i + 16)) & 1) << 4))) + m)
    }
  }),

  // x = d · q
  Q8_0: eachBlock(32, 34, (block, values, at) => {
    const d = block.half(0)
    for (let i = 0; i < 32; i++) values[at + i] = f32(d * block.signed(2 + i))
  }),

  // 16 groups of 16 values, each with a scale and a minimum of 4 bits: x = (d · s) · q − dmin · m
  Q2_K: eachBlock(K, 84, (block, values, at) => {
    const d = block.half(80)
    const dmin = block.half(82)
    for (let group = 0; group < 16; group++) {
      const s = block.byte(group)
      const scale = f32(d * (s & 15))
      const minimum = f32(dmin * (s >> 4))
      const first = 16 + (group >> 3) * 32 + (group & 1) * 16
      const shift = group & 6
      for (let i = 0; i < 16; i++) {
        const q = (block.byte(first + i) >> shift) & 3
        values[at + 16 * group + i] = f32(f32(scale * q) - minimum)
      }
    }
  }),

  // 16 groups of 16 values, each with a scale of 6 bits: x = (d · (s − 32)) · (q − 4), the third bits apart
  Q3_K: eachBlock(K, 110, (block, values, at) => {
    const d = block.half(108)
    for (let group = 0; group < 16; group++) {
      const low = (block.byte(96 + (group & 7)) >> (group < 8 ? 0 : 4)) & 15
      const high = (block.byte(104 + (group & 3)) >> (2 * (group >> 2))) & 3
      const scale = f32(d * ((low | (high << 4)) - 32))
      const half = (group & 1) * 16
      const first = 32 + (group >> 3) * 32 + half
      for (let i = 0; i < 16; i++) {
        const q = (block.byte(first + i) >> (group & 6)) & 3
        const third = (block.byte(half + i) >> (group >> 1)) & 1
        values[at + 16 * group + i] = f32(scale * (q + 4 * third - 4))
      }
    }
  }),

  Q4_K: eachBlock(K, 144, (block, values, at) => groupsWithMinimum(block, values, at, false)),
  Q5_K: eachBlock(K, 176, (block, values, at) => groupsWithMinimum(block, values, at, true)),

  // 16 groups of 16 values, each with a scale of 8 bits: x = (d · s) · (q − 32)
  Q6_K: eachBlock(K, 210, (block, values, at) => {
    const d = block.half(208)
    for (let group = 0; group < 16; group++) {
      const scale = f32(d * block.signed(192 + group))
      const part = (group >> 1) & 3 // of the four in 128 values
      const half = (group & 1) * 16
      const low = 64 * (group >> 3) + 32 * (part & 1) + half
      const high = 128 + 32 * (group >> 3) + half
      for (let i = 0; i < 16; i++) {
        const q =
          ((block.byte(low + i) >> (part < 2 ? 0 : 4)) & 15) |
          (((block.byte(high + i) >> (2 * part)) & 3) << 4)
        values[at + 16 * group + i] = f32(scale * (q - 32))
      }
    }
  }),

  // x = d · table[q]
  IQ4_NL: eachBlock(32, 18, (block, values, at) => {
    const d = block.half(0)
    for (let i = 0; i < 16; i++) {
      const q = block.byte(2 + i)
      values[at + i] = f32(d * IQ4_VALUES[q & 15]!)
      values[at + i + 16] = f32(d * IQ4_VALUES[q >> 4]!)
    }
  }),

  // 8 groups of 32 values, each with a scale of 6 bits: x = (d · (s − 32)) · table[q]
  IQ4_XS: eachBlock(K, 136, (block, values, at) => {
    const d = block.half(0)
    const high = block.byte(2) | (block.byte(3) << 8)
    for (let group = 0; group < 8; group++) {
      const low = (block.byte(4 + (group >> 1)) >> (4 * (group & 1))) & 15
      const scale = f32(d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32))
      for (let i = 0; i < 16; i++) {
        const q = block.byte(8 + 16 * group + i)
        values[at + 32 * group + i] = f32(scale * IQ4_VALUES[q & 15]!)
        values[at + 32 * group + i + 16] = f32(scale * IQ4_VALUES[q >> 4]!)
      }
    }
  }),
}

/** Whole blocks of a type as float32. `values` has exactly as many places as the blocks have values. */
export function dequantise(type: TensorTypeName, bytes: Uint8Array, values: Float32Array): void {
  DEQUANTISE[type](bytes, values)
}

/** Where a block is read: numbers by their byte in it. */
class Block {
  start = 0
  readonly #bytes: Uint8Array
  readonly #halves = float16Table()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(at: number): number {
    return this.#bytes[this.start + at]!
  }

  signed(at: number): number {
    return (this.byte(at) << 24) >> 24
  }

  half(at: number): number {
    return this.#halves[this.byte(at) | (this.byte(at + 1) << 8)]!
  }

  /** 32 bits. */
  word(at: number): number {
    return this.byte(at) | (this.byte(at + 1) << 8) | (this.byte(at + 2) << 16) | (this.byte(at + 3) << 24)
  }
}

function eachBlock(
  blockSize: number,
  blockBytes: number,
  read: (block: Block, values: Float32Array, at: number) => void,
): Dequantise {
  return (bytes, values) => {
    const block = new Block(bytes)
    for (let at = 0; at < values.length; at += blockSize, block.start += blockBytes) read(block, values, at)
  }
}

/**
 * A block of Q4_K or Q5_K: 8 groups of 32 values, each with a scale and a minimum of 6 bits: x = (d · s) · q − dmin · m. The
 * fifth bits of Q5_K come before the others: bit j of byte i is that of value i of group j.
 */
function groupsWithMinimum(block: Block, values: Float32Array, at: number, hasFifthBits: boolean): void {
  const d = block.half(0)
  const dmin = block.half(2)
  const fifths = 16
  const fours = hasFifthBits ? fifths + 32 : fifths
  for (let group = 0; group < 8; group++) {
    const [s, m] = scaleAndMinimum(block, 4, group)
    const scale = f32(d * s)
    const minimum = f32(dmin * m)
    const first = fours + 32 * (group >> 1)
    const shift = 4 * (group & 1)
    for (let i = 0; i < 32; i++) {
      const fifth = hasFifthBits ? (block.byte(fifths + i) >> group) & 1 : 0
      const q = ((block.byte(first + i) >> shift) & 15) | (fifth << 4)
      values[at + 32 * group + i] = f32(f32(scale * q) - minimum)
    }
  }
}

/** Scale and minimum of group j (of 8), 6 bits each, packed into 12 bytes (`get_scale_min_k4`). */
function scaleAndMinimum(block: Block, first: number, j: number): [scale: number, minimum: number] {
  if (j < 4) return [block.byte(first + j) & 63, block.byte(first + j + 4) & 63]
  const low = block.byte(first + j + 4)
  return [
    (low & 15) | ((block.byte(first + j - 4) >> 6) << 4),
    (low >> 4) | ((block.byte(first + j) >> 6) << 4),
  ]
}

/** Pairs of bytes as numbers, wherever the bytes begin. */
function halves(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
}
