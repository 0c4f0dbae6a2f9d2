import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, describe, expect, test } from 'vitest'
import { type DemonstrationColumns, readDemonstrations } from './demonstrations.ts'

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
