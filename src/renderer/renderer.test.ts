import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Trainer } from '../engines/contract.ts'
import { changedMiniature, type FolderChanges, type Json } from '../testing/changed-miniature.ts'
import { characters } from '../testing/fakes/fake-renderer.ts'
import { r1ZeroPrompt } from '../thinking/r1/template.ts'
import { type PromptTemplate, Renderer, type RendererOptions } from './renderer.ts'
import { savingStopTokens } from './stop-tokens.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-renderer-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const folderWith = (changes: FolderChanges = {}) =>
  changedMiniature(mkdtempSync(join(root, 'model-')), changes)
const read = (file: string): Json => JSON.parse(readFileSync(file, 'utf8'))

const texts = (renderer: Renderer, ids: readonly number[]): string[] => ids.map((id) => renderer.decode([id]))

describe('tokens that end a response', () => {
  const { id } = folderWith()
  test.each<[string, FolderChanges, string[], string | null]>([
    ['the template’s own end of turn', {}, ['<|endoftext|>', '<|im_end|>'], '<|im_end|>'],
    ['no template', { template: null }, ['<|endoftext|>'], null],
    [
      'a list in config.json',
      { template: null, config: { eos_token_id: [id('<|endoftext|>'), id('<end>')] } },
      ['<|endoftext|>', '<end>'],
      null,
    ],
    [
      'a list in generation_config.json',
      { template: null, generation: { eos_token_id: [id('<end>'), id('<|im_end|>')] } },
      ['<|endoftext|>', '<end>', '<|im_end|>'],
      null,
    ],
    [
      'one id in generation_config.json',
      { template: null, generation: { eos_token_id: id('<end>') } },
      ['<|endoftext|>', '<end>'],
      null,
    ],
    [
      'white space before the end of turn',
      { template: '{% for m in messages %}[{{ m.role }}] {{ m.content }} <end>{% endfor %}' },
      ['<|endoftext|>', '<end>'],
      '<end>',
    ],
    [
      'a named end of text after a token that closes the content',
      {
        template: '{% for m in messages %}[{{ m.role }}]{{ m.content }}<end><|im_end|>{% endfor %}',
        generation: { eos_token_id: id('<|im_end|>') },
      },
      ['<|endoftext|>', '<|im_end|>'],
      '<|im_end|>',
    ],
    [
      'a turn that ends with text',
      { template: '{% for m in messages %}{{ m.role }}: {{ m.content }}\n###\n{% endfor %}' },
      ['<|endoftext|>'],
      null,
    ],
    [
      'a template that renders a question alone',
      {
        template:
          '{% if messages | length > 1 %}{{ raise_exception("one") }}{% endif %}{{ messages[0].content }}',
      },
      ['<|endoftext|>'],
      null,
    ],
    [
      'eos_token is the end of turn',
      { tokenizerConfig: { eos_token: '<|im_end|>' } },
      ['<|im_end|>', '<|endoftext|>'],
      '<|im_end|>',
    ],
  ])('%s', (_, changes, stops, endOfTurn) => {
    const renderer = Renderer.load(folderWith(changes).folder)
    expect(texts(renderer, renderer.stopTokens)).toEqual(stops)
    expect(renderer.endOfTurn === null ? null : renderer.decode([renderer.endOfTurn])).toBe(endOfTurn)
  })

  test('the text of a response is without the token that ended it, whichever it was', () => {
    const renderer = Renderer.load(folderWith().folder)
    for (const end of ['<|im_end|>', '<|endoftext|>'])
      expect(renderer.response(renderer.encode(`ab${end}`))).toBe('ab')
    expect(renderer.response(renderer.encode('ab'))).toBe('ab')
    expect(renderer.response(new Int32Array())).toBe('')
    const stream = renderer.stream()
    const pieces = [...renderer.encode('ab<|im_end|>')].map((token) => stream.push(token))
    expect(pieces.join('') + stream.end()).toBe('ab')
  })

  test('a saved model names them all, and keeps the rest of generation_config.json', async () => {
    const { folder } = folderWith({ generation: { eos_token_id: id('<|endoftext|>'), top_p: 0.9 } })
    const renderer = Renderer.load(folder)
    await savingStopTokens({ save: async () => {} } as unknown as Trainer, renderer).save(folder)
    expect(read(join(folder, 'generation_config.json'))).toEqual({
      eos_token_id: [id('<|endoftext|>'), id('<|im_end|>')],
      top_p: 0.9,
    })
  })

  test('a damaged generation_config.json', () => {
    const { folder } = folderWith({ generation: { eos_token_id: 'end' } })
    expect(() => Renderer.load(folder)).toThrow(/generation_config.json.*eos_token_id/)
  })
})

