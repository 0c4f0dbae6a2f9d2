import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onDisk } from '../../common/disk.ts'
import { hashText } from '../../common/random.ts'
import { Database, type SqliteDatabase } from '../../common/sqlite.ts'
import type { Question } from '../task.ts'
import type { Side } from './files.ts'
import { LengthCounter } from './lengths.ts'

/** A question that a table has a second time. */
export interface Repeated {
  readonly first: Question
  /** The side of the first one, and the side that the second one should have been on. */
  readonly on: Side
  readonly wanted: Side
}

/**
 * The distinct questions of a table, each with an index, from 0 in the order in which they are added. They are in a
 * temporary SQLite file, so that a table of any size is held in bounded memory.
 */
export class Questions {
  /** Do no files name a side, so that some of the questions are held out? */
  split = false
  /** Rows read, usable or not. */
  rows = 0
  /** Indices of the questions on each side, in order. */
  readonly training: number[] = []
  readonly heldOut: number[] = []
  /** In characters. */
  readonly lengths = { question: new LengthCounter(), gold: new LengthCounter() }
  readonly #database = onTemporaryFile('create', openTemporary)
  readonly #insert = this.#database.prepare('INSERT INTO questions VALUES (?, ?, ?)')
  readonly #index = new KeyIndex()
  readonly #read = this.#database.prepare('SELECT question, heldOut FROM questions WHERE number = ?')

  get count(): number {
    return this.training.length + this.heldOut.length
  }

  at(index: number): Question {
    return this.#stored(index).question
  }

  /** The text of the row itself, without the task's instruction that many questions share. */
  text(index: number): string {
    return this.#stored(index).text
  }

  /** Index and text of each training question, in order. */
  *trainingTexts(): Generator<[index: number, text: string]> {
    const rows = this.#database.prepare(
      'SELECT number, question FROM questions WHERE heldOut = 0 ORDER BY number',
    )
    for (const row of rows.iterate()) {
      const { number, question } = row as { number: number; question: string }
      yield [number, parse(question).text]
    }
  }

  /**
   * Adds a question and returns null; if the table has it already, returns the first one instead.
   *
   * @param textLength length of the row's own text, with which the prompt begins.
   * @param side `null`: a tenth of the questions is held out, by a hash of the prompt.
   */
  add(question: Question, textLength: number, side: Side | null): Repeated | null {
    const normal = normalise(question.prompt)
    const hash = hashText(normal)
    const wanted = side ?? (hash % 10 === 0 ? 'heldOut' : 'training')
    const { id, prompt, messages, gold, kind } = question
    // Different prompts rarely have the same key; one whose key is taken gets the next free one.
    let key = hash + 2 ** 32 * (normal.length % 2 ** 20)
    for (let found = this.#index.get(key); found !== undefined; found = this.#index.get(++key)) {
      const { question: first, heldOut } = this.#stored(found)
      if (normalise(first.prompt) === normal && sameChat(first, question))
        return { first, on: heldOut ? 'heldOut' : 'training', wanted }
    }
    const number = this.count
    this.#index.set(key, number)
    const json = JSON.stringify([id, prompt, gold, kind, textLength, messages])
    onTemporaryFile('write', () => this.#insert.run(number, json, Number(wanted === 'heldOut')))
    this[wanted].push(this.count)
    this.lengths.question.add(prompt.length)
    if (gold !== '') this.lengths.gold.add(gold.length)
    return null
  }

  /** Holds out one question, if none is held out yet and there are at least two. */
  holdOutOne(): void {
    if (this.heldOut.length > 0 || this.training.length < 2) return
    const one = this.leastHash(this.training)
    this.heldOut.push(...this.training.splice(this.training.indexOf(one), 1))
    this.#database.prepare('UPDATE questions SET heldOut = 1 WHERE number = ?').run(one)
  }

  /** The one of these questions, at least one, whose hash is least: chosen at random, but always the same. */
  leastHash(indices: readonly number[]): number {
    let least = { hash: Infinity, index: indices[0]! }
    for (const index of indices) {
      const hash = hashText(normalise(this.at(index).prompt))
      if (hash < least.hash) least = { hash, index }
    }
    return least.index
  }

  #stored(index: number): Stored & { readonly heldOut: boolean } {
    const { question, heldOut } = this.#read.get(index) as { question: string; heldOut: number }
    return { ...parse(question), heldOut: heldOut === 1 }
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
}

function parse(json: string): Stored {
  const [id, prompt, gold, kind, textLength, messages] = JSON.parse(json) as [
    ...[id: string, prompt: string, gold: string, kind: string, textLength: number],
    messages: Question['messages'] | null,
  ]
  const question = { id, prompt, ...(messages == null ? {} : { messages }), gold, kind }
  return { question, text: prompt.slice(0, textLength) }
}

/** Whether two questions with the same prompt have the same messages before it. */
function sameChat({ messages: one }: Question, { messages: other }: Question): boolean {
  return JSON.stringify(one?.slice(0, -1)) === JSON.stringify(other?.slice(0, -1))
}

/** Prompts that differ only in letter case and white space are the same question. */
function normalise(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** Questions are stored as JSON text, which keeps characters that UTF-8 has no form for. */
const SCHEMA = `
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -50000;
CREATE TABLE questions (number INTEGER PRIMARY KEY, question TEXT, heldOut INTEGER);
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
