import { describe, expect, it } from 'vitest'
import { fakeTextModel } from '../../../testing/fakes/fake-text-model.ts'
import type { TextEnd, TextEvent } from '../../../thinking/model.ts'
import type { Generation, Served } from '../../dialect.ts'
import { collectChoices } from '../../respond/choices.ts'
import { anthropic } from './anthropic.ts'

const served: Served = {
  names: ['m'],
  anyName: false,
  created: 1_700_000_000,
  identity: 'm',
  countPrompt: async () => 10,
  can: { budget: true, ...fakeTextModel(() => ({}), { can: { tools: true, thinks: true } }).can },
}
const route = anthropic.routes.find(({ path }) => path === '/v1/messages') as Generation
const body = (fields: object) =>
  route.schema.parse({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...fields })
const ask = (fields: object) => route.ask(body(fields), served)

const end: TextEnd = {
  type: 'end',
  reason: 'stop',
  usage: { promptTokens: 10, cachedTokens: 4, completionTokens: 5, thinkingTokens: 2 },
  text: null,
  tokens: null,
}
const thinking = (text: string): TextEvent => ({ type: 'thinking', text, tokens: 1 })
const answer = (text: string): TextEvent => ({ type: 'answer', text, tokens: 1 })
const call: TextEvent = { type: 'tool_call', id: 'call_1', name: 'add', arguments: { a: 1 } }

async function* choices(events: readonly TextEvent[]) {
  for (const event of events) yield { choice: 0, event }
}
async function stream(events: readonly TextEvent[], fields: object = {}) {
  const frames = []
  for await (const frame of ask(fields).frames(choices(events))) frames.push(frame)
  return frames
}
const whole = async (events: readonly TextEvent[], fields: object = {}) =>
  ask(fields).body(await collectChoices(choices(events), 1)) as Record<string, unknown>

describe('a conversation', () => {
  const messages = (given: object[], system?: unknown) =>
    ask({ messages: given, system }).requests[0]!.messages
  const user = { role: 'user', content: 'Hi' }

  it.each<[string, object[], unknown, object[]]>([
    ['a system prompt', [user], 'Be brief.', [{ role: 'system', content: 'Be brief.' }, user]],
    [
      'a system prompt in blocks',
      [user],
      [
        { type: 'text', text: 'A', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'B' },
      ],
      [{ role: 'system', content: 'A\n\nB' }, user],
    ],
    [
      'two messages of the user',
      [user, { role: 'user', content: 'You?' }],
      undefined,
      [{ role: 'user', content: 'Hi\n\nYou?' }],
    ],
    [
      'thinking sent back',
      [
        user,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm', signature: 's' },
            { type: 'redacted_thinking', data: 'x' },
            { type: 'text', text: 'Ho' },
          ],
        },
        user,
      ],
      undefined,
      [user, { role: 'assistant', content: 'Ho', reasoning_content: 'Hm' }, user],
    ],
    [
      'a tool',
      [
        user,
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'add', input: { a: 1 } }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: '2' }] },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
      undefined,
      [
        user,
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 't', type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
        },
        { role: 'tool', content: '2', name: 'add', tool_call_id: 't' },
        { role: 'user', content: 'And?' },
      ],
    ],
    [
      'a document of text',
      [
        {
          role: 'user',
          content: [
            { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'D' } },
            { type: 'text', text: 'Why?' },
          ],
        },
      ],
      undefined,
      [{ role: 'user', content: 'T\n\nD\n\nWhy?' }],
    ],
  ])('%s', (_, given, system, expected) => expect(messages(given, system)).toEqual(expected))

  it.each([
    ['an image', { type: 'image', source: {} }, /messages\[0\]\.content\[0\]: images are not supported/],
    ['a PDF', { type: 'document', source: { type: 'base64' } }, /only documents of plain text/],
    ['a result of no tool', { type: 'tool_result', tool_use_id: 'x' }, /no tool_use block with the id "x"/],
    ['a text block without text', { type: 'text' }, /messages\[0\]\.content\[0\]\.text/],
  ])('refuses %s', (_, block, message) =>
    expect(() => ask({ messages: [{ role: 'user', content: [block] }] })).toThrow(message),
  )

  it('takes hidden thinking back from its signature', async () => {
    const fields = { max_tokens: 99, thinking: { type: 'enabled', budget_tokens: 9, display: 'omitted' } }
    const { content } = (await whole([thinking('Hmm ☃'), answer('Ho'), end], fields)) as { content: object[] }
    expect(content[0]).toMatchObject({ type: 'thinking', thinking: '' })
    expect(messages([user, { role: 'assistant', content }, user])[1]).toMatchObject({
      reasoning_content: 'Hmm ☃',
    })
  })
})

