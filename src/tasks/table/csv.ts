import { type CsvError, parse } from 'csv-parse'
import { UserError } from '../../errors.ts'
import type { Reader, Row } from './rows.ts'
import { type Block, textBlocks } from './text.ts'

interface Record {
  readonly line: number
  readonly fields: readonly string[]
}

/** Separated values whose first line names the columns (RFC 4180: quotes, line ends inside quotes). */
export function csvRows(delimiter: string): Reader {
  return async function* (path, { need, onTorn, onProgress }) {
    const parser = new BlockParser(delimiter)
    let names: readonly string[] | null = null
    // A record is held back until the next one shows that it is not the last, which may be cut off.
    let held: Record | null = null
    for await (const record of parser.records(textBlocks(path, onProgress))) {
      if (!names) {
        names = columnNames(path, record.fields)
        need(names)
      } else {
        if (held) yield rowOf(path, names, held)
        held = record
      }
    }
    const { error, next, last } = parser
    if (error?.code === 'CSV_QUOTE_NOT_CLOSED' && last?.open && next >= lastLine(last)) {
      if (names && held) yield rowOf(path, names, held)
      onTorn(next, 'a quote is not closed')
    } else if (error) {
      throw new UserError(`${path}, line ${next}: ${whatIsWrong(error)}`)
    } else if (names && held && last?.open && (last.cut || held.fields.length < names.length)) {
      const short = `${held.fields.length} of ${names.length} fields`
      onTorn(held.line, last.cut ? 'a character is cut off' : short)
    } else if (names && held) yield rowOf(path, names, held)
  }
}

/** Parses block by block; what comes before an error is not lost. */
class BlockParser {
  /** The line at which the next record begins. */
  next = 1
  error: CsvError | null = null
  /** The block read last. */
  last: Block | null = null
  readonly #records: Record[] = []
  readonly #parser
  constructor(delimiter: string) {
    this.#parser = parse({
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (fields: string[], { lines }) => {
        this.#records.push({ line: this.next, fields })
        this.next = lines + 1
        return null
      },
    })
    this.#parser.on('error', (error: CsvError) => {
      this.error ??= error
    })
    this.#parser.resume()
  }

  async *records(blocks: AsyncIterable<Block>): AsyncGenerator<Record> {
    for await (const block of blocks) {
      this.last = block
      await new Promise<void>((resolve) => this.#parser.write(block.text, () => resolve()))
      yield* this.#records.splice(0)
      if (this.error) return
    }
    await new Promise<void>((resolve) => this.#parser.once('close', resolve).end())
    yield* this.#records.splice(0)
  }
}

function rowOf(path: string, names: readonly string[], { line, fields }: Record): Row {
  if (fields.length !== names.length)
    throw new UserError(
      `${path}, line ${line}: ${fields.length} field${fields.length === 1 ? '' : 's'} where the first line names ${names.length} columns`,
    )
  return { line, cells: Object.fromEntries(names.map((name, i) => [name, fields[i]])) }
}

function columnNames(path: string, fields: readonly string[]): readonly string[] {
  const twice = fields.find((name, i) => fields.indexOf(name) !== i)
  if (twice !== undefined) throw new UserError(`${path}, line 1: two columns are named "${twice}"`)
  return fields
}

function whatIsWrong({ code, message }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is opened and never closed'
  if (code === 'INVALID_OPENING_QUOTE' || code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'a quote stands inside a field; put the whole field in quotes, and write "" for each inside'
  return `not CSV (${message})`
}

function lastLine({ line, text }: Block): number {
  return line + text.split('\n').length - 1
}
