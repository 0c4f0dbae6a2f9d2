import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TENSOR_TYPES, type TensorTypeName } from '../tensor-types.ts'
import { dequantise } from './dequantise.ts'

// Made by tools/golden/dequantise.py with the Python package gguf.
const golden: Record<string, { bytes: string; values: string }> = JSON.parse(
  readFileSync(new URL('../fixtures/dequantise.json', import.meta.url), 'utf8'),
)

test.each(Object.keys(TENSOR_TYPES) as TensorTypeName[])('%s is read to the bit as by gguf', (type) => {
  const bytes = Buffer.from(golden[type]!.bytes, 'base64')
  const expected = Buffer.from(golden[type]!.values, 'base64')
  const values = new Float32Array(expected.length / 4)
  const { blockSize, blockBytes } = TENSOR_TYPES[type]
  expect(values.length / blockSize).toBe(bytes.length / blockBytes)
  dequantise(type, bytes, values)
  expect(Buffer.from(values.buffer).equals(expected)).toBe(true)
})

test('bytes may begin anywhere', () => {
  const bytes = Uint8Array.of(9, 0, 0x3c, 0x80, 0xc0).subarray(1)
  const values = new Float32Array(2)
  dequantise('F16', bytes, values)
  expect([...values]).toEqual([1, -2.25])
})
