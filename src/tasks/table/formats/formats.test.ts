import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, describe, expect, test } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import type { Row } from '../../rows.ts'
import { readerOf } from './readers.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-formats-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Every row of a file with this content, and what was torn. */
async function read(name: string, content: string | Uint8Array, needed?: readonly string[]) {
  const path = join(folder, name)
  writeFileSync(path, content)
  const rows: Row[] = []
  const torn: string[] = []
  let columns: readonly string[] = []
  const reading = {
    need(names: readonly string[]) {
      columns = names
      return needed ?? names
    },
    onTorn: (line: number, reason: string) => torn.push(`${line}: ${reason}`),
    onProgress: () => {},
  }
  for await (const row of readerOf(path)!(path, reading)) rows.push(row)
  return { rows, torn, columns }
}

const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}
const parquet = (columns: Record<string, unknown[]>): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: Object.entries(columns).map(([name, data]) => ({ name, data })),
      rowGroupSize: 2,
    }),
  )

describe('the same rows in every format', () => {
  const cells = [
    { question: 'How, "exactly"?', answer: '1' },
    { question: 'Zwei\nZeilen: größer 𝒳?', answer: '2' },
    { question: '第三个', answer: '3' },
  ]
  const jsonl = cells.map((row) => JSON.stringify(row))
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const csv = (delimiter: string) =>
    [`question${delimiter}answer`, ...cells.map((r) => `${quoted(r.question)}${delimiter}${r.answer}`)].join(
      '\n',
    )
  const forms: [name: string, content: string | Uint8Array][] = [
    ['a.jsonl', jsonl.join('\n')],
    ['b.ndjson', `\n\n${jsonl.join('\n\n')}\n`],
    ['crlf.jsonl', `${jsonl.join('\r\n')}\r\n`],
    ['bom.jsonl', `\ufeff${jsonl.join('\n')}`],
    ['le.jsonl', utf16(jsonl.join('\n'), 'le')],
    ['be.jsonl', utf16(`${jsonl.join('\r\n')}\r\n`, 'be')],
    ['a.csv', csv(',')],
    ['bom.csv', `\ufeff${csv(',')}\n\n`],
    ['le.csv', utf16(csv(','), 'le')],
    ['a.tsv', csv('\t')],
    ['semicolon.csv', csv(';')],
    ['tab.csv', csv('\t')],
    ['comma.tsv', csv(',')],
    ['cr.csv', csv(',').replaceAll('\n', '\r')],
    ['cr-le.tsv', utf16(`${csv(';')}\n`.replaceAll('\n', '\r'), 'le')],
    ['a.parquet', parquet({ question: cells.map((r) => r.question), answer: cells.map((r) => r.answer) })],
  ]
  test.each(forms)('%s', async (name, content) => {
    const { rows, torn, columns } = await read(name, content)
    expect(columns).toEqual(['question', 'answer'])
    expect(rows.map((row) => ({ ...row.cells }))).toEqual(cells)
    expect(torn).toEqual([])
  })
  test('CSV with CRLF keeps the line ends inside quotes', async () => {
    const { rows } = await read('crlf.csv', csv(',').replaceAll('\n', '\r\n'))
    expect(rows.map((row) => row.cells.question)).toEqual(
      cells.map((r) => r.question.replaceAll('\n', '\r\n')),
    )
  })
})

test('lines are counted through empty ones and through quotes', async () => {
  expect((await read('a.jsonl', '\n{"a":1}\n\n{"a":2}')).rows.map(({ line }) => line)).toEqual([2, 4])
  expect((await read('a.csv', 'a\n"1\n2"\n3\n4')).rows.map(({ line }) => line)).toEqual([2, 4, 5])
  expect((await read('cr.csv', 'a\r"1\n2"\r\r3\r4')).rows.map(({ line }) => line)).toEqual([2, 5, 6])
  expect((await read('b.csv', '\na\n\n"1\r\n2"\n\n3\n4')).rows.map(({ line }) => line)).toEqual([4, 7, 8])
  expect((await read('a.parquet', parquet({ a: [1, 2, 3] }))).rows.map(({ line }) => line)).toEqual([1, 2, 3])
})

