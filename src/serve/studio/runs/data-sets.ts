import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onDisk } from '../../../common/files/disk.ts'
import { isRecord, parseJson } from '../../../common/json.ts'
import type { RunStore } from '../../../runs/store.ts'
import { type DataFile, dataFilesOf, filesIn } from './data-rows.ts'
import { newest } from './series.ts'

/**
 * A data set that a run made. Of most, each row is a sample of `splits`, with the reward `kept` and why it was rejected; what
 * was kept is also in `file`. Preferences are in `file` alone.
 */
export interface DataSetCard {
  readonly name: string
  /** Rows that were kept, and rows that were looked at; null if unknown. */
  readonly rows: number | null
  readonly seen: number | null
  /** Of preferences: how many were judged, kept, and left out for which reason. */
  readonly counts: Readonly<Record<string, number>> | null
  /** Its data card, in Markdown. */
  readonly card: string | null
  readonly splits: readonly string[]
  readonly file: DataFile | null
}

/** Characters of a card. */
const LONGEST = 200_000

/** The data sets of a run: those with splits in the order in which they were made, then the other files. */
export function dataSetsOf(store: RunStore): DataSetCard[] {
  const folder = join(store.directory, 'data')
  const splits = store.splits()
  const cards = filesIn(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -3))
  const files = dataFilesOf(store.directory)
  const counted = store.metricNames().flatMap((name) => /^data\/(.+)\/rows$/.exec(name)?.[1] ?? [])
  const preferences = preferenceCounts(store.directory)
  const at = (name: string): number => {
    const found = splits.findIndex((split) => split.startsWith(`${name}/`))
    return found < 0 ? splits.length : found
  }
  return [...new Set([...cards, ...counted, ...files.keys()])]
    .sort((a, b) => at(a) - at(b))
    .map((name) => {
      const counts = preferences.get(name) ?? null
      const file = files.get(name) ?? null
      return {
        name,
        rows: newest(store, `data/${name}/rows`)?.value ?? file?.rows ?? null,
        seen: newest(store, `data/${name}/seen`)?.value ?? counts?.judged ?? null,
        counts,
        card: cards.includes(name) ? read(join(folder, `${name}.md`)) : null,
        splits: splits.filter((split) => split.startsWith(`${name}/`)),
        file,
      }
    })
}

/** What R1 tells of its preferences, by the names of their files. */
function preferenceCounts(directory: string): Map<string, Readonly<Record<string, number>>> {
  const name = 'preference-data.json'
  const told = filesIn(directory).includes(name) ? parseJson(read(join(directory, name))) : null
  return new Map(
    [
      ['helpful', 'pairs'],
      ['harmless', 'labels'],
    ].flatMap(([file, of]) => {
      const counts = isRecord(told) ? told[of!] : null
      return isRecord(counts) ? [[file!, counts as Record<string, number>] as const] : []
    }),
  )
}

const read = (file: string): string =>
  onDisk('read', file, () => readFileSync(file, 'utf8')).slice(0, LONGEST)
