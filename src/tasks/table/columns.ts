import { hashText } from '../../common/random.ts'
import { readCases } from '../../sandbox/cases.ts'
import { extract } from '../../verify/index.ts'
import { instruction } from '../programs.ts'
import { missingColumns, type Wanted } from './missing.ts'

/** Which columns of a table hold what. `a.b` reads the field `b` of a column `a`. */
export interface Columns {
  /** Default `question`. A chat (a list of messages) is asked by its last message from the user. */
  readonly question?: string | undefined
  /** Default `answer`. `null`: the questions have no gold, as prompts to chat about. */
  readonly answer?: string | null | undefined
  /** Makes it multiple choice: a column with a list, or one column a choice. */
  readonly choices?: string | readonly string[] | undefined
  /** By which results are broken down, e.g. a subject or a level. */
  readonly kind?: string | undefined
  /** Makes it programming: a column of test cases, as text or as it is. It takes the place of the answer. */
  readonly tests?: string | undefined
}

/** A row as a question: its gold is `null` where it has none. */
export interface Draft {
  /** What the row asks. */
  readonly asked: string
  /** How it is to be answered, where the task says so. */
  readonly instruction: string | null
  readonly gold: string | null
  readonly kind: string | null
}

/** Why a row cannot be asked, or has no gold. */
class Unusable extends Error {}

type Cells = Readonly<Record<string, unknown>>

export class ColumnMap {
  readonly #question: string
  readonly #answer: string | null
  readonly #choices: readonly string[]
  readonly #kind: string | null
  readonly #tests: string | null
  constructor({ question = 'question', answer = 'answer', choices = [], kind, tests }: Columns) {
    this.#tests = tests ?? null
    this.#question = question
    this.#answer = tests === undefined ? answer : null
    this.#choices = typeof choices === 'string' ? [choices] : choices
    this.#kind = kind ?? null
  }

  /**
   * The columns that are needed of those that a table has.
   *
   * @throws UserError where some are not there, with those that may be meant.
   */
  need(path: string, names: readonly string[]): string[] {
    const wanted = this.#all()
    const topOf = (name: string): string => (names.includes(name) ? name : name.split('.')[0]!)
    const missing = wanted.filter(([, name]) => !names.includes(topOf(name)))
    if (missing.length > 0) throw missingColumns(path, names, wanted, missing)
    return [...new Set(wanted.map(([, name]) => topOf(name)))]
  }

  /** A row as a question, or the reason why it is none. */
  read(cells: Cells): Draft | { readonly reason: string } {
    try {
      return this.#read(cells)
    } catch (error) {
      if (error instanceof Unusable) return { reason: error.message }
      throw error
    }
  }

  #read(cells: Cells): Draft {
    const question = questionText(at(cells, this.#question), this.#question)
    const kind = this.#kind === null ? null : (exactText(at(cells, this.#kind)) ?? null)
    if (this.#tests !== null) return programming(question, at(cells, this.#tests), kind)
    const answer = this.#answer === null ? null : at(cells, this.#answer)
    if (this.#choices.length === 0)
      return {
        asked: question,
        instruction: null,
        gold: this.#answer === null ? null : goldText(answer, this.#answer),
        kind,
      }
    const choices = this.#readChoices(cells)
    const right = rightChoice(choices, answer)
    // Where the right answer has a column of its own it would always be the first: the order comes from the question.
    const shift = this.#choices.includes(this.#answer ?? '') ? hashText(question) % choices.length : 0
    const order = choices.map((_, i) => (i + shift) % choices.length)
    const lines = order.map((choice, i) => `${letter(i)}) ${choices[choice]}`)
    return {
      asked: `${question}\n\n${lines.join('\n')}`,
      instruction: 'Answer with the letter of the right choice.',
      gold: letter(order.indexOf(right)),
      kind,
    }
  }

  #all(): Wanted[] {
    const one = (role: string, name: string | null): Wanted[] => (name === null ? [] : [[role, name]])
    return [
      ...one('question', this.#question),
      ...one('answer', this.#answer),
      ...this.#choices.flatMap((name) => one('choices', name)),
      ...one('tests', this.#tests),
      ...one('kind', this.#kind),
    ]
  }

  #readChoices(cells: Cells): string[] {
    const values = this.#choices.map((name) => at(cells, name))
    const [only] = values
    const list = values.length > 1 ? values : Array.isArray(only) ? only : (only as { text?: unknown })?.text
    if (!Array.isArray(list) || list.length < 2)
      throw new Unusable(`"${this.#choices}" holds no list of choices`)
    return list.map((choice, i) => plainText(choice, `choice ${letter(i)}`))
  }
}

function programming(question: string, tests: unknown, kind: string | null): Draft {
  try {
    const gold = testsText(tests)
    return { asked: question, instruction: instruction(readCases(gold)), gold, kind }
  } catch (error) {
    throw new Unusable(error instanceof Error ? error.message : String(error))
  }
}

/** The test cases of a cell as JSON text. Numbers that were not text may have lost digits. */
function testsText(cell: unknown): string {
  if (typeof cell === 'string') return cell
  return JSON.stringify(cell ?? null, (_, value) => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number === 'number') exactText(number)
    return number
  })
}

const letter = (i: number): string => String.fromCharCode(65 + i)

/** A column, or a field inside one. */
function at(cells: Cells, name: string): unknown {
  if (name in cells) return cells[name]
  return name.split('.').reduce<unknown>((value, key) => (value as Cells | null | undefined)?.[key], cells)
}

function plainText(value: unknown, name: string): string {
  const text = exactText(value)
  if (text === null) throw new Unusable(`"${name}" is empty or not text`)
  return text
}

/** A cell as text; `null` where there is none in it. */
function exactText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() || null
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new Unusable(`${value} is too large to be exact as a number; write it as text, in quotes`)
  return String(value)
}

function questionText(value: unknown, name: string): string {
  if (!Array.isArray(value)) return plainText(value, name)
  const asked = value.findLast((message) => message?.role === 'user')?.content
  return plainText(asked, `${name}, its last message from the user`)
}

/** The gold in an answer: after the last `####` (GSM8K), in the last box of a worked solution (MATH), or the whole. */
function goldText(value: unknown, name: string): string {
  const text = plainText(value, name)
  return extract(text, { order: ['hash', 'boxed'] }) ?? text
}

/** Which choice an answer names: by its text, its letter, or its number from 0. */
function rightChoice(choices: readonly string[], answer: unknown): number {
  const text = plainText(answer, 'answer')
  const byText = choices.indexOf(text)
  if (typeof answer === 'string' && byText >= 0) return byText
  const index = /^\d+$/.test(text)
    ? Number(text)
    : /^[A-Z]$/i.test(text)
      ? text.toUpperCase().charCodeAt(0) - 65
      : -1
  if (index < 0 || index >= choices.length) throw new Unusable(`the answer "${text}" is none of the choices`)
  return index
}
