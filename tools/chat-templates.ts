/**
 * Shows what fine-tuning learns with real chat templates, and checks it: the prompt is the one that is sampled from, and
 * the learned text is all that the assistant says and the token that ends its turn, no more.
 *
 *   npx tsx tools/chat-templates.ts [--show] PATH…
 *
 * A path is a folder with tokenizer.json and tokenizer_config.json, or a .jinja file or a folder of them, such as
 * llama.cpp's models/templates. A bare template is rendered with the miniature's tokenizer, to which the template's special
 * tokens are added.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/common/errors.ts'
import type { ChatMessage } from '../src/renderer/messages.ts'
import { Renderer } from '../src/renderer/renderer.ts'
import { lastTurn } from '../src/renderer/turn.ts'
import { supervise } from '../src/stages/supervise/masks.ts'

const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string, more: Partial<ChatMessage> = {}): ChatMessage => ({
  role: 'assistant',
  content,
  ...more,
})
const call = {
  type: 'function',
  id: 'call00001',
  function: { name: 'add', arguments: { a: 17, b: 'two words' } },
}
const tools = [
  {
    type: 'function',
    function: {
      name: 'add',
      description: 'Adds.',
      parameters: {
        type: 'object',
        properties: { a: { type: 'integer' }, b: { type: 'string' } },
        required: ['a'],
      },
    },
  },
]

const CASES: readonly (readonly [name: string, messages: ChatMessage[], tools?: unknown[]])[] = [
  ['plain', [user('17+25?'), assistant('It is 42.')]],
  ['turns', [user('17+25?'), assistant('It is 42.'), user('And 1?'), assistant('It is 43.')]],
  ['system', [{ role: 'system', content: 'Be brief.' }, user('17+25?'), assistant('It is 42.')]],
  ['code', [user('Body?'), assistant('    return x + 1\n')]],
  ['thinking', [user('17+25?'), assistant('It is 42.', { reasoning_content: '7+5=12, so 42' })]],
  ['tags', [user('17+25?'), assistant('<think>\n7+5=12, so 42\n</think>\n\nIt is 42.')]],
  [
    'thinking turns',
    [
      user('17+25?'),
      assistant('It is 42.', { reasoning_content: '7+5=12, so 42' }),
      user('And 1?'),
      assistant('It is 43.', { reasoning_content: '42+1' }),
    ],
  ],
  ['call', [user('Add.'), assistant('', { tool_calls: [call] })], tools],
  ['thinking call', [user('Add.'), assistant('', { reasoning_content: 'I add', tool_calls: [call] })], tools],
  [
    'call turns',
    [
      user('Add.'),
      assistant('', { tool_calls: [call] }),
      { role: 'tool', name: 'add', tool_call_id: 'call00001', content: '{"sum": 99}' },
      assistant('It is 99.'),
    ],
    tools,
  ],
]

const show = process.argv.includes('--show')
const paths = process.argv.slice(2).filter((one) => !one.startsWith('--'))
const temporary = mkdtempSync(join(tmpdir(), 'ruminate-templates-'))
for (const path of paths.flatMap(expand)) report(path)
rmSync(temporary, { recursive: true })

function expand(path: string): string[] {
  if (!statSync(path).isDirectory() || existsSync(join(path, 'tokenizer.json'))) return [path]
  return readdirSync(path)
    .filter((name) => name.endsWith('.jinja'))
    .sort()
    .map((name) => join(path, name))
}

function report(path: string): void {
  console.log(`\n${path.endsWith('.jinja') ? basename(path, '.jinja') : path}`)
  let renderer: Renderer
  try {
    renderer = Renderer.load(path.endsWith('.jinja') ? folderFor(path) : path, { template: 'chat' })
  } catch (error) {
    console.log(`  cannot be loaded: ${(error as Error).message}`)
    return
  }
  console.log(
    `  end of turn: ${renderer.endOfTurn === null ? 'none' : renderer.decode([renderer.endOfTurn])}`,
  )
  for (const [name, messages, tools] of CASES)
    console.log(`  ${name.padEnd(15)}${result(renderer, messages, tools)}`)
}

function result(renderer: Renderer, messages: ChatMessage[], tools: unknown[] | undefined): string {
  try {
    const sequences = supervise(renderer, { messages, ...(tools ? { tools } : {}) })
    const last = messages.findLastIndex(({ role }) => role === 'assistant')
    const { prompt, response } = lastTurn(renderer, { messages: messages.slice(0, last + 1), tools })
    const asked = renderer.chatPrompt(messages.slice(0, last), { tools }).text
    const wrong = [
      ...(asked === prompt ? [] : [`THE PROMPT IS NOT THE SAMPLED ONE ${JSON.stringify(asked.slice(-40))}`]),
      ...(renderer.stopTokens.includes(renderer.encode(response).at(-1)!)
        ? []
        : ['IT DOES NOT END WITH A STOP TOKEN']),
    ]
    const shown = JSON.stringify(
      show ? sequences.map((one) => marked(renderer, one)).join(' ║ ') : `…${prompt.slice(-25)}‹${response}›`,
    )
    return `${sequences.length} ${shown} ${wrong.join(' ')}`
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return `✗ ${error.message.replace(/of \S*ruminate-templates\S* /, '').slice(0, 150)}`
  }
}

function marked(
  renderer: Renderer,
  { tokens, learned }: { tokens: Int32Array; learned: Uint8Array },
): string {
  let text = ''
  for (let t = 0; t < tokens.length; ) {
    const end = learned.findIndex((one, i) => i > t && one !== learned[t])
    const run = renderer.decode(tokens.subarray(t, end < 0 ? undefined : end))
    text += learned[t] ? `‹${run}›` : run
    t = end < 0 ? tokens.length : end
  }
  return text
}

/** A folder with a template and the miniature's tokenizer, with what looks like a special token in the template added. */
function folderFor(template: string): string {
  const miniature = fileURLToPath(new URL('../models/miniature-base', import.meta.url))
  const folder = mkdtempSync(join(temporary, 'model-'))
  const source = readFileSync(template, 'utf8')
  const special = [
    ...new Set(
      source.match(
        /<\|[\w./-]+\|>|<｜[^｜\s]+｜>|\[\/?[A-Z_]+\]|<\/?s>|<(?:start|end)_of_\w+>|<\|?[a-z]+\|?>(?=user|assistant|model)|<SPECIAL_\d+>|<turn\|>|\]<\]\w+\[>\[/g,
      ) ?? [],
    ),
  ]
  const json = JSON.parse(readFileSync(join(miniature, 'tokenizer.json'), 'utf8'))
  const next = json.added_tokens.at(-1).id + 1
  const known = new Set(json.added_tokens.map(({ content }: { content: string }) => content))
  const [bos, eos] = ['<bos>', '<eos>']
  for (const [i, content] of [bos, eos, ...special].filter((one) => !known.has(one)).entries())
    json.added_tokens.push({
      id: next + i,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })
  const config = JSON.parse(readFileSync(join(miniature, 'tokenizer_config.json'), 'utf8'))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json))
  writeFileSync(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({
      ...config,
      bos_token: bos,
      eos_token: eos,
      chat_template: undefined,
      added_tokens_decoder: undefined,
    }),
  )
  cpSync(template, join(folder, 'chat_template.jinja'))
  return folder
}
