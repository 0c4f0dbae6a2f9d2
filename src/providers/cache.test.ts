import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { UserError } from '../common/errors.ts'
import { deltas, FakeProvider, send, stream, type Trick } from '../testing/servers/fake-provider.ts'
import { providerGenerator } from '../testing/servers/provider-generator.ts'
import { cachedGenerator } from './cache.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-replies-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let provider: FakeProvider
let n = 0
beforeEach(async () => {
  provider = await FakeProvider.start()
  provider.reply = ({ seed }) => ({ content: `${seed}`, reasoning: 'hm' })
})
afterEach(() => provider.stop())

const usual: Trick = (response, { seed }) => stream(response, deltas(`${seed}`, 'hm'), 'stop')
const open = (file: string, model = 'm', concurrency = 4) =>
  cachedGenerator(
    providerGenerator(provider, {
      model,
      concurrency,
      keyVariable: 'RUMINATE_CACHE_KEY',
      temperature: 1,
      retry: { tries: 2, firstWait: 0.01, patience: 1 },
    }),
    file,
  )
const ask = (content: string) => [{ role: 'user', content }]

test('a request with a kept reply is not made again, by this generator or the next', async () => {
  process.env.RUMINATE_CACHE_KEY = 'sk-secret-42'
  const file = join(root, `${n++}`, 'replies.sqlite')
  const first = open(file)
  const reply = await first.generate(ask('a'), { seed: 1 })
  expect(reply).toMatchObject({ text: '1', reasoning: 'hm' })
  expect(await first.generate(ask('a'), { seed: 1 })).toEqual(reply)
  await first.close()
  const second = open(file)
  expect(await second.generate(ask('a'), { seed: 1 })).toEqual(reply)
  expect(provider.log).toHaveLength(1)
  expect(second.spent()).toMatchObject({ calls: 0, cached: 1, promptTokens: 0 })
  // another seed, another question, another model
  await second.generate(ask('a'), { seed: 2 })
  await second.generate(ask('b'), { seed: 1 })
  await open(file, 'other').generate(ask('a'), { seed: 1 })
  expect(provider.log).toHaveLength(4)
  await second.close()
  expect(readFileSync(file).includes('sk-secret-42')).toBe(false)
})

test('kept replies need neither the provider nor a key', async () => {
  process.env.RUMINATE_CACHE_KEY = 'k'
  const file = join(root, `${n++}`)
  await open(file).generate(ask('a'), { seed: 1 })
  delete process.env.RUMINATE_CACHE_KEY
  expect((await open(file).generate(ask('a'), { seed: 1 })).text).toBe('1')
})

test('the same request made twice at the same time is made once', async () => {
  process.env.RUMINATE_CACHE_KEY = 'k'
  const generator = open(join(root, `${n++}`))
  const [a, b] = await Promise.all([0, 0].map((seed) => generator.generate(ask('a'), { seed })))
  expect(a).toEqual(b)
  expect(provider.log).toHaveLength(1)
  expect(generator.spent()).toMatchObject({ calls: 1, cached: 1 })
})

test('a failure is not kept', async () => {
  process.env.RUMINATE_CACHE_KEY = 'k'
  const generator = open(join(root, `${n++}`))
  provider.tricks = [(r) => send(r, 200, '{'), (r) => send(r, 500, '')]
  await expect(generator.generate(ask('a'), { seed: 3 })).rejects.toThrow(UserError)
  expect((await generator.generate(ask('a'), { seed: 3 })).text).toBe('3')
})

test('after a failure, only what is missing is requested', async () => {
  const file = join(root, `${n++}`)
  const questions = Array.from({ length: 10 }, (_, i) => ask(`question ${i}`))
  const all = (generator: ReturnType<typeof open>) =>
    Promise.allSettled(questions.map((messages) => generator.generate(messages, { seed: 0 })))
  process.env.RUMINATE_CACHE_KEY = 'k'
  // the fifth request meets an account without credit
  provider.tricks = [...Array(4).fill(usual), (r) => send(r, 402, { error: { message: 'pay' } })]
  const first = open(file, 'm', 1)
  const before = await all(first)
  await first.close()
  expect(before.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
  expect(provider.log).toHaveLength(5)
  const second = open(file)
  const after = await all(second)
  await second.close()
  expect(after.every(({ status }) => status === 'fulfilled')).toBe(true)
  expect(provider.log).toHaveLength(5 + 6)
  expect(second.spent()).toMatchObject({ calls: 6, cached: 4 })
})

test('a file that is not a cache', () => {
  const file = join(root, 'not-a-cache')
  writeFileSync(
    file,
    'this is text, and it is long enough to have a header that is not that of SQLite at all.',
  )
  expect(() => open(file)).toThrow(UserError)
  expect(() => open(file)).toThrow(file)
})
