import { expect, test } from 'vitest'
import type { ChatMessage } from './messages.ts'
import { lostFrom, type Said, saidIn, shows } from './said.ts'

const answer = (content: string, more: Partial<ChatMessage> = {}): ChatMessage => ({
  role: 'assistant',
  content,
  ...more,
})

test.each<[name: string, message: ChatMessage, thinking: string, content: string]>([
  ['no thinking', answer('a'), '', 'a'],
  ['a field', answer('a', { reasoning_content: 't' }), 't', 'a'],
  ['tags', answer('<think>\nt\n</think>\n\na'), '\nt\n', '\n\na'],
  ['the end alone, as after a prompt that opens the thinking', answer('t</think>a'), 't', 'a'],
  ['thinking without an end', answer('<think>t'), '', '<think>t'],
  ['tags that are quoted', answer('Use <think> and </think>.'), '', 'Use <think> and </think>.'],
  ['tags in a field', answer('<think>u</think>a', { reasoning_content: 't' }), 't', '<think>u</think>a'],
])('what a message says: %s', (_, message, thinking, content) => {
  expect(saidIn(message)).toEqual({ thinking, content, calls: [] })
})

const said = (thinking: string, content: string, ...calls: [name: string, values: unknown][]): Said => ({
  thinking,
  content,
  calls: calls.map(([name, values]) => ({ name, arguments: values })),
})

test.each<[text: string, said: Said, lost: string | null]>([
  ['<think>\nt\n</think>\n\na⏹', said(' t ', 'a\n'), null],
  ['a⏹', said('t', 'a'), 'thinking'],
  ['42⏹', said('42', '42'), 'content'],
  ['a t⏹', said('t', 'a'), 'content'],
  ['return x⏹', said('', '    return x\n'), null],
  ['{"name": "f", "arguments": {"n": 17}}', said('', '', ['f', { n: 17 }]), null],
  ['{"name": "f", "arguments": {"n": 170}}', said('', '', ['f', { n: 17 }]), 'call of the tool f'],
  ['{"name": "f", "arguments": {}}', said('', '', ['f', { n: 17 }]), 'call of the tool f'],
  ['f(n=17) g(m=18)', said('', '', ['f', { n: 17 }], ['g', { m: 18 }]), null],
  ['f(n=17)', said('', '', ['f', { n: 17 }], ['f', { n: 17 }]), 'call of the tool f'],
  ['f {"s": "a \\"b\\"\\n\\u00e9"}', said('', '', ['f', { s: 'a "b"\né' }]), null],
  ['<f><s>a "b"\né</s></f>', said('', '', ['f', { s: 'a "b"\né' }]), null],
  ['f {"l": [1, {"k": "v"}], "b": true}', said('', '', ['f', { l: [1, { k: 'v' }], b: true }]), null],
  ['f {"l": [1, {"k": "w"}]}', said('', '', ['f', { l: [1, { k: 'v' }] }]), 'call of the tool f'],
  ['a f {}', said('', 'a', ['f', {}]), null],
])('lost from %j', (text, message, lost) => {
  expect(lostFrom(text, message)).toBe(lost)
})

test.each<[prompt: string, message: ChatMessage, shown: boolean]>([
  ['User: How are\n you? Assistant:', { role: 'user', content: ' How are you?\n' }, true],
  ['Assistant:', { role: 'user', content: 'Hm' }, false],
  ['tool: "{\\"a\\": 1}"', { role: 'tool', content: '{"a": 1}' }, true],
  ['Assistant: a', answer('<think>t</think>a'), true],
  ['Assistant: a', answer('', { tool_calls: [{ function: { name: 'f', arguments: {} } }] }), false],
  ['Assistant: f()', answer('', { tool_calls: [{ function: { name: 'f', arguments: {} } }] }), true],
])('shown by %j', (prompt, message, shown) => {
  expect(shows(prompt, message)).toBe(shown)
})
