import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { ApiServer, WIRES } from '../testing/servers/api-server.ts'
import { collect } from '../thinking/collect.ts'
import { baseUrlOf } from './api/address.ts'
import { PROVIDERS } from './api/presets.ts'
import { openModel, readModelName } from './open-model.ts'

const home = process.cwd()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ruminate-open-'))
  process.chdir(folder)
})
afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

test.each<[string, string, string]>([
  ['deepseek:deepseek-reasoner', 'deepseek', 'deepseek-reasoner'],
  ['ollama:deepseek-r1:7b', 'ollama', 'deepseek-r1:7b'],
  ['ollama:hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M', 'ollama', 'hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M'],
  ['huggingface:deepseek-ai/DeepSeek-R1:novita', 'huggingface', 'deepseek-ai/DeepSeek-R1:novita'],
  ['fireworks:accounts/fireworks/models/deepseek-r1', 'fireworks', 'accounts/fireworks/models/deepseek-r1'],
  ['openrouter:deepseek/deepseek-r1:free', 'openrouter', 'deepseek/deepseek-r1:free'],
  ['llama.cpp:any', 'llamacpp', 'any'],
  ['LM-Studio:qwen/qwen3', 'lmstudio', 'qwen/qwen3'],
  ['hf:org/name@main', 'huggingface', 'org/name@main'],
  ['vllm: m ', 'vllm', 'm'],
])('%s is a provider', (name, provider, model) => {
  expect(readModelName(name)).toMatchObject({ kind: 'provider', provider: { name: provider }, model })
})

test.each([
  'miniature-base',
  'runs/zero-1',
  './ollama:m',
  'C:\\models\\qwen',
  'c:/models/qwen',
  'deepseek-ai/DeepSeek-R1',
  'deepseek-ai/DeepSeek-R1@refs/pr/1',
  'org/name@v1:2',
  'org/name:q4',
  '/models/a:b',
  'a\\b:c',
])('%s is local', (name) => {
  expect(readModelName(name)).toEqual({ kind: 'local', name })
})

test('what exists by this name is local', () => {
  mkdirSync('ollama:m')
  mkdirSync('vllm')
  expect(readModelName('ollama:m').kind).toBe('local')
  expect(readModelName('vllm').kind).toBe('local')
  expect(readModelName('ollama:m2').kind).toBe('provider')
})

test.each([
  ['olama:m:7b', 'did you mean ollama:m:7b?'],
  ['DeepSek:m', 'did you mean deepseek:m?'],
  ['xyz:m', 'there is no provider xyz; the providers are deepseek, together,'],
  [':m', 'there is no provider'],
  ['ollama:', 'names no model'],
  ['ollama: ', 'names no model'],
  ['vllm', 'name one of its models, as in vllm:MODEL'],
])('%s: %s', async (name, message) => {
  const error = await openModel(name).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(UserError)
  expect((error as Error).message).toContain(message)
})

describe('addresses', () => {
  const urlOf = (name: string, given?: string) => baseUrlOf(PROVIDERS[name]!, given).url

  test.each<[string, Record<string, string>, string]>([
    ['ollama', {}, 'http://127.0.0.1:11434'],
    ['ollama', { OLLAMA_HOST: '0.0.0.0' }, 'http://127.0.0.1:11434'],
    ['ollama', { OLLAMA_HOST: 'box' }, 'http://box:11434'],
    ['ollama', { OLLAMA_HOST: 'box:99' }, 'http://box:99'],
    ['ollama', { OLLAMA_HOST: ':99' }, 'http://127.0.0.1:99'],
    ['ollama', { OLLAMA_HOST: 'http://box' }, 'http://box:11434'],
    ['ollama', { OLLAMA_HOST: 'http://box:80' }, 'http://box'],
    ['ollama', { OLLAMA_HOST: 'https://ollama.com' }, 'https://ollama.com'],
    ['ollama', { OLLAMA_HOST: 'a', RUMINATE_OLLAMA_BASE_URL: 'http://b:1' }, 'http://b:1'],
    ['vllm', { VLLM_BASE_URL: 'http://gpu:8000' }, 'http://gpu:8000/v1'],
    ['vllm', { VLLM_BASE_URL: 'http://gpu:8000/v1/' }, 'http://gpu:8000/v1'],
    ['vllm', { VLLM_BASE_URL: ' ' }, 'http://127.0.0.1:8000/v1'],
    ['llamacpp', { RUMINATE_LLAMACPP_BASE_URL: 'http://gpu:1/llm' }, 'http://gpu:1/llm'],
    ['openai', { OPENAI_BASE_URL: 'http://proxy' }, 'http://proxy/v1'],
    ['anthropic', { ANTHROPIC_BASE_URL: 'http://proxy/' }, 'http://proxy'],
    // this machine has no TLS, other addresses have the protocol of the provider
    ['openai', { OPENAI_BASE_URL: '127.0.0.1:8642' }, 'http://127.0.0.1:8642/v1'],
    ['openai', { OPENAI_BASE_URL: 'localhost:8642' }, 'http://localhost:8642/v1'],
    ['openai', { OPENAI_BASE_URL: '0.0.0.0:8642' }, 'http://127.0.0.1:8642/v1'],
    ['anthropic', { ANTHROPIC_BASE_URL: '[::1]:8642' }, 'http://[::1]:8642'],
    ['anthropic', { ANTHROPIC_BASE_URL: ':8642' }, 'http://127.0.0.1:8642'],
    ['openai', { OPENAI_BASE_URL: 'proxy.example.com' }, 'https://proxy.example.com/v1'],
    ['openai', { OPENAI_BASE_URL: 'localhost.example.com' }, 'https://localhost.example.com/v1'],
  ])('%s with %j', (name, variables, url) => {
    for (const [variable, value] of Object.entries(variables)) vi.stubEnv(variable, value)
    expect(urlOf(name)).toBe(url)
  })

  test('an option comes first', () => {
    vi.stubEnv('VLLM_BASE_URL', 'http://gpu:8000')
    expect(urlOf('vllm', 'http://other')).toBe('http://other/v1')
  })

  test.each(['ftp://x', 'http://me:secret@x', 'http://'])('%s cannot be used', async (baseUrl) => {
    const error = await openModel('vllm:m', { baseUrl }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).not.toContain('secret')
  })
})

