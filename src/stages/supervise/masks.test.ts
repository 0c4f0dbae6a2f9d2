import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { chatTemplate } from '../../models/chat-template.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { Demonstration } from '../../tasks/demonstrations.ts'
import type { Sequence } from './learn.ts'
import { supervise } from './masks.ts'

const miniature = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ruminate-supervision-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The miniature's tokenizer with another chat template. */
function tokenizerWith(template: string): Renderer {
  const directory = mkdtempSync(join(folder, 'tokenizer-'))
  cpSync(join(miniature, 'tokenizer.json'), join(directory, 'tokenizer.json'))
  const config = JSON.parse(readFileSync(join(miniature, 'tokenizer_config.json'), 'utf8'))
  writeFileSync(
    join(directory, 'tokenizer_config.json'),
    JSON.stringify({ ...config, chat_template: template }),
  )
  return Renderer.load(directory)
}

/** The text of the sequence, with the learned parts in ‹›. */
function shown(renderer: Renderer, demonstration: Demonstration): string {
  const [{ tokens, learned }] = supervise(renderer, demonstration) as [Sequence]
  let text = ''
  for (let t = 0; t < tokens.length; ) {
    const end = learned.findIndex((one, i) => i > t && one !== learned[t])
    const run = renderer.decode(tokens.subarray(t, end < 0 ? undefined : end))
    text += learned[t] ? `‹${run}›` : run
    t = end < 0 ? tokens.length : end
  }
  return text.replaceAll('<|endoftext|>', '⏹')
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
  "{% for m in messages %}[{{ m.role }}] {% if m.role == 'assistant' %}{% generation %} {{ m.content }} {%- endgeneration -%}  {% endif %};{% endfor %}"

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
      'thinking that the template leaves out of earlier answers',
      defaultTemplate,
      [user('1'), assistant(thinking), user('2'), assistant(thinking)],
      `User: 1. Assistant:‹ b⏹›\nUser: 2. Assistant:‹ ${thinking}⏹›`,
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
      'no marks: if nothing else ends a turn, the line end is learned',
      turns.replaceAll('<|endoftext|>', ''),
      [user('1'), assistant('One.')],
      '<user>\n1\n<assistant>\n‹One.\n›',
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
      '[user] ;[assistant] ‹ a›;[user] ;',
    ],
  ]
  test.each(cases)('%s', (_, template, messages, expected) => {
    const renderer = tokenizerWith(template)
    expect(shown(renderer, { messages })).toBe(expected)
    // nothing is lost
    expect(renderer.decode(supervise(renderer, { messages })[0]!.tokens)).toBe(renderer.chat.render(messages))
  })
})

describe('an error if the learned part is unclear', () => {
  const cases: [name: string, template: string, messages: ChatMessage[], message: RegExp][] = [
    [
      'earlier thinking left out, without marks',
      withoutMarks(defaultTemplate),
      [user('1'), assistant(thinking), user('2'), assistant('b')],
      /renders message 2, the assistant's, differently if more messages follow.*its own row.*\{% generation %\}/,
    ],
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
      tightMarks.replace('{{ m.content }}', '').replace('%} {%-', '%}{%-'),
      two,
      /no assistant tokens/,
    ],
    [
      'the template refuses',
      defaultTemplate,
      [user('1'), { role: 'tool', content: 'x' }],
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
    expect([...tokens]).toEqual([...renderer.encode('a:b')])
    expect([...learned]).toEqual([0, 0, 0, 1])
  })

  test('a token that spans prompt and answer is an error', () => {
    expect(() => supervise(spaced([': b']), { messages })).toThrow(/a token spans the end of the prompt/)
  })
})
