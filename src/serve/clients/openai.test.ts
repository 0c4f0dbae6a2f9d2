import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'

/* The client `openai` against a real socket. */

let server: ServedModel
let client: OpenAI
beforeAll(async () => {
  server = await serveModel()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0 })
})
afterAll(() => server.close())

const asking = (content: string) => ({ model: 'fake', messages: [{ role: 'user' as const, content }] })
const message = { role: 'assistant', content: ANSWER, reasoning_content: THINKING, reasoning: THINKING }
const usage = {
  prompt_tokens: USAGE.prompt,
  completion_tokens: USAGE.completion,
  total_tokens: USAGE.prompt + USAGE.completion,
  completion_tokens_details: { reasoning_tokens: USAGE.thinking },
}
const tools = [
  { type: 'function' as const, function: { name: 'add', parameters: { type: 'object', properties: {} } } },
]
const calls = [{ type: 'function', function: { name: 'add', arguments: '{"a":2,"b":2}' } }]

describe('chat completions', () => {
  it('reads thinking apart from the answer', async () => {
    const { data, response } = await client.chat.completions
      .create({ ...asking('2 + 2?'), seed: 3, max_completion_tokens: 99, reasoning_effort: 'low' })
      .withResponse()
    expect(data).toMatchObject({ model: 'fake', choices: [{ message, finish_reason: 'stop' }], usage })
    expect(response.headers.get('x-request-id')).toBeTruthy()
    expect(data).toMatchObject({ _request_id: response.headers.get('x-request-id') })
    expect(server.requests.at(-1)).toMatchObject({ seed: 3, maxTokens: 99 })
  })

  it('streams the same', async () => {
    const heard = { reasoning_content: '', reasoning: '', content: '' }
    let last: unknown
    const stream = await client.chat.completions.create({
      ...asking('2 + 2?'),
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const { choices, usage } of stream) {
      const delta = (choices[0]?.delta ?? {}) as Partial<typeof heard>
      for (const name of ['reasoning_content', 'reasoning', 'content'] as const)
        heard[name] += delta[name] ?? ''
      last = usage
    }
    expect(heard).toEqual({ reasoning_content: THINKING, reasoning: THINKING, content: ANSWER })
    expect(last).toMatchObject(usage)
  })

  it('the helper of the client', async () => {
    let content = ''
    const stream = client.chat.completions.stream(asking('2 + 2?')).on('content', (delta) => {
      content += delta
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]).toMatchObject({ message: { content: ANSWER }, finish_reason: 'stop' })
    expect(content).toBe(ANSWER)
  })

  it('several choices', async () => {
    const { choices } = await client.chat.completions.create({ ...asking('2 + 2?'), n: 3 })
    expect(choices).toMatchObject([0, 1, 2].map((index) => ({ index, message })))
  })

  it('log-probabilities', async () => {
    const { choices } = await client.chat.completions.create({ ...asking('2 + 2?'), logprobs: true })
    expect(
      choices[0]!
        .logprobs!.content!.map(({ token }) => token)
        .join('')
        .trim(),
    ).toBe(ANSWER)
  })

  it('carries thinking and tools through a conversation', async () => {
    const { messages } = asking('2 + 2?')
    const first = await client.chat.completions.create({ model: 'fake', messages, tools })
    expect(first.choices[0]).toMatchObject({ message: { tool_calls: calls }, finish_reason: 'tool_calls' })
    const streamed = await client.chat.completions.stream({ model: 'fake', messages, tools }).finalMessage()
    expect(streamed.tool_calls).toMatchObject(calls)

    const call = first.choices[0]!.message.tool_calls![0]!
    const second = await client.chat.completions.create({
      model: 'fake',
      messages: [
        ...messages,
        first.choices[0]!.message,
        { role: 'tool', content: '4', tool_call_id: call.id },
      ],
      tools,
    })
    expect(second.choices[0]!.message.content).toBe(ANSWER)
    expect(server.requests.at(-1)!.messages.slice(1)).toMatchObject([
      { reasoning_content: THINKING, tool_calls: [{ function: { name: 'add', arguments: { a: 2, b: 2 } } }] },
      { role: 'tool', content: '4', tool_call_id: call.id },
    ])
  })
})

it('completions', async () => {
  const request = { model: 'fake', prompt: '2 + 2 =', max_tokens: 99 }
  const { choices, usage: used } = await client.completions.create(request)
  expect(choices[0]!.text).toContain(ANSWER)
  expect(used).toMatchObject(usage)
  let text = ''
  for await (const part of await client.completions.create({ ...request, stream: true }))
    text += part.choices[0]?.text ?? ''
  expect(text).toBe(choices[0]!.text)
  expect(server.requests.at(-1)).toMatchObject({ prompt: '2 + 2 =', maxTokens: 99 })
})

describe('responses', () => {
  const request = { model: 'fake', input: '2 + 2?', instructions: 'Be brief.', store: false }
  const used = {
    input_tokens: USAGE.prompt,
    output_tokens: USAGE.completion,
    output_tokens_details: { reasoning_tokens: USAGE.thinking },
  }
  const thought = (output: readonly OpenAI.Responses.ResponseOutputItem[]): string => {
    const item = output.find(({ type }) => type === 'reasoning') as OpenAI.Responses.ResponseReasoningItem
    expect(item.content?.map(({ text }) => text).join('')).toBe(THINKING)
    return item.summary.map(({ text }) => text).join('')
  }

  it('reads thinking apart from the answer', async () => {
    const response = await client.responses.create({ ...request, reasoning: { effort: 'low' } })
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      output_text: ANSWER,
      usage: used,
    })
    expect(thought(response.output)).toBe(THINKING)
    expect(server.requests.at(-1)!.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '2 + 2?' },
    ])
  })

  it('streams the same', async () => {
    let text = ''
    const stream = client.responses.stream(request).on('response.output_text.delta', ({ delta }) => {
      text += delta
    })
    const final = await stream.finalResponse()
    expect(final).toMatchObject({ status: 'completed', output_text: ANSWER, usage: used })
    expect(thought(final.output)).toBe(THINKING)
    expect(text).toBe(ANSWER)
  })

  it('says what is incomplete', async () => {
    const response = await client.responses.create({ ...request, input: 'cut' })
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })

  it('carries thinking and tools through a conversation', async () => {
    const input = [{ role: 'user' as const, content: '2 + 2?' }]
    const tools = [
      {
        type: 'function' as const,
        name: 'add',
        parameters: { type: 'object', properties: {} },
        strict: false,
      },
    ]
    const first = await client.responses.create({ ...request, input, tools })
    const call = first.output.find((item) => item.type === 'function_call')!
    expect(call).toMatchObject({ name: 'add', arguments: '{"a":2,"b":2}' })
    const second = await client.responses.create({
      ...request,
      tools,
      input: [
        ...input,
        ...first.output,
        { type: 'function_call_output', call_id: call.call_id, output: '4' },
      ] as OpenAI.Responses.ResponseInput,
    })
    expect(second.output_text).toBe(ANSWER)
    expect(server.requests.at(-1)!.messages.slice(2)).toMatchObject([
      { role: 'assistant', reasoning_content: THINKING, tool_calls: [{ id: call.call_id }] },
      { role: 'tool', content: '4', tool_call_id: call.call_id },
    ])
  })
})

