import { UserError } from '../../common/errors.ts'
import { hashText } from '../../common/random.ts'
import type { Question } from '../task.ts'
import { ColumnMap, type Columns, type Draft } from './columns.ts'
import { Distinct } from './distinct.ts'
import type { Side, TableFile } from './files.ts'
import type { Issue } from './issues.ts'
import { LengthCounter } from './lengths.ts'
import { Numbers } from './numbers.ts'
import { readerOf } from './rows.ts'
import { Spool } from './spool.ts'

export interface ReadOptions {
  /** Of the task; kinds begin with it. */
  readonly name: string
  readonly columns: Columns
  /** Why no answer can be checked against a gold, or null. */
  readonly unreadable: (gold: string) => string | null
  readonly onIssue: (issue: Issue) => void
  readonly progress: (line: string) => void
}

/** The questions of a table, each once. They are kept in a spool and spoken of by their index. */
export class Questions {
  /** Rows read, usable or not. */
  rows = 0
  /** In characters. */
  readonly lengths = { question: new LengthCounter(), gold: new LengthCounter() }
  readonly #spool = new Spool()
  readonly #distinct = new Distinct()
  /** Of every question: is it held out? */
  readonly #heldOut = new Numbers(1)

  at(index: number): Question {
    const [id, prompt, gold, kind] = JSON.parse(this.#spool.read(index))
    return { id, prompt, gold, kind }
  }

  /** What the row itself asks, without the task's instruction that many share. */
  asked(index: number): string {
    const [, prompt, , , length] = JSON.parse(this.#spool.read(index))
    return prompt.slice(0, length)
  }

  get count(): number {
    return this.#spool.length
  }

  /** The indices of the questions on a side. */
  on(side: Side): Uint32Array {
    const indices = new Uint32Array(this.count)
    let n = 0
    for (let i = 0; i < this.count; i++) if (this.#sideOf(i) === side) indices[n++] = i
    return indices.slice(0, n)
  }

  /**
   * Adds a question, unless it is there: then tells of the first such.
   *
   * @param asked how many characters of its prompt the row itself has.
   */
  add(question: Question, asked: number, side: Side | null): Repeated | null {
    const key = normalise(question.prompt)
    const hash = hashText(key)
    const wanted = side ?? (hash % 10 === 0 ? 'heldOut' : 'training')
    const first = this.#distinct.add(hash, (index) => normalise(this.at(index).prompt) === key)
    if (first !== null) return { first: this.at(first), on: this.#sideOf(first), wanted }
    const { id, prompt, gold, kind } = question
    this.lengths.question.add(prompt.length)
    if (gold !== '') this.lengths.gold.add(gold.length)
    this.#heldOut.push(Number(wanted === 'heldOut'))
    this.#spool.push(JSON.stringify([id, prompt, gold, kind, asked]))
    return null
  }

  /** Where chance has held none out, of a few questions, holds out the one with the least hash. */
  holdOutOne(): void {
    const training = this.on('training')
    if (training.length < 2 || training.length < this.count) return
    const hashOf = (index: number): number => hashText(normalise(this.at(index).prompt))
    this.#heldOut.set(
      training.reduce((a, b) => (hashOf(b) < hashOf(a) ? b : a)),
      1,
    )
  }

  #sideOf(index: number): Side {
    return this.#heldOut.at(index) ? 'heldOut' : 'training'
  }
}

/** A question that was there before. */
interface Repeated {
  readonly first: Question
  /** The side on which it stands, and the side that was wanted. */
  readonly on: Side
  readonly wanted: Side
}

/**
 * Reads every question of a table once. Held-out files come first, so that a question on both sides is left out of
 * training. Of files without a side, a tenth of the questions is held out, by a hash of the question.
 *
 * @throws UserError for a file that cannot be read, a row that is none, or a table without a usable row.
 */
export async function readQuestions(
  files: readonly TableFile[],
  { name, columns, unreadable, onIssue, progress }: ReadOptions,
): Promise<Questions> {
  const questions = new Questions()
  const map = new ColumnMap(columns)
  let firstReason = ''
  for (const file of [...files].sort((a, b) => Number(b.side === 'heldOut') - Number(a.side === 'heldOut'))) {
    const rows = readerOf(file.path)!(file.path, {
      need: (names) => map.need(file.name, names),
      onTorn: (line, reason) => onIssue({ kind: 'torn', where: `${file.name}:${line}`, reason }),
      onProgress: (share) => progress(`reading ${file.name}: ${Math.floor(100 * share)} %`),
    })
    for await (const { line, cells } of rows) {
      questions.rows++
      const where = `${file.name}:${line}`
      const draft = map.read(cells)
      const reason = 'reason' in draft ? draft.reason : draft.gold === null ? null : unreadable(draft.gold)
      if (reason !== null) {
        if (firstReason === '') firstReason = `${where}: ${reason}`
        onIssue({ kind: 'unreadable', where, reason })
        continue
      }
      const { asked, instruction, gold, kind } = draft as Draft
      const prompt = instruction === null ? asked : `${asked}\n\n${instruction}`
      const question = { id: where, prompt, gold: gold ?? '', kind: kind === null ? name : `${name}/${kind}` }
      const there = questions.add(question, asked.length, file.side)
      if (there) onIssue(repeated(question, there))
    }
  }
  const names = files.map((file) => file.name).join(', ')
  if (questions.rows === 0) throw new UserError(`there is no row in ${names}`)
  if (questions.count === 0) throw new UserError(`${names}: no usable question; the first: ${firstReason}`)
  if (files.every(({ side }) => side === null)) questions.holdOutOne()
  return questions
}

function repeated(question: Question, { first, on, wanted }: Repeated): Issue {
  const places = { where: question.id, of: first.id }
  return on === wanted
    ? { kind: 'duplicate', ...places, sameGold: question.gold === first.gold }
    : { kind: 'overlap', ...places, question: question.prompt, heldOut: first.prompt, words: null }
}

/** Texts that ask the same: letter case and white space make no difference. */
function normalise(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim()
}
