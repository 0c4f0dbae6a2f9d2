import {
  BESIDE,
  isBlank,
  type LearnedMessage,
  messageList,
  readMessages,
  refuseLost,
  saysNothing,
  withSystem,
} from '../messages.ts'
import { Unusable } from '../rows.ts'
import { questionIn } from '../split.ts'
import { missingColumns, synonymAmong, type Wanted } from '../table/missing.ts'
import { readTools } from '../tool-calls.ts'
import { type Cells, type Example, type Form, type HoldingOut, readExamples, readText } from './examples.ts'

/** Answers to imitate: those of the assistant in a conversation, or the completion of a prompt. */
export type Demonstration =
  | {
      readonly messages: readonly LearnedMessage[]
      /** The functions that the assistant may call, for the chat template. */
      readonly tools?: readonly unknown[]
    }
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

interface DemonstrationOptions extends HoldingOut {
  readonly columns?: DemonstrationColumns | undefined
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Demonstrations {
  readonly training: readonly DemonstrationRow[]
  readonly heldOut: readonly DemonstrationRow[]
  /** Number of training rows left out because their question is held out, too. */
  readonly repeated: number
  /** Number of rows left out because they are not demonstrations. */
  readonly unusable: number
}

/** Columns that hold conversations, if no other is named; the second one is ShareGPT's. */
const CHATS = ['messages', 'conversations']
/** Columns besides `instruction` that hold more of the prompt, in Alpaca's format and similar ones. */
const WITH_INSTRUCTION = ['input', 'context', 'history']

/**
 * Reads demonstrations from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. Rows that are not
 * demonstrations are left out, with a warning.
 *
 * @throws UserError for files that cannot be used, and if too few rows are demonstrations.
 */
export async function readDemonstrations(
  place: string,
  { columns = {}, ...options }: DemonstrationOptions,
): Promise<Demonstrations> {
  const { training, heldOut, ...counts } = await readExamples<Demonstration>(place, {
    ...options,
    formOf: (file, names) => formOf(file, names, columns),
    keyOf: (demonstration) => JSON.stringify(demonstration),
  })
  const named = ({ where, example }: Example<Demonstration>) => ({ where, demonstration: example })
  return { ...counts, training: training.map(named), heldOut: heldOut.map(named) }
}

/** How the rows of a file with these columns are read: as conversations, or as prompts with completions. */
function formOf(file: string, names: readonly string[], columns: DemonstrationColumns): Form<Demonstration> {
  const { prompt = 'prompt', completion = 'completion' } = columns
  const chats = columns.messages === undefined ? CHATS : [columns.messages]
  const messages = chats.find((name) => names.includes(name)) ?? chats[0]!
  const completions = columns.prompt !== undefined || columns.completion !== undefined
  const beside = BESIDE.filter((name) => names.includes(name))
  const chatOf = (cells: Cells): string => chats.find((name) => !isBlank(cells[name])) ?? messages
  if (names.includes(messages) && !completions)
    return {
      columns: [...chats.filter((name) => names.includes(name)), ...beside],
      question: (cells) => questionIn(cells[chatOf(cells)]),
      read: (cells, unread) => {
        const column = chatOf(cells)
        return conversation(readMessages(cells[column], column, unread), cells)
      },
    }
  if (names.includes(prompt) && names.includes(completion) && columns.messages === undefined) {
    const more = prompt === 'instruction' ? WITH_INSTRUCTION.filter((name) => names.includes(name)) : []
    return {
      columns: [prompt, completion, ...beside, ...more],
      question: (cells) => questionIn(cells[prompt]),
      read: (cells, unread) => {
        const lost = more.find((name) => name !== completion && !isBlank(cells[name]))
        if (lost === undefined) return completed(cells, prompt, completion, unread)
        throw new Unusable(`it has "${lost}" beside "${prompt}"; write both into one column, the prompt`)
      },
    }
  }
  const isPair =
    completions ||
    (columns.messages === undefined &&
      [prompt, completion].every((name) => names.includes(name) || synonymAmong(names, name) !== null))
  const wanted: Wanted[] = isPair
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
    isPair ? 'messages=NAME' : 'prompt=NAME,completion=NAME',
  )
}

/** A prompt and its completion: both text, or both messages, of which those of the completion are learned. */
function completed(cells: Cells, prompt: string, completion: string, unread: Set<string>): Demonstration {
  const [before, after] = [messageList(cells[prompt]), messageList(cells[completion])]
  if (before === null && after === null) {
    const text = { prompt: readText(cells, prompt), completion: readText(cells, completion) }
    const lost = BESIDE.find((name) => !isBlank(cells[name]))
    if (lost !== undefined)
      throw new Unusable(
        `it has "${lost}", but its prompt is text, which is used without a chat template; give messages`,
      )
    return text
  }
  if (before === null || after === null)
    throw new Unusable(`"${prompt}" and "${completion}" must be both text, or both lists of messages`)
  const context = readMessages(before, prompt, unread).map(
    (message): LearnedMessage => (message.role === 'assistant' ? { ...message, weight: 0 } : message),
  )
  return conversation([...context, ...readMessages(after, completion, unread)], cells)
}

/** A conversation with what the columns beside it hold. */
function conversation(messages: readonly LearnedMessage[], cells: Cells): Demonstration {
  refuseLost(cells)
  const tools = readTools(cells.tools)
  const whole = withSystem(messages, cells.system)
  const learned = whole.filter(({ role, weight }) => role === 'assistant' && weight !== 0)
  if (learned.length === 0)
    throw new Unusable(
      whole.some(({ role }) => role === 'assistant')
        ? 'every message of the assistant has the weight 0, so there is nothing to imitate'
        : "no message is the assistant's, so there is nothing to imitate",
    )
  const empty = learned.find(saysNothing)
  if (empty) throw new Unusable(`message ${messages.indexOf(empty) + 1}, the assistant's, is empty`)
  return { messages: whole, ...(tools.length === 0 ? {} : { tools }) }
}
