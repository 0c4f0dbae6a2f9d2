import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Generators } from '../stages/data/generators/generators.ts'
import { checkGenerators } from '../stages/data/generators/open-generator.ts'
import { FakeProvider } from '../testing/servers/fake-provider.ts'
import { generatorSettings } from './generators.ts'

let provider: FakeProvider
let folder: string
let generators: Generators
beforeEach(async () => {
  provider = await FakeProvider.start()
  folder = mkdtempSync(join(tmpdir(), 'ruminate-generators-'))
  generators = new Generators({
    file: join(folder, 'replies.sqlite'),
    engine: 'local' as const,
    chat: { arguments: {}, date: '2026-01-01' },
    threads: 1,
    notice: () => {},
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await generators.close()
  await provider.stop()
  rmSync(folder, { recursive: true, force: true })
})

const messages = [{ role: 'user', content: 'Two and two?' }]
const settings = (changes: object = {}) =>
  generatorSettings.parse({ baseUrl: provider.baseUrl, model: 'm', ...changes })

test.each([
  [{ prices: { prompt: 100, completion: 400 } }, 'cost 0.0030'],
  [{}, 'cost unknown'],
])('the cost of a provider with %j', async (changes, cost) => {
  const judge = await generators.open('judge', settings(changes))
  expect(await judge.generate(messages, { seed: 0 })).toMatchObject({ text: 'four' })
  expect(generators.spending()).toEqual([`the judge: 1 call, 10 + 5 tokens, ${cost}`])
})

test.each<[string, unknown]>([
  ['by name alone', 'vllm:m'],
  ['by name, with settings', { model: 'vllm:m', maxTokens: 9, effort: 'low' }],
])('a model of a provider, %s', async (_, given) => {
  vi.stubEnv('VLLM_BASE_URL', provider.baseUrl)
  const judge = await generators.open('judge', generatorSettings.parse(given))
  expect(await judge.generate(messages, { seed: 3 })).toMatchObject({ text: 'four' })
  expect(provider.log[0]).toMatchObject({ model: 'm', seed: 3, messages })
  expect(provider.log[0]).not.toHaveProperty('top_k')
  expect(provider.log[0]!.max_tokens).toBe(typeof given === 'string' ? undefined : 9)
  expect(provider.log[0]!.reasoning_effort).toBe(typeof given === 'string' ? undefined : 'low')
})

test('a provider that has no address, key or name is found out before anything is opened', async () => {
  const check = async (given: unknown) =>
    checkGenerators([generatorSettings.parse(given)], { notice: () => {} })
  vi.stubEnv('DEEPSEEK_API_KEY', '')
  await expect(check('deepseek:m')).rejects.toThrow('set the environment variable DEEPSEEK_API_KEY')
  await expect(check('olama:m')).rejects.toThrow('did you mean ollama:m?')
  await expect(check({ model: 'olama:m' })).rejects.toThrow('did you mean ollama:m?')
  await expect(check({ model: 'ollama:' })).rejects.toThrow('names no model')
  vi.stubEnv('DEEPSEEK_API_KEY', 'k')
  expect(await check('deepseek:m')).toEqual([])
})

test('a model at an address may have any name', () => {
  expect(settings({ model: 'qwen3:8b' })).toMatchObject({ model: 'qwen3:8b', baseUrl: provider.baseUrl })
})

test('a setting that a model on this machine does not have', () => {
  const given = { model: 'miniature-base', maxTokens: 9, temperature: 1 }
  expect(generatorSettings.parse(given)).toMatchObject(given)
  expect(() => generatorSettings.parse({ ...given, effort: 'low' })).toThrow()
})

test('the replies of a model are counted', async () => {
  const lines: string[] = []
  const options = {
    file: join(folder, 'counted.sqlite'),
    engine: 'local' as const,
    threads: 1,
    notice: () => {},
  }
  const counted = new Generators({
    ...options,
    chat: { arguments: {}, date: '2026-01-01' },
    progress: (line) => lines.push(line),
  })
  const judge = await counted.open('judge', settings())
  for (const seed of [0, 1]) await judge.generate(messages, { seed })
  expect(lines).toEqual(['1 reply of the judge', '2 replies of the judge'])
  await counted.close()
})

test('replies are cached, whatever the prices', async () => {
  await (await generators.open('judge', settings())).generate(messages, { seed: 0 })
  const priced = await generators.open('writer', settings({ prices: { prompt: 1, completion: 1 } }))
  await priced.generate(messages, { seed: 0 })
  expect(provider.log).toHaveLength(1)
  expect(generators.spending()[1]).toMatch(/^the writer: 0 calls, 1 from the cache, /)
})

test('rules need no file and cost nothing', async () => {
  const rules = await generators.open('judge', generatorSettings.parse('miniature'))
  expect(rules.identity).toMatch(/^miniature/)
  expect(generators.spending()).toEqual([])
  expect(existsSync(join(folder, 'replies.sqlite'))).toBe(false)
})

test('an aborted signal ends the requests to a provider', async () => {
  const stopped = new Generators({
    file: join(folder, 'replies.sqlite'),
    engine: 'local',
    chat: { arguments: {}, date: '2026-01-01' },
    threads: 1,
    notice: () => {},
    signal: AbortSignal.abort(new Error('stopped')),
  })
  const judge = await stopped.open('judge', settings())
  await expect(judge.generate(messages, { seed: 0 })).rejects.toThrow('stopped')
  expect(provider.log).toEqual([])
  await stopped.close()
})
