import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiServer, type Shape, WIRES } from '../../testing/servers/api-server.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextRequest, TextResponse } from '../../thinking/model.ts'
import { openModel } from '../open-model.ts'

let server: ApiServer
beforeEach(async () => {
  server = await ApiServer.start()
})
afterEach(() => server.stop())

const NAMES: Record<Shape, string> = { openai: 'vllm:m', anthropic: 'anthropic:m', ollama: 'ollama:m' }

/** The response that is read from messages of a stream, both as a stream and as a whole. */
async function read(
  shape: Shape,
  messages: object[],
  request: Partial<TextRequest> = {},
): Promise<TextResponse> {
  server.usual = (response) => {
    response.writeHead(200, { 'content-type': WIRES[shape].type })
    response.end(messages.map((message) => WIRES[shape].event(message)).join(''))
  }
  const model = await openModel(NAMES[shape], {
    baseUrl: server.url,
    keyVariable: null,
    retry: { tries: 1, firstWait: 0, patience: 0 },
  })
  const [streamed, whole] = await Promise.all(
    [false, true].map((whole) =>
      collect(model.respond({ messages: [{ role: 'user', content: '?' }], seed: 0, whole, ...request })),
    ),
  )
  expect(whole).toEqual(streamed)
  return streamed!
}

const chunks = (...deltas: object[]) => [
  ...deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
]

test.each<[string, object[], string | null, string | null]>([
  ['reasoning_content', [{ reasoning_content: 'a' }, { content: 'b' }], 'a', 'b'],
  ['reasoning', [{ reasoning: 'a' }, { content: 'b' }], 'a', 'b'],
  ['thinking', [{ thinking: 'a' }, { content: 'b' }], 'a', 'b'],
  [
    'reasoning_details',
    [{ reasoning_details: [{ type: 'reasoning.text', text: 'a' }] }, { content: 'b' }],
    'a',
    'b',
  ],
  [
    'several fields with the same text',
    [{ reasoning: 'a', reasoning_content: 'a', reasoning_details: [{ text: 'a' }] }, { content: 'b' }],
    'a',
    'b',
  ],
  [
    'a field and a null',
    [{ reasoning: null, reasoning_content: 'a', content: null }, { content: 'b' }],
    'a',
    'b',
  ],
  [
    'parts',
    [
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'a' }] }] },
      { content: [{ type: 'text', text: 'b' }] },
    ],
    'a',
    'b',
  ],
  ['tags', [{ content: '<thi' }, { content: 'nk>a</th' }, { content: 'ink>\n\nb' }], 'a', 'b'],
  ['tags that are never closed', [{ content: '<think>a' }], 'a', null],
  [
    'a field and the same in tags',
    [{ reasoning: 'a' }, { content: '<think>\na' }, { content: '\n</think>b' }],
    'a',
    'b',
  ],
  [
    'a field and the same in tags, at the same time',
    [{ reasoning: 'a', content: '<think>a' }, { reasoning: 'c', content: 'c</think>' }, { content: 'b' }],
    'ac',
    'b',
  ],
  ['a field and other thinking in tags', [{ reasoning: 'a' }, { content: '<think>c</think>b' }], 'ac', 'b'],
  [
    'a field, and tags in the answer',
    [{ reasoning: 'a' }, { content: '</think> and <think> are tags' }],
    'a',
    '</think> and <think> are tags',
  ],
  [
    'a field, and an answer that begins like a tag',
    [{ reasoning: 'a' }, { content: '<' }, { content: 'thing>' }],
    'a',
    '<thing>',
  ],
  [
    'a field, and the last tag on a line of its own in the content',
    [{ reasoning: 'a' }, { content: '</thi' }, { content: 'nk>' }, { content: '\n\nb' }],
    'a',
    'b',
  ],
  ['a field after the content', [{ content: 'b ' }, { reasoning: 'a' }, { content: 'c' }], 'a', 'b c'],
  ['a field between tags', [{ content: '<think>b' }, { reasoning: 'a' }, { content: 'c' }], 'ba', 'c'],
  ['no thinking', [{ content: 'b' }], null, 'b'],
  ['empty thinking', [{ reasoning: '' }, { content: 'b' }], null, 'b'],
  ['nothing', [{ role: 'assistant', content: '' }], null, null],
  ['a refusal', [{ refusal: 'No.' }], null, 'No.'],
])('thinking of OpenAI-shaped servers: %s', async (_, deltas, thinking, answer) => {
  expect(await read('openai', chunks(...deltas))).toMatchObject({ thinking, answer })
})

