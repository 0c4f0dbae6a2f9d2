import { expect, test } from 'vitest'
import { FieldsParser, fromFields } from './fields.ts'
import type { Piece } from './parser.ts'

const shown = (pieces: readonly Piece[]): string[] => pieces.map(({ type, text }) => `${type[0]}:${text}`)

test.each<[string, unknown, string[]]>([
  [
    'DeepSeek',
    { choices: [{ message: { role: 'assistant', reasoning_content: 't', content: 'a' } }] },
    ['t:t', 'a:a'],
  ],
  ['its stream', { choices: [{ delta: { reasoning_content: 't', content: null } }] }, ['t:t']],
  ['vLLM', { choices: [{ delta: { reasoning: 't' } }] }, ['t:t']],
  [
    'both names, the same text',
    { choices: [{ delta: { reasoning: 't', reasoning_content: 't' } }] },
    ['t:t'],
  ],
  [
    'both names, one empty',
    { choices: [{ message: { reasoning_content: '', reasoning: 't', content: 'a' } }] },
    ['t:t', 'a:a'],
  ],
  ['reasoning as an object', { reasoning: { content: 't' }, content: 'a' }, ['t:t', 'a:a']],
  ['a message alone', { content: 'a', thinking: 't' }, ['t:t', 'a:a']],
  [
    'OpenRouter',
    {
      reasoning: null,
      reasoning_details: [
        { type: 'reasoning.summary', summary: 's' },
        { type: 'reasoning.text', text: 't' },
        { type: 'reasoning.encrypted', data: 'x' },
      ],
      content: 'a',
    },
    ['t:st', 'a:a'],
  ],
  [
    'Mistral',
    {
      choices: [
        {
          message: {
            content: [
              { type: 'thinking', thinking: [{ type: 'text', text: 't' }], closed: true },
              { type: 'text', text: 'a' },
            ],
          },
        },
      ],
    },
    ['t:t', 'a:a'],
  ],
  ['a completion', { choices: [{ text: 'a' }] }, ['a:a']],
  ['a refusal', { choices: [{ message: { content: null, refusal: 'no' } }] }, ['a:no']],
  ['the last chunk, with usage', { choices: [], usage: { completion_tokens: 3 } }, []],
  [
    'Anthropic',
    {
      type: 'message',
      content: [
        { type: 'thinking', thinking: 't', signature: 'x' },
        { type: 'redacted_thinking', data: 'x' },
        { type: 'text', text: 'a' },
        { type: 'tool_use', id: '1', name: 'f', input: { text: 'x' } },
      ],
    },
    ['t:t', 'a:a'],
  ],
  [
    'its block',
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
    [],
  ],
  [
    'its thinking',
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 't' } },
    ['t:t'],
  ],
  [
    'its signature',
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
    [],
  ],
  ['its text', { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'a' } }, ['a:a']],
  [
    'its tools',
    { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{' } },
    [],
  ],
  [
    'Responses',
    {
      object: 'response',
      output: [
        {
          type: 'reasoning',
          summary: [
            { type: 'summary_text', text: 's' },
            { type: 'summary_text', text: 'u' },
          ],
          encrypted_content: 'x',
        },
        { type: 'message', content: [{ type: 'output_text', text: 'a' }] },
      ],
    },
    ['t:s\n\nu', 'a:a'],
  ],
  [
    'its reasoning text',
    {
      output: [
        {
          type: 'reasoning',
          summary: [{ type: 'summary_text', text: 's' }],
          content: [{ type: 'reasoning_text', text: 't' }],
        },
      ],
    },
    ['t:t'],
  ],
  ['its deltas', { type: 'response.reasoning_text.delta', delta: 't' }, ['t:t']],
  ['its summaries', { type: 'response.reasoning_summary_text.delta', delta: 't' }, ['t:t']],
  ['its output', { type: 'response.output_text.delta', delta: 'a' }, ['a:a']],
  ['its end, which repeats', { type: 'response.output_text.done', text: 'a' }, []],
  ['its whole, which repeats', { type: 'response.completed', response: { output: [] } }, []],
  ['Ollama', { message: { role: 'assistant', thinking: 't', content: 'a' }, done: true }, ['t:t', 'a:a']],
  ['Ollama, generate', { response: 'a', thinking: 't' }, ['t:t', 'a:a']],
  [
    'Gemini',
    { candidates: [{ content: { parts: [{ text: 't', thought: true }, { text: 'a' }] } }] },
    ['t:t', 'a:a'],
  ],
  ['Cohere', { type: 'content-delta', delta: { message: { content: { thinking: 't' } } } }, ['t:t']],
  ['another choice than the first', { choices: [{ index: 1, delta: { content: 'b' } }] }, []],
  [
    'the result of a tool on a server',
    {
      type: 'content_block_start',
      content_block: { type: 'web_search_tool_result', content: [{ text: 'x' }] },
    },
    [],
  ],
  [
    'tools in a message',
    {
      type: 'message',
      content: [
        { type: 'text', text: 'a' },
        { type: 'tool_use', name: 'f', input: { text: 'x' } },
        { type: 'mcp_tool_result', content: [{ type: 'text', text: 'x' }] },
      ],
    },
    ['a:a'],
  ],
  ['the AI SDK’s thinking', { type: 'reasoning-delta', id: '0', text: 't' }, ['t:t']],
  ['the AI SDK’s text', { type: 'text-delta', id: '1', delta: 'a' }, ['a:a']],
  ['an error', { error: { message: 'no' } }, []],
  ['no object', 'a', []],
])('%s', (_, value, expected) => expect(shown(fromFields(value))).toEqual(expected))

