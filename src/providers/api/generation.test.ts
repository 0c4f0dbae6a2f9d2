import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import { deltas, FakeProvider, send, stream, type Trick, whole } from '../../testing/servers/fake-provider.ts'
import { type ProviderChanges, providerGenerator } from '../../testing/servers/provider-generator.ts'
import { describeSpending } from '../spending.ts'

const KEY = 'sk-test-0123456789'
const question = [{ role: 'user', content: '2+2?' }]
let provider: FakeProvider

beforeEach(async () => {
  provider = await FakeProvider.start()
  process.env.RUMINATE_TEST_KEY = KEY
})
afterEach(() => provider.stop())

const retry = { tries: 4, firstWait: 0.01, patience: 1 }
const open = (changes: ProviderChanges = {}) =>
  providerGenerator(provider, {
    keyVariable: 'RUMINATE_TEST_KEY',
    limits: { first: 0.3, idle: 0.3 },
    retry,
    ...changes,
  })

describe.each([true, false])('stream %s', (streamed) => {
  const ask = () => open({ stream: streamed }).generate(question, { seed: 7 })

  test('sends a request as OpenAI defines it', async () => {
    expect(await ask()).toEqual({
      text: 'four',
      reasoning: null,
      finishReason: 'stop',
      usage: { promptTokens: 10, completionTokens: 5 },
    })
    expect(provider.log).toEqual([
      {
        model: 'm',
        max_tokens: 100,
        temperature: 0.5,
        seed: 7,
        messages: question,
        stream: streamed,
        ...(streamed ? { stream_options: { include_usage: true } } : {}),
      },
    ])
    expect(provider.authorizations).toEqual([`Bearer ${KEY}`])
  })

  test.each<[string, string | null, string | undefined, string, string | null]>([
    ['reasoning_content', '4', '2 and 2', '4', '2 and 2'],
    ['<think>', '<think>\n2 and 2\n</think>\n\n4', undefined, '4', '2 and 2'],
    ['a <think> that the prompt opened', '2 and 2</think>4', undefined, '4', '2 and 2'],
    ['thinking that never ends', '<think>2 and', undefined, '', '2 and'],
    ['no content at all', null, '2 and 2', '', '2 and 2'],
    ['tags in an answer whose thinking stands apart', '</think> closes', 'hm', '</think> closes', 'hm'],
    ['letters of many bytes', '四 é 🙂', '想', '四 é 🙂', '想'],
  ])('thinking: %s', async (_, content, reasoning, text, thinking) => {
    provider.reply = () => ({ content, ...(reasoning === undefined ? {} : { reasoning }) })
    expect(await ask()).toMatchObject({ text, reasoning: thinking })
  })
})

test("thinking under vLLM's name", async () => {
  provider.tricks = [(r) => stream(r, [{ reasoning: 'hm' }, { content: '4' }], 'stop')]
  expect(await open().generate(question, { seed: 0 })).toMatchObject({ text: '4', reasoning: 'hm' })
})

test('a server that streams without being told to, and one that does not although it was told to', async () => {
  provider.tricks = [(r) => stream(r, deltas('a'), 'stop'), (r) => send(r, 200, whole('b'))]
  expect((await open({ stream: false }).generate(question, { seed: 0 })).text).toBe('a')
  expect((await open({ stream: true }).generate(question, { seed: 0 })).text).toBe('b')
})

const busy = (status: number, headers: Record<string, string> = {}): Trick => {
  return (r) => send(r, status, { error: { message: 'busy' } }, headers)
}
const TRANSIENT: Record<string, Trick> = {
  'no answer in time': () => {},
  'a stream that stops': (r) => {
    r.writeHead(200, { 'content-type': 'text/event-stream' })
    r.write('data: {"choices":[{"delta":{"content":"f"}}]}\n\n')
  },
  '429': busy(429),
  '429 with Retry-After': busy(429, { 'retry-after': '0' }),
  '429 with a date': busy(429, { 'retry-after': new Date().toUTCString() }),
  '500': busy(500),
  '502 without JSON': (r) => send(r, 502, '<html>bad gateway</html>'),
  '503': busy(503),
  'a closed connection': (r) => r.destroy(),
  'a cut stream': (r) => stream(r, deltas('VERDICT: A'), null),
  'a stream that ends too early': (r) => {
    r.writeHead(200, { 'content-type': 'text/event-stream' })
    r.end('data: {"choices":[{"delta":{"content":"f"},"finish_reason":null}]}\n\n')
  },
  'an error in the stream': (r) => {
    r.writeHead(200, { 'content-type': 'text/event-stream' })
    r.end('data: {"error":{"message":"overloaded"}}\n\n')
  },
  'a cut body': (r) => {
    r.writeHead(200, { 'content-type': 'application/json', 'content-length': 5000 })
    r.write('{"choices"')
    setImmediate(() => r.destroy())
  },
  'malformed JSON': (r) => send(r, 200, '{"choices": [{"message": {"content": "fo'),
  'malformed JSON in the stream': (r) => {
    r.writeHead(200, { 'content-type': 'text/event-stream' })
    r.end('data: {"choices":[{"delta":{"content":\n\ndata: [DONE]\n\n')
  },
  'an error instead of a completion': (r) => send(r, 200, { error: { message: 'overloaded' } }),
  'no choices': (r) => send(r, 200, { choices: [] }),
  'no finish_reason': (r) => send(r, 200, whole('f', undefined, null)),
  "DeepSeek's insufficient_system_resource": (r) =>
    send(r, 200, whole('f', undefined, 'insufficient_system_resource')),
}

