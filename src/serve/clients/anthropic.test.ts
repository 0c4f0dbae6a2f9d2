import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'

/* @anthropic-ai/sdk against a real socket. */

let server: ServedModel
let client: Anthropic
beforeAll(async () => {
  server = await serveModel()
  client = new Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0 })
})
afterAll(() => server.close())

const asking = (content: string) => ({
  model: 'fake',
  max_tokens: 2000,
  messages: [{ role: 'user' as const, content }],
})
const content = [
  { type: 'thinking', thinking: THINKING, signature: expect.stringMatching(/./) },
  { type: 'text', text: ANSWER },
]
const usage = {
  input_tokens: USAGE.prompt,
  output_tokens: USAGE.completion,
  output_tokens_details: { thinking_tokens: USAGE.thinking },
}
const tools = [
  {
    name: 'add',
    description: 'Adds',
    input_schema: { type: 'object' as const, properties: { a: { type: 'number' }, b: { type: 'number' } } },
  },
]

it('reads thinking apart from the answer', async () => {
  const message = await client.messages.create({
    ...asking('2 + 2?'),
    system: 'Be brief.',
    thinking: { type: 'enabled', budget_tokens: 1024 },
  })
  expect(message).toMatchObject({ role: 'assistant', model: 'fake', content, stop_reason: 'end_turn', usage })
  expect(server.requests.at(-1)).toMatchObject({
    thinking: true,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '2 + 2?' },
    ],
  })
})

it('streams the same', async () => {
  const types: string[] = []
  const heard = { thinking: '', text: '' }
  const stream = client.messages
    .stream(asking('2 + 2?'))
    .on('streamEvent', ({ type }) => types.push(type))
    .on('thinking', (delta) => {
      heard.thinking += delta
    })
    .on('text', (delta) => {
      heard.text += delta
    })
  expect(await stream.finalMessage()).toMatchObject({ content, stop_reason: 'end_turn', usage })
  expect(heard).toEqual({ thinking: THINKING, text: ANSWER })
  expect(types.at(0)).toBe('message_start')
  expect(types.at(-1)).toBe('message_stop')
})

it('tells the length of the prompt at the beginning of a stream', async () => {
  for await (const event of await client.messages.create({ ...asking('2 + 2?'), stream: true })) {
    expect(event).toMatchObject({ type: 'message_start', message: { usage: { input_tokens: USAGE.prompt } } })
    break
  }
  await server.idle()
})

it('carries thinking and tools through a conversation', async () => {
  const question = asking('2 + 2?')
  const first = await client.messages.create({ ...question, tools })
  expect(first).toMatchObject({
    stop_reason: 'tool_use',
    content: [{ type: 'thinking' }, { type: 'tool_use', name: 'add', input: { a: 2, b: 2 } }],
  })
  const use = first.content.find((block) => block.type === 'tool_use')!
  const streamed = await client.messages.stream({ ...question, tools }).finalMessage()
  expect(streamed.content.at(-1)).toMatchObject({ type: 'tool_use', name: 'add', input: { a: 2, b: 2 } })

  const second = await client.messages.create({
    ...question,
    tools,
    messages: [
      ...question.messages,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '4' }] },
    ],
  })
  expect(second.content.at(-1)).toMatchObject({ type: 'text', text: ANSWER })
  expect(server.requests.at(-1)!.messages.slice(1)).toMatchObject([
    { role: 'assistant', reasoning_content: THINKING },
    { role: 'tool', content: '4', name: 'add', tool_call_id: use.id },
  ])
})

it('runs tools, though it keeps no threads', async () => {
  const sums: number[] = []
  const add = {
    ...tools[0]!,
    run: ({ a, b }: { a: number; b: number }) => String(sums[sums.push(a + b) - 1]),
    parse: (input: unknown) => input as { a: number; b: number },
  }
  const runner = client.beta.messages.toolRunner({ ...asking('2 + 2?'), tools: [add] })
  expect((await runner.runUntilDone()).content.at(-1)).toMatchObject({ type: 'text', text: ANSWER })
  expect(sums).toEqual([4])
})

it('says what ended a response', async () => {
  const stopped = { ...asking('2 + 2?'), stop_sequences: ['END'] }
  expect(await client.messages.create(stopped)).toMatchObject({
    stop_reason: 'stop_sequence',
    stop_sequence: 'END',
  })
  expect(await client.messages.stream(stopped).finalMessage()).toMatchObject({ stop_sequence: 'END' })
  expect(await client.messages.create(asking('cut'))).toMatchObject({ stop_reason: 'max_tokens' })
})

it('counts tokens and lists models', async () => {
  const { max_tokens: _, ...question } = asking('2 + 2?')
  expect(await client.messages.countTokens(question)).toEqual({ input_tokens: USAGE.prompt })
  const models = []
  for await (const model of client.models.list()) models.push(model)
  expect(models).toMatchObject([{ id: 'fake', type: 'model', created_at: '2025-10-09T08:53:20.000Z' }])
  expect(await client.models.retrieve('fake')).toMatchObject({ id: 'fake', type: 'model' })
})

describe('errors', () => {
  it.each([
    ['a wrong key', { apiKey: 'wrong' }, {}, Anthropic.AuthenticationError, 'authentication_error'],
    ['another model', {}, { model: 'other' }, Anthropic.NotFoundError, 'not_found_error'],
    ['a wrong field', {}, { max_tokens: 'many' }, Anthropic.BadRequestError, 'invalid_request_error'],
    ['a long prompt', {}, asking('long'), Anthropic.BadRequestError, 'invalid_request_error'],
    ['a failure', {}, asking('break'), Anthropic.InternalServerError, 'api_error'],
  ])('%s', async (_, options, fields, type, name) => {
    const request = { ...asking('2 + 2?'), ...fields } as Anthropic.MessageCreateParamsNonStreaming
    const error = await client
      .withOptions(options)
      .messages.create(request)
      .catch((error: unknown) => error as InstanceType<typeof Anthropic.APIError>)
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ type: name, requestID: expect.stringMatching(/./) })
    expect(error).toMatchObject({ error: { type: 'error', request_id: expect.stringMatching(/./) } })
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  it('in a list of models', async () => {
    const error = await client.models.retrieve('other').catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Anthropic.NotFoundError)
    expect(error).toMatchObject({ type: 'not_found_error' })
  })

  it('within a stream', async () => {
    const error = await client.messages
      .stream(asking('break'))
      .finalMessage()
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ type: 'api_error' })
  })
})

it('stops the work when it is aborted', async () => {
  const stream = client.messages.stream(asking('forever'))
  for await (const { type } of stream) if (type === 'content_block_delta') break
  stream.abort()
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
  await server.idle()

  const controller = new AbortController()
  const whole = client.messages.create(asking('forever'), { signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await expect(whole).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
  await server.idle()
})