const post = (single: unknown[], special: string[]): Json => ({
  post_processor: {
    type: 'TemplateProcessing',
    single,
    pair: single,
    special_tokens: Object.fromEntries(
      special.map((token) => [token, { id: token, ids: [folderWith().id(token)], tokens: [token] }]),
    ),
  },
})
const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } })
const sequence = { Sequence: { id: 'A', type_id: 0 } }

describe('the tokens before a text', () => {
  test.each<[string, FolderChanges, string]>([
    ['none', {}, ''],
    ['the post-processor’s', { tokenizer: post([special('<s>'), sequence], ['<s>']) }, '<s>'],
    ['not those after the text', { tokenizer: post([sequence, special('<end>')], ['<end>']) }, ''],
    [
      'both around the text',
      { tokenizer: post([special('<s>'), sequence, special('<end>')], ['<s>', '<end>']) },
      '<s>',
    ],
    [
      'whatever add_bos_token says',
      { tokenizer: post([special('<s>'), sequence], ['<s>']), tokenizerConfig: { add_bos_token: false } },
      '<s>',
    ],
  ])('%s', (_, changes, prefix) => {
    const { folder } = folderWith(changes)
    const zero = Renderer.load(folder, { template: 'r1-zero' })
    expect(zero.decode(zero.prompt({ prompt: 'Why?' }).tokens)).toBe(prefix + r1ZeroPrompt('Why?'))
    expect(zero.decode(zero.encodeText('a'))).toBe(`${prefix}a`)
    // a chat template prints what it wants itself
    const chat = Renderer.load(folder)
    expect(chat.decode(chat.prompt({ prompt: 'Why?' }).tokens)).toBe(
      '<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
    )
  })
})

