import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, describe, expect, test } from 'vitest'
import { hashText } from '../../common/random.ts'
import { loadTask } from '../index.ts'
import { type DemonstrationColumns, readDemonstrations } from './demonstrations.ts'
import { readPreferences } from './preferences.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-demonstrations-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function read(place: string, columns: DemonstrationColumns = {}, heldOutShare = 0.1) {
  const warnings: string[] = []
  const rows = await readDemonstrations(place, {
    columns,
    heldOutShare,
    warn: (message) => warnings.push(message),
    progress: () => {},
  })
  return { ...rows, warnings }
}

const messages = (n: number) => [
  { role: 'user', content: `question ${n}` },
  { role: 'assistant', content: `answer ${n}`, reasoning_content: 'thought' },
]
const numbers = Array.from({ length: 100 }, (_, n) => n)
const lines = (rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const chats = lines(numbers.map((n) => ({ id: n, messages: messages(n) })))
const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`

test('questions that resemble held-out ones are listed as for a table of questions', async () => {
  const story = (n: number): string =>
    `A farmer has ${n} sheep and sells five of them on Monday at market ${n}, then buys goats number ${n}`
  const asked = [1, 2, 3, 4].flatMap((n) => [`${story(n)}. How many?`, `Once: ${story(n)}. How many now?`])
  const folder = (name: string, row: (question: string) => object): string => {
    const directory = mkdtempSync(join(tmpdir(), `ruminate-overlap-${name}-`))
    for (const [side, first] of [
      ['train', 0],
      ['test', 1],
    ] as const)
      writeFileSync(
        join(directory, `${side}.jsonl`),
        lines(asked.filter((_, i) => i % 2 === first).map((question) => row(question))),
      )
    return directory
  }
  const warnings: string[] = []
  const table = folder('table', (question) => ({ question, answer: '1' }))
  await loadTask(table, { warn: (message) => warnings.push(message) })
  const list = warnings[0]!.replace(table, '')
  expect(list).toMatch(
    /^: 4 training questions repeat a held-out one, or much of its wording\n.*… and 1 more$/s,
  )

  const demonstrations = folder('rows', (prompt) => ({ prompt, completion: '1' }))
  const chatted = folder('chats', (content) => ({
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: '1' },
    ],
  }))
  for (const place of [demonstrations, chatted])
    expect((await read(place)).warnings.map((warning) => warning.replace(place, ''))).toEqual([list])
  const preferred = folder('pairs', (prompt) => ({ prompt, chosen: '1', rejected: '2' }))
  const said: string[] = []
  const reading = { heldOutShare: 0.1, warn: (line: string) => said.push(line), progress: () => {} }
  await readPreferences(preferred, reading)
  expect(said.map((warning) => warning.replace(preferred, ''))).toEqual([list])
  // data that a run writes itself has several answers to a question
  expect(
    await readDemonstrations(demonstrations, {
      ...reading,
      splitBy: 'key',
      warn: () => expect.unreachable(),
    }),
  ).toMatchObject({ repeated: 0 })
  for (const place of [table, demonstrations, chatted, preferred]) rmSync(place, { recursive: true })
})

describe('the same demonstrations in every format', () => {
  const forms: [name: string, content: string | Uint8Array][] = [
    ['a.jsonl', chats],
    ['a.csv', `messages\n${numbers.map((n) => quote(JSON.stringify(messages(n)))).join('\n')}\n`],
    [
      'a.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'messages', data: numbers.map((n) => JSON.stringify(messages(n))), type: 'STRING' },
          ],
        }),
      ),
    ],
  ]
  test.each(forms)('%s', async (name, content) => {
    const { training, heldOut, repeated, warnings } = await read(write(name, content))
    const all = [...training, ...heldOut].map(({ demonstration }) => JSON.stringify(demonstration))
    expect(all.sort()).toEqual(numbers.map((n) => JSON.stringify({ messages: messages(n) })).sort())
    expect(heldOut.length).toBeGreaterThan(2)
    expect(heldOut.length).toBeLessThan(25)
    expect([repeated, warnings]).toEqual([0, []])
  })
})

test('completions, from columns of any name', async () => {
  const rows = lines(numbers.map((n) => ({ problem: `p${n}`, solution: ` s${n}`, messages: 'not these' })))
  const { training } = await read(write('b.jsonl', rows), { prompt: 'problem', completion: 'solution' })
  expect(training[0]).toEqual({ where: 'b.jsonl:1', demonstration: { prompt: 'p0', completion: ' s0' } })
})

describe('a row as people write it', () => {
  const asked = { role: 'user', content: 'q' }
  const answer = { role: 'assistant', content: 'a' }
  const thought = { ...answer, reasoning_content: 't' }
  const add = { type: 'function', function: { name: 'add', arguments: { a: 1 } } }
  const text = (value: string) => [{ type: 'text', text: value }]
  const tool = { type: 'function', function: { name: 'add', parameters: {} } }
  const ask = (...more: object[]) => ({ messages: [asked, ...more] })
  const cases: [name: string, row: Record<string, unknown>, expected: object][] = [
    [
      'ShareGPT',
      {
        conversations: [
          { from: 'system', value: 's' },
          { from: 'human', value: 'q' },
          { from: 'gpt', value: '<think>t</think>a' },
        ],
      },
      { messages: [{ role: 'system', content: 's' }, asked, { ...answer, content: '<think>t</think>a' }] },
    ],
    [
      'tool calls in ShareGPT',
      {
        conversations: [
          { from: 'human', value: 'q' },
          { from: 'function_call', value: '{"name": "add", "arguments": {"a": 1}}' },
          { from: 'observation', value: '2' },
          { from: 'gpt', value: 'a' },
        ],
        tools: JSON.stringify([{ name: 'add', parameters: {} }]),
      },
      {
        messages: [
          asked,
          { role: 'assistant', content: '', tool_calls: [add] },
          { role: 'tool', content: '2' },
          answer,
        ],
        tools: [tool],
      },
    ],
    ['`conversations` of roles', { conversations: [asked, answer] }, ask(answer)],
    [
      'roles of other names',
      {
        messages: [
          { role: 'Human', content: 'q' },
          { role: 'model', content: 'a' },
        ],
      },
      ask(answer),
    ],
    [
      'a developer message',
      { messages: [{ role: 'developer', content: 's' }, asked, answer] },
      { messages: [{ role: 'system', content: 's' }, asked, answer] },
    ],
    [
      'parts of text',
      {
        messages: [
          { ...asked, content: text('q') },
          { ...answer, content: text('a') },
        ],
      },
      ask(answer),
    ],
    [
      'several parts of text',
      ask({ ...answer, content: [...text('a'), ...text('b')] }),
      ask({ ...answer, content: 'a\nb' }),
    ],
    [
      'a part of thinking',
      ask({ ...answer, content: [{ type: 'thinking', thinking: 't' }, ...text('a')] }),
      ask(thought),
    ],
    ['reasoning_content', ask(thought), ask(thought)],
    ['reasoning', ask({ ...answer, reasoning: 't' }), ask(thought)],
    ['thinking', ask({ ...answer, thinking: 't' }), ask(thought)],
    ['two equal fields of thinking', ask({ ...thought, reasoning: 't' }), ask(thought)],
    [
      'empty fields',
      ask({ ...answer, reasoning: null, thinking: '', tool_calls: [], audio: null }),
      ask(answer),
    ],
    [
      'thinking in a field and in the content',
      ask({ ...thought, content: '<think>\nt\n</think>\n\na' }),
      ask(thought),
    ],
    [
      'a tool call with its arguments as text, and no content',
      ask({
        role: 'assistant',
        content: null,
        tool_calls: [{ ...add, id: 'x', function: { name: 'add', arguments: '{"a": 1}' } }],
      }),
      ask({ role: 'assistant', content: '', tool_calls: [{ id: 'x', ...add }] }),
    ],
    [
      'a tool call without a type, as text',
      ask({ ...answer, tool_calls: '[{"name": "add", "arguments": {"a": 1}}]' }),
      ask({ ...answer, tool_calls: [add] }),
    ],
    [
      'the function call of an older form',
      ask({ role: 'assistant', content: null, function_call: { name: 'add', arguments: '{"a": 1}' } }),
      ask({ role: 'assistant', content: '', tool_calls: [add] }),
    ],
    [
      'the name and the call of a result',
      ask({ role: 'tool', name: 'add', tool_call_id: 'x', content: '2' }, answer),
      ask({ role: 'tool', content: '2', name: 'add', tool_call_id: 'x' }, answer),
    ],
    ['weight 1', ask({ ...answer, weight: 1 }), ask(answer)],
    ['weight 0', ask({ ...answer, weight: 0 }, asked, answer), ask({ ...answer, weight: 0 }, asked, answer)],
    [
      'train: false',
      ask({ ...answer, train: false }, asked, answer),
      ask({ ...answer, weight: 0 }, asked, answer),
    ],
    [
      'loss: false',
      ask({ ...answer, loss: false }, asked, answer),
      ask({ ...answer, weight: 0 }, asked, answer),
    ],
    [
      'an empty answer of weight 0',
      ask({ ...answer, content: '', weight: 0 }, asked, answer),
      ask({ ...answer, content: '', weight: 0 }, asked, answer),
    ],
    ['a column of tools', { ...ask(answer), tools: [tool] }, { ...ask(answer), tools: [tool] }],
    ['an empty column of tools', { ...ask(answer), tools: '' }, ask(answer)],
    [
      'a column with the system message',
      { ...ask(answer), system: 's' },
      { messages: [{ role: 'system', content: 's' }, asked, answer] },
    ],
    ['a prompt and a completion of messages', { prompt: [asked], completion: [thought] }, ask(thought)],
    [
      'of the prompt, the answers are context',
      { prompt: [asked, answer, asked], completion: [answer] },
      ask({ ...answer, weight: 0 }, asked, answer),
    ],
    [
      'a prompt and a completion of messages as JSON text',
      { prompt: JSON.stringify([asked]), completion: JSON.stringify([answer]) },
      ask(answer),
    ],
    [
      'a prompt that begins like a list',
      { prompt: '[1] q', completion: '[{' },
      { prompt: '[1] q', completion: '[{' },
    ],
  ]
  test.each(cases)('%s', async (name, row, expected) => {
    const { training, warnings } = await read(write(`${name.replace(/\W/g, '')}.jsonl`, lines([row])), {}, 0)
    expect([training[0]?.demonstration, warnings]).toEqual([expected, []])
    expect(training[0]!.where).toMatch(/:1$/)
  })

  test('in Parquet', async () => {
    const columnData = [
      { name: 'messages', data: [[asked, { ...thought, weight: 1 }]], type: 'JSON' as const },
      { name: 'system', data: ['s'], type: 'STRING' as const },
      { name: 'tools', data: [[tool]], type: 'JSON' as const },
    ]
    const { training } = await read(
      write('row.parquet', new Uint8Array(parquetWriteBuffer({ columnData }))),
      {},
      0,
    )
    expect(training[0]!.demonstration).toEqual({
      messages: [{ role: 'system', content: 's' }, asked, thought],
      tools: [tool],
    })
  })

  test('rows of both forms in a file', async () => {
    const share = {
      conversations: [
        { from: 'human', value: 'q' },
        { from: 'gpt', value: 'a' },
      ],
    }
    for (const rows of [
      [ask(answer), share],
      [share, ask(answer)],
    ]) {
      const { training } = await read(write('forms.jsonl', lines(rows)), {}, 0)
      expect(training.map(({ demonstration }) => demonstration)).toEqual([ask(answer), ask(answer)])
    }
  })

  test('fields that say nothing are left out, and named once', async () => {
    const place = write(
      'fields.jsonl',
      lines([ask({ ...answer, model: 'm', time: 1 }), ask({ ...answer, model: 'n' })]),
    )
    const { training, warnings } = await read(place, {}, 0)
    expect(training.map(({ demonstration }) => demonstration)).toEqual([ask(answer), ask(answer)])
    expect(warnings).toEqual([expect.stringMatching(/messages have fields that are not read: model, time$/)])
  })
})

describe('a row that cannot be used is left out and reported', () => {
  const asked = { role: 'user', content: 'q' }
  const answer = { role: 'assistant', content: 'a' }
  const ask = (...more: object[]) => ({ messages: [asked, ...more] })
  const call = (values: unknown) => ({ function: { name: 'add', arguments: values } })
  const cases: [name: string, row: object, reason: RegExp][] = [
    [
      'role',
      ask({ role: 'narrator', content: 'x' }, answer),
      /message 2 has the unknown role "narrator"; known are/,
    ],
    ['content', ask({ role: 'assistant' }), /message 2: its "content" is missing/],
    [
      'value',
      { messages: [{ from: 'human', value: 3 }] },
      /message 1: its "value" must be text, not a number/,
    ],
    [
      'image',
      ask({ ...answer, content: [{ type: 'image_url', image_url: {} }] }),
      /part 1 of its "content" is of type "image_url"; only text/,
    ],
    ['images', { ...ask(answer), images: ['x.png'] }, /it has "images"; only text can be used/],
    [
      'arguments',
      { ...ask(answer), chat_template_kwargs: { enable_thinking: false } },
      /it has "chat_template_kwargs"; arguments of the template are set for a whole run/,
    ],
    [
      'refusal',
      ask({ ...answer, refusal: 'No.' }),
      /message 2 has a field "refusal", which cannot be learned/,
    ],
    [
      'thinking',
      ask({ ...answer, reasoning: 't', thinking: 'u' }),
      /message 2: the thinking in "reasoning" and "thinking" differs/,
    ],
    [
      'tags',
      ask({ ...answer, reasoning: 't', content: '<think>u</think>a' }),
      /the thinking in "reasoning" and "content" differs/,
    ],
    [
      'thinking-user',
      { messages: [{ ...asked, thinking: 't' }, answer] },
      /message 1, of the role user, has thinking/,
    ],
    ['empty', ask({ ...answer, content: ' ' }), /message 2, the assistant's, is empty/],
    [
      'weight',
      ask({ ...answer, weight: 0.5 }),
      /message 2: its "weight" is 0.5; it must be 0 \(not learned\) or 1/,
    ],
    ['weights', ask({ ...answer, weight: 0 }), /every message of the assistant has the weight 0/],
    [
      'call-name',
      ask({ ...answer, tool_calls: [{ function: {} }] }),
      /message 2: its tool call 1 has no name/,
    ],
    [
      'call-text',
      ask({ ...answer, tool_calls: [call('{')] }),
      /the arguments of its tool call 1 are not JSON/,
    ],
    [
      'call-list',
      ask({ ...answer, tool_calls: [call([1])] }),
      /the arguments of its tool call 1 are not an object/,
    ],
    [
      'call-user',
      ask({ ...asked, tool_calls: [call({})] }, answer),
      /message 2, of the role user, has tool calls/,
    ],
    ['surrogate', ask({ ...answer, content: 'x\ud800' }), /message 2 has half of a surrogate pair/],
    ['object', ask({ ...answer, content: {} }), /its "content" must be text, not an object/],
    ['tools', { ...ask(answer), tools: [{}] }, /tool 1 of "tools" has no name/],
    [
      'system',
      { messages: [{ role: 'system', content: 's' }, answer], system: 't' },
      /"system" and the system message among its messages differ/,
    ],
  ]
  test.each(cases)('%s', async (name, row, reason) => {
    const place = write(
      `left-${name}.jsonl`,
      lines([...numbers.map((n) => ({ messages: messages(n) })), row]),
    )
    const { training, heldOut, unusable, warnings } = await read(place)
    expect([training.length + heldOut.length, unusable]).toEqual([100, 1])
    const where = `left-${name}\\.jsonl:101: `
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`1 of 101 rows is left out.*\n  ${where}.*${reason.source}`)),
    ])
  })

  test.each<[string, object, RegExp]>([
    [
      'a system column beside a text',
      { prompt: 'q', completion: 'a', system: 's' },
      /it has "system", but its prompt is text/,
    ],
    [
      'a prompt of messages with a text',
      { prompt: [asked], completion: 'a' },
      /"prompt" and "completion" must be both text, or both lists/,
    ],
  ])('%s', async (name, row, reason) => {
    const place = write(`${name}.jsonl`, lines([{ prompt: 'q', completion: 'a' }, row]))
    expect((await read(place, {}, 0)).warnings).toEqual([expect.stringMatching(reason)])
  })

  test('more of the prompt beside the instruction', async () => {
    const row = { instruction: 'i', input: '', output: 'o' }
    const place = write('alpaca.jsonl', lines([row, { ...row, input: 'x' }]))
    const columns = { prompt: 'instruction', completion: 'output' }
    const { training, warnings } = await read(place, columns, 0)
    expect(training.map(({ demonstration }) => demonstration)).toEqual([{ prompt: 'i', completion: 'o' }])
    expect(warnings).toEqual([
      expect.stringMatching(/it has "input" beside "instruction"; write both into one/),
    ])
  })

  test('the first three of them are named', async () => {
    const bad = numbers.slice(0, 5).map(() => ({ messages: [] }))
    const place = write('many.jsonl', lines([...bad, ask(answer)]))
    const { warnings } = await read(place, {}, 0)
    expect(warnings).toEqual([
      expect.stringMatching(/5 of 6 rows are left out.*\n.*:1: .*\n.*:2: .*\n.*:3: .*\n {2}… and 2 more$/),
    ])
  })

  test('but if all are bad, it is an error', async () => {
    await expect(read(write('all.jsonl', lines([{ messages: [] }, { messages: 'x' }])))).rejects.toThrow(
      /none of its 2 rows can be used; the first: all\.jsonl:1: "messages" is empty/,
    )
  })
})

describe('the held-out rows', () => {
  test('are none for a share of 0', async () => {
    const { training, heldOut } = await read(write('one.jsonl', lines([{ messages: messages(1) }])), {}, 0)
    expect([training.length, heldOut.length]).toEqual([1, 0])
  })
  test('do not depend on the order of rows; equal rows stay together', async () => {
    const rows = chats.trim().split('\n')
    const one = await read(write('c.jsonl', rows.join('\n')))
    const other = await read(write('d.jsonl', [...rows, ...rows].reverse().join('\n')))
    const texts = (list: typeof one.heldOut) => new Set(list.map((row) => JSON.stringify(row.demonstration)))
    expect(texts(other.heldOut)).toEqual(texts(one.heldOut))
    expect(other.heldOut).toHaveLength(2 * one.heldOut.length)
  })

  test('have all answers to a question with them, unless the rows of a run’s own data are split', async () => {
    const answered = (n: number, answer: string) => ({
      messages: [
        { role: 'user', content: `question ${n}` },
        { role: 'assistant', content: answer },
      ],
    })
    const rows = numbers.flatMap((n) => ['one', 'two', 'three'].map((answer) => answered(n, answer)))
    const place = write('several.jsonl', lines(rows))
    const asked = (list: readonly { demonstration: unknown }[]) =>
      new Set(
        list.map(({ demonstration }) => JSON.stringify((demonstration as (typeof rows)[0]).messages[0])),
      )
    const { training, heldOut } = await read(place)
    expect([...asked(heldOut)].filter((question) => asked(training).has(question))).toEqual([])
    expect(heldOut).toHaveLength(3 * asked(heldOut).size)

    const own = await readDemonstrations(place, {
      heldOutShare: 0.1,
      splitBy: 'key',
      warn: () => {},
      progress: () => {},
    })
    const chosen = rows.filter((row) => hashText(JSON.stringify(row)) / 2 ** 32 < 0.1)
    expect(own.heldOut.map(({ demonstration }) => demonstration)).toEqual(chosen)
    expect(own.training).toHaveLength(rows.length - chosen.length)
  })

  test('are at least one', async () => {
    const two = chats.split('\n').slice(0, 2).join('\n')
    const { training, heldOut } = await read(write('e.jsonl', two), {}, 1e-9)
    expect([training.length, heldOut.length]).toEqual([1, 1])
  })

  test('are those of files named so; they are left out of training', async () => {
    mkdirSync(join(folder, 'parts'))
    const rows = chats.trim().split('\n')
    write('parts/train.jsonl', rows.join('\n'))
    write('parts/test.jsonl', rows.slice(0, 30).join('\n'))
    const { training, heldOut, repeated } = await read(join(folder, 'parts'))
    expect([training.length, heldOut.length, repeated]).toEqual([70, 30, 30])
  })
})

describe('a row that cannot be used is an error with its position', () => {
  const ok = '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n'
  const cases: [name: string, content: string, message: RegExp][] = [
    ['1.jsonl', `${ok}{"messages":"hm"}\n`, /1\.jsonl:2: "messages" is not JSON/],
    ['2.jsonl', `${ok}{"messages":[]}\n`, /2\.jsonl:2: "messages" is empty where a list of messages/],
    ['3.jsonl', `${ok}\n{"text":"x"}\n`, /3\.jsonl:3: "messages" is missing where/],
    ['4.jsonl', `${ok}{"messages":[{"content":"a"}]}\n`, /4\.jsonl:2: message 1 has no "role"/],
    ['5.jsonl', `${ok}{"messages":[{"role":"user"}]}\n`, /5\.jsonl:2: message 1: its "content" is missing/],
    [
      '6.jsonl',
      `${ok}{"messages":[{"role":"user","content":["a"]}]}\n`,
      /6\.jsonl:2: .* must be text, not a list/,
    ],
    [
      '7.jsonl',
      `${ok}{"messages":[{"role":"user","content":"a"}]}\n`,
      /7\.jsonl:2: no message is the assistant's/,
    ],
    ['8.jsonl', `${ok}{"messages":[null]}\n`, /8\.jsonl:2: message 1 has no "role"/],
    ['9.jsonl', `${ok}{"messages":[\n${ok}`, /9\.jsonl, line 2: not JSON/],
    ['a.csv', 'prompt,completion\na,b\nc,\n', /a\.csv:3: "completion" is empty/],
    ['b.jsonl', '{"prompt":"a","completion":1}\n', /b\.jsonl:1: "completion" must be text, not a number/],
    [
      'c.jsonl',
      '{"massages":[]}\n',
      /has no column "messages"; its columns are "massages". If "massages" is meant: --columns messages=massages, or --columns prompt=NAME,completion=NAME$/,
    ],
    ...[
      ['instruction', 'output'],
      ['question', 'answer'],
    ].map(([prompt, completion]): [string, string, RegExp] => [
      `${prompt}.jsonl`,
      `{"${prompt}":"a","input":"","${completion}":"b"}\n`,
      new RegExp(`--columns prompt=${prompt},completion=${completion}, or --columns messages=NAME$`),
    ]),
    [
      'f.jsonl',
      '{"prompt":"a","response":"b"}\n',
      /--columns completion=response, or --columns messages=NAME$/,
    ],
    ['d.jsonl', ok, /1 to hold out; both are needed|0 rows to train on and 1 to hold out/],
    ['e.csv', 'messages\n', /there is no row in/],
  ]
  test.each(cases)('%s', async (name, content, message) => {
    await expect(read(write(`bad-${name}`, content))).rejects.toThrow(message)
  })

  test('a column that does not exist', async () => {
    const place = write('columns.jsonl', chats)
    await expect(read(place, { prompt: 'question' })).rejects.toThrow(
      /no columns "question" and "completion"/,
    )
    await expect(read(place, { messages: 'chat' })).rejects.toThrow(
      /no column "chat".*Say which one holds the messages: --columns messages=NAME, or/,
    )
  })

  test('but an incomplete last line is left out and reported', async () => {
    const { training, heldOut, warnings } = await read(write('torn.jsonl', `${chats}{"messages": [{`))
    expect(training.length + heldOut.length).toBe(100)
    expect(warnings.join()).toMatch(/torn\.jsonl:101: the file is cut off, its last line is left out/)
  })
})
