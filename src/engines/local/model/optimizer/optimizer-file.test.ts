import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readOptimizer, writeOptimizer } from './optimizer-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'optimizer-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const shapes = new Map([
  ['a.weight', [2, 3]],
  ['b.weight', [4]],
])
const moments = (from: number) =>
  new Map(
    [...shapes].map(([name, shape]) => [name, new Float32Array(shape.reduce((a, b) => a * b)).fill(from)]),
  )
const state = { steps: 12, m: moments(0.5), v: moments(2) }

test.each([
  [undefined, ['optimizer.safetensors']],
  [
    48,
    [
      'optimizer-00001-of-00002.safetensors',
      'optimizer-00002-of-00002.safetensors',
      'optimizer.safetensors.index.json',
    ],
  ],
])('survives a round trip with at most %j bytes in a file', (maxShardBytes, files) => {
  writeOptimizer(folder, shapes, state, maxShardBytes === undefined ? {} : { maxShardBytes })
  expect(readdirSync(folder).sort()).toEqual(files)
  expect(readOptimizer(folder, shapes)).toEqual(state)
})

test('a folder without it, or with only a part of it', () => {
  expect(() => readOptimizer(folder, shapes)).toThrow(`${folder} has no optimizer state`)
  writeOptimizer(folder, shapes, state, { maxShardBytes: 48 })
  rmSync(join(folder, 'optimizer-00002-of-00002.safetensors'))
  expect(() => readOptimizer(folder, shapes)).toThrow(
    'optimizer-00002-of-00002.safetensors: there is no such file or folder',
  )
})
