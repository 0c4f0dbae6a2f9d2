import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../renderer/messages.ts'
import { chatTemplate } from '../../renderer/own-template.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { Demonstration } from '../../tasks/examples/demonstrations.ts'
import type { Sequence } from './learn.ts'
import { supervise } from './masks.ts'

const miniature = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ruminate-supervision-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The miniature's tokenizer with another chat template. */
function tokenizerWith(template: string, stops: number[] = [], variables: object = {}): Renderer {
  const directory = mkdtempSync(join(folder, 'tokenizer-'))
  cpSync(join(miniature, 'tokenizer.json'), join(directory, 'tokenizer.json'))
  const config = JSON.parse(readFileSync(join(miniature, 'tokenizer_config.json'), 'utf8'))
  writeFileSync(
    join(directory, 'tokenizer_config.json'),
    JSON.stringify({ ...config, chat_template: template }),
  )
  if (stops.length > 0)
    writeFileSync(join(directory, 'generation_config.json'), JSON.stringify({ eos_token_id: stops }))
  return Renderer.load(directory, { chat: { arguments: { ...variables } } })
}

/** The text of the sequences, with the learned parts in ‹›. */
const shown = (renderer: Renderer, demonstration: Demonstration): string =>
  supervise(renderer, demonstration)
    .map((sequence) => shownSequence(renderer, sequence))
    .join(' ║ ')

function shownSequence(renderer: Renderer, { tokens, learned }: Sequence): string {
  let text = ''
  for (let t = 0; t < tokens.length; ) {
    const end = learned.findIndex((one, i) => i > t && one !== learned[t])
    const run = renderer.decode(tokens.subarray(t, end < 0 ? undefined : end))
    text += learned[t] ? `‹${run}›` : run
    t = end < 0 ? tokens.length : end
  }
  return text.replaceAll('<|endoftext|>', '⏹').replaceAll('<|pad|>', '⏸')
}

