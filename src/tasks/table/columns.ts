import { hashText } from '../../common/random.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { readCases } from '../../sandbox/cases.ts'
import { splitThinking } from '../../thinking/parser/split.ts'
import { extract } from '../../verify/index.ts'
import { messageList, readMessages, roleOf } from '../messages.ts'
import { Unusable } from '../rows.ts'
import { instruction } from '../rules/programs.ts'
import { questionIn } from '../split.ts'
import { missingColumns, thinkingAmong, type Wanted } from './missing.ts'

/** The columns of a table by what they hold. The name `a.b` means the field `b` of a column `a`. */
export interface Columns {
  /** Default `question`. Of a chat (a list of messages), the user's last message, after the messages before it. */
  readonly question?: string | undefined
  /** Default `answer`; `null` if the questions have no gold, such as prompts for an assistant. */
  readonly answer?: string | null | undefined
  /** For multiple choice: a column with a list, or one column for each choice. */
  readonly choices?: string | readonly string[] | undefined
  /** A column such as subject or level; results are reported for each of its values. */
  readonly kind?: string | undefined
  /** For programming: a column of test cases, as JSON text or as JSON. It replaces the answer. */
  readonly tests?: string | undefined
  /**
   * How the answer is found, for fine-tuning. By default the one column with a name such as `solution` or `rationale`, or
   * else what the answer says besides the gold; `null` for neither.
   */
  readonly thinking?: string | null | undefined
}

/** A row as a question. */
export interface Draft {
  /** The question of the row. */
  readonly text: string
  /** The messages before the question, if the row is a chat. */
  readonly history: readonly ChatMessage[]
  /** How to answer, if the task says so. */
  readonly instruction: string | null
  /** `null` if the questions have no gold. */
  readonly gold: string | null
  readonly kind: string | null
  /** How the answer is found; `null` if the row does not say, or nobody asks. */
  readonly thinking: string | null
}

type Cells = Readonly<Record<string, unknown>>

/** Reads the rows of a table as questions. */
export interface RowReader {
  /**
   * The needed columns among `names`, the columns of the table.
   *
   * @throws UserError if some are missing.
   */
  need(path: string, names: readonly string[]): string[]
  /** The question as text, also of a row that cannot be used; null if it has none. */
  question(cells: Cells): string | null
  /** The question of a row, or the reason why the row cannot be used. */
  read(cells: Cells): Draft | { readonly reason: string }
}

/** Reads rows as questions, given which columns hold what. */
export class ColumnMap implements RowReader {
  #question: string
  #answer: string | null
  readonly #given: Columns
  readonly #choices: readonly string[]
  readonly #kind: string | null
  readonly #tests: string | null
  readonly #solutions: boolean
  #thinking: string | null

  /** @param solutions is it read how the answers are found? */
  constructor(columns: Columns, { solutions }: { readonly solutions: boolean }) {
    const { question = 'question', answer = 'answer', choices = [], kind, tests } = columns
    this.#given = columns
    this.#tests = tests ?? null
    this.#question = question
    this.#answer = tests === undefined ? answer : null
    this.#choices = typeof choices === 'string' ? [choices] : choices
    this.#kind = kind ?? null
    this.#solutions = solutions
    this.#thinking = columns.thinking ?? null
  }

  /**
   * The needed columns among `names`, the columns of the table. A table without a column `question` whose columns have
   * verl's names (`prompt`, `reward_model.ground_truth`) is read by those, unless the caller named others.
   *
   * @throws UserError if some are missing, with those that may be meant.
   */
  need(path: string, names: readonly string[]): string[] {
    const { question, answer, tests } = this.#given
    const verl = !names.includes('question') && names.includes('prompt') && names.includes('reward_model')
    this.#question = question ?? (verl ? 'prompt' : 'question')
    if (answer === undefined && tests === undefined)
      this.#answer = verl && !names.includes('answer') ? 'reward_model.ground_truth' : 'answer'
    const wanted = this.#all()
    const topOf = (name: string): string => (names.includes(name) ? name : name.split('.')[0]!)
    const missing = wanted.filter(([, name]) => !names.includes(topOf(name)))
    if (missing.length > 0) throw missingColumns(path, names, wanted, missing)
    const used = wanted.map(([, name]) => topOf(name))
    if (this.#solutions && this.#given.thinking === undefined) {
      this.#thinking = thinkingAmong(
        path,
        names.filter((name) => !used.includes(name)),
      )
      if (this.#thinking !== null) used.push(this.#thinking)
    }
    return [...new Set(used)]
  }

