import { afterEach, describe, expect, it } from 'vitest'
import {
  ended,
  eventsIn,
  scripted,
  send,
  startServer,
  type TestServer,
} from '../../../testing/servers/fake-server.ts'
import type { TextEvent } from '../../../thinking/model.ts'
import type { Ask, AskedRequest, Generation, Served } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { chatCompletions } from './chat-completions.ts'

const model = (can = {}) =>
  scripted(
    () => [
      { type: 'progress', text: '1 of 4' },
      { type: 'thinking', text: '\nsix ', tokens: 1 },
      { type: 'thinking', text: 'sevens\n', tokens: 1 },
      { type: 'answer', text: '\n\n4', tokens: 1 },
      { type: 'answer', text: '2\n', tokens: 1 },
      ended(),
    ],
    { logprobs: true, tools: true, ...can },
  )
const served = (can = {}): Served => ({
  names: ['fake', 'other'],
  anyName: false,
  created: 0,
  identity: 'fake',
  countPrompt: null,
  can: { ...model(can).can, budget: true },
})
const route = chatCompletions.routes[0] as Generation
/** What a request asks of the model. */
const ask = (fields: object, can = {}): Ask =>
  route.ask(route.schema.parse({ messages: [{ role: 'user', content: 'Hi' }], ...fields }), served(can))

