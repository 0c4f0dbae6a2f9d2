import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../common/random.ts'
import { dequantise } from '../read/dequantise.ts'
import { FIRST_TOO_LARGE, quantise, type WritableType } from './quantise.ts'

/** 64 blocks of 256: of sizes from 1 to 1e-8, zeros, equal values, positive ones, single ones, and outliers. */
function values(): Float32Array {
  let state = 1
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state / 2 ** 32
  }
  return Float32Array.from({ length: 256 * 64 }, (_, i) => {
    const block = Math.floor(i / 256)
    let x = (random() + random() + random() - 1.5) * 10 ** -(block % 9)
    if (block === 1) x = 0
    if (block === 2) x = 0.25
    if (block === 3) x = Math.abs(x)
    if (block === 4 && i % 32 < 31) x = 0
    return i % 97 === 0 ? x * 20 : x
  })
}

// The bytes of `quantize_row_*_ref` of ggml for the same values (tools/golden/ggml_quantise.py).
describe('quantise writes what ggml writes', () => {
  test.each([
    ['Q8_0', '13a1908859d7a73c83e846b87d520506f08f6947d3ad861994d899d37cc18a01', [12, 45, 129, 10, 9, 241]],
    ['Q5_0', 'a9f71a8365dafa17bc196bac7a0c5aa8f994f53a5c7bb8489547bf665bb655d7', [2, 57, 118, 190, 143, 250]],
    ['Q4_K', 'cead3fa904babe2fb8ff80210ccfcab196b4dd3d8a1fae2bdac7e3093bf42c57', [38, 36, 20, 49, 47, 7]],
    ['Q6_K', 'bac39e26196d94a3471b8b911d278cf57703b14467fcc626990204392833376f', [32, 83, 50, 252, 111, 19]],
  ] as const)('%s', (type, sha256, first) => {
    const bytes = quantise(values(), type)
    expect([...bytes.subarray(0, 6)]).toEqual(first)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
  })

  test.each([
    ['F32', [1], [0, 0, 0x80, 0x3f]],
    ['BF16', [1, -2], [0x80, 0x3f, 0x00, 0xc0]],
    ['F16', [1, -2, 65504, 1e9, 2 ** -24, 2 ** -25], [0, 0x3c, 0, 0xc0, 0xff, 0x7b, 0, 0x7c, 1, 0, 0, 0]],
    // halves are rounded to the even neighbour
    ['F16', [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, 1.5 * 2 ** -24], [0, 0x3c, 2, 0x3c, 0, 0x7c, 2, 0]],
  ] as const)('%s %j', (type, numbers, bytes) => {
    expect([...quantise(Float32Array.from(numbers), type)]).toEqual(bytes)
  })

  test('whole blocks alone', () => {
    expect(() => quantise(new Float32Array(100), 'Q4_K')).toThrow(
      '100 values are not whole Q4_K blocks of 256',
    )
  })
})

describe('values below the first that is too large stay finite, and that one does not', () => {
  const SIZE = 1024
  /** Numbers of at most this magnitude: all of it, one of it among small ones, or anything in between. */
  const shapes: Record<string, (random: Random, i: number) => number> = {
    'all the same': () => 1,
    'of both signs': (random) => (random.uniform() < 0.5 ? 1 : -1),
    'one in a group': (_, i) => (i % 32 === 7 ? 1 : 1e-3),
    'one negative in a group': (_, i) => (i % 32 === 7 ? -1 : 1e-3),
    'all but one negative': (_, i) => (i % 32 === 7 ? 1e-3 : -1),
    uniform: (random) => 2 * random.uniform() - 1,
    'mostly large': (random) => -1 + 0.1 * random.uniform() ** 4,
  }
  const types = Object.keys(FIRST_TOO_LARGE) as WritableType[]
  const stored = (type: WritableType, values: Float32Array): Float32Array => {
    const back = new Float32Array(values.length)
    dequantise(type, quantise(values, type), back)
    return back
  }
  test.each(types.flatMap((type) => Object.keys(shapes).map((shape) => [type, shape] as const)))(
    '%s, %s',
    (type, shape) => {
      const random = new Random('largest', type, shape)
      const most = Math.min(FIRST_TOO_LARGE[type], 3.4e38) * (1 - 2 ** -20)
      const values = Float32Array.from({ length: SIZE }, (_, i) => most * shapes[shape]!(random, i))
      expect(stored(type, values).every(Number.isFinite)).toBe(true)
    },
  )
  test.each(['F16', 'BF16', 'Q5_0', 'Q8_0'] as const)('%s', (type) => {
    const values = new Float32Array(32).fill(-FIRST_TOO_LARGE[type])
    expect(stored(type, values).some(Number.isFinite)).toBe(false)
  })
})
