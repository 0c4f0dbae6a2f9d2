import { UserError } from '../errors.ts'
import type { ChatMessage } from '../models/tokenizer.ts'
import { nearest } from '../nearest.ts'
import { hashText } from '../random.ts'
import { type Side, tableFiles } from './table/files.ts'
import { readerOf } from './table/rows.ts'

/** An answer to learn from: a conversation, or a text and how it goes on. */
export type Demonstration =
  | { readonly messages: readonly ChatMessage[] }
  | { readonly prompt: string; readonly completion: string }

/** A row of a table as a demonstration. */
export interface DemonstrationRow {
  /** "train.jsonl:12". */
  readonly where: string
  readonly demonstration: Demonstration
}

/** The columns that hold them, where they have other names. */
export interface DemonstrationColumns {
  readonly messages?: string | undefined
  readonly prompt?: string | undefined
  readonly completion?: string | undefined
}

export interface DemonstrationOptions {
  readonly columns?: DemonstrationColumns | undefined
  /** Of files whose names tell no training from test: this share is held out, by a hash of the row. */
  readonly heldOutShare: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Demonstrations {
  readonly training: readonly DemonstrationRow[]
  readonly heldOut: readonly DemonstrationRow[]
  /** Training rows left out because they are held out too. */
  readonly repeated: number
}

/**
 * Demonstrations from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub.
 *
 * @throws UserError for files that cannot be used, and for a row that is none, with its place.
 */
export async function readDemonstrations(
  place: string,
  { columns = {}, heldOutShare, warn, progress }: DemonstrationOptions,
): Promise<Demonstrations> {
  const files = await tableFiles(place, { warn, progress })
  const rows: (DemonstrationRow & { side: Side | null; key: string })[] = []
  for (const file of files) {
    let form: Form | null = null
    const reading = readerOf(file.path)!(file.path, {
      need: (names) => {
        form = formOf(file.name, names, columns)
        return form.columns
      },
      onTorn: (line, reason) =>
        warn(`${file.name}:${line}: the file is cut off, its last line is left out (${reason})`),
      onProgress: (share) => progress(`reading ${file.name}: ${Math.floor(100 * share)} %`),
    })
    for await (const { line, cells } of reading) {
      const where = `${file.name}:${line}`
      const demonstration = form!.read(cells, where)
      rows.push({ where, demonstration, side: file.side, key: JSON.stringify(demonstration) })
    }
  }
  if (rows.length === 0) throw new UserError(`there is no row in ${place}`)
  const chosen = holdOut(rows, heldOutShare)
  const heldOut = rows.filter((row) => chosen.has(row))
  const keys = new Set(heldOut.map(({ key }) => key))
  const others = rows.filter((row) => !chosen.has(row))
  const training = others.filter(({ key }) => !keys.has(key))
  if (heldOut.length === 0 || training.length === 0)
    throw new UserError(
      `${place} has ${training.length} rows to train on and ${heldOut.length} to hold out; both are needed`,
    )
  const plain = ({ where, demonstration }: DemonstrationRow): DemonstrationRow => ({ where, demonstration })
  return {
    training: training.map(plain),
    heldOut: heldOut.map(plain),
    repeated: others.length - training.length,
  }
}

/** The rows of held-out files; where there are none, a share by hash, the same rows in whatever order they come. */
function holdOut<R extends { side: Side | null; key: string }>(rows: readonly R[], share: number): Set<R> {
  const named = rows.filter(({ side }) => side === 'heldOut')
  if (named.length > 0) return new Set(named)
  const hashed = rows.map((row) => ({ row, hash: hashText(row.key) / 2 ** 32 }))
  const least = hashed.reduce((low, { hash }) => Math.min(low, hash), 1)
  return new Set(hashed.filter(({ hash }) => hash < share || hash === least).map(({ row }) => row))
}

type Cells = Readonly<Record<string, unknown>>

interface Form {
  readonly columns: readonly string[]
  readonly read: (cells: Cells, where: string) => Demonstration
}

/** What a table's columns hold: conversations, or prompts and completions. */
function formOf(file: string, names: readonly string[], columns: DemonstrationColumns): Form {
  const { messages = 'messages', prompt = 'prompt', completion = 'completion' } = columns
  const completions = columns.prompt !== undefined || columns.completion !== undefined
  if (names.includes(messages) && !completions)
    return {
      columns: [messages],
      read: (cells, where) => ({ messages: conversation(cells, messages, where) }),
    }
  if (names.includes(prompt) && names.includes(completion) && columns.messages === undefined)
    return {
      columns: [prompt, completion],
      read: (cells, where) => ({
        prompt: text(cells, prompt, where),
        completion: text(cells, completion, where),
      }),
    }
  const wanted = completions ? [prompt, completion] : [messages]
  const missing = wanted.filter((name) => !names.includes(name))
  const near = missing.map((name) => nearest(name, names)).find((name) => name !== null)
  throw new UserError(
    `${file} has no column ${missing.map((name) => `"${name}"`).join(' and ')}; its columns are ${names.map((n) => `"${n}"`).join(', ')}. ${near ? `Is "${near}" meant? ` : ''}Say which hold what: --columns messages=NAME, or --columns prompt=NAME,completion=NAME`,
    2,
  )
}

function text(cells: Cells, name: string, where: string): string {
  const value = cells[name]
  if (typeof value !== 'string')
    throw new UserError(`${where}: "${name}" is ${what(value)} where text is needed`)
  if (value.trim() === '') throw new UserError(`${where}: "${name}" is empty`)
  return value
}

function conversation(cells: Cells, name: string, where: string): ChatMessage[] {
  const value = typeof cells[name] === 'string' ? fromJson(cells[name], name, where) : cells[name]
  if (!Array.isArray(value) || value.length === 0)
    throw new UserError(
      `${where}: "${name}" is ${what(value)} where a list of messages is needed ([{"role": …, "content": …}, …])`,
    )
  const messages = value.map((message, i) => readMessage(message, `${where}: message ${i + 1}`))
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new UserError(`${where}: no message is the assistant's, so that there is nothing to learn`)
  return messages
}

/** In CSV, a conversation is JSON in a cell. */
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
  if (typeof content !== 'string')
    throw new UserError(`${where}: its "content" is ${what(content)} where text is needed`)
  if (reasoning_content == null) return { role, content }
  if (typeof reasoning_content !== 'string')
    throw new UserError(
      `${where}: its "reasoning_content" is ${what(reasoning_content)} where text is needed`,
    )
  return { role, content, reasoning_content }
}

const what = (value: unknown): string =>
  value == null
    ? 'missing'
    : String(value) === ''
      ? 'empty'
      : Array.isArray(value)
        ? 'a list'
        : `a ${typeof value}`