describe('a request', () => {
  it.each<[object, Partial<AskedRequest>]>([
    [{}, { messages: [{ role: 'user', content: 'Hi' }], seed: null, sample: 0, maxTokens: null }],
    [{ max_tokens: 5 }, { maxTokens: 5 }],
    [{ max_tokens: 5, max_completion_tokens: 9 }, { maxTokens: 9 }],
    [
      { temperature: 0, top_p: 0.9, top_k: 40, min_p: 0.1 },
      { temperature: 0, topP: 0.9, topK: 40, minP: 0.1 },
    ],
    [{ top_k: -1 }, { topK: null }],
    [{ stop: 'a' }, { stop: ['a'] }],
    [{ stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
    [{ stop: null, seed: null }, { seed: null }],
    [{ seed: 7 }, { seed: 7 }],
    [{ seed: -1 }, { seed: 2 ** 32 - 1 }],
    [{ logprobs: true }, { logprobs: 0 }],
    [{ logprobs: true, top_logprobs: 3 }, { logprobs: 3 }],
    [{ thinking: { type: 'enabled' } }, { thinking: true }],
    [{ enable_thinking: true }, { thinking: true }],
    [
      { chat_template_kwargs: { thinking: true, style: 'short' } },
      { thinking: true, templateArguments: { style: 'short' } },
    ],
    [{ unknown: [1, { two: 3 }] }, {}],
    [
      {
        messages: [
          { role: 'developer', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
          },
          { role: 'assistant', content: 'c', reasoning_content: 'd' },
          { role: 'user', content: 'e', name: 'Eve' },
          {
            role: 'assistant',
            content: null,
            reasoning: 'f',
            tool_calls: [{ id: 'x', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
          },
          { role: 'tool', tool_call_id: 'x', content: '2' },
        ],
      },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'ab' },
          { role: 'assistant', content: 'c', reasoning_content: 'd' },
          { role: 'user', content: 'e', name: 'Eve' },
          {
            role: 'assistant',
            content: '',
            reasoning_content: 'f',
            tool_calls: [{ id: 'x', type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
          },
          { role: 'tool', tool_call_id: 'x', content: '2' },
        ],
      },
    ],
    [
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hel', reasoning_content: 'a greeting' },
        ],
      },
      { messages: [{ role: 'user', content: 'Hi' }], prefix: ['<think>\na greeting\n</think>\n\nHel'] },
    ],
    [
      { tools: [{ type: 'function', function: { name: 'add', parameters: {} } }] },
      { tools: [{ type: 'function', function: { name: 'add', parameters: {} } }] },
    ],
    [{ tools: [], tool_choice: 'auto' }, {}],
  ])('%j asks %j', (fields, expected) => {
    expect(ask(fields).requests[0]).toMatchObject(expected)
  })

  it.each([
    [{}, { effort: null, budget: null }],
    [{ reasoning_effort: 'none' }, { effort: 'none', budget: null }],
    [{ reasoning_effort: 'minimal' }, { effort: 'low', budget: null }],
    [{ reasoning_effort: 'medium' }, { effort: 'medium', budget: null }],
    [{ reasoning_effort: 'xhigh' }, { effort: 'high', budget: null }],
    [{ thinking: { type: 'enabled', budget_tokens: 128 } }, { effort: null, budget: 128 }],
    [{ thinking: { type: 'disabled' } }, { effort: 'none', budget: null }],
    [
      { thinking: { type: 'disabled' }, reasoning_effort: 'high' },
      { effort: 'none', budget: null },
    ],
    [{ thinking_token_budget: 64 }, { effort: null, budget: 64 }],
    [{ thinking_token_budget: -1 }, { effort: null, budget: null }],
    [{ enable_thinking: false }, { effort: 'none', budget: null }],
    [{ chat_template_kwargs: { enable_thinking: false } }, { effort: 'none', budget: null }],
    [{ reasoning: { effort: 'low', max_tokens: 32 } }, { effort: 'low', budget: 32 }],
  ])('%j wishes for %j', (fields, wish) => {
    expect(ask(fields).wish).toEqual(wish)
  })

  it.each([
    [{ n: 3, seed: 5 }, [0, 1, 2]],
    [{}, [0]],
  ])('%j: choice i is sample i', (fields, samples) => {
    expect(ask(fields).requests.map(({ sample }) => sample)).toEqual(samples)
  })

  it('leaves the tools out for the choice none', () => {
    const tools = [{ type: 'function', function: { name: 'add' } }]
    expect(ask({ tools, tool_choice: 'none' }).requests[0]).not.toHaveProperty('tools')
  })

  it.each<[unknown, string[]]>([
    ['auto', ['add', 'find']],
    ['required', ['add', 'find']],
    [{ type: 'function', function: { name: 'find' } }, ['find']],
    [{ type: 'function', name: 'find' }, ['find']],
  ])('the choice %j offers %j', (tool_choice, names) => {
    const tools = ['add', 'find'].map((name) => ({ type: 'function', function: { name } }))
    const offered = ask({ tools, tool_choice }).requests[0]!.tools as { function: { name: string } }[]
    expect(offered.map(({ function: { name } }) => name)).toEqual(names)
  })

  it.each([
    [2 ** 63, 0],
    [2 ** 53 + 2, 2],
    [-5, 2 ** 32 - 5],
    [42, 42],
  ])('the seed %d is %d', (seed, used) => {
    expect(ask({ seed }).requests[0]!.seed).toBe(used)
  })

  it('no limit is written as -1', () => {
    expect(ask({ max_tokens: -1 }).requests[0]!.maxTokens).toBeNull()
  })

  const deep = `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`
  const image = [{ type: 'image_url', image_url: { url: 'data:' } }]
  const tools = [{ type: 'function', function: { name: 'add' } }]
  it.each<[object, string, object?]>([
    [{ model: 'gpt-5' }, 'model'],
    [{ messages: [{ role: 'user', content: image }] }, 'messages[0].content[0]'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0]'],
    [{ messages: [{ role: 'assistant', content: 'Hi' }] }, 'messages'],
    [
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hel' },
        ],
      },
      'messages',
      { prefix: false },
    ],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [{ function: { name: 'add', arguments: '{"a"' } }] },
          { role: 'user', content: 'Hi' },
        ],
      },
      'messages[0].tool_calls[0].function.arguments',
    ],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [{ function: { name: 'add', arguments: deep } }] },
          { role: 'user', content: 'Hi' },
        ],
      },
      'messages[0].tool_calls[0].function.arguments',
    ],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ logprobs: true }, 'logprobs', { logprobs: false }],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ tools, tool_choice: 'sometimes' }, 'tool_choice'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ functions: [{ name: 'add' }] }, 'functions'],
    [{ tools, tool_choice: { type: 'function', function: { name: 'other' } } }, 'tool_choice'],
    [{ tools }, 'tools', { tools: false }],
    [{ tools: [{ type: 'web_search' }] }, 'tools[0]'],
  ])('%j is refused for %s', (fields, field, can = {}) => {
    const refused = expect(() => ask(fields, can))
    refused.toThrow(RequestError)
    refused.toThrow(expect.objectContaining({ problem: expect.objectContaining({ field }) }))
  })
})