  /** The question as text, also of a row that cannot be used; null if it has none. Of a chat, the first one. */
  question(cells: Cells): string | null {
    try {
      return questionIn(at(cells, this.#question))
    } catch (error) {
      if (error instanceof Unusable) return null
      throw error
    }
  }

  /** The question of a row, or the reason why the row cannot be used. */
  read(cells: Cells): Draft | { readonly reason: string } {
    return readDraft(() => this.#read(cells))
  }

  #read(cells: Cells): Draft {
    const { text: question, history } = readQuestion(at(cells, this.#question), this.#question)
    const kind = this.#kind === null ? null : (exactText(at(cells, this.#kind)) ?? null)
    const written = this.#readThinking(cells)
    if (this.#tests !== null)
      return { ...programming(question, at(cells, this.#tests), kind), history, thinking: written }
    const answer = this.#answer === null ? null : at(cells, this.#answer)
    if (this.#choices.length === 0)
      return {
        text: question,
        history,
        instruction: null,
        gold: this.#answer === null ? null : goldText(answer, this.#answer),
        kind,
        thinking: written ?? (this.#solutions && this.#given.thinking !== null ? workIn(answer) : null),
      }
    const choices = this.#readChoices(cells)
    const right = rightChoice(choices, answer)
    // A right answer with its own column would always be the first choice; a hash of the question rotates the choices.
    const shift = this.#choices.includes(this.#answer ?? '') ? hashText(question) % choices.length : 0
    const order = choices.map((_, i) => (i + shift) % choices.length)
    const lines = order.map((choice, i) => `${letter(i)}) ${choices[choice]}`)
    return {
      text: `${question}\n\n${lines.join('\n')}`,
      history,
      instruction: 'Answer with the letter of the right choice.',
      gold: letter(order.indexOf(right)),
      kind,
      thinking: written ?? (this.#solutions ? lines[order.indexOf(right)]! : null),
    }
  }

  #readThinking(cells: Cells): string | null {
    if (!this.#solutions || this.#thinking === null) return null
    const text = exactText(at(cells, this.#thinking))
    return text !== null && /^<think>/.test(text) ? splitThinking(text).thinking || null : text
  }

  #all(): Wanted[] {
    const one = (role: string, name: string | null): Wanted[] => (name === null ? [] : [[role, name]])
    return [
      ...one('question', this.#question),
      ...one('answer', this.#answer),
      ...this.#choices.flatMap((name) => one('choices', name)),
      ...one('tests', this.#tests),
      ...one('kind', this.#kind),
      ...one('thinking', this.#thinking),
    ]
  }

  #readChoices(cells: Cells): string[] {
    const values = this.#choices.map((name) => at(cells, name))
    const [only] = values
    const list = values.length > 1 ? values : Array.isArray(only) ? only : (only as { text?: unknown })?.text
    if (!Array.isArray(list) || list.length < 2)
      throw new Unusable(`"${this.#choices}" does not hold a list of choices`)
    return list.map((choice, i) => plainText(choice, `choice ${letter(i)}`))
  }
}

/** The question of a row, or the reason why it is `Unusable`. */
export function readDraft(read: () => Draft): Draft | { readonly reason: string } {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unusable) return { reason: error.message }
    throw error
  }
}

function programming(
  question: string,
  tests: unknown,
  kind: string | null,
): Omit<Draft, 'history' | 'thinking'> {
  try {
    const gold = testsText(tests)
    return { text: question, instruction: instruction(readCases(gold)), gold, kind }
  } catch (error) {
    throw new Unusable(error instanceof Error ? error.message : String(error))
  }
}

/** The test cases of a cell as JSON text. @throws Unusable for numbers that may have lost digits. */
function testsText(cell: unknown): string {
  if (typeof cell === 'string') return cell
  return JSON.stringify(cell ?? null, (_, value) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number === 'number') exactText(number)
    return number
  })
}

const letter = (i: number): string => String.fromCharCode(65 + i)

/** The value of a column, or of a field inside one. */
export function at(cells: Cells, name: string): unknown {
  if (name in cells) return cells[name]
  return name.split('.').reduce<unknown>((value, key) => (objectIn(value) as Cells | null)?.[key], cells)
}

/** The object that JSON text (as in CSV) holds, or the value itself. */
function objectIn(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) return value
  try {
    return JSON.parse(value)
  } catch {
    throw new Unusable('a column of which a field is needed is not JSON')
  }
}

function plainText(value: unknown, name: string): string {
  const text = exactText(value)
  if (text === null) throw new Unusable(`"${name}" is empty or not text`)
  return text
}

/** The text of a cell, or null if it has none. @throws Unusable for a number that may have lost digits. */
export function exactText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() || null
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new Unusable(`${value} is too large to be exact as a number; write it as text, in quotes`)
  return String(value)
}

/** A question that is text, or the user's last message of a chat, with the messages before it. */
export function readQuestion(value: unknown, name: string): Pick<Draft, 'text' | 'history'> {
  const list = messageList(value)
  if (list === null) return { text: plainText(value, name), history: [] }
  const last = list.findLastIndex((message) => roleOf(message) === 'user')
  if (last < 0) throw new Unusable(`"${name}" has no message from the user`)
  // What the assistant says after it is an answer.
  const after = list
    .slice(last + 1)
    .map(roleOf)
    .find((role) => role !== 'assistant')
  if (after !== undefined)
    throw new Unusable(`"${name}" ends with a message of the role ${after}, not with the user's`)
  const messages = readMessages(list.slice(0, last + 1), name, new Set())
  return {
    text: plainText(messages.at(-1)!.content, `${name}, its last message from the user`),
    history: messages.slice(0, -1).map(({ weight: _, ...message }) => message),
  }
}

/** The gold in an answer: the text after the last `####` (GSM8K), in the last box of a solution (MATH), or all of it. */
function goldText(value: unknown, name: string): string {
  const text = plainText(value, name)
  return extract(text, { order: ['hash', 'boxed'] }) ?? text
}

/** The steps in an answer of which the gold is a part: those before the last `####`, or a whole solution with a box. */
function workIn(answer: unknown): string | null {
  const text = exactText(answer) ?? ''
  const gold = extract(text, { order: ['hash', 'boxed'] })
  if (gold === null || gold === text) return null
  const hash = text.lastIndexOf('####')
  // GSM8K's marks for a calculator, such as <<48/2=24>>, are no part of the text
  return (hash < 0 ? text : text.slice(0, hash)).replace(/<<[^<>\n]*=[^<>\n]*>>/g, '').trim() || null
}

/** The index of the right choice, which the answer names by its text, its letter, or its number from 0. */
function rightChoice(choices: readonly string[], answer: unknown): number {
  const text = plainText(answer, 'answer')
  const byText = choices.indexOf(text)
  if (typeof answer === 'string' && byText >= 0) return byText
  const index = /^\d+$/.test(text)
    ? Number(text)
    : /^[A-Z]$/i.test(text)
      ? text.toUpperCase().charCodeAt(0) - 65
      : -1
  if (index < 0 || index >= choices.length)
    throw new Unusable(`the answer "${text}" is not one of the choices`)
  return index
}
