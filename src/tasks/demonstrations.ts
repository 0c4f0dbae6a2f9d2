import { UserError } from '../common/errors.ts'
import type { ChatMessage } from '../models/tokenizer.ts'
import {
  type Cells,
  type Example,
  type Form,
  missingColumns,
  readExamples,
  readMessages,
  readText,
} from './examples.ts'

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
  { columns = {}, ...options }: DemonstrationOptions,
): Promise<Demonstrations> {
  const { training, heldOut, repeated } = await readExamples<Demonstration>(place, {
    ...options,
    formOf: (file, names) => formOf(file, names, columns),
    keyOf: (demonstration) => JSON.stringify(demonstration),
  })
  const named = ({ where, example }: Example<Demonstration>) => ({ where, demonstration: example })
  return { training: training.map(named), heldOut: heldOut.map(named), repeated }
}

/** What a table's columns hold: conversations, or prompts and completions. */
function formOf(file: string, names: readonly string[], columns: DemonstrationColumns): Form<Demonstration> {
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
        prompt: readText(cells, prompt, where),
        completion: readText(cells, completion, where),
      }),
    }
  throw missingColumns(
    file,
    names,
    completions ? [prompt, completion] : [messages],
    '--columns messages=NAME, or --columns prompt=NAME,completion=NAME',
  )
}

function conversation(cells: Cells, name: string, where: string): ChatMessage[] {
  const messages = readMessages(cells, name, where)
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new UserError(`${where}: no message is the assistant's, so that there is nothing to learn`)
  return messages
}
