import { afterEach, beforeEach, expect, test } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { ApiServer, WIRES } from '../../testing/servers/api-server.ts'
import { collect } from '../../thinking/collect.ts'
import type { Message, TextRequest } from '../../thinking/model.ts'
import { openModel } from '../open-model.ts'
import { PROVIDERS } from './presets.ts'

let server: ApiServer
beforeEach(async () => {
  server = await ApiServer.start()
  server.usual = (response, { path }) => {
    const shape = /^\/api\/(chat|generate)$/.test(path)
      ? 'ollama'
      : path.endsWith('/messages')
        ? 'anthropic'
        : 'openai'
    response.end(JSON.stringify(WIRES[shape].whole({ answer: '4' })))
  }
})
afterEach(() => server.stop())

/** What a provider is sent for a request. */
async function sent(name: string, request: Partial<TextRequest> = {}) {
  const path = new URL(PROVIDERS[name]!.baseUrl).pathname.replace(/\/$/, '')
  const model = await openModel(`${name}:m`, { baseUrl: server.url + path, keyVariable: null, stream: false })
  await collect(model.respond({ messages: QUESTION, seed: 7, ...request }))
  return server.asked.at(-1)!
}
const QUESTION = [{ role: 'user', content: '2+2?' }]
const BEGUN = ['<think>\nTwo and', ' two']