const content = (text: string) => ({ choices: [{ delta: { content: text } }] })
const reasoning = (text: string) => ({ choices: [{ delta: { reasoning_content: text } }] })
const summary = (delta: string) => ({ type: 'response.reasoning_summary_text.delta', delta })
const full = (delta: string) => ({ type: 'response.reasoning_text.delta', delta })

test.each<[string, unknown[], string, string]>([
  ['fields only', [reasoning('t'), reasoning('u'), content('a'), content('b')], 'tu', 'ab'],
  ['tags only', [content('<thi'), content('nk>t</th'), content('ink>\na')], 't', 'a'],
  ['an end left in the content', [reasoning('t'), content('</think>'), content('\n\na')], 't', 'a'],
  ['more thinking in the content', [reasoning('t'), content('<think>u</think>a')], 'tu', 'a'],
  [
    'the same thinking again',
    [reasoning('t '), reasoning('u\n'), content('<think>\nt'), content(' u\n</think>a')],
    't u\n',
    'a',
  ],
  [
    'thinking that begins the same',
    [reasoning('t u'), content('<think>t'), content('</think>a')],
    't ut',
    'a',
  ],
  ['reasoning and its summary', [summary('s'), full('t'), summary('u')], 'su', ''],
  [
    'a summary in parts, as OpenAI announces them',
    [
      { type: 'response.output_item.added', item: { type: 'reasoning', summary: [] } },
      { type: 'response.reasoning_summary_part.added', summary_index: 0 },
      summary('s'),
      { type: 'response.reasoning_summary_text.done', text: 's' },
      { type: 'response.reasoning_summary_part.done', summary_index: 0 },
      { type: 'response.reasoning_summary_part.added', summary_index: 1 },
      summary('u'),
      { type: 'response.output_text.delta', delta: 'a' },
    ],
    's\n\nu',
    'a',
  ],
  ['an answer about the tags', [reasoning('t'), content('Write `<think>`.')], 't', 'Write `<think>`.'],
])('a stream: %s', (_, events, thinking, answer) => {
  const parser = new FieldsParser()
  const pieces = [...events.flatMap((event) => parser.push(event)), ...parser.end()]
  const text = (type: Piece['type']) =>
    pieces
      .filter((one) => one.type === type)
      .map((one) => one.text)
      .join('')
  expect([text('thinking'), text('answer')]).toEqual([thinking, answer])
})
