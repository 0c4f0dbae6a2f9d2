import { UserError } from '../common/errors.ts'
import type { ChatMessage } from '../renderer/messages.ts'
import { type Cells, type Example, type Form, readExamples, readMessages, readText } from './examples.ts'
import { missingColumns, type Wanted } from './table/missing.ts'

/** An answer to imitate: a conversation, or a prompt and its completion. */
export type Demonstration =
  | { readonly messages: readonly ChatMessage[] }
  | { readonly prompt: string; readonly completion: string }

/** A row of a table as a demonstration. */
export interface DemonstrationRow {
  /** "train.jsonl:12". */
  readonly where: string
  readonly demonstration: Demonstration
}

/** Names of the columns, if they differ from the keys here. */
export interface DemonstrationColumns {
  readonly messages?: string | undefined
  readonly prompt?: string | undefined
  readonly completion?: string | undefined
}

interface DemonstrationOptions {
  readonly columns?: DemonstrationColumns | undefined
  /** Share of the rows that is held out, by a hash of the row, if no file is named as a test or validation set. */
  readonly heldOutShare: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Demonstrations {
  readonly training: readonly DemonstrationRow[]
  readonly heldOut: readonly DemonstrationRow[]
  /** Number of training rows left out because they are held out, too. */
  readonly repeated: number
}

/**
 * Reads demonstrations from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub.
 *
 * @throws UserError for files that cannot be used, and for a row that is not a demonstration, with its file and line.
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

/** How the rows of a file with these columns are read: as conversations, or as prompts with completions. */
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
  const wanted: Wanted[] = completions
    ? [
        ['prompt', prompt],
        ['completion', completion],
      ]
    : [['messages', messages]]
  throw missingColumns(
    file,
    names,
    wanted,
    wanted.filter(([, name]) => !names.includes(name)),
    completions ? 'messages=NAME' : 'prompt=NAME,completion=NAME',
  )
}

function conversation(cells: Cells, name: string, where: string): ChatMessage[] {
  const messages = readMessages(cells, name, where)
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new UserError(`${where}: no message is the assistant's, so there is nothing to imitate`)
  return messages
}