test('an answer before and after the thinking is not lost', async () => {
  const lines = [{ content: 'b ' }, { thinking: 'a' }, { content: 'c' }, { content: '' }]
  const ollama = lines.map((message, i) => ({
    message,
    done: i === 3,
    done_reason: i === 3 ? 'stop' : undefined,
  }))
  expect(await read('ollama', ollama)).toMatchObject({ thinking: 'a', answer: 'b c' })
  const blocks = [
    { type: 'text', text: 'b ' },
    { type: 'thinking', thinking: 'a' },
    { type: 'text', text: 'c' },
  ]
  const anthropic = [
    ...blocks.map((content_block, index) => ({ type: 'content_block_start', index, content_block })),
    { type: 'message_delta', delta: { stop_reason: 'pause_turn' } },
    { type: 'message_stop' },
  ]
  expect(await read('anthropic', anthropic)).toMatchObject({ thinking: 'a', answer: 'b c' })
})

test('a stop string that the server does not know of ends the answer all the same', async () => {
  const deltas = chunks({ reasoning: 'an END' }, { content: 'b E' }, { content: 'ND c' }, { content: 'd' })
  expect(await read('openai', deltas, { stop: ['END'] })).toMatchObject({
    thinking: 'an END',
    answer: 'b',
    end: { reason: 'stop', stop: 'END' },
  })
  expect(await read('openai', chunks({ content: 'b E' }), { stop: ['END'] })).toMatchObject({
    answer: 'b E',
    end: { stop: null },
  })
})

test.each([
  ['model_length', 'length'],
  ['STOP', 'stop'],
  ['sensitive', 'content_filter'],
])('a reason of a server: %s', async (finish_reason, reason) => {
  const choices = [{ index: 0, delta: { content: 'b' }, finish_reason }]
  expect((await read('openai', [{ choices }])).end.reason).toBe(reason)
})

test('of several choices, the first is read', async () => {
  const other = { choices: [{ index: 1, delta: { content: 'x' }, finish_reason: 'length' }] }
  const response = await read('openai', [other, ...chunks({ content: 'b' })])
  expect(response).toMatchObject({ answer: 'b', end: { reason: 'stop' } })
})

test('a call in the field that came before tool_calls', async () => {
  const { toolCalls, end } = await read(
    'openai',
    chunks({ function_call: { name: 'f', arguments: '{"x"' } }, { function_call: { arguments: ':1}' } }),
  )
  expect(toolCalls).toMatchObject([{ name: 'f', arguments: { x: 1 } }])
  expect(end.reason).toBe('tool_calls')
})

test('thinking whose opening tag is in the prompt is known when the response is read as a whole', async () => {
  server.usual = (r) => r.end(JSON.stringify(WIRES.openai.whole({ answer: 'a</think>\nb' })))
  const model = await openModel('vllm:m', { baseUrl: server.url })
  const response = await collect(model.respond({ messages: [], seed: 0, whole: true }))
  expect(response).toMatchObject({ thinking: 'a', answer: 'b' })
})

test.each<[string, string[], boolean | undefined, string | null, string | null]>([
  ['deepseek-ai/DeepSeek-R1', ['a', '</think>', 'b'], undefined, 'a', 'b'],
  ['deepseek-r1:7b', ['<think>a', '</think>b'], undefined, 'a', 'b'],
  ['Qwen/Qwen3-30B-A3B-Thinking-2507', ['a</think>b'], undefined, 'a', 'b'],
  ['DeepSeek-R1-Distill-Qwen-7B', ['b'], undefined, null, 'b'],
  ['deepseek-r1:7b', ['b'], false, null, 'b'],
  ['qwen3:8b', ['b'], undefined, null, 'b'],
])('a stream of %s: %j', async (name, contents, thinking, thought, answer) => {
  server.usual = (r) => {
    r.writeHead(200, { 'content-type': 'text/event-stream' })
    r.end(
      chunks(...contents.map((content) => ({ content })))
        .map(WIRES.openai.event)
        .join(''),
    )
  }
  const model = await openModel(`vllm:${name}`, { baseUrl: server.url })
  const response = await collect(model.respond({ messages: [], seed: 0, thinking }))
  expect(response).toMatchObject({ thinking: thought, answer })
})

