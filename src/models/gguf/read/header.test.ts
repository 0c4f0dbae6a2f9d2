import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ggufBytes } from '../../../testing/gguf.ts'
import type { MetadataValue } from '../write/header.ts'
import { readHeader } from './header.ts'

const directory = mkdtempSync(join(tmpdir(), 'gguf-header-'))
afterAll(() => rmSync(directory, { recursive: true }))

async function metadataOf(metadata: [string, MetadataValue][]): Promise<Readonly<Record<string, unknown>>> {
  const path = join(directory, 'x.gguf')
  writeFileSync(path, ggufBytes({ metadata: new Map(metadata), tensors: new Map() }))
  return (await readHeader(path)).metadata
}

// The library reads 2 MB at a time.
test('long strings are read to their end', async () => {
  const long = 'é'.repeat(1_500_000)
  const metadata = await metadataOf([
    ['before', { strings: ['a'.repeat(1_999_900), 'b'.repeat(600_000)] }],
    ['template', { string: long }],
    ['after', { uint32: 7 }],
  ])
  expect((metadata.before as string[])[1] === 'b'.repeat(600_000)).toBe(true)
  expect(metadata.template === long).toBe(true)
  expect(metadata.after).toBe(7)
})

test('a byte order mark is a part of a string', async () => {
  const metadata = await metadataOf([
    ['tokens', { strings: ['\ufeff', '\ufeff//', 'a\ufeff'] }],
    ['text', { string: '\ufeffx' }],
  ])
  expect(metadata).toMatchObject({ tokens: ['\ufeff', '\ufeff//', 'a\ufeff'], text: '\ufeffx' })
})
