import { describe, expect, test } from 'vitest'
import { CALL_FORMATS, CallReader, type WrittenCall } from './tool-calls.ts'

const tool = (name: string, properties: Record<string, unknown>): unknown => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties } },
})
const TOOLS = [
  tool('add', { a: { type: 'integer' }, b: { type: 'integer' } }),
  tool('find', { text: { type: 'string' } }),
]
const ADD: WrittenCall = { name: 'add', arguments: { a: 1, b: 2 } }
const FIND: WrittenCall = { name: 'find', arguments: { text: '12' } }
const json = '{"name": "add", "arguments": {"a": 1, "b": 2}}'
const find = '{"name": "find", "arguments": {"text": "12"}}'

/** Texts and calls of an answer, cut into pieces of `size` characters; texts that follow one another are joined. */
function read(format: string, answer: string, size = answer.length): (string | WrittenCall)[] {
  const reader = new CallReader(CALL_FORMATS.find(({ name }) => name === format)!, TOOLS)
  const parts = []
  for (let at = 0; at < answer.length; at += size) parts.push(...reader.push(answer.slice(at, at + size)))
  const found: (string | WrittenCall)[] = []
  for (const part of [...parts, ...reader.end()])
    if ('call' in part) found.push(part.call)
    else if (typeof found.at(-1) === 'string') found.push(`${found.pop()}${part.text}`)
    else found.push(part.text)
  return found
}

describe.each<[string, string, (string | WrittenCall)[]]>([
  ['hermes', 'Just 3.', ['Just 3.']],
  ['hermes', `<tool_call>\n${json}\n</tool_call>`, [ADD]],
  [
    'hermes',
    `I add.\n\n<tool_call>\n${json}\n</tool_call>\n<tool_call>\n${find}\n</tool_call>\n`,
    ['I add.', ADD, FIND],
  ],
  ['hermes', `<tool_call>${json}</tool_call> Done.`, [ADD, ' Done.']],
  ['hermes', `<tool_call>${json}`, [ADD]],
  [
    'hermes',
    '<tool_call>\n{"name": "add", "arguments": {"a": 1\n</tool_call> sorry',
    ['<tool_call>\n{"name": "add", "arguments": {"a": 1\n</tool_call> sorry'],
  ],
  ['hermes', 'I add.\n\n<tool_call>{</tool_call>\n', ['I add.\n\n<tool_call>{</tool_call>\n']],
  ['hermes', '<tool_call>[1]</tool_call>', ['<tool_call>[1]</tool_call>']],
  ['hermes', '<tool_call></tool_call>', ['<tool_call></tool_call>']],
  ['hermes', '1 <2 and <tool', ['1 <2 and <tool']],
  ['hermes', '<tool_call>{"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": 2}"}</tool_call>', [ADD]],
  ['hermes', '<tool_call>{"name": "now", "arguments": {}}</tool_call>', [{ name: 'now', arguments: {} }]],
  ['hermes', '<tool_call>{"name": "now"}</tool_call>', [{ name: 'now', arguments: {} }]],
  [
    'hermes',
    '<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n</parameter>\n</function>\n</tool_call>',
    [ADD],
  ],
  ['hermes', '<tool_call><function=find><parameter=text>\n12\n</parameter></function></tool_call>', [FIND]],
  [
    'hermes',
    '<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_value>2</arg_value>\n</tool_call>',
    [ADD],
  ],
  [
    'seed-oss',
    '<seed:tool_call>\n<function=find>\n<parameter=text>12</parameter>\n</function>\n</seed:tool_call>',
    [FIND],
  ],
  [
    'minimax',
    '<minimax:tool_call>\n<invoke name="add">\n<parameter name="a">1</parameter>\n<parameter name="b">2</parameter>\n</invoke>\n</minimax:tool_call>',
    [ADD],
  ],
  ['minimax-m1', `<tool_calls>\n${json}\n${find}\n</tool_calls>`, [ADD, FIND]],
  ['nemotron', `<TOOLCALL>[${json}, ${find}]</TOOLCALL>`, [ADD, FIND]],
  ['granite', `<|tool_call|>[${json}]`, [ADD]],
  ['granite', `<|tool_call|>[${json}]<|/tool_call|>`, [ADD]],
  ['mistral', `[TOOL_CALLS] [${json}, ${find}]`, [ADD, FIND]],
  [
    'mistral',
    '[TOOL_CALLS]add[ARGS]{"a": 1, "b": 2}[TOOL_CALLS]find[CALL_ID]x1[ARGS]{"text": "12"}',
    [ADD, FIND],
  ],
  ['mistral', '[TOOL_CALLS]add{"a": 1, "b": 2}', [ADD]],
  ['mistral', 'I say [TOOL_', ['I say [TOOL_']],
  [
    'deepseek',
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{"a": 1, "b": 2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>find\n```json\n{"text": "12"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    [ADD, FIND],
  ],
  [
    'deepseek',
    'So:<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1, "b": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ['So:', ADD],
  ],
  [
    'deepseek-v3.2',
    '<｜DSML｜function_calls>\n<｜DSML｜invoke name="find">\n<｜DSML｜parameter name="text" string="true">12</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    [FIND],
  ],
  [
    'cohere',
    '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "find", "parameters": {"text": "12"}}]<|END_ACTION|>',
    [FIND],
  ],
  [
    'kimi',
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"a": 1, "b": 2}<|tool_call_end|><|tool_calls_section_end|>',
    [ADD],
  ],
  ['llama', '{"name": "add", "parameters": {"a": 1, "b": 2}}', [ADD]],
  ['llama', `<|python_tag|>${json}; ${find}`, [ADD, FIND]],
  ['llama', '{"name": "Ada", "parameters": {"age": 36}}', ['{"name": "Ada", "parameters": {"age": 36}}']],
  ['llama', '{"a": 1}', ['{"a": 1}']],
  [
    'llama',
    'The call is {"name": "add", "parameters": {}}',
    ['The call is {"name": "add", "parameters": {}}'],
  ],
])('%s: %j', (format, answer, parts) => {
  test.each([1, 2, 3, 7, 10_000])('in pieces of %i characters', (size) => {
    expect(read(format, answer, size)).toEqual(parts)
  })
})

test('text is passed on as soon as it cannot be a part of a call', () => {
  const reader = new CallReader(CALL_FORMATS[0]!, TOOLS)
  expect(reader.push('a ')).toEqual([{ text: 'a' }])
  expect(reader.push('b <tool')).toEqual([{ text: ' b' }])
  expect(reader.push('box>')).toEqual([{ text: ' <toolbox>' }])
})