test.each(Object.entries(TRANSIENT))('%s: the request is repeated', async (_, trick) => {
  provider.tricks = [trick, trick]
  const lines: string[] = []
  const generator = open({ onFailure: (line) => lines.push(line) })
  expect((await generator.generate(question, { seed: 0 })).text).toBe('four')
  expect(provider.log).toHaveLength(3)
  expect(generator.spent()).toMatchObject({ calls: 1, failed: 2, promptTokens: 10 })
  expect(lines).toEqual([expect.stringContaining('try 2 of 4'), expect.stringContaining('try 3 of 4')])
})

test.each(Object.entries(TRANSIENT))('%s: gives up after the last try', async (_, trick) => {
  provider.tricks = Array.from({ length: 4 }, () => trick)
  const error = await open()
    .generate(question, { seed: 0 })
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(UserError)
  expect((error as Error).message).toMatch(
    /^no reply from 127\.0\.0\.1:\d+ \(model m\): .* in 4 tries; check that/,
  )
  expect(provider.log).toHaveLength(4)
})

test('waits as long as Retry-After says, up to a limit', async () => {
  provider.tricks = [busy(429, { 'retry-after': '1' })]
  const lines: string[] = []
  await open({ onFailure: (line) => lines.push(line) }).generate(question, { seed: 0 })
  expect(lines[0]).toMatch(/in 1\.0 s$/)
  provider.tricks = [busy(429, { 'retry-after': '3600' })]
  await expect(open().generate(question, { seed: 0 })).rejects.toThrow('asks to wait for 3600 s')
})

test('waits longer each time, as determined by the seed', async () => {
  const waits = async (seed: number) => {
    provider.tricks = [busy(500), busy(500), busy(500)]
    const lines: string[] = []
    // the same address, so that the stream of random numbers is the same
    await open({
      retry: { ...retry, firstWait: 0.1 },
      onFailure: (line) => lines.push(line.replace(/.* in /, '')),
    }).generate(question, { seed })
    return lines
  }
  const first = await waits(1)
  expect(await waits(1)).toEqual(first)
  const seconds = first.map(Number.parseFloat)
  for (const [n, wait] of seconds.entries()) {
    expect(wait).toBeGreaterThanOrEqual(0.1 * 2 ** n * 0.5 - 0.05)
    expect(wait).toBeLessThanOrEqual(0.1 * 2 ** n + 0.05)
  }
})

test.each<[string, number, unknown, string]>([
  ['a wrong key', 401, { error: { message: `Incorrect API key provided: ${KEY}` } }, 'RUMINATE_TEST_KEY'],
  ['a key without permission', 403, { error: { message: 'forbidden' } }, 'RUMINATE_TEST_KEY'],
  ['no money', 402, { error: { message: 'Insufficient Balance' } }, 'no credit left'],
  [
    'no quota',
    429,
    { error: { message: 'You exceeded your quota', code: 'insufficient_quota' } },
    'no credit left',
  ],
  ['no such model', 404, { error: { message: 'no such model' } }, "check the model's name"],
  ['a wrong request', 400, { error: 'context too long' }, 'context too long'],
  ['a redirection', 307, '', 'check the model'],
])('%s: the request is not repeated', async (_, status, body, advice) => {
  provider.tricks = [(r) => send(r, status, body, { location: 'http://127.0.0.1:9/' })]
  const error = await open()
    .generate(question, { seed: 0 })
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(UserError)
  expect((error as Error).message).toContain(advice)
  expect((error as Error).message).not.toContain(KEY)
  expect(provider.log).toHaveLength(1)
})

