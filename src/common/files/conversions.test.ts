import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  conversions,
  convertedFrom,
  howToRestore,
  isKept,
  keepConversions,
  namingGgufs,
  writeSource,
} from './conversions.ts'

const before = process.cwd()
const root = realpathSync(mkdtempSync(join(tmpdir(), 'ruminate-conversions-')))
const cache = join(root, 'cache')
beforeAll(() => {
  process.chdir(root)
  vi.stubEnv('HF_HUB_CACHE', cache)
})
afterEach(() => rmSync(cache, { recursive: true, force: true }))
afterAll(() => {
  vi.unstubAllEnvs()
  process.chdir(before)
  rmSync(root, { recursive: true })
})

test.each([
  ['ruminate-gguf/a-0123456789ab', '`ruminate chat --model FILE.gguf` with the same file makes it again'],
  ['models--Owner--a-b.c/snapshots/0123', '`ruminate chat --model Owner/a-b.c` downloads it again'],
  ['../mine', 'if it has been moved, move it back or make a link there'],
])('what to do about %s in the cache, which is no longer there', (folder, advice) => {
  expect(howToRestore(join(cache, folder))).toContain(advice)
})

/** The folder of a conversion of a file; of one that is not known, as earlier releases made it, if it is null. */
function conversion(path: string | null, name = 'My Model.Q8-0123456789ab'): string {
  const folder = join(conversions(), name)
  mkdirSync(folder, { recursive: true })
  if (path !== null) writeSource(folder, path)
  return folder
}

/** The path of a file of the hub at a commit, where `main` is commit a…a. */
function ofHub(commit: string, file: string): string {
  const repository = join(cache, 'models--owner--a-name')
  mkdirSync(join(repository, 'refs'), { recursive: true })
  writeFileSync(join(repository, 'refs', 'main'), 'a'.repeat(40))
  return join(repository, 'snapshots', commit, file)
}

describe('a converted GGUF file is named as it is given', () => {
  test.each([
    ['in this folder', () => join(root, 'My Model.Q8.gguf'), 'My Model.Q8.gguf'],
    ['below this folder', () => join(root, 'a', 'b.gguf'), 'a/b.gguf'],
    ['elsewhere', () => '/m.gguf', '/m.gguf'],
    ['of the hub', () => ofHub('a'.repeat(40), 'sub/m-Q8_0.gguf'), 'owner/a-name/sub/m-Q8_0.gguf'],
    [
      'of the hub, not of main',
      () => ofHub('b'.repeat(40), 'm.gguf'),
      `owner/a-name/m.gguf@${'b'.repeat(40)}`,
    ],
    ['of an earlier release', () => null, 'My Model.Q8.gguf'],
  ])('%s', (_, path, name) => {
    const folder = conversion(path())
    expect(convertedFrom(folder)).toBe(name)
    expect(namingGgufs(`${folder}: tensor x of ${folder} is not finite`)).toBe(
      `${name}: tensor x of ${name} is not finite`,
    )
    expect(namingGgufs(`${folder}/config.json is damaged`)).toBe(
      `${folder}/config.json is damaged (${folder} was converted from ${name}; if you delete it, it is converted again)`,
    )
  })
  test('other folders, and what is no longer there, keep their paths', () => {
    const folder = conversion('/m.gguf')
    for (const other of [root, join(root, 'x-0123456789ab'), `${folder}ff`, join(conversions(), 'x')])
      expect([convertedFrom(other), namingGgufs(`no ${other} here`)]).toEqual([null, `no ${other} here`])
    rmSync(folder, { recursive: true })
    expect(namingGgufs(`there is no model folder ${folder}: …`)).toBe(`there is no model folder ${folder}: …`)
  })
})

test('conversions are kept that are anywhere among the settings', () => {
  const names = ['a', 'b', 'c'].map((name) => `${name}-0123456789ab`)
  const [a, b, c] = names.map((name) => conversion('/m.gguf', name)) as [string, string, string]
  const gone = join(conversions(), 'd-0123456789ab')
  keepConversions({ model: a, steps: 3, lora: null, teachers: [{ model: b }, gone, 'x'], own: undefined })
  expect([a, b, c].map(isKept)).toEqual([true, true, false])
})