describe('on a socket', () => {
  let server: TestServer
  afterEach(() => server.stop())
  const question = { model: 'fake', messages: [{ role: 'user', content: '6·7?' }] }
  const post = (body: object) => send(server, '/v1/chat/completions', { body })

  it('answers with the thinking apart from the answer', async () => {
    server = await startServer(model())
    const { status, text } = await post(question)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'fake',
      system_fingerprint: null,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: '42',
            reasoning_content: 'six sevens',
            reasoning: 'six sevens',
            refusal: null,
          },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 7,
        total_tokens: 17,
        prompt_tokens_details: { cached_tokens: 4 },
        prompt_cache_hit_tokens: 4,
        prompt_cache_miss_tokens: 6,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    })
  })

  it('streams the same text', async () => {
    server = await startServer(model())
    const { text, headers } = await post({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const chunks = eventsIn(text) as { choices: { delta: object; finish_reason: string | null }[] }[]
    expect(chunks.at(-1)).toBe('[DONE]')
    expect(chunks.slice(0, -2).map(({ choices: [one] }) => [one!.delta, one!.finish_reason])).toEqual([
      [{ role: 'assistant', content: '', reasoning_content: 'six', reasoning: 'six' }, null],
      [{ reasoning_content: ' sevens', reasoning: ' sevens' }, null],
      [{ content: '4' }, null],
      [{ content: '2' }, null],
      [{}, 'stop'],
    ])
    expect(chunks.at(-2)).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 7 } })
  })

  it('gives n choices, in a stream and not, and counts the prompt once', async () => {
    server = await startServer(
      scripted(({ sample }) => [{ type: 'answer', text: `sample ${sample}`, tokens: 7 }, ended()]),
    )
    const whole = JSON.parse((await post({ ...question, n: 3 })).text)
    expect(whole.choices.map((one: { message: { content: string } }) => one.message.content)).toEqual([
      'sample 0',
      'sample 1',
      'sample 2',
    ])
    expect(whole.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 21, total_tokens: 31 })
    const chunks = eventsIn((await post({ ...question, n: 2, stream: true })).text) as {
      choices: { index: number; delta: { content?: string } }[]
    }[]
    const texts = ['', '']
    for (const { choices } of chunks.slice(0, -1)) texts[choices[0]!.index] += choices[0]!.delta.content ?? ''
    expect(texts).toEqual(['sample 0', 'sample 1'])
  })

  const called: TextEvent[] = [
    { type: 'answer', text: 'I add.', tokens: 2 },
    { type: 'tool_call', id: 'call1', name: 'add', arguments: { a: 1 } },
    { type: 'tool_call', id: 'call2', name: 'add', arguments: {} },
    ended({ reason: 'tool_calls' }),
  ]
  it('gives calls of tools', async () => {
    server = await startServer(scripted(() => called, { tools: true }))
    const [choice] = JSON.parse((await post(question)).text).choices
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'I add.',
        tool_calls: [
          { id: 'call1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
          { id: 'call2', type: 'function', function: { name: 'add', arguments: '{}' } },
        ],
      },
    })
    const { text } = await post({ ...question, stream: true })
    const deltas = (eventsIn(text).slice(0, -1) as { choices: { delta: object }[] }[]).map(
      ({ choices }) => choices[0]!.delta,
    )
    expect(deltas.slice(1, 3)).toEqual([
      {
        tool_calls: [
          { index: 0, id: 'call1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
        ],
      },
      {
        tool_calls: [{ index: 1, id: 'call2', type: 'function', function: { name: 'add', arguments: '{}' } }],
      },
    ])
  })

  it('gives log-probabilities of the answer', async () => {
    const logprobs = [{ token: 'é', logprob: -0.5, top: [{ token: 'e', logprob: -1 }] }]
    server = await startServer(
      scripted(() => [{ type: 'answer', text: 'é', tokens: 1, logprobs }, ended()], { logprobs: true }),
    )
    const expected = [
      {
        token: 'é',
        logprob: -0.5,
        bytes: [195, 169],
        top_logprobs: [{ token: 'e', logprob: -1, bytes: [101] }],
      },
    ]
    const body = { ...question, logprobs: true, top_logprobs: 1 }
    expect(JSON.parse((await post(body)).text).choices[0].logprobs).toEqual({
      content: expected,
      refusal: null,
    })
    const [first] = eventsIn((await post({ ...body, stream: true })).text) as [
      { choices: { logprobs: object }[] },
    ]
    expect(first.choices[0]!.logprobs).toEqual({ content: expected, refusal: null })
  })

  it.each([
    [{ ...question, temperature: 'hot' }, 400, { param: 'temperature', code: null }],
    [{ model: 'fake' }, 400, { param: 'messages', code: null }],
    [{ ...question, messages: [] }, 400, { param: 'messages', code: null }],
    [
      { ...question, messages: [{ role: 'king', content: 'x' }] },
      400,
      { param: 'messages[0].role', code: null },
    ],
    [
      { ...question, messages: [{ role: 'user', content: [7] }] },
      400,
      { param: 'messages[0].content[0]', code: null },
    ],
    [{ ...question, n: 0 }, 400, { param: 'n', code: null }],
    [{ ...question, model: 'gpt-5' }, 404, { param: 'model', code: 'model_not_found' }],
  ])("%j is answered with OpenAI's error", async (body, status, error) => {
    server = await startServer(model())
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(JSON.parse(response.text)).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', ...error },
    })
  })

  it('says what is unknown by leaving it out', async () => {
    const usage = { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null }
    server = await startServer(
      scripted(() => [{ type: 'answer', text: 'x', tokens: null }, ended({ usage })]),
    )
    expect(JSON.parse((await post(question)).text).usage).toBeNull()
  })
})
