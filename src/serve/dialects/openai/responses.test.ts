import { afterEach, describe, expect, it } from 'vitest'
import {
  ended,
  eventsIn,
  scripted,
  send,
  startServer,
  type TestServer,
} from '../../../testing/servers/fake-server.ts'
import type { AskedRequest, Generation } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { responses } from './responses.ts'

const model = scripted(
  () => [
    { type: 'thinking', text: 'six ', tokens: 1 },
    { type: 'thinking', text: 'sevens', tokens: 1 },
    { type: 'answer', text: '4', tokens: 1 },
    { type: 'answer', text: '2', tokens: 1 },
    { type: 'tool_call', id: 'call1', name: 'add', arguments: { a: 1 } },
    ended(),
  ],
  { tools: true },
)
const served = {
  names: ['fake'],
  anyName: false,
  created: 0,
  identity: 'fake',
  countPrompt: null,
  can: { ...model.can, budget: true },
}
const route = responses.routes[0] as Generation
const ask = (fields: object) => route.ask(route.schema.parse({ input: 'Hi', ...fields }), served)

describe('a request', () => {
  it.each<[object, Partial<AskedRequest>]>([
    [{}, { messages: [{ role: 'user', content: 'Hi' }], seed: null, maxTokens: null }],
    [
      { instructions: 'Be brief.', max_output_tokens: 9, temperature: 0.5, top_p: 0.9 },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
        ],
        maxTokens: 9,
        temperature: 0.5,
        topP: 0.9,
      },
    ],
    [
      {
        input: [
          { role: 'developer', content: 'Be brief.' },
          { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a' }] },
          { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'b' }] },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'c' }] },
          { role: 'user', content: 'd' },
          {
            type: 'reasoning',
            id: 'rs_2',
            summary: [{ type: 'summary_text', text: 'e' }],
            encrypted_content: 'x',
          },
          { type: 'function_call', call_id: 'call1', name: 'add', arguments: '{"a":1}' },
          { type: 'function_call', call_id: 'call2', name: 'sub', arguments: '{}' },
          { type: 'function_call_output', call_id: 'call1', output: '2' },
          { type: 'function_call_output', call_id: 'call2', output: [{ type: 'input_text', text: '3' }] },
        ],
      },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'c', reasoning_content: 'b' },
          { role: 'user', content: 'd' },
          {
            role: 'assistant',
            content: '',
            reasoning_content: 'e',
            tool_calls: [
              { id: 'call1', type: 'function', function: { name: 'add', arguments: { a: 1 } } },
              { id: 'call2', type: 'function', function: { name: 'sub', arguments: {} } },
            ],
          },
          { role: 'tool', content: '2', tool_call_id: 'call1', name: 'add' },
          { role: 'tool', content: '3', tool_call_id: 'call2', name: 'sub' },
        ],
      },
    ],
    [
      { tools: [{ type: 'function', name: 'add', parameters: { type: 'object' }, strict: true }] },
      {
        tools: [
          { type: 'function', function: { name: 'add', parameters: { type: 'object' }, strict: true } },
        ],
      },
    ],
  ])('%j asks %j', (fields, expected) => {
    expect(ask(fields).requests[0]).toMatchObject(expected)
  })

  it.each([
    [{ reasoning: { effort: 'high', summary: 'auto' } }, { effort: 'high', budget: null }],
    [{ reasoning: { effort: 'none' } }, { effort: 'none', budget: null }],
    [{ thinking_token_budget: 5 }, { effort: null, budget: 5 }],
  ])('%j wishes for %j', (fields, wish) => {
    expect(ask(fields).wish).toEqual(wish)
  })

  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ store: true }, 'store'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ prompt: { id: 'p' } }, 'prompt'],
    [{ text: { format: { type: 'json_schema' } } }, 'text.format'],
    [{ tools: [{ type: 'web_search' }] }, 'tools[0]'],
    [{ include: ['message.output_text.logprobs'] }, 'include'],
    [{ input: [{ type: 'computer_call' }] }, 'input[0]'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'input[0].content[0]',
    ],
    [{ input: [{ type: 'function_call', call_id: 'x', name: 'y', arguments: '[' }] }, 'input[0].arguments'],
    [{ input: [{ type: 'function_call', name: 'y' }] }, 'input[0].call_id'],
    [{ input: [] }, 'input'],
  ])('%j is refused for %s', (fields, field) => {
    const refused = expect(() => ask(fields))
    refused.toThrow(RequestError)
    refused.toThrow(expect.objectContaining({ problem: expect.objectContaining({ field }) }))
  })
})