describe('what is asked', () => {
  it.each([
    [
      { max_tokens: 99, thinking: { type: 'enabled', budget_tokens: 32 } },
      true,
      { effort: null, budget: 32 },
    ],
    [{ thinking: { type: 'disabled' } }, null, { effort: 'none', budget: null }],
    [
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
      null,
      { effort: 'low', budget: null },
    ],
    [{ output_config: { effort: 'max' } }, null, { effort: 'high', budget: null }],
    [{}, null, { effort: null, budget: null }],
  ])('%j', (fields, thinks, wish) => {
    const asked = ask(fields)
    expect(asked.wish).toEqual(wish)
    expect(asked.requests[0]!.thinking).toBe(thinks)
  })

  it('sampling', () => {
    const fields = { temperature: 0.5, top_p: 0.9, top_k: 5, stop_sequences: ['X'] }
    expect(ask(fields).requests[0]).toMatchObject({
      maxTokens: 9,
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ['X'],
    })
  })

  const tool = { name: 'add', description: 'Adds', input_schema: { type: 'object' } }
  it('tools', () => {
    expect(ask({ tools: [tool] }).requests[0]!.tools).toEqual([
      { type: 'function', function: { name: 'add', description: 'Adds', parameters: { type: 'object' } } },
    ])
    expect(ask({ tools: [tool], tool_choice: { type: 'none' } }).requests[0]!.tools).toBeUndefined()
  })

  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 9 } }, /`max_tokens` must be greater than/],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, /only tools with an input_schema/],
    [{ output_config: { format: { type: 'json_schema' } } }, /cannot keep to a JSON schema/],
    [{ model: 'other' }, /"other"/],
  ])('refuses %j', (fields, message) => expect(() => ask(fields)).toThrow(message))
})

describe('responses', () => {
  it.each<[string, TextEvent[], object]>([
    [
      'thinking, text and a tool',
      [thinking('Hm'), thinking('m'), answer('Ho'), call, { ...end, reason: 'tool_calls' }],
      {
        content: [
          { type: 'thinking', thinking: 'Hmm' },
          { type: 'text', text: 'Ho' },
          { type: 'tool_use', id: 'call_1', name: 'add', input: { a: 1 } },
        ],
        stop_reason: 'tool_use',
        stop_sequence: null,
      },
    ],
    [
      'thinking that was cut off',
      [thinking('Hm'), { ...end, reason: 'length' }],
      { content: [{ type: 'thinking', thinking: 'Hm' }], stop_reason: 'max_tokens' },
    ],
    [
      'a stop sequence',
      [answer('Ho'), { ...end, stop: 'X' }],
      { stop_reason: 'stop_sequence', stop_sequence: 'X' },
    ],
    ['withheld', [{ ...end, reason: 'content_filter' }], { content: [], stop_reason: 'refusal' }],
  ])('%s', async (_, events, expected) => {
    const body = await whole(events)
    expect(body).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'm',
      ...expected,
      usage: {
        input_tokens: 6,
        cache_read_input_tokens: 4,
        output_tokens: 5,
        output_tokens_details: { thinking_tokens: 2 },
      },
    })
    expect(body.id).toMatch(/^msg_/)
  })

  it('the events of a stream', async () => {
    const events = [
      thinking('Hm'),
      thinking('m'),
      answer('Ho'),
      call,
      { ...end, reason: 'tool_calls' as const },
    ]
    const frames = await stream(events)
    expect(frames.every(({ event, data }) => event === (data as { type: string }).type)).toBe(true)
    const signature = expect.stringMatching(/^ruminate-/)
    expect(frames.map(({ data }) => data)).toMatchObject([
      { type: 'message_start', message: { content: [], stop_reason: null, usage: { output_tokens: 0 } } },
      { type: 'ping' },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Ho' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'tool_use', id: 'call_1', name: 'add', input: {} },
      },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"a":1}' } },
      { type: 'content_block_stop', index: 2 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ])
  })

  it('signs the same thinking alike, streamed or not', async () => {
    const events = [thinking('Hm'), thinking('m'), end]
    const { content } = (await whole(events)) as { content: { signature: string }[] }
    const signed = (await stream(events)).find(({ data }) => JSON.stringify(data).includes('signature_delta'))
    expect(signed!.data).toMatchObject({ delta: { signature: content[0]!.signature } })
  })

  it('an error', () => {
    const problem = { kind: 'queueFull', status: 429, message: 'busy', field: null } as const
    expect(anthropic.error(problem, 'r')).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'busy' },
      request_id: 'r',
    })
  })
})