test.each<[string, string[], object[], string | null, string | null]>([
  ['in the thinking, by its field', ['<think>x'], [{ reasoning: 'a' }, { content: 'b' }], 'a', 'b'],
  [
    'in the thinking, by the closing tag',
    ['<think>x'],
    [{ content: 'a</thi' }, { content: 'nk>b' }],
    'a',
    'b',
  ],
  ['in the thinking, to its end', ['<think>x'], [{ content: 'a' }], 'a', null],
  ['in the answer', ['<think>x</think>', 'y'], [{ content: 'b' }], null, 'b'],
  [
    'in the answer, though the server takes it for thinking',
    ['<think>x</think>'],
    [{ reasoning: 'b' }],
    null,
    'b',
  ],
  ['in an answer without thinking', ['y'], [{ content: 'b' }], null, 'b'],
])('a response is continued %s', async (_, prefix, deltas, thinking, answer) => {
  expect(await read('openai', chunks(...deltas), { prefix })).toMatchObject({ thinking, answer })
})

test.each<[string, string[], object, string | null, string | null]>([
  ['the thinking', ['<think>\nTwo'], { reasoning_content: 'Two and two', content: '4' }, 'and two', '4'],
  [
    'the answer',
    ['<think>\nTwo\n</think>\n\nIt'],
    { reasoning_content: 'Two\n', content: 'It is' },
    null,
    'is',
  ],
  ['all of it as content', ['<think>Two'], { content: '<think>Two and</think>4' }, 'and', '4'],
  ['nothing', ['<think>Two'], { reasoning_content: ' and two', content: '4' }, 'and two', '4'],
])('a whole reply that repeats %s of the prefix', async (_, prefix, message, thinking, answer) => {
  server.usual = (r) => r.end(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] }))
  const model = await openModel('llamacpp:m', { baseUrl: server.url, stream: false })
  const response = await collect(model.respond({ messages: [], seed: 0, prefix }))
  expect(response).toMatchObject({ thinking, answer })
})

test('text that is continued from within its thinking', async () => {
  const messages = [{ choices: [{ text: 'a</think>b', finish_reason: 'stop' }] }]
  const request = { prompt: 'Q: 2+2?\n<think>\n' }
  expect(await read('openai', messages, request)).toMatchObject({ thinking: 'a', answer: 'b' })
  expect(await read('ollama', [{ response: 'a</think>b', done: true }], request)).toMatchObject({
    thinking: 'a',
    answer: 'b',
  })
})

test.each<[Shape, string, string]>([
  ['openai', 'stop', 'stop'],
  ['openai', 'length', 'length'],
  ['openai', 'content_filter', 'content_filter'],
  ['anthropic', 'end_turn', 'stop'],
  ['anthropic', 'stop_sequence', 'stop'],
  ['anthropic', 'max_tokens', 'length'],
  ['anthropic', 'refusal', 'content_filter'],
  ['ollama', 'stop', 'stop'],
  ['ollama', 'length', 'length'],
])('%s: the reason %s', async (shape, finish, reason) => {
  server.usual = (response) => {
    response.writeHead(200, { 'content-type': WIRES[shape].type })
    response.end(WIRES[shape].stream({ answer: 'a', finish }).join(''))
  }
  const model = await openModel(NAMES[shape], { baseUrl: server.url, keyVariable: null })
  expect((await collect(model.respond({ messages: [], seed: 0 }))).end.reason).toBe(reason)
})