describe('a chat prompt', () => {
  const prompt = (template: string, options: RendererOptions = {}) =>
    Renderer.load(folderWith({ template }).folder, { template: 'chat', ...options }).prompt({
      prompt: 'Why?',
    })

  test.each<[string, boolean]>([
    ['{{ messages[0].content }}', false],
    ['{{ messages[0].content }}<think>', true],
    ['{{ messages[0].content }}<think>\n', true],
    ['{{ messages[0].content }}<think>\n\n</think>\n\n', false],
  ])('%j: thinking opened: %j', (template, opened) => expect(prompt(template).opened).toBe(opened))

  test('arguments reach the template', () => {
    const template =
      '{{ messages[0].content }}{% if enable_thinking is false %} directly{% endif %}{{ style }}'
    expect(prompt(template).text).toBe('Why?')
    expect(prompt(template, { chat: { arguments: { enable_thinking: false, style: '!' } } }).text).toBe(
      'Why? directly!',
    )
  })

  test.each<[string, PromptTemplate, string | null]>([
    ['enable_thinking', 'chat', null],
    ['enable_thinkin', 'chat', 'has no argument "enable_thinkin"; did you mean "enable_thinking"?'],
    ['effort', 'chat', 'has no argument "effort": leave it out'],
    ['messages', 'chat', 'has no argument "messages": leave it out'],
    [
      'enable_thinking',
      'r1-zero',
      'the template r1-zero has no argument "enable_thinking": leave it out, or use the template chat',
    ],
  ])('the argument %s in the template %s', (name, template, message) => {
    const chat = '{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}'
    const renderer = Renderer.load(folderWith({ template: chat }).folder, { template })
    const check = () => renderer.checkArguments({ [name]: false })
    if (message === null) expect(check).not.toThrow()
    else expect(check).toThrow(message)
  })

  test('the date is the given one, whatever the clock says', () => {
    const template = "{{ strftime_now('%d %B %Y') }} {{ messages[0].content }}"
    expect(prompt(template, { chat: { date: '2024-02-29' } }).text).toBe('29 February 2024 Why?')
  })

  test('a question that is a chat keeps its system message and its history', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'I have 3 apples.' },
      { role: 'assistant', content: 'OK' },
      { role: 'user', content: 'And twice that?' },
    ]
    const renderer = Renderer.load(folderWith().folder)
    expect(renderer.prompt({ prompt: 'And twice that?', messages }).text).toBe(
      messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('') +
        '<|im_start|>assistant\n',
    )
  })

  test.each([
    ['only without a content', 'm.content is none'],
    ['only with a content', 'm.content is string'],
    ['only with arguments as text', 'm.tool_calls[0].function.arguments is string'],
  ])('a question shows the tool calls of its history in a template that prints them %s', (_, when) => {
    const template = `{% for m in messages %}[{{ m.role }}]{% if m.tool_calls and ${when} %}{{ m.tool_calls[0].function.name }}{% elif not m.tool_calls %}{{ m.content }}{% endif %}{% endfor %}`
    const messages = [
      { role: 'user', content: 'Add.' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
      },
      { role: 'tool', content: '3' },
      { role: 'user', content: 'So?' },
    ]
    expect(Renderer.load(folderWith({ template }).folder).prompt({ prompt: 'So?', messages }).text).toBe(
      '[user]Add.[assistant]add[tool]3[user]So?',
    )
  })

  test('a question whose chat the template does not show whole is refused', () => {
    const template = '{% for m in messages if m.role != "system" %}[{{ m.role }}]{{ m.content }}{% endfor %}'
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why?' },
    ]
    expect(() => Renderer.load(folderWith({ template }).folder).prompt({ prompt: 'Why?', messages })).toThrow(
      'the chat template leaves out message 1 (system), so the model would not see it',
    )
  })

  test("R1-Zero's template takes a system message into the question, and has no place for earlier turns", () => {
    const renderer = Renderer.load(folderWith().folder, { template: 'r1-zero' })
    const ask = (...messages: { role: string; content: string }[]) =>
      renderer.prompt({ prompt: '1+1?', messages })
    const [system, user] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '1+1?' },
    ]
    expect(ask(system, user).text).toBe(r1ZeroPrompt('Be brief.\n\n1+1?'))
    expect(() => ask(user, { role: 'assistant', content: '2' }, user)).toThrow(
      /it is a conversation of 3 messages, and the template r1-zero has no place for those before the last; use the template chat/,
    )
  })

  test('without a chat template', () => {
    const { folder } = folderWith({ template: null })
    expect(() => Renderer.load(folder, { template: 'chat' })).toThrow(/has no chat template/)
  })
})

describe('where the template is', () => {
  const inLine = (text: string) => `${text}{{ messages[0].content }}`
  const textOf = (folder: string, tools?: unknown[]): string =>
    Renderer.load(folder, { template: 'chat' }).chatPrompt([{ role: 'user', content: 'Why?' }], { tools })
      .text

  test('in a list of named templates', () => {
    const { folder } = folderWith({
      tokenizerConfig: {
        chat_template: [
          { name: 'default', template: inLine('d') },
          { name: 'tool_use', template: inLine('t') },
        ],
      },
    })
    expect(textOf(folder)).toBe('dWhy?')
    expect(textOf(folder, [{}])).toBe('tWhy?')
  })

  test('in chat_template.json', () => {
    const { folder } = folderWith({ template: null })
    writeFileSync(join(folder, 'chat_template.json'), JSON.stringify({ chat_template: inLine('j') }))
    expect(textOf(folder)).toBe('jWhy?')
  })

  test('chat_template.jinja is read instead of tokenizer_config.json, with any line ends', () => {
    const { folder } = folderWith()
    writeFileSync(
      join(folder, 'chat_template.jinja'),
      'a\r\n{%- if true %}\r\nb\r\n{%- endif %}{{ messages[0].content }}',
    )
    expect(textOf(folder)).toBe('ab' + 'Why?')
  })
})

test.each([
  ['puts a space before every text', ' '],
  ['does not', ''],
])('text that follows another one, with a tokenizer that %s', (_, space) => {
  const spacing = new Renderer({
    folder: 'fake',
    tokenizer: { ...characters, encode: (text) => characters.encode(space + text) },
    chat: null,
    template: 'r1-zero',
    stopTokens: [],
    endOfTurn: null,
  })
  for (const text of ['Wait', ' so', '\n</think>\n\n', ''])
    expect(characters.decode(spacing.encodeNext(text))).toBe(text)
})
