import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { hubFiles, readHubName } from '../../hub/index.ts'
import { linesCommand } from './jsonl.ts'
import { readerOf } from './rows.ts'

export interface TableFile {
  /** Where it is. */
  readonly path: string
  /** What people call it. */
  readonly name: string
  /** What its questions are for; null: a tenth of them is held out. */
  readonly side: Side | null
}

export type Side = 'training' | 'heldOut'

const FORMS = 'JSONL (.jsonl), CSV (.csv, .tsv) or Parquet (.parquet)'

/** Words of a file's name that say what it is for. Validation stands in for a test that is missing. */
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
 * The files of a table: a file, a folder of files, or a dataset of the hub (`owner/name`, then optionally a path inside
 * it, or `/*` for every part, and `@revision`), which is downloaded when it is not in the cache.
 *
 * @param warn told of files that are left out.
 * @throws UserError where there is no table.
 */
export async function tableFiles(
  place: string,
  { warn, progress }: { warn: (message: string) => void; progress: (line: string) => void },
): Promise<TableFile[]> {
  if (existsSync(place)) {
    if (!statSync(place).isDirectory()) {
      if (!readerOf(place)) {
        const advice = /\.json$/i.test(place) ? `; of a JSON array: ${linesCommand(place)}` : ''
        throw new UserError(`${place} is no table: ${FORMS} is needed${advice}`)
      }
      return [{ path: place, name: basename(place), side: null }]
    }
    const paths = (readdirSync(place, { recursive: true }) as string[]).map((path) =>
      path.split(sep).join('/'),
    )
    return sorted(place, place, paths.filter((path) => readerOf(path)).sort(), warn)
  }
  const named = readHubName(place)
  if (!named || readerOf(named.id)) throw new UserError(`there is no file or folder ${place}`)
  const { id, path, revision } = named
  const { folder, paths } = await hubFiles(
    { kind: 'dataset', id, revision },
    (all) => chooseTables(id, path, all),
    progress,
  )
  return sorted(id, folder, paths, warn)
}

/** The tables of a dataset under a path. Without one, a dataset of several parts must be told which. */
function chooseTables(id: string, path: string, all: readonly string[]): string[] {
  const inside = (file: string): boolean =>
    path === '' || path === '*' || file === path || file.startsWith(`${path}/`)
  const tables = all.filter((file) => readerOf(file))
  const chosen = tables.filter(inside)
  const parts = [...new Set(tables.map(partOf))].sort()
  if (tables.length === 0)
    throw new UserError(`the dataset ${id} has no table among its ${all.length} files: ${FORMS} is needed`)
  if (chosen.length === 0)
    throw new UserError(`the dataset ${id} has no table "${path}"; it has ${parts.join(', ')}`)
  if (path === '' && parts.length > 1)
    throw new UserError(
      `the dataset ${id} has several parts: ${parts.join(', ')}. Choose one (${id}/${parts[0]}), or ${id}/* for all`,
      2,
    )
  return chosen
}

/** The folder of a file, unless the folder is named after a split: "main/train-0.parquet" → "main". */
function partOf(file: string): string {
  const folders = file.split('/').slice(0, -1)
  return folders.filter((folder) => splitOf(folder) === null).join('/') || 'data'
}

/** Sorts files into training and held out by their names, where these tell them apart. */
function sorted(
  place: string,
  folder: string,
  paths: readonly string[],
  warn: (message: string) => void,
): TableFile[] {
  if (paths.length === 0) throw new UserError(`${place} holds no table: ${FORMS} is needed`)
  const splits = new Map(paths.map((path) => [path, splitOf(path)]))
  const has = (split: string): boolean => [...splits.values()].includes(split as never)
  const heldOut = has('test') ? 'test' : 'validation'
  // Names without both sides tell nothing apart, but a test alone is for evaluation alone.
  const side = (path: string): Side | null | undefined => {
    const split = splits.get(path)
    if (split === heldOut) return 'heldOut'
    if (split === 'train') return has(heldOut) ? 'training' : null
    return has('test') || has('validation') || has('train') ? undefined : null
  }
  const left = paths.filter((path) => side(path) === undefined)
  if (left.length > 0)
    warn(`${place}: not read, as neither train nor ${heldOut} is in their names: ${left.join(', ')}`)
  return paths
    .filter((path) => side(path) !== undefined)
    .map((path) => ({ path: join(folder, path), name: path, side: side(path)! }))
}

/** What the name of a file (or else of its folders) says that it is for. */
function splitOf(path: string): 'train' | 'test' | 'validation' | null {
  for (const part of path.split('/').reverse())
    for (const word of part.toLowerCase().split(/[^a-z]+/))
      if (Object.hasOwn(SPLITS, word)) return SPLITS[word]!
  return null
}