test.each<[Shape, object[], string | null]>([
  ['openai', [{ choices: [{ delta: { content: 'a' }, finish_reason: 'stop', stop_reason: 'END' }] }], 'END'],
  ['openai', [{ choices: [{ delta: { content: 'a' }, finish_reason: 'stop', stop_reason: 2 }] }], null],
  [
    'anthropic',
    [
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a' } },
      { type: 'message_delta', delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' } },
    ],
    'END',
  ],
  ['ollama', [{ message: { content: 'a' }, done: true, done_reason: 'stop' }], null],
])('%s: the stop string, where the server names it (%j)', async (shape, messages, stop) => {
  expect((await read(shape, messages)).end).toMatchObject({ reason: 'stop', stop })
})

const call = (index: number | undefined, fields: object, args?: string) => ({
  tool_calls: [
    {
      ...(index === undefined ? {} : { index }),
      ...fields,
      function: {
        ...('name' in fields ? { name: fields.name } : {}),
        ...(args === undefined ? {} : { arguments: args }),
      },
    },
  ],
})
const ADD = { type: 'tool_call', id: 'c1', name: 'add', arguments: { a: 1 } }
const SUB = { type: 'tool_call', id: 'c2', name: 'sub', arguments: {} }

test.each<[string, Shape, object[]]>([
  [
    'in parts',
    'openai',
    chunks(
      call(0, { id: 'c1', name: 'add' }, ''),
      call(0, {}, '{"a"'),
      call(0, {}, ':1}'),
      call(1, { id: 'c2', name: 'sub' }, ''),
    ),
  ],
  [
    'all with the same index',
    'openai',
    chunks(call(0, { id: 'c1', name: 'add' }, '{"a":1}'), call(0, { id: 'c2', name: 'sub' }, '{}')),
  ],
  [
    'without an index',
    'openai',
    chunks(
      call(undefined, { id: 'c1', name: 'add' }, '{"a":1}'),
      call(undefined, { id: 'c2', name: 'sub' }, '{}'),
    ),
  ],
  [
    'in blocks',
    'anthropic',
    [
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 'c1', name: 'add', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a"' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: ':1}' } },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'c2', name: 'sub', input: {} },
      },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
    ],
  ],
  [
    'as objects',
    'ollama',
    [
      { message: { tool_calls: [{ id: 'c1', function: { name: 'add', arguments: { a: 1 } } }] } },
      { message: { tool_calls: [{ id: 'c2', function: { name: 'sub', arguments: {} } }] } },
      { done: true, done_reason: 'stop' },
    ],
  ],
])('calls of tools, %s (%s)', async (_, shape, messages) => {
  const { toolCalls, end } = await read(shape, messages)
  expect(toolCalls).toEqual([ADD, SUB])
  expect(end.reason).toBe('tool_calls')
})

test('a call that cannot be read is a failure', async () => {
  await expect(read('openai', chunks(call(0, { id: 'c1', name: 'add' }, '{"a":')))).rejects.toThrow(
    'calls the tool add with arguments that are not a JSON object',
  )
})

test.each<[string, object, object]>([
  [
    "DeepSeek's counts",
    {
      prompt_tokens: 9,
      prompt_cache_hit_tokens: 3,
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 2 },
    },
    { promptTokens: 9, cachedTokens: 3, completionTokens: 5, thinkingTokens: 2 },
  ],
  [
    'a part of the counts',
    { prompt_tokens: 9 },
    { promptTokens: 9, cachedTokens: null, completionTokens: null, thinkingTokens: null },
  ],
  [
    'wrong counts',
    { prompt_tokens: 'many', completion_tokens: -1 },
    { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null },
  ],
  ['no counts', {}, { promptTokens: null, cachedTokens: null, completionTokens: null, thinkingTokens: null }],
])('%s', async (_, usage, expected) => {
  expect((await read('openai', [...chunks({ content: 'a' }), { choices: [], usage }])).end.usage).toEqual(
    expected,
  )
})

test('log-probabilities of chat completions, completions and Ollama', async () => {
  const entry = {
    token: 'b',
    logprob: -0.5,
    top_logprobs: [
      { token: 'c', logprob: -2 },
      { token: 'b', logprob: -0.5 },
    ],
  }
  const logprobs = [
    {
      token: 'b',
      logprob: -0.5,
      top: [
        { token: 'b', logprob: -0.5 },
        { token: 'c', logprob: -2 },
      ],
    },
  ]
  const events = async (shape: Shape, messages: object[], request: Partial<TextRequest> = {}) => {
    server.usual = (r) => {
      r.writeHead(200, { 'content-type': WIRES[shape].type })
      r.end(messages.map((message) => WIRES[shape].event(message)).join(''))
    }
    const model = await openModel(NAMES[shape], { baseUrl: server.url })
    for await (const event of model.respond({ messages: [], seed: 0, logprobs: 2, ...request })) return event
    return null
  }
  const event = { type: 'answer', text: 'b', tokens: 1, logprobs }
  const chat = {
    choices: [{ delta: { content: 'b' }, logprobs: { content: [entry] }, finish_reason: 'stop' }],
  }
  expect(await events('openai', [chat])).toEqual(event)
  const raw = { tokens: ['b'], token_logprobs: [-0.5], top_logprobs: [{ c: -2, b: -0.5 }] }
  expect(
    await events('openai', [{ choices: [{ text: 'b', logprobs: raw, finish_reason: 'stop' }] }], {
      prompt: 'a',
    }),
  ).toEqual(event)
  expect(await events('ollama', [{ message: { content: 'b' }, logprobs: [entry], done: true }])).toEqual(
    event,
  )
})
