import { UserError } from '../common/errors.ts'
import type { ChatMessage } from '../models/tokenizer.ts'
import type { Judged } from '../rewards/preference.ts'
import {
  type Cells,
  type Examples,
  type Form,
  missingColumns,
  readExamples,
  readMessages,
  readText,
  what,
} from './examples.ts'

/** Which of two answers is better, or whether one is good. */
export type Preference =
  | { readonly chosen: Judged; readonly rejected: Judged }
  | { readonly response: Judged; readonly good: boolean }

/** The columns that hold them, where they have other names. */
export interface PreferenceColumns {
  readonly messages?: string | undefined
  readonly prompt?: string | undefined
  readonly chosen?: string | undefined
  readonly rejected?: string | undefined
  readonly text?: string | undefined
  readonly response?: string | undefined
  readonly label?: string | undefined
}

export interface PreferenceOptions {
  readonly columns?: PreferenceColumns | undefined
  /** Of files whose names tell no training from test: this share is held out, by a hash of the prompt. */
  readonly heldOutShare: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

/**
 * Preferences from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. All of them are pairs, or
 * all are labelled answers. Answers to the same prompt are never both trained on and held out.
 *
 * @throws UserError for files that cannot be used, and for a row that is none, with its place.
 */
export async function readPreferences(
  place: string,
  { columns = {}, ...options }: PreferenceOptions,
): Promise<Examples<Preference>> {
  const examples = await readExamples<Keyed>(place, {
    ...options,
    formOf: (file, names) => formOf(file, names, columns),
    keyOf: ({ key }) => key,
  })
  const all = [...examples.training, ...examples.heldOut]
  const paired = all.filter(({ example }) => 'chosen' in example.preference)
  if (paired.length > 0 && paired.length < all.length)
    throw new UserError(
      `${place} holds both pairs (${paired[0]!.where}) and labelled answers; a reward model learns from one kind`,
    )
  const bare = (rows: Examples<Keyed>['training']) =>
    rows.map(({ where, example }) => ({ where, example: example.preference }))
  return { ...examples, training: bare(examples.training), heldOut: bare(examples.heldOut) }
}

interface Keyed {
  readonly preference: Preference
  /** What is asked or, where that is unknown, the whole row. */
  readonly key: string
}

/** What a table's columns hold: pairs, or answers with a label. */
function formOf(file: string, names: readonly string[], columns: PreferenceColumns): Form<Keyed> {
  const name = (column: keyof PreferenceColumns): string => columns[column] ?? column
  const has = (column: keyof PreferenceColumns): boolean => names.includes(name(column))
  // a column that is named must be there
  const absent = Object.values(columns).filter((given) => given !== undefined && !names.includes(given))
  if (absent.length > 0) throw missingColumns(file, names, absent as string[], ADVICE)
  const asked = (['messages', 'prompt'] as const).find(
    (column) => has(column) && !(column === 'messages' && columns.prompt !== undefined),
  )
  const prompt = asked === undefined ? [] : [name(asked)]
  const readPrompt = (cells: Cells, where: string): Prompt =>
    asked === undefined
      ? null
      : asked === 'messages' || typeof cells[name(asked)] !== 'string'
        ? readMessages(cells, name(asked), where)
        : readText(cells, name(asked), where)

  if (has('chosen') && has('rejected'))
    return {
      columns: [...prompt, name('chosen'), name('rejected')],
      read: (cells, where) => {
        const question = readPrompt(cells, where)
        const chosen = judged(question, cells, name('chosen'), where)
        const rejected = judged(question, cells, name('rejected'), where)
        if (JSON.stringify(chosen) === JSON.stringify(rejected))
          throw new UserError(
            `${where}: "${name('chosen')}" and "${name('rejected')}" are the same, so that nothing is preferred; take the row out`,
          )
        const common = question ?? commonPrompt(chosen, rejected)
        return { preference: { chosen, rejected }, key: JSON.stringify(common ?? [chosen, rejected]) }
      },
    }
  const answer = (['text', 'response'] as const).find(has)
  if (has('label') && (answer !== undefined || asked === 'messages'))
    return {
      columns: [
        ...(answer === 'text' ? [] : prompt),
        ...(answer === undefined ? [] : [name(answer)]),
        name('label'),
      ],
      read: (cells, where) => {
        const good = readLabel(cells, name('label'), where)
        const question = answer === 'text' ? null : readPrompt(cells, where)
        const response =
          answer === undefined
            ? answered(question as ChatMessage[], name('messages'), where)
            : judged(question, cells, name(answer), where)
        // a conversation's question is what stands before its last answer
        const key = answer === undefined ? (question as ChatMessage[]).slice(0, -1) : (question ?? response)
        return { preference: { response, good }, key: JSON.stringify(key) }
      },
    }
  throw missingColumns(file, names, has('label') ? ['text', 'response'] : ['chosen', 'rejected'], ADVICE)
}

const ADVICE =
  '--columns prompt=NAME,chosen=NAME,rejected=NAME, or --columns prompt=NAME,response=NAME,label=NAME'

/** What is asked; null: it stands in the answer's own column, or there is nothing. */
type Prompt = readonly ChatMessage[] | string | null

/** A prompt and the answer in a column, together. */
function judged(prompt: Prompt, cells: Cells, name: string, where: string): Judged {
  if (typeof cells[name] === 'string') {
    const text = readText(cells, name, where)
    if (prompt === null || typeof prompt === 'string') return { text: (prompt ?? '') + text }
    return { messages: [...prompt, { role: 'assistant', content: text }] }
  }
  const messages = readMessages(cells, name, where)
  if (typeof prompt === 'string')
    throw new UserError(
      `${where}: "${name}" is ${what(cells[name])} of messages, its prompt is text; both must be text, or both messages`,
    )
  return answered([...(prompt ?? []), ...messages], name, where)
}

function answered(messages: readonly ChatMessage[], name: string, where: string): Judged {
  if (messages.at(-1)!.role !== 'assistant')
    throw new UserError(`${where}: the last message of "${name}" is not the assistant's`)
  return { messages }
}

/** The messages that two conversations begin with. */
function commonPrompt(chosen: Judged, rejected: Judged): readonly ChatMessage[] | null {
  if (!('messages' in chosen && 'messages' in rejected)) return null
  const same = chosen.messages.findIndex(
    (message, i) => JSON.stringify(message) !== JSON.stringify(rejected.messages[i]),
  )
  return same > 0 ? chosen.messages.slice(0, same) : null
}

const LABELS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  1: true,
  0: false,
  good: true,
  bad: false,
  safe: true,
  unsafe: false,
}

function readLabel(cells: Cells, name: string, where: string): boolean {
  const value = cells[name]
  const label = String(value).trim().toLowerCase()
  if (value == null || typeof value === 'object' || !Object.hasOwn(LABELS, label))
    throw new UserError(
      `${where}: "${name}" is ${value == null || typeof value === 'object' ? what(value) : JSON.stringify(String(value))}; a label is one of ${Object.keys(LABELS).join(', ')}`,
    )
  return LABELS[label]!
}
