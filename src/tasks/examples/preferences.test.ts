import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type PreferenceColumns, readPreferences } from './preferences.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-preferences-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const read = (place: string, columns: PreferenceColumns = {}) =>
  readPreferences(place, { columns, heldOutShare: 0.1, warn: () => {}, progress: () => {} })

const lines = (rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const numbers = Array.from({ length: 50 }, (_, n) => n)
const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`
const asked = (n: number) => [{ role: 'user', content: `question ${n}` }]
const said = (text: string) => [{ role: 'assistant', content: text }]

describe('every kind of table', () => {
  const chats = numbers.map((n) => ({
    chosen: { messages: [...asked(n), ...said('good')] },
    rejected: { messages: [...asked(n), ...said('bad')] },
  }))
  const texts = numbers.map((n) => ({ chosen: { text: `q${n} good` }, rejected: { text: `q${n} bad` } }))
  const labels = numbers.map((n) => ({ response: { text: `q${n} it` }, good: n % 2 === 0 }))
  const chatLabels = numbers.map((n) => ({
    response: { messages: [...asked(n), ...said('it')] },
    good: n % 2 === 0,
  }))
  const cases: [name: string, content: string, expected: unknown[], columns?: PreferenceColumns][] = [
    [
      'prompt.jsonl',
      lines(numbers.map((n) => ({ prompt: asked(n), chosen: said('good'), rejected: said('bad') }))),
      chats,
    ],
    [
      'messages.jsonl',
      lines(numbers.map((n) => ({ messages: asked(n), chosen: 'good', rejected: 'bad' }))),
      chats,
    ],
    [
      'messages.csv',
      `messages,chosen,rejected\n${numbers.map((n) => `${quote(JSON.stringify(asked(n)))},good,bad`).join('\n')}\n`,
      chats,
    ],
    [
      'implicit.jsonl',
      lines(
        numbers.map((n) => ({
          chosen: [...asked(n), ...said('good')],
          rejected: [...asked(n), ...said('bad')],
        })),
      ),
      chats,
    ],
    [
      'text.jsonl',
      lines(numbers.map((n) => ({ prompt: `q${n}`, chosen: ' good', rejected: ' bad' }))),
      texts,
    ],
    ['whole.csv', `chosen,rejected\n${numbers.map((n) => `q${n} good,q${n} bad`).join('\n')}\n`, texts],
    [
      'named.jsonl',
      lines(numbers.map((n) => ({ q: `q${n}`, better: ' good', worse: ' bad', messages: 'not these' }))),
      texts,
      { prompt: 'q', chosen: 'better', rejected: 'worse' },
    ],
    [
      'labels.jsonl',
      lines(numbers.map((n) => ({ prompt: `q${n}`, response: ' it', label: n % 2 ? 'unsafe' : 'safe' }))),
      labels,
    ],
    ['labels.csv', `text,label\n${numbers.map((n) => `q${n} it,${1 - (n % 2)}`).join('\n')}\n`, labels],
    [
      'chat-labels.jsonl',
      lines(numbers.map((n) => ({ messages: [...asked(n), ...said('it')], label: n % 2 === 0 }))),
      chatLabels,
    ],
    [
      'chat-responses.jsonl',
      lines(numbers.map((n) => ({ messages: asked(n), response: 'it', label: n % 2 === 0 }))),
      chatLabels,
    ],
  ]
  test('a text says where its prompt ends', async () => {
    const rows = numbers.map((n) => ({ prompt: `q${n}`, chosen: ' good', rejected: ' bad' }))
    const { training } = await read(write('prompts.jsonl', lines(rows)))
    for (const { example } of training)
      if ('chosen' in example && 'text' in example.chosen)
        expect(example.chosen.text.slice(example.chosen.promptLength)).toBe(' good')
      else throw new Error('not a pair of texts')
  })

  test.each(cases)('%s', async (name, content, expected, columns) => {
    const { training, heldOut, repeated } = await read(write(name, content), columns)
    const all = [...training, ...heldOut].map(({ example }) =>
      JSON.stringify(example, (key, value) => (key === 'promptLength' ? undefined : value)),
    )
    expect(all.sort()).toEqual(expected.map((row) => JSON.stringify(row)).sort())
    expect(heldOut.length).toBeGreaterThan(0)
    expect(repeated).toBe(0)
    expect(training[0]!.where).toMatch(/^[\w.-]+:\d+$/)
  })
})

describe('a row as people write it', () => {
  const answer = (content: string) => ({ role: 'assistant', content })
  const chosen = { messages: [...asked(1), answer('good')] }
  const rejected = { messages: [...asked(1), answer('bad')] }
  const pair = { chosen, rejected }
  const tool = { type: 'function', function: { name: 'add' } }
  const from = (human: boolean, value: string) => ({ from: human ? 'human' : 'gpt', value })
  const cases: [name: string, row: object, expected: object][] = [
    [
      'ShareGPT',
      {
        conversations: [from(true, 'question 1')],
        chosen: from(false, 'good'),
        rejected: from(false, 'bad'),
      },
      pair,
    ],
    [
      'messages as JSON text',
      {
        prompt: JSON.stringify(asked(1)),
        chosen: JSON.stringify(said('good')),
        rejected: JSON.stringify(said('bad')),
      },
      pair,
    ],
    [
      'thinking and parts',
      {
        prompt: asked(1),
        chosen: [{ role: 'assistant', content: [{ type: 'text', text: 'good' }], reasoning: 't' }],
        rejected: said('bad'),
      },
      { chosen: { messages: [...asked(1), { ...answer('good'), reasoning_content: 't' }] }, rejected },
    ],
    [
      'columns with the system message and the tools',
      { system: 's', tools: [tool], prompt: asked(1), chosen: 'good', rejected: 'bad' },
      {
        chosen: { messages: [{ role: 'system', content: 's' }, ...chosen.messages], tools: [tool] },
        rejected: { messages: [{ role: 'system', content: 's' }, ...rejected.messages], tools: [tool] },
      },
    ],
    [
      'a completion with a label',
      { prompt: asked(1), completion: said('good'), label: true },
      { response: chosen, good: true },
    ],
  ]
  test.each(cases)('%s', async (name, row, expected) => {
    const place = write(`${name.replace(/\W/g, '')}.jsonl`, lines([row]))
    const { training } = await readPreferences(place, { heldOutShare: 0, warn: () => {}, progress: () => {} })
    expect(training[0]!.example).toEqual(expected)
  })

  test('a row that is no preference is left out and reported', async () => {
    const rows = numbers.map((n) => ({ prompt: asked(n), chosen: 'good', rejected: 'bad' }))
    const bad = [
      { prompt: asked(1), chosen: 'same', rejected: 'same' },
      { prompt: asked(1), chosen: [{ role: 'assistant', content: '' }], rejected: 'bad' },
    ]
    const warnings: string[] = []
    const { training, heldOut, unusable } = await readPreferences(
      write('some-bad.jsonl', lines([...rows, ...bad])),
      {
        heldOutShare: 0.1,
        warn: (message) => warnings.push(message),
        progress: () => {},
      },
    )
    expect([training.length + heldOut.length, unusable]).toEqual([50, 2])
    expect(warnings).toEqual([
      expect.stringMatching(
        /2 of 52 rows are left out.*\n.*:51: "chosen" and "rejected" are the same.*\n.*:52: the last message of "chosen" is empty/,
      ),
    ])
  })
})

describe('answers to the same prompt are on the same side', () => {
  const worse = [0, 1, 2]
  test.each<[string, (n: number, i: number) => object]>([
    ['a text', (n, i) => ({ prompt: `${n}`, chosen: ' good', rejected: ` bad ${i}` })],
    ['messages', (n, i) => ({ prompt: asked(n), chosen: said('good'), rejected: said(`bad ${i}`) })],
    [
      'messages that both begin with',
      (n, i) => ({ chosen: [...asked(n), ...said('good')], rejected: [...asked(n), ...said(`bad ${i}`)] }),
    ],
  ])('%s', async (_, row) => {
    const rows = numbers.flatMap((n) => worse.map((i) => row(n, i)))
    const { training, heldOut } = await read(write('sides.jsonl', lines(rows)))
    const better = ({ example }: (typeof training)[number]) =>
      JSON.stringify('chosen' in example && example.chosen)
    const held = new Set(heldOut.map(better))
    expect(heldOut).toHaveLength(worse.length * held.size)
    expect(training.some((row) => held.has(better(row)))).toBe(false)
  })
})

describe('a row that cannot be used is an error with its position', () => {
  const ok = '{"prompt":"a","chosen":"b","rejected":"c"}\n'
  const chat = '{"prompt":[{"role":"user","content":"a"}],"chosen":"b","rejected":"c"}\n'
  const cases: [name: string, content: string, message: RegExp][] = [
    [
      '1.jsonl',
      `${ok}{"prompt":"a","chosen":"b","rejected":"b"}\n`,
      /1\.jsonl:2: "chosen" and "rejected" are the same/,
    ],
    ['2.jsonl', `${ok}{"prompt":"a","chosen":"b"}\n`, /2\.jsonl:2: "rejected" is missing where a list/],
    ['3.jsonl', `${ok}{"prompt":"a","chosen":"b","rejected":" "}\n`, /3\.jsonl:2: "rejected" is empty/],
    [
      '4.jsonl',
      `${ok}{"prompt":"a","chosen":[{"role":"assistant","content":"b"}],"rejected":"c"}\n`,
      /4\.jsonl:2: "chosen" is a list of messages, but its prompt is text; both must be text/,
    ],
    [
      '5.jsonl',
      `${chat}{"prompt":[{"role":"user","content":"a"}],"chosen":[{"role":"user","content":"b"}],"rejected":"c"}\n`,
      /5\.jsonl:2: the last message of "chosen" is not the assistant's/,
    ],
    [
      '6.jsonl',
      `${chat}{"prompt":[{"content":"a"}],"chosen":"b","rejected":"c"}\n`,
      /6\.jsonl:2: message 1 has no "role"/,
    ],
    ['7.csv', 'text,label\na,1\nb,maybe\n', /7\.csv:3: "label" is "maybe"; a label is one of .*safe, unsafe/],
    ['8.csv', 'text,label\na,1\nb,\n', /8\.csv:3: "label" is/],
    ['9.jsonl', '{"text":"a","label":1}\n{"text":"b","label":2}\n', /9\.jsonl:2: "label" is "2"/],
    [
      'a.jsonl',
      '{"prompt":"a","chosen":"b","rejcted":"c"}\n',
      /has no column "rejected".*If "rejcted" is meant: --columns rejected=rejcted, or --columns prompt=NAME,/,
    ],
    [
      'b.jsonl',
      '{"label":1}\n',
      /has no column "response".*--columns response=NAME, or --columns text=NAME$/,
    ],
    ['c.jsonl', ok, /0 rows to train on and 1 to hold out/],
  ]
  test.each(cases)('%s', async (name, content, message) => {
    await expect(read(write(`bad-${name}`, content))).rejects.toThrow(message)
  })

  test('a column that does not exist', async () => {
    await expect(read(write('named-wrong.jsonl', ok), { chosen: 'best' })).rejects.toThrow(
      /no column "best".*Say which one holds the chosen answer: --columns chosen=NAME$/,
    )
  })
})