describe('the first line determines the separator', () => {
  const headers: [text: string, columns: string[]][] = [
    ['question\n', ['question']],
    ['a;b\n"1,5";2\n', ['a', 'b']],
    ['a;b;c, d\n', ['a', 'b', 'c, d']],
    ['a;notes, if any\n', ['a', 'notes, if any']],
    ['"a,b,c";d\n', ['a,b,c', 'd']],
    ['"a,\n\r,,";"say ""x,y"""\n', ['a,\n\r,,', 'say "x,y"']],
    ['\n\r\na\tb, c\n1;;;\t2\n', ['a', 'b, c']],
  ]
  test.each(headers)('%j', async (text, columns) => {
    expect((await read('h.csv', text)).columns).toEqual(columns)
  })
})

test('a Parquet file gives only the columns that are needed, of every type', async () => {
  const content = parquet({
    a: [1n, 2n, 3n],
    b: [0.5, 1.5, 2],
    c: ['x', 'y', 'z'],
    d: [['p', 'q'], ['r'], []],
  })
  const { rows, columns } = await read('a.parquet', content, ['a', 'd'])
  expect(columns).toEqual(['a', 'b', 'c', 'd'])
  expect(rows.map((row) => ({ ...row.cells }))).toEqual([
    { a: 1n, d: ['p', 'q'] },
    { a: 2n, d: ['r'] },
    { a: 3n, d: [] },
  ])
})

test('lines and characters may cross the boundaries of the chunks that are read', async () => {
  const cells = Array.from({ length: 9 }, (_, i) => ({
    a: `${i}`.repeat(10 ** (i % 4)) + 'ö€𝒳'.repeat(65_537),
  }))
  const text = cells.map((row) => JSON.stringify(row)).join('\n')
  for (const content of [text, utf16(text, 'be')])
    expect((await read('long.jsonl', content)).rows.map((row) => row.cells)).toEqual(cells)
  const csv = `a\n${cells.map((row) => `"${row.a}\n"`).join('\n')}`
  expect((await read('long.csv', csv)).rows.map((row) => row.cells.a)).toEqual(cells.map((r) => `${r.a}\n`))
})

const cut = (text: string) => Buffer.from(text).subarray(0, -1)
describe('an incomplete last line is left out and reported', () => {
  const torn: [name: string, content: string | Uint8Array, line: string, rows: number][] = [
    ['a.jsonl', '{"a":"1"}\n{"a":"2', '2: not JSON', 1],
    ['b.jsonl', cut('{"a":"1"}\n{"a":"ö'), '2: not JSON', 1],
    ['c.jsonl', cut('{"a":"1"}\n{"a":"𝒳'), '2: not JSON', 1],
    ['d.jsonl', utf16('{"a":"1"}\n{"a":"2"}', 'le').subarray(0, -1), '2: not JSON', 1],
    ['a.csv', 'a,b\n1,2\n3', '3: 1 of 2 fields', 1],
    ['b.csv', 'a,b\n1,2\n"3,', '3: a quote is not closed', 1],
    ['c.csv', cut('a,b\n1,2\n3,ö'), '3: a character is cut off', 1],
    ['d.csv', 'a,b\n1,2\n"3', '3: a quote is not closed', 1],
    ['cr.csv', 'a;b\r1;2\r3', '3: 1 of 2 fields', 1],
    ['cr-quote.csv', 'a,b\r1,2\r"3', '3: a quote is not closed', 1],
  ]
  test.each(torn)('%s', async (name, content, line, rows) => {
    const result = await read(name, content)
    expect(result.rows).toHaveLength(rows)
    expect(result.torn).toEqual([expect.stringContaining(line)])
  })
})

