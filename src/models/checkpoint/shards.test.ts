import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { SafetensorsFile } from './safetensors.ts'
import { Shards, shardFiles, writeShards } from './shards.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shards-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const tensors = new Map(
  [3, 5, 1, 9, 2].map((size, i) => [`t${i}`, { shape: [size], data: new Float32Array(size).fill(i) }]),
)
const write = (maxShardBytes?: number) =>
  writeShards(directory, 'optimizer', tensors, { dtype: 'F32', metadata: { steps: '7' }, maxShardBytes })
const index = () => JSON.parse(readFileSync(join(directory, 'optimizer.safetensors.index.json'), 'utf8'))

describe('writeShards', () => {
  it.each([
    [undefined, [['t0', 't1', 't2', 't3', 't4']]],
    [32, [['t0', 't1'], ['t2'], ['t3'], ['t4']]],
    [
      48,
      [
        ['t0', 't1', 't2'],
        ['t3', 't4'],
      ],
    ],
    [1, [['t0'], ['t1'], ['t2'], ['t3'], ['t4']]],
  ])('with at most %j bytes in a file', (maxShardBytes, expected) => {
    write(maxShardBytes)
    const files = shardFiles(directory, 'optimizer')!
    const held = files.map((path) => {
      const file = new SafetensorsFile(path)
      file.close()
      expect(file.metadata).toEqual({ steps: '7' })
      return [...file.tensors.keys()]
    })
    expect(held).toEqual(expected)
    const shards = new Shards(files)
    expect(shards.metadata).toEqual({ steps: '7' })
    for (const [name, { data }] of tensors) expect(shards.read(name)).toEqual(data)
    shards.close()
    if (files.length > 1) expect(index().metadata.total_size).toBe(80)
  })

  it('replaces what it wrote before, and no other file', () => {
    for (const name of ['optimizer-notes.safetensors', 'model-00001-of-00002.safetensors'])
      writeFileSync(join(directory, name), '')
    write(1)
    write(48)
    const others = ['model-00001-of-00002.safetensors', 'optimizer-notes.safetensors']
    const shards = ['optimizer-00001-of-00002.safetensors', 'optimizer-00002-of-00002.safetensors']
    expect(readdirSync(directory).sort()).toEqual(
      [...others, ...shards, 'optimizer.safetensors.index.json'].sort(),
    )
    write()
    expect(readdirSync(directory).sort()).toEqual([...others, 'optimizer.safetensors'].sort())
  })
})

describe('reading', () => {
  it('follows links, as in a cache of the hub', () => {
    write(48)
    for (const name of readdirSync(directory)) {
      renameSync(join(directory, name), join(directory, `blob-${name}`))
      symlinkSync(`blob-${name}`, join(directory, name))
    }
    const shards = new Shards(shardFiles(directory, 'optimizer')!)
    expect(shards.read('t3')).toEqual(tensors.get('t3')!.data)
    shards.close()
  })

  it.each<[string, () => void, string]>([
    [
      'a missing shard',
      () => rmSync(join(directory, 'optimizer-00002-of-00002.safetensors')),
      'optimizer-00002-of-00002.safetensors: there is no such file or folder, but optimizer.safetensors.index.json lists it',
    ],
    [
      'a link to nothing',
      () => {
        rmSync(join(directory, 'optimizer-00001-of-00002.safetensors'))
        symlinkSync('../blobs/gone', join(directory, 'optimizer-00001-of-00002.safetensors'))
      },
      'optimizer-00001-of-00002.safetensors: there is no such file or folder',
    ],
    [
      'a truncated shard',
      () => truncateSync(join(directory, 'optimizer-00002-of-00002.safetensors'), 100),
      'is not a complete safetensors file',
    ],
  ])('%s is an error', (_, damage, message) => {
    write(48)
    damage()
    const open = () => new Shards(shardFiles(directory, 'optimizer')!)
    expect(open).toThrow(UserError)
    expect(open).toThrow(message)
  })

  it('finds no files', () => expect(shardFiles(directory, 'optimizer')).toBe(null))
})

describe('files larger than 4 GiB', () => {
  /** A sparse file, which takes no space, with the tensor `last` after `size` float32 zeros. */
  function sparse(size: number): string {
    const path = join(directory, 'large.safetensors')
    const bytes = 4 * size
    const json = JSON.stringify({
      first: { dtype: 'F32', shape: [2, size / 2], data_offsets: [0, bytes] },
      last: { dtype: 'BF16', shape: [2], data_offsets: [bytes, bytes + 4] },
    })
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(json.length))
    writeFileSync(path, Buffer.concat([prefix, Buffer.from(json)]))
    truncateSync(path, 8 + json.length + bytes)
    writeFileSync(path, Uint8Array.of(0x80, 0x3f, 0x00, 0xc0), { flag: 'a' })
    return path
  }

  it.each([2 ** 30, 2 ** 31, 3 * 2 ** 30])('a tensor after %i values', (size) => {
    const shards = new Shards([sparse(size)])
    expect(shards.entry('last')!.begin - shards.entry('first')!.begin).toBe(4 * size)
    expect([...shards.read('last')]).toEqual([1, -2])
    shards.close()
  })
})
