import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { modelHash, weightsHash } from './weights-hash.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hash-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('covers the weight files in the order of their names, and the content of links', async () => {
  writeFileSync(join(folder, 'model-00002-of-00002.safetensors'), 'world')
  writeFileSync(join(folder, 'blob'), 'hello ')
  symlinkSync('blob', join(folder, 'model-00001-of-00002.safetensors'))
  writeFileSync(join(folder, 'config.json'), '{}')
  expect(await weightsHash(folder)).toBe(createHash('sha256').update('hello world').digest('hex'))
})

test('the hash of a model changes with every file that responses depend on, and not with the folder', async () => {
  writeFileSync(join(folder, 'model.safetensors'), 'weights')
  const hashes = [await modelHash(folder)]
  for (const name of ['config.json', 'generation_config.json', 'tokenizer.json', 'chat_template.jinja']) {
    writeFileSync(join(folder, name), '{}')
    hashes.push(await modelHash(folder))
  }
  writeFileSync(join(folder, 'tokenizer.json'), '{ }')
  hashes.push(await modelHash(folder))
  expect(new Set(hashes).size).toBe(6)
  const renamed = `${folder}-renamed`
  cpSync(folder, renamed, { recursive: true })
  writeFileSync(join(renamed, 'README.md'), 'A copy.')
  expect(await modelHash(renamed)).toBe(hashes.at(-1))
  rmSync(renamed, { recursive: true })
})

// 2 GiB is the most that Node reads into one buffer. The file is sparse and takes no space.
test('a file of more than 2 GiB', { timeout: 120_000 }, async () => {
  writeFileSync(join(folder, 'model.safetensors'), '')
  truncateSync(join(folder, 'model.safetensors'), 2 ** 31 + 1)
  // sha256sum of 2³¹ + 1 zero bytes
  expect(await weightsHash(folder)).toBe('b8030a8ab89280935633d8d991da3d9907c0f12e8b6fc3bfc515f4d440872b6e')
})

test('a file that cannot be read is named', async () => {
  symlinkSync('gone', join(folder, 'model.safetensors'))
  await expect(weightsHash(folder)).rejects.toThrow(UserError)
  await expect(weightsHash(folder)).rejects.toThrow(/cannot read .*model\.safetensors: there is no such file/)
})
