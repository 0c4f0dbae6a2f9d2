import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import { notText } from '../messages.ts'
import { Unusable } from '../rows.ts'
import { questionKey, Split } from '../split.ts'
import { type Side, tableFiles } from '../table/files.ts'
import { readerOf } from '../table/formats/readers.ts'
import { Issues } from '../table/issues.ts'
import { findOverlap } from '../table/overlap.ts'
import { LeftOutRows } from './left-out.ts'

/** A row of a table as a training example. */
export interface Example<T> {
  /** "train.jsonl:12". */
  readonly where: string
  readonly example: T
}

export type Cells = Readonly<Record<string, unknown>>

/** How the rows of a file become examples. */
export interface Form<T> {
  /** The columns that `read` needs. */
  readonly columns: readonly string[]
  /** Throws `Unusable`. Adds to `unread` the names of fields inside the cells that it does not read. */
  readonly read: (cells: Cells, unread: Set<string>) => T
  /** The question of a row, also of one that cannot be read; null if it has none of its own. */
  readonly question: (cells: Cells) => string | null
}

/** What stays on one side of a split. */
export interface Splitting {
  /**
   * All examples with the same question, as in every command; or only those with the same `keyOf`,
   * for data that a run writes itself, with several answers to a question.
   */
  readonly splitBy?: 'question' | 'key' | undefined
}

/** How examples are held out. */
export interface HoldingOut extends Splitting {
  /** Share of the questions that is held out if no file is named as a test or validation set: see `Split`. */
  readonly heldOutShare: number
}

interface ExampleOptions<T> extends HoldingOut {
  /** The form for a file with these columns; throws if they do not hold examples. */
  readonly formOf: (file: string, columns: readonly string[]) => Form<T>
  /** What identifies an example that has no question of its own. */
  readonly keyOf: (example: T) => string
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Examples<T> {
  readonly training: readonly Example<T>[]
  readonly heldOut: readonly Example<T>[]
  /** Number of training rows left out because their question is held out, too. */
  readonly repeated: number
  /** Number of rows left out because they are not examples. */
  readonly unusable: number
}

/**
 * Reads examples from a table: a file (JSONL, CSV, Parquet), a folder, or a dataset of the hub. Rows that are not examples
 * are left out, with a warning that names the first ones.
 *
 * @throws UserError for files that cannot be used, and if too few rows are examples.
 */
export async function readExamples<T>(
  place: string,
  { formOf, keyOf, heldOutShare, splitBy = 'question', warn, progress }: ExampleOptions<T>,
): Promise<Examples<T>> {
  const files = await tableFiles(place, { warn, progress })
  const rows: Row<T>[] = []
  const leftOut = new LeftOutRows()
  const unread = new Set<string>()
  const split = new Split(heldOutShare)
  /** The questions of files that are named as a test or validation set. */
  const named = new Set<string>()
  const isNamed = files.some(({ side }) => side === 'heldOut')
  for (const file of files) {
    let form: Form<T> | null = null
    const reading = readerOf(file.path)!(file.path, {
      need: (names) => {
        form = formOf(file.name, names)
        return form.columns
      },
      onTorn: (line, reason) =>
        warn(`${file.name}:${line}: the file is cut off, its last line is left out (${reason})`),
      onProgress: (share) => progress(`reading ${file.name}: ${Math.floor(100 * share)} %`),
    })
    for await (const { line, cells } of reading) {
      const where = `${file.name}:${line}`
      const question = splitBy === 'question' ? form!.question(cells) : null
      // also the question of a row that cannot be used: see `Split`
      if (question !== null) {
        split.add(questionKey(question))
        if (file.side === 'heldOut') named.add(questionKey(question))
      }
      try {
        const example = form!.read(cells, unread)
        const key = question === null ? keyOf(example) : questionKey(question)
        rows.push({ where, example, question, side: file.side, key, hash: split.add(key) })
      } catch (error) {
        if (!(error instanceof Unusable)) throw error
        leftOut.add(where, error.message)
      }
    }
  }
  const { first } = leftOut
  if (rows.length === 0)
    throw new UserError(
      first === null
        ? `there is no row in ${place}`
        : `${place}: none of its ${plural(leftOut.count, 'row')} can be used; the first: ${first}`,
    )
  const isHeldOut = ({ side, hash }: Row<T>): boolean =>
    isNamed ? side === 'heldOut' : split.isHeldOut(hash)
  const heldOut = rows.filter(isHeldOut)
  const keys = new Set([...named, ...heldOut.map(({ key }) => key)])
  const others = rows.filter((row) => !isHeldOut(row))
  const training = others.filter(({ key }) => !keys.has(key))
  if (training.length === 0 || (heldOut.length === 0 && heldOutShare > 0))
    throw new UserError(
      `${place} has ${plural(training.length, 'row')} to train on and ${heldOut.length} to hold out; both are needed: ${adviceFor(rows, isNamed)}${first === null ? '' : `. ${plural(leftOut.count, 'row')} cannot be used; the first: ${first}`}`,
    )
  if (first !== null) warn(`${place}: ${leftOut.paragraph(rows.length + leftOut.count)}`)
  for (const paragraph of overlap(training, heldOut, progress)) warn(`${place}: ${paragraph}`)
  if (unread.size > 0)
    warn(`${place}: messages have fields that are not read: ${[...unread].sort().join(', ')}`)
  const plain = ({ where, example }: Example<T>): Example<T> => ({ where, example })
  return {
    training: training.map(plain),
    heldOut: heldOut.map(plain),
    repeated: others.length - training.length,
    unusable: leftOut.count,
  }
}

interface Row<T> extends Example<T> {
  /** Null if it has none of its own. */
  readonly question: string | null
  readonly side: Side | null
  /** What identifies its question, or the example, and the hash of it. */
  readonly key: string
  readonly hash: number
}

/** The first training questions that share much of their wording with held-out ones, in words, as of a table of questions. */
function overlap<T>(
  training: readonly Row<T>[],
  heldOut: readonly Row<T>[],
  progress: (line: string) => void,
): string[] {
  const issues = new Issues()
  const asked = (rows: readonly Row<T>[]): [index: number, question: string][] => {
    // a question that several rows ask is compared once
    const first = new Map<string, [number, string]>()
    for (const [i, { question, key }] of rows.entries())
      if (question !== null && !first.has(key)) first.set(key, [i, question])
    return [...first.values()]
  }
  const texts = asked(training)
  findOverlap(
    asked(heldOut),
    { texts, count: texts.length },
    (i, j, words) => {
      const [one, other] = [training[i]!, heldOut[j]!]
      const [question, held] = [one.question!, other.question!]
      issues.add({ kind: 'overlap', where: one.where, question, of: other.where, heldOut: held, words })
    },
    progress,
  )
  return issues.paragraphs()
}

/** What to do where one of the sides is empty. */
function adviceFor(rows: readonly { readonly key: string }[], named: boolean): string {
  if (named) return 'add a file of the other side'
  return new Set(rows.map(({ key }) => key)).size < 2
    ? 'add rows with other questions'
    : 'mend the rows that cannot be used, or set a higher eval.share'
}

/** The text in a cell. @throws Unusable if there is none. */
export function readText(cells: Cells, name: string): string {
  const value = cells[name]
  if (typeof value !== 'string') throw new Unusable(`"${name}" ${notText(value)}`)
  if (value.trim() === '') throw new Unusable(`"${name}" is empty`)
  if (!value.isWellFormed()) throw new Unusable(`"${name}" has half of a surrogate pair, which is no text`)
  return value
}
