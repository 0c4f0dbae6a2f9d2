import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { isRecord, parseJson } from '../../../common/json.ts'
import { fileSize } from '../../../common/words.ts'
import { RequestError } from '../../problem.ts'

/** What the rows of a file are: conversations, a prompt with one completion, two answers of which one is better, or one that is good or not. */
export type RowKind = 'demonstrations' | 'completions' | 'pairs' | 'labels' | 'other'

/** The file that a data set was written to, a JSON object a line. */
export interface DataFile {
  readonly kind: RowKind
  /** null for a file that is too large to be counted. */
  readonly rows: number | null
}

/** A page of rows, as they stand in the file. */
export interface DataPage {
  readonly kind: RowKind
  /** A line that is no JSON object is null. */
  readonly rows: readonly (Readonly<Record<string, unknown>> | null)[]
  /** Where the next page begins; null after the last one. */
  readonly next: string | null
}

/** Which rows are asked for: parameters of the address. */
export const rowsQuery = z.object({
  /** The byte at which a line begins. */
  cursor: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** Bytes that are read at a time, those of one line at most, and those of a file that is counted. */
const [CHUNK, LINE, COUNTED] = [1 << 18, 1 << 24, 1 << 27]

/** The files of a run's data sets by their names. */
export function dataFilesOf(directory: string): Map<string, DataFile> {
  const folder = join(directory, 'data')
  return new Map(
    filesIn(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => {
        const file = join(folder, name)
        const [first = null] = rowsIn(file, 0, 1).rows
        return [name.slice(0, -'.jsonl'.length), { kind: kindOf(first), rows: countLines(file) }]
      }),
  )
}

/** Rows of a data set. @throws RequestError if the run has no such file. */
export function dataRows(
  directory: string,
  name: string,
  { cursor, limit }: z.output<typeof rowsQuery>,
): DataPage {
  const folder = join(directory, 'data')
  // only what the folder lists is read, so no name leads out of it
  if (!filesIn(folder).includes(`${name}.jsonl`))
    throw new RequestError('notFound', `the run has no data set ${JSON.stringify(name.slice(0, 100))}`)
  const file = join(folder, `${name}.jsonl`)
  const [first = null] = rowsIn(file, 0, 1).rows
  return { kind: kindOf(first), ...rowsIn(file, cursor, limit) }
}

/** Names of the files in a folder, without links, which could lead anywhere. */
export function filesIn(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  return onDisk('read', folder, () => readdirSync(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()
}

function kindOf(row: Readonly<Record<string, unknown>> | null): RowKind {
  const has = (...names: readonly string[]): boolean => row !== null && names.every((name) => name in row)
  if (has('chosen', 'rejected')) return 'pairs'
  if (has('response', 'label')) return 'labels'
  if (has('messages')) return 'demonstrations'
  if (has('prompt', 'completion')) return 'completions'
  return 'other'
}

/** Lines from a byte of a file on. */
function rowsIn(path: string, from: number, limit: number): Pick<DataPage, 'rows' | 'next'> {
  return onDisk('read', path, () => {
    const file = openSync(path, 'r')
    try {
      const rows: (Readonly<Record<string, unknown>> | null)[] = []
      let rest = Buffer.alloc(0)
      let begin = from
      for (let at = from; ; ) {
        const chunk = Buffer.alloc(CHUNK)
        const read = readSync(file, chunk, 0, CHUNK, at)
        at += read
        rest = Buffer.concat([rest, chunk.subarray(0, read)])
        const isEnd = read === 0
        for (let end = rest.indexOf(10); rows.length < limit; end = rest.indexOf(10)) {
          if (end < 0 && !(isEnd && rest.length > 0)) break
          const line = rest.subarray(0, end < 0 ? rest.length : end)
          rest = rest.subarray(end < 0 ? rest.length : end + 1)
          begin += line.length + (end < 0 ? 0 : 1)
          if (line.length > 0) rows.push(rowOf(line.toString('utf8')))
        }
        if (isEnd || rows.length === limit) break
        if (rest.length > LINE)
          throw new UserError(`${path} has a line of more than ${fileSize(LINE)}; it is not shown`)
      }
      const { size } = statSync(path)
      return { rows, next: rows.length === limit && begin < size ? String(begin) : null }
    } finally {
      closeSync(file)
    }
  })
}

function rowOf(line: string): Readonly<Record<string, unknown>> | null {
  const row = parseJson(line)
  return isRecord(row) ? row : null
}

function countLines(path: string): number | null {
  const { size } = statSync(path)
  if (size > COUNTED) return null
  const text = onDisk('read', path, () => readFileSync(path))
  let count = 0
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) count++
  return count + (size > 0 && text.at(-1) !== 10 ? 1 : 0)
}
