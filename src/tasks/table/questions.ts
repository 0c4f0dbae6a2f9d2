import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onDisk } from '../../common/files/disk.ts'
import { hashText } from '../../common/random.ts'
import { Database, type SqliteDatabase } from '../../common/sqlite.ts'
import { questionKey, type Split } from '../split.ts'
import type { Question } from '../task.ts'
import type { Side } from './files.ts'
import { LengthCounter } from './lengths.ts'

/** A question to add. */
export interface Added {
  readonly question: Question
  /** Length of the row's own text, with which the prompt begins. */
  readonly textLength: number
  /** How the answer is found; null if the row does not say. */
  readonly thinking: string | null
  /** The side that the file's name says, or the question's hash in the split of the table. */
  readonly place: Side | number
}

/**
 * The distinct questions of a table, each with an index, from 0 in the order in which they are added. They are in a
 * temporary SQLite file, so that a table of any size is held in bounded memory.
 */
export class Questions {
  /** Rows read, usable or not. */
  rows = 0
  /** Indices of the questions on each side, in order, after `decide`. */
  readonly training: number[] = []
  readonly heldOut: number[] = []
  /** In characters. */
  readonly lengths = { question: new LengthCounter(), gold: new LengthCounter() }
  /** The place of each question. */
  readonly #places: (Side | number)[] = []
  readonly #database = onTemporaryFile('create', openTemporary)
  readonly #insert = this.#database.prepare('INSERT INTO questions VALUES (?, ?)')
  readonly #index = new KeyIndex()
  readonly #read = this.#database.prepare('SELECT question FROM questions WHERE number = ?')

  get count(): number {
    return this.#places.length
  }

  at(index: number): Question {
    return this.#stored(index).question
  }

  /** The text of the row itself, without the task's instruction that many questions share. */
  text(index: number): string {
    return this.#stored(index).text
  }

  /** How the answer of a question is found; null if its row does not say. */
  thinking(index: number): string | null {
    return this.#stored(index).thinking
  }

  /** Index and text of each training question, in order. */
  *trainingTexts(): Generator<[index: number, text: string]> {
    const heldOut = new Set(this.heldOut)
    const rows = this.#database.prepare('SELECT number, question FROM questions ORDER BY number')
    for (const row of rows.iterate()) {
      const { number, question } = row as { number: number; question: string }
      if (!heldOut.has(number)) yield [number, parse(question).text]
    }
  }

  /** Adds a question and returns null; if the table has it already, returns the first one instead. */
  add({ question, textLength, thinking, place }: Added): Question | null {
    const normal = questionKey(question.prompt)
    const { id, prompt, messages, gold, kind } = question
    // Different prompts rarely have the same key; one whose key is taken gets the next free one.
    let key = hashText(normal) + 2 ** 32 * (normal.length % 2 ** 20)
    for (let found = this.#index.get(key); found !== undefined; found = this.#index.get(++key)) {
      const { question: first } = this.#stored(found)
      if (questionKey(first.prompt) === normal && sameChat(first, question)) return first
    }
    const number = this.count
    this.#index.set(key, number)
    const json = JSON.stringify([id, prompt, gold, kind, textLength, messages ?? null, thinking])
    onTemporaryFile('write', () => this.#insert.run(number, json))
    this.#places.push(place)
    this.lengths.question.add(prompt.length)
    if (gold !== '') this.lengths.gold.add(gold.length)
    return null
  }

  /** Decides the side of every question, after all of them were added. */
  decide(split: Split): void {
    for (const [index, place] of this.#places.entries()) {
      const side = typeof place !== 'number' ? place : split.isHeldOut(place) ? 'heldOut' : 'training'
      this[side].push(index)
    }
  }

  #stored(index: number): Stored {
    return parse((this.#read.get(index) as { question: string }).question)
  }
}

/** Numbers by key: several maps, since one holds at most 2²⁴ entries. */
class KeyIndex {
  readonly #maps = Array.from({ length: 64 }, () => new Map<number, number>())

  get(key: number): number | undefined {
    return this.#maps[key % 64]!.get(key)
  }

  set(key: number, value: number): void {
    this.#maps[key % 64]!.set(key, value)
  }
}

interface Stored {
  readonly question: Question
  readonly text: string
  readonly thinking: string | null
}

function parse(json: string): Stored {
  const [id, prompt, gold, kind, textLength, messages, thinking] = JSON.parse(json) as [
    ...[id: string, prompt: string, gold: string, kind: string, textLength: number],
    ...[messages: Question['messages'] | null, thinking: string | null],
  ]
  const question = { id, prompt, ...(messages == null ? {} : { messages }), gold, kind }
  return { question, text: prompt.slice(0, textLength), thinking }
}

/** Whether two questions with the same prompt have the same messages before it. */
function sameChat({ messages: one }: Question, { messages: other }: Question): boolean {
  return JSON.stringify(one?.slice(0, -1)) === JSON.stringify(other?.slice(0, -1))
}

/** Questions are stored as JSON text, which keeps characters that UTF-8 has no form for. */
const SCHEMA = `
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -50000;
CREATE TABLE questions (number INTEGER PRIMARY KEY, question TEXT);
BEGIN`

/**
 * A database whose file is deleted at once but stays usable until this process ends. On Windows an open file cannot be
 * deleted, so there it is deleted at the end.
 */
function openTemporary(): SqliteDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-table-'))
  const database = new Database(join(folder, 'questions'))
  database.exec(SCHEMA)
  const remove = () => rmSync(folder, { recursive: true })
  if (process.platform !== 'win32') remove()
  else
    process.once('exit', () => {
      database.close()
      remove()
    })
  return database
}

function onTemporaryFile<T>(action: 'create' | 'write', work: () => T): T {
  return onDisk(action, `a temporary file in ${tmpdir()} (TMPDIR names another folder)`, work)
}
