import { describe, expect, it } from 'vitest'
import { fakeTextModel } from '../../../testing/fakes/fake-text-model.ts'
import type { TextEnd, TextEvent } from '../../../thinking/model.ts'
import type { Generation, Lookup, Served } from '../../dialect.ts'
import { collectChoices } from '../../respond/choices.ts'
import { ollama } from './ollama.ts'

const served: Served = {
  names: ['m'],
  anyName: false,
  created: 1_700_000_000,
  identity: 'm',
  countPrompt: null,
  can: {
    budget: true,
    ...fakeTextModel(() => ({}), { can: { logprobs: true, tools: true, thinks: true } }).can,
  },
}
const cannot: Served = { ...served, can: { ...served.can, logprobs: false, tools: false, thinks: false } }
const user = { role: 'user', content: 'Hi' }

function ask(path: string, fields: object, by: Served = served) {
  const route = ollama.routes.find((route) => route.path === path) as Generation
  return route.ask(route.schema.parse({ model: 'm', ...fields }), by)
}
const chat = (fields: object, by?: Served) => ask('/api/chat', { messages: [user], ...fields }, by)
const generate = (fields: object, by?: Served) => ask('/api/generate', { prompt: 'Hi', ...fields }, by)
const look = (path: string, body: object = {}, by: Served = served) =>
  (ollama.routes.find((route) => route.path === path) as Lookup).answer(by, {}, body)

const end: TextEnd = {
  type: 'end',
  reason: 'stop',
  usage: { promptTokens: 10, cachedTokens: 4, completionTokens: 5, thinkingTokens: 2 },
  text: null,
  tokens: null,
}
const logprobs = [{ token: 'Ho', logprob: -0.5, top: [{ token: 'Ha', logprob: -1 }] }]
const events: TextEvent[] = [
  { type: 'progress', text: 'reading' },
  { type: 'thinking', text: 'Hm', tokens: 1 },
  { type: 'answer', text: 'Ho', tokens: 1, logprobs },
  { type: 'tool_call', id: 'call_1', name: 'add', arguments: { a: 1 } },
  { ...end, reason: 'tool_calls' },
]
async function* choices() {
  for (const event of events) yield { choice: 0, event }
}
const counts = {
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 10,
  eval_count: 5,
  total_duration: expect.any(Number),
  load_duration: 0,
  prompt_eval_duration: expect.any(Number),
  eval_duration: expect.any(Number),
}
const shownLogprobs = [
  {
    token: 'Ho',
    logprob: -0.5,
    bytes: [72, 111],
    top_logprobs: [{ token: 'Ha', logprob: -1, bytes: [72, 97] }],
  },
]
const calls = [{ id: 'call_1', function: { index: 0, name: 'add', arguments: { a: 1 } } }]