test.each<[string, Partial<TextRequest>, Record<string, unknown>]>([
  // whether and how much to think
  ['deepseek', { thinking: true }, { thinking: { type: 'enabled' } }],
  ['deepseek', { thinking: false }, { thinking: { type: 'disabled' } }],
  ['deepseek', { effort: 'high' }, { thinking: { type: 'enabled' }, reasoning_effort: 'high' }],
  ['together', { thinking: false }, { reasoning: { enabled: false } }],
  ['together', { effort: 'low' }, { reasoning: { enabled: true }, reasoning_effort: 'low' }],
  ['openrouter', { thinking: true }, { reasoning: { enabled: true } }],
  ['openrouter', { effort: 'none' }, { reasoning: { enabled: false } }],
  ['openrouter', { effort: 'medium' }, { reasoning: { effort: 'medium' } }],
  ['fireworks', { thinking: false }, { reasoning_effort: 'none' }],
  ['huggingface', { effort: 'low' }, { reasoning_effort: 'low' }],
  ['lmstudio', { effort: 'none' }, { reasoning_effort: 'none' }],
  ['ollama', { thinking: true }, { think: true }],
  ['ollama', { thinking: false, effort: 'high' }, { think: false }],
  ['ollama', { effort: 'high' }, { think: 'high' }],
  ['vllm', { thinking: false }, { chat_template_kwargs: { enable_thinking: false, thinking: false } }],
  [
    'vllm',
    { thinking: true, templateArguments: { thinking: 'deep', x: 1 } },
    { chat_template_kwargs: { enable_thinking: true, thinking: 'deep', x: 1 } },
  ],
  ['vllm', { effort: 'low' }, { reasoning_effort: 'low', chat_template_kwargs: undefined }],
  [
    'llamacpp',
    { effort: 'low' },
    { reasoning_effort: 'low', chat_template_kwargs: { reasoning_effort: 'low' } },
  ],
  [
    'anthropic',
    { thinking: true },
    { thinking: { type: 'enabled', budget_tokens: 4096 }, max_tokens: 12288 },
  ],
  ['anthropic', { thinking: false }, { thinking: { type: 'disabled' }, max_tokens: 8192 }],
  [
    'anthropic',
    { effort: 'high', maxTokens: 2000 },
    { thinking: { type: 'enabled', budget_tokens: 1999 }, max_tokens: 2000 },
  ],
  ['anthropic', {}, { thinking: undefined, max_tokens: 8192 }],
  // the beginning of a response
  [
    'vllm',
    { prefix: BEGUN },
    {
      messages: [...QUESTION, { role: 'assistant', content: '<think>\nTwo and two' }],
      continue_final_message: true,
      add_generation_prompt: false,
    },
  ],
  ['vllm', { prefix: [''] }, { messages: QUESTION, continue_final_message: undefined }],
  [
    'deepseek',
    { prefix: BEGUN },
    {
      messages: [
        ...QUESTION,
        { role: 'assistant', content: '', reasoning_content: 'Two and two', prefix: true },
      ],
    },
  ],
  [
    'deepseek',
    { prefix: ['<think>hm</think>', '4'] },
    { messages: [...QUESTION, { role: 'assistant', content: '4', reasoning_content: 'hm', prefix: true }] },
  ],
  [
    'llamacpp',
    { prefix: BEGUN },
    { messages: [...QUESTION, { role: 'assistant', content: '', reasoning_content: 'Two and two' }] },
  ],
  [
    'llamacpp',
    { prefix: ['<think>\nhm\n</think>\n\n'] },
    { messages: [...QUESTION, { role: 'assistant', content: '\n', reasoning_content: 'hm' }] },
  ],
  ['llamacpp', { prefix: ['It is'] }, { messages: [...QUESTION, { role: 'assistant', content: 'It is' }] }],
  ['ollama', { prefix: BEGUN }, { messages: [...QUESTION, { role: 'assistant', content: BEGUN.join('') }] }],
  [
    'openrouter',
    { prefix: BEGUN },
    { messages: [...QUESTION, { role: 'assistant', content: BEGUN.join('') }] },
  ],
  // text without a conversation
  ['vllm', { prompt: 'Once', prefix: [' upon'] }, { prompt: 'Once upon', messages: undefined }],
  ['ollama', { prompt: 'Once', prefix: [' upon'] }, { prompt: 'Once upon', raw: true }],
  // sampling
  [
    'vllm',
    { temperature: 0, topP: 0.9, topK: 20, minP: 0.1, stop: ['\n'], maxTokens: 5, logprobs: 2 },
    {
      temperature: 0,
      top_p: 0.9,
      top_k: 20,
      min_p: 0.1,
      stop: ['\n'],
      max_tokens: 5,
      seed: 7,
      logprobs: true,
      top_logprobs: 2,
    },
  ],
  [
    'ollama',
    { temperature: 0, topP: 0.9, topK: 20, minP: 0.1, stop: ['\n'], maxTokens: 5, logprobs: 2 },
    {
      options: { seed: 7, num_predict: 5, temperature: 0, top_p: 0.9, top_k: 20, min_p: 0.1, stop: ['\n'] },
      logprobs: true,
      top_logprobs: 2,
    },
  ],
  [
    'anthropic',
    { temperature: 0, topP: 0.9, topK: 20, stop: ['\n'], maxTokens: 5 },
    { temperature: 0, top_p: 0.9, top_k: 20, stop_sequences: ['\n'], max_tokens: 5, seed: undefined },
  ],
  ['deepseek', {}, { seed: undefined, max_tokens: undefined, temperature: undefined }],
  // fields of one's own; a field can be taken away
  [
    'vllm',
    { extra: { repetition_penalty: 1.1, seed: undefined } },
    { repetition_penalty: 1.1, seed: undefined },
  ],
  [
    'ollama',
    { extra: { keep_alive: '1h', options: { num_ctx: 99 } } },
    { keep_alive: '1h', options: { seed: 7, num_ctx: 99 } },
  ],
  ['anthropic', { extra: { thinking: { type: 'adaptive' } } }, { thinking: { type: 'adaptive' } }],
])('%s: %j', async (name, request, body) => {
  const { body: got } = await sent(name, request)
  for (const [field, value] of Object.entries(body)) expect(got[field]).toEqual(value)
})

test('the paths below the addresses', async () => {
  const paths = async (name: string, request?: Partial<TextRequest>) => (await sent(name, request)).path
  expect(await paths('deepseek')).toBe('/chat/completions')
  expect(await paths('deepseek', { prefix: ['a'] })).toBe('/beta/chat/completions')
  expect(await paths('fireworks')).toBe('/inference/v1/chat/completions')
  expect(await paths('vllm', { prompt: 'a' })).toBe('/v1/completions')
  expect(await paths('anthropic')).toBe('/v1/messages')
  expect(await paths('ollama')).toBe('/api/chat')
  expect(await paths('ollama', { prompt: 'a' })).toBe('/api/generate')
})

test('another sample is another seed, of 31 bits', async () => {
  const seedOf = async (request: Partial<TextRequest>) => (await sent('vllm', request)).body.seed as number
  const seeds = await Promise.all([0, 1, 2].map((sample) => seedOf({ sample })))
  expect(seeds[0]).toBe(7)
  expect(new Set(seeds).size).toBe(3)
  expect(await seedOf({ sample: 2 })).toBe(seeds[2])
  for (const seed of seeds) expect(seed).toBe(seed & 0x7fffffff)
})