describe('anything else that is wrong is an error with its position', () => {
  const bytes = (...parts: (string | number)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))))
  const wrong: [name: string, content: string | Uint8Array, message: RegExp][] = [
    ['a.jsonl', '{"a":1}\n{"a":\n{"a":3}', /a\.jsonl, line 2: not JSON \(/],
    ['b.jsonl', '{"a":1}\n{"a":\n', /line 2: not JSON/],
    ['c.jsonl', '{"a":1}\n[1]', /line 2: not a JSON object/],
    [
      'array.jsonl',
      '\n [{"a":1},\n{"a":2}]',
      /is a JSON array, .*: jq -c '\.\[\]' \S+\/array\.jsonl > \S+\/array\.lines\.jsonl$/,
    ],
    ['two words.jsonl', '[\n', /jq -c '\.\[\]' '\S+\/two words\.jsonl' > '\S+\/two words\.lines\.jsonl'$/],
    ['d.jsonl', 'null', /line 1: not a JSON object/],
    [
      'e.jsonl',
      bytes('{"a":1}\n{"a":"', 0xe9, '"}\n'),
      /line 2: byte 7 of the line \(0xe9, byte 15 of the file\).*Latin-1: iconv -f LATIN1 -t UTF-8 \S+\/e\.jsonl > \S+\/e\.utf8\.jsonl$/,
    ],
    ['f.jsonl', bytes('{"a":"ö', 0xff, '"}'), /line 1: byte 9 of the line \(0xff, byte 9 of the file\)/],
    [
      'mixed.jsonl',
      bytes('{"a":"ö"}\n{"a":"', 0xe9, '"}\n'),
      /line 2: .* the lines before it are: correct this one, .*iconv -c -f UTF-8/,
    ],
    ['g.jsonl', bytes('{"a":"', 0xc3, 0x28, '"}'), /line 1: byte 7 of the line \(0xc3/],
    ['h.jsonl', bytes('{"a":"', 0xed, 0xa0, 0x80, '"}\n'), /line 1: byte 7 of the line \(0xed/],
    ['i.jsonl', Buffer.from('{"a":1}', 'utf16le'), /zero bytes: .* UTF-16 without a byte order mark/],
    ['j.jsonl', Buffer.concat([utf16('{"a":"', 'le'), Buffer.of(0, 0xdc, 0x22, 0)]), /not valid UTF-16/],
    ['a.csv', 'a,b\n1,2\n3\n4,5', /a\.csv, line 3: 1 field where the first line names 2 columns/],
    ['b.csv', 'a,b\n1,2,3\n4,5', /line 2: 3 fields where/],
    ['c.csv', 'a,b\n"1,2\n4,5\n6,7\n', /line 2: a quote is opened and never closed/],
    ['cr.csv', 'a,b\r"1,2\r4,5\r6,7\r', /line 2: a quote is opened and never closed/],
    ['cr-block.csv', 'a,b\r"1\n2",3\r"4,5\r6,7\r8,9', /line 4: a quote is opened and never closed/],
    ['cr-short.csv', 'a,b\r1\r4,5', /line 2: 1 field where/],
    ['d.csv', 'a,b\n1,2\n3,"4"5\n6,7', /line 3: there is a quote inside a field/],
    ['e.csv', 'a,b\n1,2\n3,4"5\n6,7', /line 3: there is a quote inside a field/],
    ['f.csv', 'a,b,a\n1,2,3', /line 1: two columns are named "a"/],
    ['g.csv', bytes('a,b\n1,2\n3,', 0x80, '\n'), /line 3: byte 3 of the line \(0x80, byte 11 of the file\)/],
    ['a.parquet', 'not parquet at all', /cannot read .*a\.parquet/],
    ['b.parquet', parquet({ a: ['x', 'y'] }).subarray(0, -10), /cannot read .*b\.parquet/],
  ]
  test.each(wrong)('%s', async (name, content, message) => {
    const failed = read(name, content)
    await expect(failed).rejects.toThrow(UserError)
    await expect(failed).rejects.toThrow(message)
  })
  test('a file that does not exist', async () => {
    const rows = readerOf('none.jsonl')!(join(folder, 'none.jsonl'), {
      need: (names) => names,
      onTorn: () => {},
      onProgress: () => {},
    })
    await expect(rows.next()).rejects.toThrow(/cannot read .*none\.jsonl: there is no such file or folder/)
  })
})

test.each(['jsonl', 'csv', 'tsv'])('an empty .%s has no rows', async (form) => {
  expect(await read(`empty.${form}`, '')).toEqual({ rows: [], torn: [], columns: [] })
})