describe('what is asked', () => {
  it.each<[string, object, object]>([
    [
      'nothing',
      {},
      { thinking: null, maxTokens: null, seed: null, temperature: null, stop: [], logprobs: null },
    ],
    [
      'options',
      {
        options: {
          temperature: 0,
          num_predict: 7,
          seed: 3,
          stop: 'X',
          top_k: 5,
          top_p: 0.9,
          min_p: 0.1,
          num_ctx: 99,
        },
      },
      { maxTokens: 7, seed: 3, temperature: 0, topK: 5, topP: 0.9, minP: 0.1, stop: ['X'] },
    ],
    ['no limit', { options: { num_predict: -1, stop: ['X', ''] } }, { maxTokens: null, stop: ['X'] }],
    ['all tokens', { options: { top_k: 0 } }, { topK: null }],
    ['thinking', { think: true }, { thinking: true }],
    ['no thinking', { think: false }, { thinking: null }],
    ['log-probabilities', { logprobs: true, top_logprobs: 2 }, { logprobs: 2 }],
    ['no format', { format: '' }, {}],
  ])('%s', (_, fields, expected) => {
    expect(chat(fields).requests[0]).toMatchObject(expected)
    expect(generate(fields).requests[0]).toMatchObject(expected)
  })

  it.each([
    [undefined, null],
    [true, null],
    [false, 'none'],
    ['low', 'low'],
    ['medium', 'medium'],
    ['max', 'high'],
  ])('think: %s', (think, effort) => expect(chat({ think }).wish).toEqual({ effort, budget: null }))

  it('a conversation', () => {
    const messages = [
      { role: 'system', content: 'S' },
      user,
      {
        role: 'assistant',
        content: '',
        thinking: 'Hm',
        tool_calls: [{ function: { name: 'add', arguments: { a: 1 } } }],
      },
      { role: 'tool', content: '2', tool_name: 'add' },
    ]
    const add = { type: 'function', function: { name: 'add', parameters: {} } }
    expect(chat({ messages, tools: [add] }).requests[0]).toMatchObject({
      messages: [
        messages[0],
        user,
        {
          role: 'assistant',
          content: '',
          reasoning_content: 'Hm',
          tool_calls: [{ type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
        },
        { role: 'tool', content: '2', name: 'add' },
      ],
      tools: [add],
    })
  })

  it('a prompt', () => {
    expect(generate({ system: 'S' }).requests[0]).toMatchObject({
      messages: [{ role: 'system', content: 'S' }, user],
    })
    expect(generate({ raw: true }).requests[0]).toMatchObject({ messages: [], prompt: 'Hi' })
  })

  it.each<[object, RegExp]>([
    [{ think: true }, /"m" does not support thinking/],
    [{ think: 'low' }, /"m" does not support thinking/],
    [{ tools: [{ function: { name: 'add' } }] }, /"m" does not support tools/],
    [{ format: 'json' }, /format: .*JSON/],
    [{ logprobs: true }, /"m" does not report log-prob/],
    [{ messages: [{ ...user, images: ['x'] }] }, /messages\[0\]\.images/],
    [{ model: 'other' }, /"other"/],
  ])('refuses %j', (fields, message) => expect(() => chat(fields, cannot)).toThrow(message))

  it.each([
    [{ template: '{{ .Prompt }}' }, /^template: /],
    [{ suffix: '}' }, /^suffix: /],
    [{ images: ['x'] }, /^images: /],
    [{ context: [1, 2] }, /^context: /],
  ])('refuses %j', (fields, message) => expect(() => generate(fields)).toThrow(message))

  it('takes the tag latest', () => expect(() => chat({ model: 'm:latest' })).not.toThrow())
})

describe('responses', () => {
  const date = { model: 'm', created_at: expect.stringMatching(/^20..-..-..T/) }

  it('a message', async () => {
    expect(chat({}).body(await collectChoices(choices(), 1))).toEqual({
      ...date,
      message: { role: 'assistant', content: 'Ho', thinking: 'Hm', tool_calls: calls },
      ...counts,
      logprobs: shownLogprobs,
    })
  })

  it('a response', async () => {
    expect(generate({}).body(await collectChoices(choices(), 1))).toMatchObject({
      ...date,
      response: 'Ho',
      thinking: 'Hm',
      ...counts,
    })
  })

  it('a stream, by default', async () => {
    const lines = []
    const asked = chat({})
    expect(asked).toMatchObject({ stream: true, framing: 'lines' })
    for await (const { data } of asked.frames(choices())) lines.push(data)
    const piece = (message: object, rest: object = {}) => ({
      ...date,
      message: { role: 'assistant', content: '', ...message },
      done: false,
      ...rest,
    })
    expect(lines).toEqual([
      piece({ thinking: 'Hm' }),
      piece({ content: 'Ho' }, { logprobs: shownLogprobs }),
      piece({ tool_calls: calls }),
      piece({}, counts),
    ])
  })

  it.each([
    ['chat', chat({ messages: [] }), { message: { role: 'assistant', content: '' } }],
    ['generate', generate({ prompt: '' }), { response: '' }],
  ])('%s without a prompt loads the model', async (_, asked, said) => {
    expect(asked.requests).toEqual([])
    const lines = []
    for await (const { data } of asked.frames((async function* () {})())) lines.push(data)
    expect(lines).toEqual([{ ...date, ...said, done: true, done_reason: 'load' }])
    expect(asked.body([])).toMatchObject({ done_reason: 'load' })
  })

  it('an error', () => {
    const problem = { kind: 'unknownModel', status: 404, message: 'not here', field: null } as const
    expect(ollama.error(problem, 'r')).toEqual({ error: 'not here' })
    expect([...chat({}).failed(problem)]).toEqual([{ data: { error: 'not here' } }])
  })
})

describe('models', () => {
  it('lists them', () => {
    expect(look('/api/tags')).toMatchObject({
      models: [{ name: 'm', model: 'm', modified_at: '2023-11-14T22:13:20.000Z' }],
    })
    expect(look('/api/ps')).toMatchObject({ models: [{ name: 'm', context_length: 4096 }] })
    expect(look('/api/version')).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  })

  it.each([
    [served, ['completion', 'tools', 'thinking']],
    [cannot, ['completion']],
  ])('shows what one can do', (by, capabilities) =>
    expect(look('/api/show', { model: 'm' }, by)).toMatchObject({
      capabilities,
      model_info: { 'general.architecture': 'ruminate', 'ruminate.context_length': 4096 },
    }),
  )

  it.each(['/api/pull', '/api/push', '/api/create', '/api/copy', '/api/embed', '/api/embeddings'])(
    'refuses %s',
    (path) => expect(() => look(path)).toThrow(/this server (cannot|has no)/),
  )
})
