import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import { hubFiles, readHubName } from '../../hub/index.ts'
import { linesCommand } from './formats/jsonl.ts'
import { readerOf } from './formats/readers.ts'

export interface TableFile {
  /** Path of the file. */
  readonly path: string
  /** Its name in messages, relative to the folder or dataset. */
  readonly name: string
  /** What its questions are for; null if its name does not say: then a part of them is held out. */
  readonly side: Side | null
}

export type Side = 'training' | 'heldOut'

const FORMS = 'JSONL (.jsonl), CSV (.csv, .tsv) or Parquet (.parquet)'

/** Words in a file's name that say what it is for. Without a test file, validation files are held out. */
const SPLITS: Readonly<Record<string, 'train' | 'test' | 'validation'>> = {
  train: 'train',
  training: 'train',
  test: 'test',
  eval: 'test',
  evaluation: 'test',
  heldout: 'test',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
}

/**
 * The files of a table: a file, a folder of files, or a dataset of the hub (`owner/name`, optionally with a path inside it,
 * or `/*` for all parts, and `@revision`), which is downloaded if it is not in the cache.
 *
 * @param warn called with a message about files that are left out.
 * @param progress called with lines that say what is being downloaded.
 * @throws UserError if there is no table.
 */
export async function tableFiles(
  place: string,
  { warn, progress }: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<TableFile[]> {
  if (existsSync(place)) {
    if (!statSync(place).isDirectory()) {
      if (!readerOf(place)) {
        const advice = /\.json$/i.test(place) ? `; to convert a JSON array: ${linesCommand(place)}` : ''
        throw new UserError(`${place} is not a table: ${FORMS} is needed${advice}`)
      }
      return [{ path: place, name: basename(place), side: null }]
    }
    const paths = (readdirSync(place, { recursive: true }) as string[]).map((path) =>
      path.split(sep).join('/'),
    )
    return withSides(place, place, paths.filter((path) => readerOf(path)).sort(), warn)
  }
  const named = readHubName(place)
  if (!named || readerOf(named.id)) throw new UserError(`there is no file or folder ${place}`)
  const { id, path, revision } = named
  const { folder, paths } = await hubFiles(
    { kind: 'dataset', id, revision },
    (all) => chooseTables(id, path, all),
    progress,
  )
  return withSides(id, folder, paths, warn)
}

/** The tables of a dataset under a path. @throws UserError if there are none, or without a path if there are several parts. */
function chooseTables(id: string, path: string, all: readonly string[]): string[] {
  const inside = (file: string): boolean =>
    path === '' || path === '*' || file === path || file.startsWith(`${path}/`)
  const tables = all.filter((file) => readerOf(file))
  const chosen = tables.filter(inside)
  const parts = [...new Set(tables.map(partOf))].sort()
  if (tables.length === 0)
    throw new UserError(
      `the dataset ${id} has no table among its ${plural(all.length, 'file')}: ${FORMS} is needed`,
    )
  if (chosen.length === 0)
    throw new UserError(`the dataset ${id} has no table "${path}"; it has ${parts.join(', ')}`)
  if (path === '' && parts.length > 1)
    throw new UserError(
      `the dataset ${id} has several parts: ${parts.join(', ')}. Choose one (${id}/${parts[0]}), or ${id}/* for all`,
      2,
    )
  return chosen
}

/** The folder of a file, without folders named after a split: "main/train-0.parquet" → "main". */
function partOf(file: string): string {
  const folders = file.split('/').slice(0, -1)
  return folders.filter((folder) => splitOf(folder) === null).join('/') || 'data'
}

/** Assigns a side to each file by its name. */
function withSides(
  place: string,
  folder: string,
  paths: readonly string[],
  warn: (message: string) => void,
): TableFile[] {
  if (paths.length === 0) throw new UserError(`${place} contains no table: ${FORMS} is needed`)
  const splits = new Map(paths.map((path) => [path, splitOf(path)]))
  const has = (split: string): boolean => [...splits.values()].includes(split as never)
  const heldOut = has('test') ? 'test' : 'validation'
  // Training files without held-out files have no side; test files are held out even without training files.
  const side = (path: string): Side | null | undefined => {
    const split = splits.get(path)
    if (split === heldOut) return 'heldOut'
    if (split === 'train') return has(heldOut) ? 'training' : null
    return has('test') || has('validation') || has('train') ? undefined : null
  }
  const left = paths.filter((path) => side(path) === undefined)
  if (left.length > 0)
    warn(
      `${place}: these files are not read, because their names contain neither train nor ${heldOut}: ${left.join(', ')}`,
    )
  return paths
    .filter((path) => side(path) !== undefined)
    .map((path) => ({ path: join(folder, path), name: path, side: side(path)! }))
}

/** The split named by a file's name or else by its folders, or null. */
function splitOf(path: string): 'train' | 'test' | 'validation' | null {
  for (const part of path.split('/').reverse())
    for (const word of part.toLowerCase().split(/[^a-z]+/))
      if (Object.hasOwn(SPLITS, word)) return SPLITS[word]!
  return null
}
