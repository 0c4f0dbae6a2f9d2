import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { onDisk } from '../../common/files/disk.ts'
import type { RunStore } from '../../runs/store.ts'
import { newest } from './series.ts'

/** A data set that a run made. Its rows are the samples of its splits, each with the reward `kept` and why it was rejected. */
export interface DataSetCard {
  readonly name: string
  /** Rows that were kept, and rows that were looked at; null if unknown. */
  readonly rows: number | null
  readonly seen: number | null
  /** Its data card, in Markdown. */
  readonly card: string | null
  readonly splits: readonly string[]
}

/** Characters of a card. */
const LONGEST = 200_000

/** The data sets of a run, in the order in which they were made. */
export function dataSetsOf(store: RunStore): DataSetCard[] {
  const folder = join(store.directory, 'data')
  const splits = store.splits()
  const cards = filesIn(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -3))
  const counted = store.metricNames().flatMap((name) => /^data\/(.+)\/rows$/.exec(name)?.[1] ?? [])
  const at = (name: string): number => {
    const found = splits.findIndex((split) => split.startsWith(`${name}/`))
    return found < 0 ? splits.length : found
  }
  return [...new Set([...cards, ...counted])]
    .sort((a, b) => at(a) - at(b))
    .map((name) => ({
      name,
      rows: newest(store, `data/${name}/rows`)?.value ?? null,
      seen: newest(store, `data/${name}/seen`)?.value ?? null,
      card: cards.includes(name) ? read(join(folder, `${name}.md`)) : null,
      splits: splits.filter((split) => split.startsWith(`${name}/`)),
    }))
}

/** Names of the files in a folder, without links, which could lead anywhere. */
function filesIn(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  return onDisk('read', folder, () => readdirSync(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

const read = (file: string): string =>
  onDisk('read', file, () => readFileSync(file, 'utf8')).slice(0, LONGEST)
