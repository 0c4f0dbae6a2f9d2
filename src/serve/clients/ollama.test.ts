import { Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'

/* The client `ollama` against a real socket. */

let server: ServedModel
let client: Ollama
const withKey = (key: string) => new Ollama({ host: server.url, headers: { authorization: `Bearer ${key}` } })
beforeAll(async () => {
  server = await serveModel()
  client = withKey(KEY)
})
afterAll(() => server.close())

const asking = (content: string) => ({ model: 'fake', messages: [{ role: 'user', content }] })
const ended = {
  done: true,
  done_reason: 'stop',
  prompt_eval_count: USAGE.prompt,
  eval_count: USAGE.completion,
  total_duration: expect.any(Number),
  prompt_eval_duration: expect.any(Number),
  eval_duration: expect.any(Number),
}

it('chat reads thinking apart from the answer', async () => {
  const response = await client.chat({
    ...asking('2 + 2?'),
    think: true,
    options: { seed: 3, num_predict: 99 },
  })
  expect(response).toMatchObject({ model: 'fake', ...ended })
  expect(response.message).toEqual({ role: 'assistant', content: ANSWER, thinking: THINKING })
  expect(server.requests.at(-1)).toMatchObject({ thinking: true, seed: 3, maxTokens: 99 })
})

it('chat streams the same', async () => {
  const heard = { thinking: '', content: '' }
  let last: object = {}
  for await (const part of await client.chat({ ...asking('2 + 2?'), think: 'high', stream: true })) {
    heard.thinking += part.message.thinking ?? ''
    heard.content += part.message.content
    last = part
  }
  expect(heard).toEqual({ thinking: THINKING, content: ANSWER })
  expect(last).toMatchObject(ended)
})

it('generate', async () => {
  const request = { model: 'fake', prompt: '2 + 2?', system: 'Be brief.' }
  expect(await client.generate(request)).toMatchObject({ response: ANSWER, thinking: THINKING, ...ended })
  expect(server.requests.at(-1)!.messages[0]).toEqual({ role: 'system', content: 'Be brief.' })
  const heard = { thinking: '', response: '' }
  for await (const part of await client.generate({ ...request, stream: true })) {
    heard.thinking += part.thinking ?? ''
    heard.response += part.response
  }
  expect(heard).toEqual({ thinking: THINKING, response: ANSWER })
  await client.generate({ model: 'fake', prompt: '2 + 2 =', raw: true })
  expect(server.requests.at(-1)).toMatchObject({ messages: [], prompt: '2 + 2 =' })
})

it('carries thinking and tools through a conversation', async () => {
  const tools = [
    { type: 'function', function: { name: 'add', parameters: { type: 'object', properties: {} } } },
  ]
  const { messages } = asking('2 + 2?')
  const { message } = await client.chat({ model: 'fake', messages, tools })
  expect(message.tool_calls).toMatchObject([{ function: { name: 'add', arguments: { a: 2, b: 2 } } }])
  const answered = await client.chat({
    model: 'fake',
    tools,
    messages: [...messages, message, { role: 'tool', content: '4', tool_name: 'add' }],
  })
  expect(answered.message.content).toBe(ANSWER)
  expect(server.requests.at(-1)!.messages.slice(1)).toMatchObject([
    {
      role: 'assistant',
      reasoning_content: THINKING,
      tool_calls: [{ function: { arguments: { a: 2, b: 2 } } }],
    },
    { role: 'tool', content: '4', name: 'add' },
  ])
})

it('lists and describes models', async () => {
  expect((await client.list()).models).toMatchObject([{ name: 'fake', model: 'fake' }])
  expect((await client.ps()).models).toMatchObject([{ name: 'fake' }])
  expect((await client.show({ model: 'fake' })).capabilities).toEqual(['completion', 'tools', 'thinking'])
  expect((await client.version()).version).toMatch(/^\d+\.\d+/)
})

it('loads a model at once', async () => {
  expect(await client.chat({ model: 'fake' })).toMatchObject({ done_reason: 'load' })
  for await (const part of await client.chat({ model: 'fake', stream: true }))
    expect(part).toMatchObject({ done: true, done_reason: 'load' })
})

describe('errors', () => {
  it.each<[string, number, RegExp, () => Promise<unknown>]>([
    ['a wrong key', 401, /key/, () => withKey('wrong').chat(asking('2 + 2?'))],
    ['another model', 404, /"other".*not found/, () => client.chat({ ...asking('2 + 2?'), model: 'other' })],
    ['a long prompt', 400, /9999 tokens/, () => client.chat(asking('long'))],
    ['a long prompt, streamed', 400, /9999 tokens/, () => client.chat({ ...asking('long'), stream: true })],
    ['a failure', 500, /failed/, () => client.chat(asking('break'))],
    ['downloads', 400, /cannot download/, () => client.pull({ model: 'fake' })],
    ['embeddings', 400, /no embeddings/, () => client.embed({ model: 'fake', input: 'a' })],
  ])('%s', async (_, status, message, request) => {
    const error = await request().catch((error: unknown) => error)
    expect(error).toMatchObject({
      name: 'ResponseError',
      status_code: status,
      message: expect.stringMatching(message),
    })
  })

  it('within a stream', async () => {
    const stream = await client.chat({ ...asking('break'), stream: true })
    await expect(async () => {
      for await (const part of stream) expect(part.done).toBe(false)
    }).rejects.toThrow(/failed to respond/)
  })
})

it('stops the work when it is aborted', async () => {
  const stream = await client.chat({ ...asking('forever'), stream: true })
  await expect(async () => {
    for await (const part of stream) if (part.message.thinking) stream.abort()
  }).rejects.toMatchObject({ name: 'AbortError' })
  await server.idle()
})