test.each([
  "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
  'the request exceeds the available context size, try increasing it',
  'prompt is too long: 210000 tokens > 200000 maximum',
])('messages that exceed the context: %s', async (message) => {
  provider.tricks = [(r) => send(r, 400, { error: { message } })]
  await expect(open().generate(question, { seed: 0 })).rejects.toThrow(PromptTooLong)
})

test('nobody there', async () => {
  const generator = open()
  await provider.stop()
  await expect(generator.generate(question, { seed: 0 })).rejects.toThrow(/ECONNREFUSED.*check that http/)
  provider = await FakeProvider.start()
})

test.each<[string, ProviderChanges]>([
  ['is not an http(s) address', { baseUrl: 'api.deepseek.com' }],
  ['put the key into an environment variable', { baseUrl: 'https://me:secret@example.org/v1' }],
])('a base URL that %s', (message, changes) => {
  expect(() => open(changes)).toThrow(message)
  expect(() => open(changes)).not.toThrow('secret')
})

test.each([
  ['unset', undefined, 'set the environment variable'],
  ['empty', ' ', 'set the environment variable'],
  ['two words', 'a key', 'does not hold a key'],
  ['two lines', 'a\nkey', 'does not hold a key'],
])('a key that is %s', async (_, value, message) => {
  if (value === undefined) delete process.env.RUMINATE_TEST_KEY
  else process.env.RUMINATE_TEST_KEY = value
  const error = (await open()
    .generate(question, { seed: 0 })
    .catch((e: unknown) => e)) as Error
  expect(error.message).toContain(message)
  expect(error.message).toContain('RUMINATE_TEST_KEY')
  expect(provider.log).toHaveLength(0)
})

test('an endpoint without a key; further fields', async () => {
  await open({
    keyVariable: null,
    temperature: null,
    maxTokens: null,
    extra: { reasoning_effort: 'low' },
  }).generate(question, { seed: 0 })
  expect(provider.authorizations).toEqual([undefined])
  expect(Object.keys(provider.log[0]!).sort()).toEqual(
    ['messages', 'model', 'reasoning_effort', 'seed', 'stream', 'stream_options'].sort(),
  )
})

test('fields that a provider does not accept can be left out', async () => {
  await open({
    extra: { seed: undefined, stream_options: undefined, max_tokens: undefined, max_completion_tokens: 9 },
  }).generate(question, { seed: 0 })
  expect(provider.log).toEqual([
    { model: 'm', max_completion_tokens: 9, temperature: 0.5, messages: question, stream: true },
  ])
})

test('the key is in no identity and no field', async () => {
  const generator = open()
  await generator.generate(question, { seed: 0 })
  expect(JSON.stringify([generator.identity, generator.spent(), Object.entries(generator)])).not.toContain(
    KEY,
  )
})

test('at most `concurrency` requests at the same time', async () => {
  const generator = open({ concurrency: 3 })
  await Promise.all(Array.from({ length: 12 }, (_, seed) => generator.generate(question, { seed })))
  expect(provider.log).toHaveLength(12)
  expect(provider.mostAtOnce).toBeLessThanOrEqual(3)
})

test('a refusal that would meet every request fails the waiting calls; one that concerns a single request does not', async () => {
  const all = async (status: number) => {
    provider.log.length = 0
    provider.tricks = [busy(status)]
    const generator = open({ concurrency: 1 })
    const replies = await Promise.allSettled([0, 1, 2].map((seed) => generator.generate(question, { seed })))
    return [provider.log.length, ...replies.map(({ status }) => status)]
  }
  expect(await all(401)).toEqual([1, 'rejected', 'rejected', 'rejected'])
  expect(await all(400)).toEqual([3, 'rejected', 'fulfilled', 'fulfilled'])
})

test('tokens and cost; unknown if the provider does not say', async () => {
  const generator = open({ prices: { prompt: 1, completion: 4 } })
  await generator.generate(question, { seed: 0 })
  await generator.generate(question, { seed: 1 })
  expect(generator.spent()).toMatchObject({ calls: 2, promptTokens: 20, completionTokens: 10 })
  expect(generator.spent().cost).toBeCloseTo((20 * 1 + 10 * 4) / 1e6, 12)
  expect(describeSpending(generator.spent())).toBe('2 calls, 20 + 10 tokens, cost 0.0001')
  provider.tricks = [(r) => send(r, 200, { ...whole('4'), usage: null })]
  expect((await generator.generate(question, { seed: 2 })).usage).toBeNull()
  expect(describeSpending(generator.spent())).toBe(
    '3 calls, 20 + 10 tokens (1 response not counted), cost unknown',
  )
})