const user = (content: string): ChatMessage => ({ role: 'user', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const assistant = (content: string, reasoning?: string): ChatMessage =>
  reasoning === undefined
    ? { role: 'assistant', content }
    : { role: 'assistant', content, reasoning_content: reasoning }

const defaultTemplate = chatTemplate('')
const withoutMarks = (template: string): string => template.replace(/\{%-? (end)?generation -?%\}/g, '')
/** Like most chat templates: a role, the content, an end of turn, a line end. */
const turns = `{% for m in messages %}<{{ m.role }}>
{{ m.content }}<|endoftext|>
{% endfor %}{% if add_generation_prompt %}<assistant>
{% endif %}`
/** The same with marks on their own lines. */
const markedTurns = `{%- for m in messages %}
  {%- if m.role == 'assistant' %}
    {{- '<assistant>\\n' }}
    {% generation %}
    {{- m.content + '<|endoftext|>' }}
    {% endgeneration %}
    {{- '\\n' }}
  {%- else %}
    {{- '<' + m.role + '>\\n' + m.content + '<|endoftext|>\\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<assistant>\\n' }}{%- endif %}`
/** Marks next to white space: only the text between them is learned. */
const tightMarks =
  "{% for m in messages %}[{{ m.role }}] {% if m.role == 'assistant' %}{% generation %} {{ m.content + eos_token }} {%- endgeneration -%}  {% else %}{{ m.content }}{% endif %};{% endfor %}"

const two = [user('1'), assistant('One.'), user('2'), assistant('Two.')]
const thinking = '<think>a</think>b'

describe('the learned part of a conversation', () => {
  const cases: [name: string, template: string, messages: ChatMessage[], expected: string][] = [
    ['one turn', defaultTemplate, [user('Hi!'), assistant('Hello.')], 'User: Hi!. Assistant:‹ Hello.⏹›'],
    ['several turns', defaultTemplate, two, 'User: 1. Assistant:‹ One.⏹›\nUser: 2. Assistant:‹ Two.⏹›'],
    [
      'a system message',
      defaultTemplate,
      [system('Be brief.'), user('Hi'), assistant('Hm')],
      'Be brief. User: Hi. Assistant:‹ Hm⏹›',
    ],
    [
      'thinking in the content',
      defaultTemplate,
      [user('Hi'), assistant(thinking)],
      `User: Hi. Assistant:‹ ${thinking}⏹›`,
    ],
    [
      'thinking in its own field',
      defaultTemplate,
      [user('Hi'), assistant('b', 'a')],
      'User: Hi. Assistant:‹ <think>\na\n</think>\nb⏹›',
    ],
    [
      'the last message is not the assistant’s',
      defaultTemplate,
      [user('1'), assistant('a'), user('2')],
      'User: 1. Assistant:‹ a⏹›\nUser: 2. Assistant:',
    ],
    [
      'no marks',
      withoutMarks(defaultTemplate),
      two,
      'User: 1. Assistant:‹ One.⏹›\nUser: 2. Assistant:‹ Two.⏹›',
    ],
    [
      'no marks, a system message, thinking',
      withoutMarks(defaultTemplate),
      [system('S'), user('1'), assistant('b', 'a')],
      'S User: 1. Assistant:‹ <think>\na\n</think>\nb⏹›',
    ],
    [
      'no marks: the line end after the end of turn is not learned',
      turns,
      two,
      '<user>\n1⏹\n<assistant>\n‹One.⏹›\n<user>\n2⏹\n<assistant>\n‹Two.⏹›\n',
    ],
    [
      'no marks: two answers in a row',
      turns,
      [user('1'), assistant('a'), assistant('b')],
      '<user>\n1⏹\n<assistant>\n‹a⏹›\n<assistant>\n‹b⏹›\n',
    ],
    [
      // the line ends before the marks belong to the text, as in Transformers
      'marks on their own lines',
      markedTurns,
      two,
      '<user>\n1⏹\n<assistant>\n\n‹One.⏹\n›\n<user>\n2⏹\n<assistant>\n\n‹Two.⏹\n›\n',
    ],
    [
      'marks next to white space',
      tightMarks,
      [user('1'), assistant('a'), user('2')],
      '[user] 1;[assistant] ‹ a⏹›;[user] 2;',
    ],
  ]
  test.each(cases)('%s', (_, template, messages, expected) => {
    const renderer = tokenizerWith(template)
    expect(shown(renderer, { messages })).toBe(expected)
    // nothing is lost
    expect(renderer.decode(supervise(renderer, { messages })[0]!.tokens)).toBe(renderer.chat.render(messages))
  })
})

/** ChatML without a place for thinking or tool calls. */
const chatml = turns
/** Writes thinking in earlier answers only if no question follows, like Qwen3; and tool calls. */
const thinks = `{%- set ns = namespace(asked=-1) %}
{%- for m in messages %}{% if m.role == 'user' %}{% set ns.asked = loop.index0 %}{% endif %}{% endfor %}
{%- if tools %}{{ '<tools>' + (tools | tojson) + '\n' }}{% endif %}
{%- for m in messages %}
  {%- set content = m.content %}
  {%- set thinking = m.reasoning_content or '' %}
  {%- if '</think>' in content %}
    {%- set thinking = content.split('</think>')[0].split('<think>')[-1].strip('\n') %}
    {%- set content = content.split('</think>')[-1].lstrip('\n') %}
  {%- endif %}
  {{- '<' + m.role + '>\n' }}
  {%- if m.role == 'assistant' and loop.index0 > ns.asked %}{{ '<think>\n' + thinking + '\n</think>\n\n' }}{% endif %}
  {{- content }}
  {%- for call in m.tool_calls or [] %}{{ '<call>' + call.function.name + ' ' + (call.function.arguments | tojson) }}{% endfor %}
  {{- '<|endoftext|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<assistant>\n' }}{% if enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}`
/** Opens the thinking, and cuts it out of every answer, like the models that were distilled from R1. */
const opens = `{% for m in messages %}
  {%- if m.role == 'user' %}{{ 'Q:' + m.content }}{% endif %}
  {%- if m.role == 'assistant' and m.tool_calls %}
    {%- for call in m.tool_calls %}{{ 'A:<call>' + call.function.name + ' ' + call.function.arguments }}{% endfor %}{{ '<|endoftext|>' }}
  {%- endif %}
  {%- if m.role == 'assistant' and m.content is not none %}{{ 'A:' + m.content.split('</think>')[-1] + '<|endoftext|>' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'A:<think>\n' }}{% endif %}`
/** Puts the system message before the user's message if that is the last one, like Mistral's models. */
const systemLast = `{%- for m in messages %}
  {%- if m.role == 'user' %}{{ '[' + (messages[0].content + ' ' if loop.last and messages[0].role == 'system' else '') + m.content + ']' }}
  {%- elif m.role == 'assistant' %}{{ ' ' + m.content + '<|endoftext|>' }}{% endif %}
{%- endfor %}`
/** Ends the whole text with another token, like Phi's. */
const endsTwice = `{% for m in messages %}{{ '<' + m.role + '>' + m.content + '<|pad|>\n' }}{% endfor %}{{ '<assistant>' if add_generation_prompt else eos_token }}`
/** Ends a turn with the token that begins the next, like GLM's. */
const endsWithNext = `{% for m in messages %}{{ ('<|pad|>' if m.role == 'user' else '<assistant>') + '\n' + m.content }}{% endfor %}{{ '<assistant>' if add_generation_prompt }}`
/** Reads thinking from another field, and prints it in a form of its own, like gpt-oss. */
const otherField = `{% for m in messages %}{{ '<' + m.role + '>' + ('(' + m.thinking + ')' if m.thinking else '') + m.content + '<|endoftext|>' }}{% endfor %}{{ '<assistant>' if add_generation_prompt }}`
/** Marks the content alone. */
const marksContent = `{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|endoftext|>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`
/** Opens the thinking before the last answer, too, and does not end it. */
const opensLast = `{% for m in messages %}<{{ m.role }}>{{ '<think>\n' if m.role == 'assistant' and loop.last }}{{ m.content }}<|endoftext|>{% endfor %}{{ '<assistant><think>\n' if add_generation_prompt }}`
/** Reads thinking as a part of the content, like Ministral's reasoning models. */
const parts = `{% for m in messages %}{% if m.role == 'user' %}[{{ m.content }}]{% elif m.content is string %}{{ m.content + eos_token }}{% else %}{% for part in m.content %}{{ '(' + part.thinking + ')' if part.type == 'thinking' else part.text }}{% endfor %}{{ eos_token }}{% endif %}{% endfor %}`
/** Marks the header of an answer as well. */
const markedHeader = `{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}<assistant>{{ m.content }}<|endoftext|>{% endgeneration %}{% else %}<user>{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`

const call = (name: string, values: object) => ({
  type: 'function',
  function: { name, arguments: values },
})
const calls = (...tool_calls: object[]): ChatMessage => ({ role: 'assistant', content: '', tool_calls })
const add = call('add', { a: 17, text: 'é "x"' })
const tools = [{ type: 'function', function: { name: 'add', parameters: {} } }]
const unlearned = { weight: 0 as const }

describe('an answer is learned whole, in the context in which it is generated', () => {
  const cases: [name: string, template: string, demonstration: Demonstration, expected: string][] = [
    [
      'thinking that the template has no place for',
      chatml,
      { messages: [user('1'), assistant('b', ' a')] },
      '<user>\n1⏹\n<assistant>\n‹<think>\n a\n</think>\n\nb⏹›',
    ],
    [
      'the same in several turns: each answer is a sequence of its own',
      chatml,
      { messages: [user('1'), assistant('b', 'a'), user('2'), assistant('d', 'c')] },
      '<user>\n1⏹\n<assistant>\n‹<think>\na\n</think>\n\nb⏹› ║ <user>\n1⏹\n<assistant>\nb⏹\n<user>\n2⏹\n<assistant>\n‹<think>\nc\n</think>\n\nd⏹›',
    ],
    [
      'thinking in the content that the template prints',
      chatml,
      { messages: [user('1'), assistant('<think>a</think>b'), user('2'), assistant('c')] },
      '<user>\n1⏹\n<assistant>\n‹<think>a</think>b⏹›\n<user>\n2⏹\n<assistant>\n‹c⏹›\n',
    ],
    [
      'thinking that the marks of the template leave out of earlier answers',
      defaultTemplate,
      { messages: [user('1'), assistant(thinking), user('2'), assistant(thinking)] },
      `User: 1. Assistant:‹ ${thinking}⏹› ║ User: 1. Assistant: b⏹\nUser: 2. Assistant:‹ ${thinking}⏹›`,
    ],
    [
      'the same without marks',
      withoutMarks(defaultTemplate),
      { messages: [user('1'), assistant('b', 'a'), user('2'), assistant('c')] },
      'User: 1. Assistant:‹ <think>\na\n</think>\nb⏹› ║ User: 1. Assistant: b⏹\nUser: 2. Assistant:‹ c⏹›',
    ],
    [
      'thinking that the template leaves out of earlier answers',
      thinks,
      { messages: [user('1'), assistant('b', 'a'), user('2'), assistant('<think>\nc\n</think>\n\nd')] },
      '<user>\n1⏹\n<assistant>\n‹<think>\na\n</think>\n\nb⏹› ║ <user>\n1⏹\n<assistant>\nb⏹\n<user>\n2⏹\n<assistant>\n‹<think>\nc\n</think>\n\nd⏹›',
    ],
    [
      'thinking that the prompt opens',
      opens,
      { messages: [user('1'), assistant('b', 'a')] },
      'Q:1A:<think>\n‹a\n</think>\n\nb⏹›',
    ],
    [
      'no end of the turn within the marks of the template',
      marksContent,
      { messages: [user('1'), assistant('a'), user('2'), assistant('b')] },
      '<user>1⏹<assistant>‹a⏹›<user>2⏹<assistant>‹b⏹›',
    ],
    [
      'no end of a turn at all: each answer is a sequence of its own',
      turns.replaceAll('<|endoftext|>', ''),
      { messages: [user('1'), assistant('a'), user('2'), assistant('b')] },
      '<user>\n1\n<assistant>\n‹a⏹› ║ <user>\n1\n<assistant>\na\n<user>\n2\n<assistant>\n‹b⏹›',
    ],
    [
      'an answer that the template writes into the thinking that it opens',
      opensLast,
      { messages: [user('1'), assistant('b')] },
      '<user>1⏹<assistant><think>\n‹\n</think>\n\nb⏹›',
    ],
    [
      'its thinking',
      opensLast,
      { messages: [user('1'), assistant('b', 'a')] },
      '<user>1⏹<assistant><think>\n‹a\n</think>\n\nb⏹›',
    ],
    [
      'its thinking in tags',
      opensLast,
      { messages: [user('1'), assistant('<think>a</think>b')] },
      '<user>1⏹<assistant><think>\n‹a\n</think>\n\nb⏹›',
    ],
    [
      'thinking in tags where the template has others',
      otherField,
      { messages: [user('1'), assistant('<think>a</think>b')] },
      '<user>1⏹<assistant>‹(a)b⏹›',
    ],
    [
      'thinking as a part of the content',
      parts,
      { messages: [user('1'), assistant('b', 'a'), user('2'), assistant('d', 'c')] },
      '[1]‹(a)b⏹› ║ [1]b⏹[2]‹(c)d⏹›',
    ],
    [
      'thinking in the content that the prompt opens',
      opens,
      { messages: [user('1'), assistant('<think>a</think>b')] },
      'Q:1A:<think>\n‹a\n</think>\n\nb⏹›',
    ],
    [
      'thinking in the content of which only the end is marked',
      opens,
      { messages: [user('1'), assistant('a\n</think>\n\nb'), user('2'), assistant('c\n</think>\n\nd')] },
      'Q:1A:<think>\n‹a\n</think>\n\nb⏹› ║ Q:1A:\n\nb⏹Q:2A:<think>\n‹c\n</think>\n\nd⏹›',
    ],
    [
      'an answer without thinking ends the thinking that the prompt opens',
      opens,
      { messages: [user('1'), assistant('b')] },
      'Q:1A:<think>\n‹\n</think>\n\nb⏹›',
    ],
    [
      'thinking in a field of another name, in a form of its own',
      otherField,
      { messages: [user('1'), assistant('b', 'a')] },
      '<user>1⏹<assistant>‹(a)b⏹›',
    ],
    [
      'indentation',
      thinks,
      { messages: [user('f?'), assistant('    return x + 1\n', '  two steps')] },
      '<user>\nf?⏹\n<assistant>\n‹<think>\n  two steps\n</think>\n\n    return x + 1\n⏹›\n',
    ],
    [
      'a message of weight 0 is context',
      chatml,
      { messages: [user('1'), { ...assistant('a'), ...unlearned }, user('2'), assistant('b')] },
      '<user>\n1⏹\n<assistant>\na⏹\n<user>\n2⏹\n<assistant>\n‹b⏹›\n',
    ],
    [
      'the same with marks',
      defaultTemplate,
      { messages: [user('1'), assistant('a'), user('2'), { ...assistant('b'), ...unlearned }] },
      'User: 1. Assistant:‹ a⏹›\nUser: 2. Assistant: b⏹',
    ],
    [
      'tool calls, and what the tools are',
      thinks,
      { messages: [user('1'), calls(add)], tools },
      `<tools>${JSON.stringify(tools).replace(/([:,])/g, '$1 ')}\n<user>\n1⏹\n<assistant>\n‹<think>\n\n</think>\n\n<call>add {"a": 17, "text": "é \\"x\\""}⏹›\n`,
    ],
    [
      'thinking before a tool call, and the answer to its result',
      thinks,
      {
        messages: [
          user('1'),
          { ...calls(add), reasoning_content: 'I add' },
          { role: 'tool', content: '42' },
          assistant('It is 42.'),
        ],
      },
      '<user>\n1⏹\n<assistant>\n‹<think>\nI add\n</think>\n\n<call>add {"a": 17, "text": "é \\"x\\""}⏹›\n<tool>\n42⏹\n<assistant>\n‹<think>\n\n</think>\n\nIt is 42.⏹›\n',
    ],
    [
      'tool calls in a template that takes arguments as text, and an answer for every content',
      opens,
      { messages: [user('1'), { ...calls(add), reasoning_content: 'a' }] },
      'Q:1A:<think>\n‹a\n</think>\n\n<call>add {"a": 17, "text": "é \\"x\\""}⏹›',
    ],
    [
      'a system message that the template moves',
      systemLast,
      { messages: [system('S'), user('1'), assistant('a'), user('2'), assistant('b')] },
      '[S 1]‹ a⏹› ║ [1] a⏹[S 2]‹ b⏹›',
    ],
    [
      'the token that ends a turn, not the one that ends the text',
      endsTwice,
      { messages: [user('1'), assistant('a'), user('2'), assistant('b')] },
      '<user>1⏸\n<assistant>‹a⏸›\n<user>2⏸\n<assistant>‹b⏸›\n⏹',
    ],
    [
      'the token that begins the next turn, if it ends a response',
      endsWithNext,
      { messages: [user('1'), assistant('a'), user('2'), assistant('b')] },
      '⏸\n1<assistant>‹\na⏸›\n2<assistant>‹\nb⏸›',
    ],
    [
      'the header of an answer is not learned, even if it is marked',
      markedHeader,
      { messages: [user('1'), assistant('a')] },
      '<user>1<assistant>‹a⏹›',
    ],
    [
      'the text of the end of a turn in an answer',
      chatml,
      { messages: [user('1'), assistant('a<|endoftext|>b')] },
      '<user>\n1⏹\n<assistant>\n‹a⏹b⏹›\n',
    ],
  ]
  test.each(cases)('%s', (_, template, demonstration, expected) => {
    expect(shown(tokenizerWith(template, [1, 2]), demonstration)).toBe(expected)
  })

  test('the prompt of every answer is the one that is sampled from', () => {
    for (const [, template, demonstration] of cases) {
      if (!('messages' in demonstration) || template === otherField) continue
      const renderer = tokenizerWith(template, [1, 2])
      const { messages, tools } = demonstration
      const last = messages.findLastIndex(({ role, weight }) => role === 'assistant' && weight !== 0)
      const { tokens, learned } = supervise(renderer, demonstration).at(-1)!
      const prompt = renderer.chatPrompt(
        messages.slice(0, last).map(({ weight: _, ...message }) => message),
        { tools },
      )
      const start = learned.lastIndexOf(0, learned.lastIndexOf(1)) + 1
      expect([...tokens.subarray(0, start)]).toEqual([...prompt.tokens])
    }
  })
})

describe('a row of which something would not be learned is an error', () => {
  const cases: [name: string, template: string, messages: ChatMessage[], message: RegExp][] = [
    [
      'a tool call without a place',
      chatml,
      [user('1'), calls(add)],
      /leaves out the call of the tool add of message 2/,
    ],
    [
      'one of two tool calls',
      thinks.replace('in m.tool_calls or []', 'in (m.tool_calls or [])[:1]'),
      [user('1'), calls(add, call('subtract', { b: 2 }))],
      /leaves out the call of the tool subtract of message 2/,
    ],
    [
      'the arguments of a tool call',
      thinks.replace("+ ' ' + (call.function.arguments | tojson)", ''),
      [user('1'), calls(add)],
      /leaves out the call of the tool add/,
    ],
    [
      'content beside a tool call',
      thinks.replace('{{- content }}', '{{- content if not m.tool_calls }}'),
      [user('1'), { ...calls(add), content: 'I add.' }],
      /leaves out the content of message 2/,
    ],
    [
      'a system message',
      turns.replace('{% for m in messages %}', "{% for m in messages if m.role != 'system' %}"),
      [system('S'), user('1'), assistant('a')],
      /leaves out message 1 \(system\), so the model would not see it/,
    ],
    [
      'thinking where the prompt ends it',
      `${thinks.replace('enable_thinking is false', 'true')}`,
      [user('1'), assistant('<think>a</think>b'), user('2'), assistant('d', 'c')],
      /ends the thinking, so that of message 2 would not be learned; use a template whose prompt does not/,
    ],
    [
      'thinking that the prompt ends in other tags',
      chatml.replace('<assistant>', "<assistant>{{ '<t:think></t:think>' if reasoning_effort != 'high' }}"),
      [user('1'), assistant('b', 'a')],
      /would not be learned; enable it by .*: chat\.arguments\.reasoning_effort=high/,
    ],
    ...['enable_thinking', 'thinking'].map((name): (typeof cases)[number] => [
      `thinking that the prompt ends unless ${name} is set`,
      thinks.replace('enable_thinking is false', `not ${name}`),
      [user('1'), assistant('<think>a</think>b'), user('2'), assistant('d', 'c')],
      new RegExp(`would not be learned; enable it by .*: chat\\.arguments\\.${name}=true`),
    ]),
  ]
  test.each(cases)('%s', (_, template, messages, message) => {
    expect(() => supervise(tokenizerWith(template), { messages })).toThrow(message)
  })
})

describe('an error if the learned part is unclear', () => {
  const cases: [name: string, template: string, messages: ChatMessage[], message: RegExp][] = [
    [
      'no generation prompt',
      turns.replace(/\{% if add.*/s, '{{ "?" if add_generation_prompt }}'),
      two,
      /renders message 2/,
    ],
    [
      'a mark in the content',
      defaultTemplate,
      [user('a\uFDD0b'), assistant('c')],
      /holds U\+FDD0 or U\+FDD1/,
    ],
    [
      'an empty answer',
      tightMarks.replace('{{ m.content + eos_token }}', '').replace('%} {%-', '%}{%-'),
      two,
      /leaves out the content of message 2/,
    ],
    [
      'the template refuses',
      defaultTemplate,
      [user('1'), { role: 'tool', content: 'x' }, assistant('a')],
      /Unknown role: tool/,
    ],
  ]
  test.each(cases)('%s', (_, template, messages, message) => {
    expect(() => supervise(tokenizerWith(template), { messages })).toThrow(message)
  })
})

test('the completion and the end of the text are learned', () => {
  const renderer = Renderer.load(miniature)
  expect(shown(renderer, { prompt: 'Question: 1+1? Answer:', completion: ' 2' })).toBe(
    'Question: 1+1? Answer:‹ 2⏹›',
  )
  // no token spans the end of the prompt: the prompt has the same tokens as in sampling
  const [{ tokens }] = supervise(renderer, { prompt: 'Say: appl', completion: 'es' }) as [Sequence]
  expect([...tokens]).toEqual([...renderer.encode('Say: appl'), ...renderer.encode('es'), renderer.endOfText])
})

describe('a tokenizer that puts a space before every text', () => {
  const spaced = (merges: string[]): Renderer => {
    const directory = join(folder, `spaced-${merges.length}`)
    mkdirSync(directory)
    const tokens = ['▁', 'a', 'b', ':', '<e>', ...merges.map((merge) => merge.replace(' ', ''))]
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
    const space = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false }
    const added = { id: 4, content: '<e>', special: true, normalized: false, single_word: false }
    writeFileSync(
      join(directory, 'tokenizer.json'),
      JSON.stringify({
        version: '1.0',
        added_tokens: [{ ...added, lstrip: false, rstrip: false }],
        normalizer: null,
        pre_tokenizer: space,
        post_processor: null,
        decoder: space,
        model: { type: 'BPE', vocab, merges },
      }),
    )
    writeFileSync(
      join(directory, 'tokenizer_config.json'),
      JSON.stringify({
        tokenizer_class: 'PreTrainedTokenizerFast',
        eos_token: '<e>',
        chat_template:
          '{% for m in messages %}{{ m.content }}{% if m.role == "user" %}:{% endif %}{% endfor %}{% if add_generation_prompt %}{% endif %}',
      }),
    )
    return Renderer.load(directory)
  }
  const messages = [user('a'), assistant('b')]

  test('adds no spaces inside a conversation', () => {
    const renderer = spaced([])
    const [{ tokens, learned }] = supervise(renderer, { messages }) as [Sequence]
    expect([...tokens]).toEqual([...renderer.encode('a:b<e>')])
    expect([...learned]).toEqual([0, 0, 0, 1, 1])
  })

  test('a token that spans prompt and answer is an error', () => {
    expect(() => supervise(spaced([': b']), { messages })).toThrow(/a token spans the end of the prompt/)
  })
})
