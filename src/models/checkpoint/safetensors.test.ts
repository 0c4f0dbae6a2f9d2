import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { SafetensorsFile, writeSafetensors } from './safetensors.ts'

const directory = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(directory, { recursive: true }))
const path = join(directory, 'x.safetensors')

/** Writes a file with this header (an object, or its text) and these data, or that many zero bytes. */
function file(header: unknown, data: Uint8Array | number): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(json.length))
  writeFileSync(path, Buffer.concat([prefix, json, typeof data === 'number' ? Buffer.alloc(data) : data]))
  return path
}

function readOne(dtype: string, data: ArrayBufferView): Float32Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const count = (data as unknown as { length: number }).length
  const opened = new SafetensorsFile(
    file({ a: { dtype, shape: [count], data_offsets: [0, bytes.length] } }, bytes),
  )
  try {
    return opened.read('a')
  } finally {
    opened.close()
  }
}

describe('SafetensorsFile', () => {
  it.each<[string, ArrayBufferView, number[]]>([
    ['F32', Float32Array.of(1.5, -0.1), [1.5, Math.fround(-0.1)]],
    [
      'F16',
      Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x8400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555),
      [1, -2, 2 ** -24, -(2 ** -14), 65504, Infinity, -Infinity, NaN, 0.333251953125],
    ],
    ['BF16', Uint16Array.of(0x3f80, 0xc040, 0x0001, 0x7f80), [1, -3, 2 ** -133, Infinity]],
  ])('reads %s', (dtype, data, expected) => {
    expect([...readOne(dtype, data)]).toEqual(expected)
  })

  it('reads integers only with readInt64', () => {
    const opened = new SafetensorsFile(
      file(
        { a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } },
        new Uint8Array(BigInt64Array.of(-7n).buffer),
      ),
    )
    expect(() => opened.read('a')).toThrow('tensor a is I64; only F32, F16 and BF16 are supported')
    expect(() => opened.read('b')).toThrow('has no tensor b')
    expect(opened.readInt64('a')).toEqual(BigInt64Array.of(-7n))
    opened.close()
  })

  const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  })
  it.each<[string, () => unknown, RegExp]>([
    ['empty', () => writeFileSync(path, ''), /it has 0 bytes; the length of the header alone takes 8/],
    [
      'cut in the header',
      () => writeFileSync(path, Buffer.from([100, 0, 0, 0, 0, 0, 0, 0, 123])),
      /should end at byte 108, but the file ends at byte 9/,
    ],
    [
      'header too long',
      () => writeFileSync(path, Buffer.alloc(16, 0xff)),
      /claims 18446744073709551615 bytes, more than the limit of 100000000/,
    ],
    ['not JSON', () => file('{"a": ', 0), /its header \(bytes 8 to 14\) is not JSON/],
    ['not UTF-8', () => writeFileSync(path, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0xff])), /is not JSON/],
    ['not an object', () => file('[1]', 0), /is not a JSON object/],
    [
      'half written',
      () => file({ a: entry(0, 40) }, 39),
      /tensor a should end at byte \d+, but the file ends at byte \d+/,
    ],
    [
      'bytes left over',
      () => file({ a: entry(0, 40) }, 44),
      /its tensors end at byte (\d+), but the file ends at byte (\d+)/,
    ],
    [
      'overlap',
      () => file({ a: entry(0, 8), b: entry(4, 12) }, 12),
      /tensor b begins at byte \d+, inside tensor a, which ends at/,
    ],
    [
      'gap',
      () => file({ a: entry(0, 8), b: entry(12, 16) }, 16),
      /bytes \d+ to \d+ before tensor b belong to no tensor/,
    ],
    [
      'shape and offsets disagree',
      () => file({ a: entry(0, 8, [3]) }, 8),
      /tensor a, F32 \[3\], needs 12 bytes; its offsets give 8/,
    ],
    ['backwards', () => file({ a: entry(8, 0, [2]) }, 8), /needs 8 bytes; its offsets give -8/],
    ['unknown dtype', () => file({ a: entry(0, 8, [2], 'F3') }, 8), /tensor a has the unknown dtype F3/],
    [
      'negative shape',
      () => file({ a: entry(0, 8, [-2, -1]) }, 8),
      /tensor a lacks a valid dtype, shape or data_offsets/,
    ],
    ['no entry', () => file({ a: null }, 0), /tensor a lacks a valid dtype, shape or data_offsets: null/],
    [
      'missing',
      () => rmSync(path, { force: true }),
      /cannot read .*x.safetensors: there is no such file or folder/,
    ],
  ])('%s', (_, make, message) => {
    make()
    const open = () => new SafetensorsFile(path)
    expect(open).toThrow(UserError)
    expect(open).toThrow(message)
    expect(open).toThrow(path)
  })
})

describe('writeSafetensors', () => {
  const tensors = new Map([
    ['b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.1) }],
    ['ä', { shape: [], data: Float32Array.of(-0.5) }],
    ['none', { shape: [0, 4], data: new Float32Array() }],
  ])

  it('survives a round trip, with an aligned header', () => {
    writeSafetensors(path, tensors, { dtype: 'F32', metadata: { format: 'pt' } })
    const opened = new SafetensorsFile(path)
    expect(opened.metadata).toEqual({ format: 'pt' })
    expect([...opened.tensors].map(([name, { shape, dtype }]) => [name, shape, dtype])).toEqual([
      ['b', [2, 3], 'F32'],
      ['ä', [], 'F32'],
      ['none', [0, 4], 'F32'],
    ])
    for (const [name, { data }] of tensors) expect(opened.read(name)).toEqual(data)
    opened.close()
    expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0)
    expect(readdirSync(directory)).toEqual(['x.safetensors'])
  })

  it('rounds to the nearest bfloat16, ties to even', () => {
    const ulp = 2 ** -7 // of bfloat16 in [1, 2)
    const cases: [number, number][] = [
      [1 + 0.49 * ulp, 1],
      [1 + 0.51 * ulp, 1 + ulp],
      [1 + 0.5 * ulp, 1],
      [1 + 1.5 * ulp, 1 + 2 * ulp],
      [-1 - 1.5 * ulp, -1 - 2 * ulp],
      [3.4028234663852886e38, Infinity],
      [-Infinity, -Infinity],
      [NaN, NaN],
      [-0, -0],
    ]
    const data = Float32Array.from(cases.map(([x]) => x))
    writeSafetensors(path, new Map([['a', { shape: [data.length], data }]]), { dtype: 'BF16' })
    const opened = new SafetensorsFile(path)
    expect([...opened.read('a')]).toEqual(cases.map(([, y]) => y))
    opened.close()
  })

  it('leaves nothing behind when it fails', () => {
    expect(() => writeSafetensors(join(directory, 'no', 'y'), tensors, { dtype: 'F32' })).toThrow(
      /cannot write .*y: there is no such file or folder/,
    )
    const wrong = new Map([['a', { shape: [2], data: new Float32Array(3) }]])
    expect(() => writeSafetensors(path, wrong, { dtype: 'F32' })).toThrow(
      'a has 3 values, which do not fill its shape [2]',
    )
    expect(readdirSync(directory)).toEqual(['x.safetensors'])
  })
})
