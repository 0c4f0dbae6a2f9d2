import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

const written = captured()
const directory = mkdtempSync(join(tmpdir(), 'export-'))
const home = process.cwd()
beforeEach(() => process.chdir(directory))
afterAll(() => {
  process.chdir(home)
  rmSync(directory, { recursive: true })
})

test('the size, the time, and the command that runs the file', async () => {
  expect(await main(['export', 'miniature-base', '--to', 'gguf', '--quant', 'q8_0'])).toBe(0)
  expect(written.out).toMatch(/^miniature-base-q8_0\.gguf: q8_0, [\d.]+ MB, in [\d.]+ s$/m)
  expect(written.out).toMatch(/^next: llama-server -m miniature-base-q8_0\.gguf --jinja$/m)
})

test('--json', async () => {
  expect(await main(['export', 'miniature-base', '--to', 'ollama', '--json'])).toBe(0)
  const path = join(process.cwd(), 'miniature-base-ollama')
  expect(JSON.parse(written.out)).toMatchObject({ type: 'result', path, format: 'ollama', quant: 'f16' })
  expect(readdirSync(path).sort()).toEqual(['Modelfile', 'model.gguf'])
})

test('what is made of a GGUF file is named after it', async () => {
  vi.stubEnv('HF_HUB_CACHE', join(directory, 'cache'))
  expect(await main(['export', 'miniature-r1-student', '--to', 'gguf', '--out', 'a.gguf'])).toBe(0)
  expect(await main(['export', 'a.gguf', '--to', 'hf'])).toBe(0)
  expect(readdirSync('.')).toContain('a-hf')
  expect(readFileSync(join('a-hf', 'README.md'), 'utf8')).toMatch(/^# a$/m)
  // errors name it, not the folder that it was converted to
  expect(await main(['merge', 'a.gguf', '--out', 'merged'])).toBe(1)
  expect(written.err).toContain('error: a.gguf is a plain model already: it has no adapters to merge')
  vi.unstubAllEnvs()
})

test('the next command names the model in characters that Ollama takes', async () => {
  expect(await main(['export', 'miniature-r1-student', '--to', 'ollama', '--out', "a 'b"])).toBe(0)
  expect(written.out).toMatch(/^next: ollama create a-b -f 'a .*Modelfile' && ollama run a-b$/m)
})

describe('errors are one line', () => {
  test.each([
    [['miniature-base'], 2, '--to is missing: write --to hf, --to gguf, --to onnx, --to ollama'],
    [['miniature-base', '--to', 'ggfu'], 2, '--to is "ggfu"; choose one of hf, gguf, onnx, ollama'],
    [['miniature-base', '--to', 'gguf', '--quant', 'q9'], 2, 'gguf has no quantisation q9; one of: f16, f32'],
    [['miniature-bas', '--to', 'gguf'], 1, 'no model folder at miniature-bas; did you mean miniature-base?'],
    [
      ['miniature-base', '--to', 'ollama', '--out', '.'],
      1,
      'exists: remove it, or choose another with --out',
    ],
    [['miniature-base', '--to', 'hf', '--out', '/proc/x/y'], 1, 'cannot create'],
  ])('%j', async (words, code, message) => {
    expect(await main(['export', ...words])).toBe(code)
    expect(written.err).toContain(message)
    expect(written.err.trim().split('\n')).toHaveLength(1)
  })
})
