import { type CsvError, type Parser, parse } from 'csv-parse'
import { UserError } from '../../../common/errors.ts'
import { plural } from '../../../common/words.ts'
import type { Reader, Row } from '../../rows.ts'
import { type Block, textBlocks } from './text.ts'

interface Record {
  readonly line: number
  readonly fields: readonly string[]
}

/**
 * Reads separated values whose first line names the columns (RFC 4180: quotes, line ends inside quotes). The separator and
 * the kind of line ends are those of that line.
 */
export const csvRows: Reader = async function* (path, { need, onTorn, onProgress }) {
  const parser = new BlockParser()
  let names: readonly string[] | null = null
  // A record is yielded when the next one is read: the last record may be cut off.
  let held: Record | null = null
  for await (const record of parser.records(withNewlines(textBlocks(path, onProgress)))) {
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
    throw new UserError(`${path}, line ${next}: ${describeError(error)}`)
  } else if (names && held && last?.open && (last.cut || held.fields.length < names.length)) {
    const short = `${held.fields.length} of ${names.length} fields`
    onTorn(held.line, last.cut ? 'a character is cut off' : short)
  } else if (names && held) yield rowOf(path, names, held)
}

/** Parses block by block, and yields all records before an error. */
class BlockParser {
  /** The line at which the next record begins. */
  next = 1
  error: CsvError | null = null
  /** The last block read. */
  last: Block | null = null
  readonly #records: Record[] = []

  async *records(blocks: AsyncIterable<Block>): AsyncGenerator<Record> {
    let parser: Parser | null = null
    for await (const block of blocks) {
      this.last = block
      parser ??= this.#open(delimiterOf(block.text))
      await new Promise<void>((resolve) => parser!.write(block.text, () => resolve()))
      yield* this.#records.splice(0)
      if (this.error) return
    }
    await new Promise<void>((resolve) => (parser ? parser.once('close', resolve).end() : resolve()))
    yield* this.#records.splice(0)
  }

  #open(delimiter: string): Parser {
    let twice = 0
    const parser = parse({
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (fields: string[], { lines }) => {
        // The parser counts each CRLF inside quotes as two lines.
        for (const field of fields) twice += countOf('\r\n', field)
        const last = lines - twice
        this.#records.push({
          line: last - fields.reduce((sum, field) => sum + countOf('\n', field), 0),
          fields,
        })
        this.next = last + 1
        return null
      },
    })
    parser.on('error', (error: CsvError) => {
      this.error ??= error
    })
    return parser.resume()
  }
}

/** The first line that is not empty, with its line end but without the text inside quotes. */
function headerOf(text: string): string {
  return /^[^\r\n]+(?:\r\n?|\n)?/m.exec(text.replace(/"[^"]*"/g, '""'))?.[0] ?? ''
}

/** The most frequent delimiter in the first line, outside quotes; of equally frequent ones, the first. */
function delimiterOf(text: string): string {
  const header = headerOf(text)
  const count = (delimiter: string): number => header.split(delimiter).length - 1
  const found = [...new Set(header.match(/[,;\t]/g))]
  return found.reduce((best, other) => (count(other) > count(best) ? other : best), found[0] ?? ',')
}

/** Replaces line ends that are a lone carriage return by newlines. */
async function* withNewlines(blocks: AsyncIterable<Block>): AsyncGenerator<Block> {
  let alone: boolean | null = null
  let line = 1
  for await (const block of blocks) {
    alone ??= headerOf(block.text).endsWith('\r')
    if (!alone) yield block
    else {
      const text = block.text.replaceAll('\r', '\n')
      yield { ...block, text, line, open: block.open && !text.endsWith('\n') }
      line = lastLine({ line, text })
    }
  }
}

function rowOf(path: string, names: readonly string[], { line, fields }: Record): Row {
  if (fields.length !== names.length)
    throw new UserError(
      `${path}, line ${line}: ${plural(fields.length, 'field')} where the first line names ${plural(names.length, 'column')}`,
    )
  return { line, cells: Object.fromEntries(names.map((name, i) => [name, fields[i]])) }
}

function columnNames(path: string, fields: readonly string[]): readonly string[] {
  const twice = fields.find((name, i) => fields.indexOf(name) !== i)
  if (twice !== undefined) throw new UserError(`${path}, line 1: two columns are named "${twice}"`)
  return fields
}

function describeError({ code, message }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is opened and never closed'
  if (code === 'INVALID_OPENING_QUOTE' || code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'there is a quote inside a field; put the whole field in quotes, and write "" for each quote inside'
  return `not CSV (${message})`
}

function lastLine({ line, text }: Pick<Block, 'line' | 'text'>): number {
  return line + countOf('\n', text)
}

function countOf(part: string, text: string): number {
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) count++
  return count
}