it('responses: items that are referred to', async () => {
  const question = { role: 'user' as const, content: '2 + 2?' }
  const { output } = await client.responses.create({ model: 'fake', input: [question] })
  const again = (items: readonly { id?: string | null }[]) =>
    client.responses.create({
      model: 'fake',
      input: [
        question,
        ...items.map(({ id }) => ({ type: 'item_reference' as const, id: id! })),
        { role: 'user', content: 'And?' },
      ],
    })
  await again(output)
  expect(server.requests.at(-1)!.messages[1]).toEqual({
    role: 'assistant',
    content: ANSWER,
    reasoning_content: THINKING,
  })
  await expect(again([{ id: 'msg_unknown' }])).rejects.toThrow(/does not know the item/)
  const forgotten = await client.responses.create({ model: 'fake', input: 'Hi', store: false })
  await expect(again(forgotten.output)).rejects.toThrow(/does not know the item/)
})

it('lists models', async () => {
  const ids: string[] = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toEqual(['fake'])
  expect(await client.models.retrieve('fake')).toMatchObject({ id: 'fake', object: 'model' })
})

describe('errors', () => {
  const make: Record<string, (by: OpenAI, model: string, content: string) => Promise<unknown>> = {
    chat: (by, model, content) => by.chat.completions.create({ ...asking(content), model }),
    'streamed chat': (by, model, content) =>
      by.chat.completions.create({ ...asking(content), model, stream: true }),
    completions: (by, model, prompt) => by.completions.create({ model, prompt }),
    responses: (by, model, input) => by.responses.create({ model, input }),
  }
  const cases = [
    ['a wrong key', { apiKey: 'wrong' }, 'fake', '2 + 2?', OpenAI.AuthenticationError, 'invalid_api_key'],
    ['another model', {}, 'other', '2 + 2?', OpenAI.NotFoundError, 'model_not_found'],
    ['a long prompt', {}, 'fake', 'long', OpenAI.BadRequestError, 'context_length_exceeded'],
  ] as const
  it.each(
    Object.entries(make).flatMap(([name, request]) =>
      cases.map(([fault, ...rest]) => [`${name}: ${fault}`, request, ...rest] as const),
    ),
  )('%s', async (_, request, options, model, content, type, code) => {
    const error = await request(client.withOptions(options), model, content).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code, requestID: expect.stringMatching(/./) })
  })

  it('a failure', async () => {
    const error = await client.chat.completions.create(asking('break')).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(String(error)).not.toContain('secret')
  })

  it('within a stream', async () => {
    const error = await client.chat.completions
      .stream(asking('break'))
      .finalMessage()
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    await expect(client.responses.stream({ model: 'fake', input: 'break' }).finalResponse()).rejects.toThrow()
  })
})

it('stops the work when it is aborted', async () => {
  const stream = client.chat.completions.stream(asking('forever'))
  for await (const { choices } of stream) if (Object.hasOwn(choices[0]!.delta, 'reasoning')) break
  stream.abort()
  await server.idle()

  const controller = new AbortController()
  const whole = client.chat.completions.create(asking('forever'), { signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await expect(whole).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
  await server.idle()

  const response = client.responses.stream({ model: 'fake', input: 'forever' })
  for await (const { type } of response) if (type === 'response.output_item.added') break
  response.abort()
  await server.idle()
})
