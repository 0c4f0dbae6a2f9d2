import { UserError } from '../../common/errors.ts'
import type { ScoredText } from '../../rewards/preference.ts'
import {
  BESIDE,
  describeValue,
  type LearnedMessage,
  messageList,
  readMessages,
  refuseLost,
  saysNothing,
  withSystem,
} from '../messages.ts'
import { Unusable } from '../rows.ts'
import { questionIn } from '../split.ts'
import { missingColumns, type Wanted } from '../table/missing.ts'
import { readTools } from '../tool-calls.ts'
import { type Cells, type Examples, type Form, type HoldingOut, readExamples, readText } from './examples.ts'

/** Two answers of which one is better, or one answer with a label. */
export type Preference =
  | { readonly chosen: ScoredText; readonly rejected: ScoredText }
  | { readonly response: ScoredText; readonly good: boolean }

/** Names of the columns, if they differ from the keys here. */
export interface PreferenceColumns {
  readonly messages?: string | undefined
  readonly prompt?: string | undefined
  readonly chosen?: string | undefined
  readonly rejected?: string | undefined
  readonly text?: string | undefined
  readonly response?: string | undefined
  readonly label?: string | undefined
}

export interface PreferenceOptions extends HoldingOut {
  readonly columns?: PreferenceColumns | undefined
  /** Are only pairs of use, so that errors do not advise labelled answers? */
  readonly pairsOnly?: boolean | undefined
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

/**
 * Reads preferences from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. All of them are pairs,
 * or all are labelled answers. Answers to the same prompt are all on the same side. Rows that are not preferences
 * are left out, with a warning.
 *
 * @throws UserError for files that cannot be used, and if too few rows are preferences.
 */
export async function readPreferences(
  place: string,
  { columns = {}, pairsOnly = false, ...options }: PreferenceOptions,
): Promise<Examples<Preference>> {
  const examples = await readExamples<Keyed>(place, {
    ...options,
    formOf: (file, names) => formOf(file, names, columns, pairsOnly),
    keyOf: ({ key }) => key,
  })
  const all = [...examples.training, ...examples.heldOut]
  const paired = all.filter(({ example }) => 'chosen' in example.preference)
  if (paired.length > 0 && paired.length < all.length)
    throw new UserError(`${place} holds both pairs (${paired[0]!.where}) and labelled answers; use one kind`)
  const bare = (rows: Examples<Keyed>['training']) =>
    rows.map(({ where, example }) => ({ where, example: example.preference }))
  return { ...examples, training: bare(examples.training), heldOut: bare(examples.heldOut) }
}

interface Keyed {
  readonly preference: Preference
  /** The prompt or, if that is unknown, the answers. */
  readonly key: string
}

/** How the rows of a file with these columns are read: as pairs, or as answers with a label. */
function formOf(
  file: string,
  names: readonly string[],
  columns: PreferenceColumns,
  pairsOnly: boolean,
): Form<Keyed> {
  const name = (column: keyof PreferenceColumns): string =>
    columns[column] ?? [column, OTHER_NAMES[column] ?? column].find((one) => names.includes(one)) ?? column
  const has = (column: keyof PreferenceColumns): boolean => names.includes(name(column))
  // Columns that the caller has named must exist.
  const given = Object.entries(columns).filter((entry) => entry[1] !== undefined)
  const absent = given.filter(([, column]) => !names.includes(column))
  if (absent.length > 0) throw missingColumns(file, names, given, absent)
  const promptColumn = (['messages', 'prompt'] as const).find(
    (column) => has(column) && !(column === 'messages' && columns.prompt !== undefined),
  )
  const prompt = promptColumn === undefined ? [] : [name(promptColumn)]
  const beside = BESIDE.filter((column) => names.includes(column))
  const readPrompt = (cells: Cells, unread: Set<string>): Prompt => {
    if (promptColumn === undefined) return null
    const list = promptColumn === 'messages' ? cells[prompt[0]!] : messageList(cells[prompt[0]!])
    return list === null ? readText(cells, prompt[0]!) : readMessages(list, prompt[0]!, unread)
  }

  if (has('chosen') && has('rejected'))
    return {
      columns: [...prompt, name('chosen'), name('rejected'), ...beside],
      question: (cells) =>
        prompt.length > 0 ? questionIn(cells[prompt[0]!]) : chatQuestion(cells[name('chosen')]),
      read: (cells, unread) => {
        const question = readPrompt(cells, unread)
        const chosen = judged(question, cells, name('chosen'), unread)
        const rejected = judged(question, cells, name('rejected'), unread)
        if (JSON.stringify(chosen) === JSON.stringify(rejected))
          throw new Unusable(
            `"${name('chosen')}" and "${name('rejected')}" are the same, so there is no preference`,
          )
        const common = question ?? commonPrompt(chosen, rejected)
        return { preference: { chosen, rejected }, key: JSON.stringify(common ?? [chosen, rejected]) }
      },
    }
  const answer = (['text', 'response'] as const).find(has)
  if (has('label') && (answer !== undefined || promptColumn === 'messages'))
    return {
      columns: [
        ...(answer === 'text' ? [] : prompt),
        ...(answer === undefined ? [] : [name(answer)]),
        name('label'),
        ...beside,
      ],
      question: (cells) =>
        answer === 'text' || prompt.length === 0
          ? chatQuestion(cells[name(answer!)])
          : questionIn(cells[prompt[0]!]),
      read: (cells, unread) => {
        const good = readLabel(cells, name('label'))
        const question = answer === 'text' ? null : readPrompt(cells, unread)
        const response =
          answer === undefined
            ? answered(question as LearnedMessage[], name('messages'), cells)
            : judged(question, cells, name(answer), unread)
        // The question of a conversation is everything before its last answer.
        const key =
          answer === undefined ? (question as LearnedMessage[]).slice(0, -1) : (question ?? response)
        return { preference: { response, good }, key: JSON.stringify(key) }
      },
    }
  const wanted = (
    has('label') && !pairsOnly ? (['response'] as const) : (['chosen', 'rejected'] as const)
  ).map((column): Wanted => [column, name(column)])
  throw missingColumns(
    file,
    names,
    wanted,
    wanted.filter(([, column]) => !names.includes(column)),
    pairsOnly ? undefined : has('label') ? 'text=NAME' : 'prompt=NAME,response=NAME,label=NAME',
  )
}

/** The question in a column of answers: only a conversation shows which part of it is the question. */
const chatQuestion = (cell: unknown): string | null => (messageList(cell) === null ? null : questionIn(cell))

/** Names that are also understood. */
const OTHER_NAMES: PreferenceColumns = { messages: 'conversations', response: 'completion' }

/** The prompt; null if it is part of the answer's column, or unknown. */
type Prompt = readonly LearnedMessage[] | string | null

/** The prompt together with the answer in a column. */
function judged(prompt: Prompt, cells: Cells, name: string, unread: Set<string>): ScoredText {
  const list = typeof prompt === 'string' && typeof cells[name] === 'string' ? null : messageList(cells[name])
  if (list === null && typeof cells[name] === 'string') {
    const text = readText(cells, name)
    if (prompt === null) return { text }
    if (typeof prompt === 'string') return { text: prompt + text, promptLength: prompt.length }
    return answered([...prompt, { role: 'assistant', content: text }], name, cells)
  }
  const messages = readMessages(list ?? cells[name], name, unread)
  if (typeof prompt === 'string')
    throw new Unusable(
      `"${name}" is ${describeValue(cells[name])} of messages, but its prompt is text; both must be text, or both messages`,
    )
  return answered([...(prompt ?? []), ...messages], name, cells)
}

function answered(messages: readonly LearnedMessage[], name: string, cells: Cells): ScoredText {
  refuseLost(cells)
  const last = messages.at(-1)!
  if (last.role !== 'assistant') throw new Unusable(`the last message of "${name}" is not the assistant's`)
  if (saysNothing(last)) throw new Unusable(`the last message of "${name}" is empty`)
  const tools = readTools(cells.tools)
  return { messages: withSystem(messages, cells.system), ...(tools.length === 0 ? {} : { tools }) }
}

/** The messages at the beginning that two conversations share, or null. */
function commonPrompt(chosen: ScoredText, rejected: ScoredText): readonly LearnedMessage[] | null {
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

function readLabel(cells: Cells, name: string): boolean {
  const value = cells[name]
  const label = String(value).trim().toLowerCase()
  if (value == null || typeof value === 'object' || !Object.hasOwn(LABELS, label))
    throw new Unusable(
      `"${name}" is ${value == null || typeof value === 'object' ? describeValue(value) : JSON.stringify(String(value))}; a label is one of ${Object.keys(LABELS).join(', ')}`,
    )
  return LABELS[label]!
}