test.each<[string, Partial<TextRequest>, string]>([
  ['openai', { prefix: ['a'] }, 'The server cannot continue a response'],
  ['hyperbolic', { prefix: ['a'] }, 'Hyperbolic cannot continue a response'],
  ['anthropic', { prefix: ['a'] }, 'Anthropic cannot continue a response'],
  ['together', { prefix: ['a'] }, 'Together cannot continue a response'],
  ['vllm', { prefix: [Int32Array.of(1)] }, 'text, not tokens'],
  ['anthropic', { prompt: 'a' }, 'Anthropic continues no text'],
  ['deepseek', { prompt: 'a' }, 'DeepSeek continues no text'],
  ['anthropic', { logprobs: 1 }, 'Anthropic returns no log-probabilities'],
  ['anthropic', { minP: 0.1 }, 'no min_p'],
  ['anthropic', { thinking: true, maxTokens: 1000 }, 'at least 1024 tokens'],
  ['deepseek', { templateArguments: { a: 1 } }, 'no arguments of the chat template (a)'],
  ['ollama', { templateArguments: { a: 1 } }, 'no arguments of the chat template'],
])('%s cannot do %j', async (name, request, message) => {
  const error = await sent(name, request).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(UserError)
  expect((error as Error).message).toContain(message)
  expect(server.asked).toHaveLength(0)
})

const TOOL = {
  type: 'function',
  function: { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: {} } },
}
const CONVERSATION: Message[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: '2+2?' },
  {
    role: 'assistant',
    content: '',
    reasoning_content: 'I add.',
    tool_calls: [{ id: 'c1', function: { name: 'add', arguments: { a: 2 } } }],
  },
  { role: 'tool', content: '4', name: 'add', tool_call_id: 'c1' },
  { role: 'assistant', content: 'Four.', reasoning_content: 'Done.' },
  { role: 'user', content: 'Thanks.' },
]

test('a conversation with tools in each format', async () => {
  const tools = [TOOL]
  const openai = (await sent('vllm', { messages: CONVERSATION, tools })).body
  expect(openai).toMatchObject({ tools })
  expect(openai.messages).toEqual([
    CONVERSATION[0],
    CONVERSATION[1],
    {
      role: 'assistant',
      content: '',
      reasoning_content: 'I add.',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":2}' } }],
    },
    CONVERSATION[3],
    { role: 'assistant', content: 'Four.' },
    CONVERSATION[5],
  ])
  const anthropic = (await sent('anthropic', { messages: CONVERSATION, tools })).body
  expect(anthropic).toMatchObject({
    system: 'Be brief.',
    tools: [{ name: 'add', description: 'Adds.', input_schema: { type: 'object', properties: {} } }],
    messages: [
      { role: 'user', content: '2+2?' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'add', input: { a: 2 } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: '4' }] },
      { role: 'assistant', content: 'Four.' },
      { role: 'user', content: 'Thanks.' },
    ],
  })
  const ollama = (await sent('ollama', { messages: CONVERSATION, tools })).body
  expect(ollama).toMatchObject({ tools })
  expect((ollama.messages as unknown[]).slice(2, 4)).toEqual([
    {
      role: 'assistant',
      content: '',
      thinking: 'I add.',
      tool_calls: [{ function: { name: 'add', arguments: { a: 2 } } }],
    },
    { role: 'tool', content: '4', tool_name: 'add' },
  ])
})

test("Anthropic's thinking goes back with its signature", async () => {
  const model = await openModel('anthropic:m', { baseUrl: server.url, keyVariable: null })
  server.handlers = [
    (r) => {
      r.writeHead(200, { 'content-type': 'text/event-stream' })
      r.end(WIRES.anthropic.stream({ thinking: 'I add.', answer: 'ok' }).join(''))
    },
  ]
  await collect(model.respond({ messages: QUESTION, seed: 0 }))
  await collect(model.respond({ messages: CONVERSATION, seed: 0 }))
  const messages = server.asked.at(-1)!.body.messages as { content: unknown }[]
  expect(messages[1]!.content).toEqual([
    { type: 'thinking', thinking: 'I add.', signature: 'signed' },
    { type: 'tool_use', id: 'c1', name: 'add', input: { a: 2 } },
  ])
  expect(messages[3]!.content).toBe('Four.')
})
