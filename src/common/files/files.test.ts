import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  makeFolder,
  removeTemporaryFolders,
  writeFileAtomically,
  writeFolderAtomically,
  writeText,
} from './files.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-files-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test('a file is written completely or not at all', () => {
  const file = join(root, 'a.txt')
  writeText(file, 'old é')
  expect(() =>
    writeFileAtomically(file, (append) => {
      append(Buffer.from('new'))
      throw new Error('stopped')
    }),
  ).toThrow('stopped')
  expect(readFileSync(file, 'utf8')).toBe('old é')
  writeFileAtomically(file, (append) => {
    for (const part of ['n', 'e', 'w']) append(Buffer.from(part))
  })
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(readdirSync(root)).toEqual(['a.txt'])
  expect(() => writeText(join(file, 'b.txt'), '')).toThrow(
    /^cannot write .*b\.txt: a part of that path is a file/,
  )
})

test('a folder is written completely or not at all, and replaces the one that was there', async () => {
  const folder = join(root, 'model')
  const fill = (name: string) => async (temporary: string) => {
    mkdirSync(join(temporary, 'inner'))
    writeFileSync(join(temporary, 'inner', name), name)
  }
  await writeFolderAtomically(folder, fill('a'))
  await expect(
    writeFolderAtomically(folder, async (temporary) => {
      await fill('b')(temporary)
      throw new Error('stopped')
    }),
  ).rejects.toThrow('stopped')
  expect(readdirSync(join(folder, 'inner'))).toEqual(['a'])
  await writeFolderAtomically(folder, fill('b'))
  expect(readdirSync(join(folder, 'inner'))).toEqual(['b'])
  expect(readdirSync(root)).toEqual(['model'])
})

test('a folder is made with its parents, unless it exists', () => {
  const folder = join(root, 'a', 'b', 'c')
  makeFolder(folder)
  makeFolder(folder)
  expect(statSync(folder).isDirectory()).toBe(true)
  writeText(join(folder, 'file'), '')
  expect(() => makeFolder(join(folder, 'file'))).toThrow(/^EEXIST/)
  expect(() => makeFolder(join(folder, 'file', 'd', 'e'))).toThrow(/^ENOTDIR/)
})

test.skipIf(!existsSync('/proc'))('making a folder fails where the system allows none', () => {
  expect(() => makeFolder('/proc/ruminate/a')).toThrow(/^(ENOENT|EACCES|EPERM)/)
})

test('temporary folders of an interrupted write are removed, and nothing else', () => {
  mkdirSync(join(root, '.tmp-1-1', 'inner'), { recursive: true })
  mkdirSync(join(root, 'step-000001'))
  removeTemporaryFolders(root)
  expect(readdirSync(root)).toEqual(['step-000001'])
})