describe('keys', () => {
  let server: ApiServer
  beforeEach(async () => {
    server = await ApiServer.start()
    server.usual = (r) => r.end(JSON.stringify(WIRES.openai.whole({ answer: '4' })))
  })
  afterEach(() => server.stop())

  const authorization = async (name: string) => {
    const model = await openModel(name, { baseUrl: server.url })
    const { answer } = await collect(model.respond({ messages: [], seed: 0 }))
    expect(answer).toBe('4')
    return server.asked.at(-1)!.headers.authorization
  }

  test('a provider at its own address needs its key; elsewhere it is sent if it is set', async () => {
    vi.stubEnv('DEEPSEEK_API_KEY', '')
    await expect(openModel('deepseek:m')).rejects.toThrow('set the environment variable DEEPSEEK_API_KEY')
    expect(await authorization('deepseek:m')).toBeUndefined()
    vi.stubEnv('DEEPSEEK_API_KEY', 'k1')
    expect(await authorization('deepseek:m')).toBe('Bearer k1')
    vi.stubEnv('RUMINATE_DEEPSEEK_API_KEY', 'k2')
    expect(await authorization('deepseek:m')).toBe('Bearer k2')
  })

  test('a key is in no field of a model', async () => {
    vi.stubEnv('VLLM_API_KEY', 'sk-secret')
    const model = await openModel('vllm:m', { baseUrl: server.url })
    await collect(model.respond({ messages: [], seed: 0 }))
    expect(JSON.stringify([model, model.spent()])).not.toContain('sk-secret')
  })
})

test('prices make a cost; what the provider had in its cache may cost less', async () => {
  const server = await ApiServer.start()
  server.usual = (r) => r.end(JSON.stringify(WIRES.openai.whole({ answer: '4' })))
  const cost = async (prices: { prompt: number; cachedPrompt?: number; completion: number } | null) => {
    const model = await openModel('vllm:m', { baseUrl: server.url, prices })
    await collect(model.respond({ messages: [], seed: 0 }))
    return model.spent().cost
  }
  // 10 tokens of the prompt, of which 4 are cached, and 5 tokens of the response
  expect(await cost({ prompt: 1e6, completion: 2e6 })).toBe(20)
  expect(await cost({ prompt: 1e6, cachedPrompt: 1e5, completion: 2e6 })).toBeCloseTo(16.4)
  expect(await cost(null)).toBeNull()
  await server.stop()
})

test('a model on this machine', async () => {
  process.chdir(home)
  const model = await openModel('miniature-base', { threads: 1 })
  try {
    const request = { messages: [{ role: 'user', content: '1+2?' }], seed: 0, maxTokens: 8 }
    const { end } = await collect(model.respond(request))
    expect(end.usage.completionTokens).toBeGreaterThan(0)
    expect(model.spent()).toMatchObject({ calls: 1, completionTokens: end.usage.completionTokens })
    expect(model.can.prefix).toBe(true)
    expect(await model.countPrompt!(request)).toBe(end.usage.promptTokens)
  } finally {
    await model.close()
  }
})

test('every preset is in the table of docs/providers.md', () => {
  const docs = readFileSync(fileURLToPath(new URL('../../docs/providers.md', import.meta.url)), 'utf8')
  for (const { name, baseUrl, keyVariable } of Object.values(PROVIDERS))
    expect(docs).toMatch(new RegExp(`\`${name}:.*${baseUrl.replaceAll('.', '\\.')}.*${keyVariable}`))
})
