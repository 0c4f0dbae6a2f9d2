import { UserError } from '../common/errors.ts'
import { hashText } from '../common/random.ts'
import type { ChatMessage } from '../renderer/messages.ts'
import { type Side, tableFiles } from './table/files.ts'
import { readerOf } from './table/readers.ts'

/** A row of a table as a training example. */
export interface Example<T> {
  /** "train.jsonl:12". */
  readonly where: string
  readonly example: T
}

export type Cells = Readonly<Record<string, unknown>>

/** How the rows of a file become examples. */
export interface Form<T> {
  /** The columns that `read` needs. */
  readonly columns: readonly string[]
  readonly read: (cells: Cells, where: string) => T
}

interface ExampleOptions<T> {
  /** The form for a file with these columns; throws if they do not hold examples. */
  readonly formOf: (file: string, columns: readonly string[]) => Form<T>
  /** Examples with the same key are on the same side. */
  readonly keyOf: (example: T) => string
  /** Share of the examples that is held out, by a hash of the key, if no file is named as a test or validation set. */
  readonly heldOutShare: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Examples<T> {
  readonly training: readonly Example<T>[]
  readonly heldOut: readonly Example<T>[]
  /** Number of training rows left out because their key is held out, too. */
  readonly repeated: number
}

/**
 * Reads examples from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub.
 *
 * @throws UserError for files that cannot be used, and for a row that is not an example, with its file and line.
 */
export async function readExamples<T>(
  place: string,
  { formOf, keyOf, heldOutShare, warn, progress }: ExampleOptions<T>,
): Promise<Examples<T>> {
  const files = await tableFiles(place, { warn, progress })
  const rows: (Example<T> & { side: Side | null; key: string })[] = []
  for (const file of files) {
    let form: Form<T> | null = null
    const reading = readerOf(file.path)!(file.path, {
      need: (names) => {
        form = formOf(file.name, names)
        return form.columns
      },
      onTorn: (line, reason) =>
        warn(`${file.name}:${line}: the file is cut off, its last line is left out (${reason})`),
      onProgress: (share) => progress(`reading ${file.name}: ${Math.floor(100 * share)} %`),
    })
    for await (const { line, cells } of reading) {
      const where = `${file.name}:${line}`
      const example = form!.read(cells, where)
      rows.push({ where, example, side: file.side, key: keyOf(example) })
    }
  }
  if (rows.length === 0) throw new UserError(`there is no row in ${place}`)
  const chosen = holdOut(rows, heldOutShare)
  const heldOut = rows.filter((row) => chosen.has(row))
  const keys = new Set(heldOut.map(({ key }) => key))
  const others = rows.filter((row) => !chosen.has(row))
  const training = others.filter(({ key }) => !keys.has(key))
  if (training.length === 0 || (heldOut.length === 0 && heldOutShare > 0))
    throw new UserError(
      `${place} has ${training.length} rows to train on and ${heldOut.length} to hold out; both are needed`,
    )
  const plain = ({ where, example }: Example<T>): Example<T> => ({ where, example })
  return {
    training: training.map(plain),
    heldOut: heldOut.map(plain),
    repeated: others.length - training.length,
  }
}

/** The rows of held-out files or, if there are none, those whose hash in [0, 1) is below `share`, but at least the lowest. */
function holdOut<R extends { side: Side | null; key: string }>(rows: readonly R[], share: number): Set<R> {
  const named = rows.filter(({ side }) => side === 'heldOut')
  if (named.length > 0) return new Set(named)
  if (share === 0) return new Set()
  const hashed = rows.map((row) => ({ row, hash: hashText(row.key) / 2 ** 32 }))
  const least = hashed.reduce((low, { hash }) => Math.min(low, hash), 1)
  return new Set(hashed.filter(({ hash }) => hash < share || hash === least).map(({ row }) => row))
}

/** The text in a cell. @throws UserError if there is none. */
export function readText(cells: Cells, name: string, where: string): string {
  const value = cells[name]
  if (typeof value !== 'string') throw new UserError(`${where}: "${name}" ${notText(value)}`)
  if (value.trim() === '') throw new UserError(`${where}: "${name}" is empty`)
  return value
}

/** The list of messages in a cell; text (as in CSV) is parsed as JSON. @throws UserError if there is none. */
export function readMessages(cells: Cells, name: string, where: string): ChatMessage[] {
  const value = typeof cells[name] === 'string' ? fromJson(cells[name], name, where) : cells[name]
  if (!Array.isArray(value) || value.length === 0)
    throw new UserError(
      `${where}: "${name}" is ${describeValue(value)} where a list of messages is needed ([{"role": …, "content": …}, …])`,
    )
  return value.map((message, i) => readMessage(message, `${where}: message ${i + 1}`))
}

function fromJson(cell: string, name: string, where: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (error) {
    throw new UserError(`${where}: "${name}" is not JSON (${(error as Error).message})`)
  }
}

function readMessage(message: unknown, where: string): ChatMessage {
  const { role, content, reasoning_content } = (message ?? {}) as Record<string, unknown>
  if (typeof role !== 'string' || role === '')
    throw new UserError(`${where} has no "role" (system, user or assistant)`)
  if (typeof content !== 'string') throw new UserError(`${where}: its "content" ${notText(content)}`)
  if (reasoning_content == null) return { role, content }
  if (typeof reasoning_content !== 'string')
    throw new UserError(`${where}: its "reasoning_content" ${notText(reasoning_content)}`)
  return { role, content, reasoning_content }
}

/** What is wrong with a value that is not text: "must be text, not a list", "is missing". */
function notText(value: unknown): string {
  const is = describeValue(value)
  return is === 'missing' || is === 'empty' ? `is ${is}` : `must be text, not ${is}`
}

/** A value in words, for error messages: "a list". */
export const describeValue = (value: unknown): string =>
  value == null
    ? 'missing'
    : String(value) === ''
      ? 'empty'
      : Array.isArray(value)
        ? 'a list'
        : `a ${typeof value}`