describe('on a socket', () => {
  let server: TestServer
  afterEach(() => server.stop())

  const output = [
    {
      id: expect.stringMatching(/^rs_/),
      type: 'reasoning',
      status: 'completed',
      summary: [{ type: 'summary_text', text: 'six sevens' }],
      content: [{ type: 'reasoning_text', text: 'six sevens' }],
    },
    {
      id: expect.stringMatching(/^msg_/),
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: '42', annotations: [], logprobs: [] }],
    },
    {
      id: expect.stringMatching(/^fc_/),
      type: 'function_call',
      status: 'completed',
      call_id: 'call1',
      name: 'add',
      arguments: '{"a":1}',
    },
  ]
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 17,
  }

  it('answers in items', async () => {
    server = await startServer(model)
    const { text } = await send(server, '/v1/responses', {
      body: { model: 'fake', input: 'Hi', max_output_tokens: 9 },
    })
    expect(JSON.parse(text)).toMatchObject({
      id: expect.stringMatching(/^resp_/),
      object: 'response',
      status: 'completed',
      model: 'fake',
      error: null,
      incomplete_details: null,
      max_output_tokens: 9,
      previous_response_id: null,
      store: false,
      output,
      output_text: '42',
      usage,
    })
  })

  it('streams the same, event by event', async () => {
    server = await startServer(model)
    const { text } = await send(server, '/v1/responses', { body: { input: 'Hi', stream: true } })
    const events = eventsIn(text) as { type: string; sequence_number: number; response?: object }[]
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'reasoning_summary_part.added',
      'reasoning_text.delta',
      'reasoning_summary_text.delta',
      'reasoning_text.delta',
      'reasoning_summary_text.delta',
      'reasoning_text.done',
      'content_part.done',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
    expect(text.match(/^event: (.*)$/gm)!.map((line) => line.slice(7))).toEqual(
      events.map(({ type }) => type),
    )
    expect(events.at(-1)!.response).toMatchObject({ status: 'completed', output, usage })
    expect(events.slice(2, 14).every((event) => 'output_index' in event && event.output_index === 0)).toBe(
      true,
    )
  })

  it('says that it was cut off', async () => {
    server = await startServer(
      scripted(() => [{ type: 'thinking', text: 'hm', tokens: 1 }, ended({ reason: 'length' })]),
    )
    const expected = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'reasoning', status: 'incomplete' }],
    }
    const { text } = await send(server, '/v1/responses', { body: { input: 'Hi' } })
    expect(JSON.parse(text)).toMatchObject(expected)
    const streamed = await send(server, '/v1/responses', { body: { input: 'Hi', stream: true } })
    expect(eventsIn(streamed.text).at(-1)).toMatchObject({ type: 'response.incomplete', response: expected })
  })

  it('ends a stream that fails with the error', async () => {
    server = await startServer(
      scripted(() => [{ type: 'thinking', text: 'hm', tokens: 1 }, new Error('secret')]),
    )
    const { text } = await send(server, '/v1/responses', { body: { input: 'Hi', stream: true } })
    expect(eventsIn(text).slice(-2)).toMatchObject([
      {
        type: 'response.failed',
        response: { status: 'failed', error: { message: 'the server failed to respond' } },
      },
      { type: 'error', message: 'the server failed to respond', error: { type: 'server_error' } },
    ])
  })
})
