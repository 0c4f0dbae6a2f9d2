import { UserError } from '../common/errors.ts'
import { hashText } from '../common/random.ts'
import { plural } from '../common/words.ts'
import { LeftOutRows } from './left-out.ts'
import { notText } from './messages.ts'
import { type Side, tableFiles } from './table/files.ts'
import { readerOf } from './table/readers.ts'
import { Unusable } from './table/rows.ts'

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
}

interface ExampleOptions<T> {
  /** The form for a file with these columns; throws if they do not hold examples. */
  readonly formOf: (file: string, columns: readonly string[]) => Form<T>
  /** Examples with the same key are on the same side. */
  readonly keyOf: (example: T) => string
  /** Share of the examples that is held out, by a hash of the key, if no file is named as a test or validation set. */
  readonly heldOutShare: number
  readonly warn: (message: string) => void
  readonly progress: (line: string) => void
}

export interface Examples<T> {
  readonly training: readonly Example<T>[]
  readonly heldOut: readonly Example<T>[]
  /** Number of training rows left out because their key is held out, too. */
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
  { formOf, keyOf, heldOutShare, warn, progress }: ExampleOptions<T>,
): Promise<Examples<T>> {
  const files = await tableFiles(place, { warn, progress })
  const rows: (Example<T> & { side: Side | null; key: string })[] = []
  const leftOut = new LeftOutRows()
  const unread = new Set<string>()
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
      try {
        const example = form!.read(cells, unread)
        rows.push({ where, example, side: file.side, key: keyOf(example) })
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
  const chosen = holdOut(rows, heldOutShare)
  const heldOut = rows.filter((row) => chosen.has(row))
  const keys = new Set(heldOut.map(({ key }) => key))
  const others = rows.filter((row) => !chosen.has(row))
  const training = others.filter(({ key }) => !keys.has(key))
  if (training.length === 0 || (heldOut.length === 0 && heldOutShare > 0))
    throw new UserError(
      `${place} has ${plural(training.length, 'row')} to train on and ${heldOut.length} to hold out; both are needed${first === null ? '' : `. ${leftOut.count} cannot be used; the first: ${first}`}`,
    )
  if (first !== null) warn(`${place}: ${leftOut.paragraph(rows.length + leftOut.count)}`)
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

/** The rows of held-out files or, if there are none, those whose hash in [0, 1) is below `share`, but at least the lowest. */
function holdOut<R extends { side: Side | null; key: string }>(rows: readonly R[], share: number): Set<R> {
  const named = rows.filter(({ side }) => side === 'heldOut')
  if (named.length > 0) return new Set(named)
  if (share === 0) return new Set()
  const hashed = rows.map((row) => ({ row, hash: hashText(row.key) / 2 ** 32 }))
  const least = hashed.reduce((low, { hash }) => Math.min(low, hash), 1)
  return new Set(hashed.filter(({ hash }) => hash < share || hash === least).map(({ row }) => row))
}

/** The text in a cell. @throws Unusable if there is none. */
export function readText(cells: Cells, name: string): string {
  const value = cells[name]
  if (typeof value !== 'string') throw new Unusable(`"${name}" ${notText(value)}`)
  if (value.trim() === '') throw new Unusable(`"${name}" is empty`)
  if (!value.isWellFormed()) throw new Unusable(`"${name}" has half of a surrogate pair, which is no text`)
  return value
}
