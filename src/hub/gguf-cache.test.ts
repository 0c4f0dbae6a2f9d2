import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadModel, saveModel } from '../models/checkpoint/directory.ts'
import { baseHash } from '../models/checkpoint/peft/adapters.ts'
import { initAdapters, withAdapters } from '../models/lora.ts'
import { RunStore } from '../runs/store.ts'
import { ggufBytes, tinyGguf } from '../testing/gguf.ts'
import { writeHubCache } from '../testing/servers/fake-hub.ts'
import { modelFolder } from './find-model.ts'
import { readHubModel } from './hub-model.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-gguf-'))
afterAll(() => rmSync(root, { recursive: true }))
const cache = join(root, 'cache')
const conversions = join(cache, 'ruminate-gguf')
const bytes = ggufBytes(tinyGguf())
const file = join(root, 'Tiny.F32.gguf')
beforeEach(() => {
  vi.stubEnv('HF_HUB_CACHE', cache)
  writeFileSync(file, bytes)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

describe('a GGUF file', () => {
  test('is converted once, and again when it has changed', async () => {
    const lines: string[] = []
    const folder = await modelFolder(file, (line) => lines.push(line))
    expect(folder).toMatch(/ruminate-gguf\/Tiny\.F32-[0-9a-f]{12}$/)
    expect(lines.at(-1)).toMatch(/^converting to .*ruminate-gguf: 100 % of [\d.]+ kB$/)
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'converted-from.txt',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    lines.length = 0
    expect(await modelFolder(file, (line) => lines.push(line))).toBe(folder)
    expect(lines).toEqual([])
    utimesSync(file, 1, 1)
    const changed = await modelFolder(file)
    expect(changed).not.toBe(folder)
    expect(existsSync(changed)).toBe(true)
  })

  test('that has changed: earlier conversions are removed, but for those that a run refers to', async () => {
    const other = join(root, 'Other.gguf')
    writeFileSync(other, bytes)
    const convertedAt = (time: number) => {
      utimesSync(file, time, time)
      return modelFolder(file)
    }
    const [first, ofOther] = [await convertedAt(1), await modelFolder(other)]
    // as that of an earlier release, which did not say what it was converted from
    const unknown = await convertedAt(2)
    rmSync(join(unknown, 'converted-from.txt'))
    expect(existsSync(first)).toBe(false)
    const third = await convertedAt(3)
    const settings = { lora: null, teacher: { model: third } }
    RunStore.create({ recipe: 'zero', seed: 0, settings, out: join(root, 'run') }).close()
    const fourth = await convertedAt(4)
    const fifth = await convertedAt(5)
    expect(existsSync(fourth)).toBe(false)
    expect(readdirSync(conversions).sort()).toEqual(
      [ofOther, unknown, third, fifth].map((folder) => basename(folder)).sort(),
    )
  })

  test('that has changed: an earlier conversion stays as the base of adapters', async () => {
    const base = await modelFolder(file)
    const { config, parameters } = loadModel(base)
    const adapted = withAdapters(config, { rank: 2, alpha: 4, targets: ['q_proj'] })
    const adapters = join(root, 'adapters')
    saveModel(adapters, {
      config: adapted,
      parameters: new Map([...parameters, ...initAdapters(adapted, 0)]),
      base: { folder: base, hash: baseHash({ config, parameters }) },
    })
    utimesSync(file, 1, 1)
    await modelFolder(file)
    expect(loadModel(adapters).parameters).toEqual(parameters) // B is 0
  })

  test('is found in a folder that has one', async () => {
    const folder = join(root, 'folder')
    mkdirSync(folder)
    await expect(modelFolder(folder)).rejects.toThrow(
      'is not a model folder: it has no config.json, and no GGUF file',
    )
    writeFileSync(join(folder, 'a.gguf'), bytes)
    writeFileSync(join(folder, 'mmproj-a.gguf'), bytes)
    expect(await modelFolder(folder)).toMatch(/ruminate-gguf\/a-/)
    writeFileSync(join(folder, 'b.gguf'), bytes)
    await expect(modelFolder(folder)).rejects.toThrow(
      /has several GGUF files; name one of them: .*a\.gguf, .*b\.gguf$/,
    )
  })

  test('that is missing, or something else', async () => {
    await expect(modelFolder('missing.gguf')).rejects.toThrow('there is no file missing.gguf')
    const text = join(root, 'x.txt')
    writeFileSync(text, 'a text that is no model at all')
    await expect(modelFolder(text)).rejects.toThrow('x.txt is neither a model folder nor a GGUF file')
  })

  test('by two at once, and after one that was interrupted', async () => {
    mkdirSync(join(conversions, `.tmp-${(await import('node:os')).hostname()}-999999999-x`), {
      recursive: true,
    })
    const folders = await Promise.all([modelFolder(file), modelFolder(file)])
    expect(folders[0]).toBe(folders[1])
    expect(readdirSync(conversions)).toEqual([folders[0]!.split('/').at(-1)])
  })

  test('whose conversion is stopped leaves nothing', async () => {
    const controller = new AbortController()
    const stop = () => controller.abort(new Error('stopped'))
    await expect(modelFolder(file, stop, { signal: controller.signal })).rejects.toThrow(/^stopped$/)
    expect(readdirSync(conversions)).toEqual([])
  })

  test('a cache that cannot be written to: what to do', async () => {
    writeFileSync(cache, '')
    await expect(modelFolder(file)).rejects.toThrow(
      /Tiny\.F32\.gguf is converted once, to a folder of [\d.]+ kB in .*ruminate-gguf \(HF_HUB_CACHE sets another place\), which failed: cannot write/,
    )
  })

  test.skipIf(process.getuid?.() === 0)('a read-only cache', async () => {
    mkdirSync(cache)
    chmodSync(cache, 0o555)
    await expect(modelFolder(file)).rejects.toThrow(
      /permission denied; choose a folder that you may write to$/,
    )
    chmodSync(cache, 0o755)
  })

  test('a damaged one leaves nothing behind', async () => {
    writeFileSync(file, bytes.subarray(0, -50))
    await expect(modelFolder(file)).rejects.toThrow(/^.*Tiny\.F32\.gguf: tensor .* it is not complete/)
    expect(existsSync(conversions)).toBe(false)
  })
})

const model = (id: string, file: string | null, revision = 'main') => ({
  repository: { kind: 'model', id, revision },
  file,
})
test.each([
  ['owner/name', model('owner/name', null)],
  ['owner/name@v1', model('owner/name', null, 'v1')],
  ['owner/name:Q8_0', model('owner/name', 'Q8_0')],
  ['owner/name:Q8_0@v1', model('owner/name', 'Q8_0', 'v1')],
  ['owner/name/a/b-q8.gguf', model('owner/name', 'a/b-q8.gguf')],
  ['owner/name/b.gguf@v1', model('owner/name', 'b.gguf', 'v1')],
  ['hf.co/owner/name:name-Q8_0.gguf', model('owner/name', 'name-Q8_0.gguf')],
  ['https://huggingface.co/owner/name', model('owner/name', null)],
  ['https://huggingface.co/owner/name/blob/main/b.gguf', model('owner/name', 'b.gguf')],
  ['huggingface.co/owner/name/resolve/v2/b.gguf?download=true', model('owner/name', 'b.gguf', 'v2')],
  ['https://huggingface.co/owner/name/tree/main', model('owner/name', null)],
  ['owner/name/folder', null],
  ['name', null],
  ['name:Q8_0', null],
  ['https://example.com/owner', null],
])('%s on the hub', (name, expected) => expect(readHubModel(name)).toEqual(expected))

describe('a repository with GGUF files', () => {
  const files = [
    'm-Q4_0.gguf',
    'm-Q4_K_M.gguf',
    'm-Q8_0.gguf',
    'm-BF16.gguf',
    'm-F16.gguf',
    'mmproj-m-F16.gguf',
  ]
  const commit = 'a'.repeat(40)
  const repository = (paths: readonly string[]): void =>
    writeHubCache(join(cache, 'models--owner--m'), Object.fromEntries(paths.map((path) => [path, bytes])), {
      commit,
    })
  beforeEach(() => vi.stubEnv('HF_HUB_OFFLINE', '1'))

  test.each([
    ['owner/m', files, 'm-Q4_K_M'],
    ['owner/m', ['m-Q2_K.gguf', 'm-Q8_0.gguf'], 'm-Q8_0'],
    ['owner/m', ['mmproj.gguf', 'm-IQ3_M.gguf'], 'm-IQ3_M'],
    ['owner/m:q8_0', files, 'm-Q8_0'],
    ['owner/m:F16', files, 'm-F16'],
    ['owner/m:m-Q4_0.gguf', files, 'm-Q4_0'],
    ['owner/m/m-BF16.gguf', files, 'm-BF16'],
  ])('%s of %j is %s', async (name, paths, expected) => {
    repository(paths)
    expect((await modelFolder(name)).split('/').at(-1)!.slice(0, -13)).toBe(expected)
  })
  test('one that it does not have', async () => {
    repository(files)
    await expect(modelFolder('owner/m:Q9')).rejects.toThrow(
      'owner/m has no GGUF file for "Q9"; it has m-BF16.gguf, m-F16.gguf, m-Q4_0.gguf, m-Q4_K_M.gguf, m-Q8_0.gguf',
    )
  })
})
