import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeHub } from '../testing/fake-hub.ts'
import { EMBEDDED_BASE, modelFolder } from './find-model.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-models-'))
afterAll(() => rmSync(root, { recursive: true }))

describe('on this machine', () => {
  test('a folder, a run, an embedded model', async () => {
    const run = join(root, 'run')
    mkdirSync(join(run, 'model'), { recursive: true })
    writeFileSync(join(run, 'model', 'config.json'), '{}')
    expect(await modelFolder(run)).toBe(join(run, 'model'))
    expect(await modelFolder(join(run, 'model'))).toBe(join(run, 'model'))
    expect(existsSync(join(await modelFolder(EMBEDDED_BASE), 'config.json'))).toBe(true)
  })
  test('neither a model nor a run', async () => {
    await expect(modelFolder(join(root, 'none'))).rejects.toThrow(
      /no model folder at .*; the embedded models are miniature-base, miniature-r1-base, miniature-r1-student/,
    )
    mkdirSync(join(root, 'empty'))
    await expect(modelFolder(join(root, 'empty'))).rejects.toThrow(/it has no config\.json/)
  })
})

describe('on the hub', () => {
  let hub: FakeHub
  beforeEach(async () => {
    vi.stubEnv('HF_HUB_CACHE', mkdtempSync(join(root, 'cache-')))
    vi.stubEnv('HF_TOKEN', '')
    vi.stubEnv('HF_ENDPOINT', '')
    hub = await FakeHub.start()
  })
  afterEach(async () => {
    await hub.stop()
    vi.unstubAllEnvs()
  })

  const text = { 'config.json': '{}', 'tokenizer.json': '{}', 'tokenizer_config.json': '{}' }
  const rest = { 'README.md': 'x', 'pytorch_model.bin': 'x', 'onnx/model.onnx': 'x' }
  const shards = {
    'model.safetensors.index.json': '{}',
    'model-00001-of-00002.safetensors': 'a',
    'model-00002-of-00002.safetensors': 'b',
  }
  test.each([
    ['in one file', { 'model.safetensors': 'w' }, { 'consolidated.safetensors': 'c' }],
    ['in shards', shards, { 'consolidated-00001-of-00002.safetensors': 'c' }],
  ])('settings, tokenizer and weights %s; offline afterwards', async (_, weights, other) => {
    hub.add('owner/model', { ...rest, ...text, ...weights, ...other })
    const folder = await modelFolder('owner/model')
    expect(readdirSync(folder).sort()).toEqual(Object.keys({ ...text, ...weights }).sort())
    await hub.stop()
    expect(await modelFolder('owner/model')).toBe(folder)
  })

  test('a repository without weights that can be read', async () => {
    hub.add('owner/old', { ...rest, ...text })
    await expect(modelFolder('owner/old')).rejects.toThrow(/needs config\.json and safetensors weights/)
  })
  test('the error for a misspelt folder names it as a folder', async () => {
    await expect(modelFolder('runs/zero-99')).rejects.toThrow(
      /there is no folder runs\/zero-99, and the hub lookup failed: Hugging Face has no model/,
    )
  })
})
