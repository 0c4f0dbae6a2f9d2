import type { RunStore } from '../runs/store.ts'
import { toDemonstration, toRolloutRows, writeJsonLines, writeText } from '../stages/data/files.ts'
import { type DataSet, isKept, requireKept } from '../stages/data/rows.ts'
import { dataCard } from './data-card.ts'

/**
 * Saves a data set: all rows in the run's store, with the reasons of rejected ones; the kept rows in a file for training;
 * and a data card next to the file.
 *
 * @throws UserError if no row is kept.
 */
export function keepData(
  store: RunStore,
  step: number,
  { rows, kept, made }: DataSet,
  of: {
    readonly name: string
    readonly title: string
    /** A `.jsonl` file. */
    readonly file: string
  },
): void {
  requireKept(of.title, rows)
  store.truncateAfter(step - 1)
  store.record(step, {
    metrics: { [`data/${of.name}/rows`]: kept.length, [`data/${of.name}/seen`]: rows.length },
    rollouts: rows.flatMap((row) => toRolloutRows(row, of.name)),
  })
  const used = new Set(kept)
  const counted = rows.map((row) =>
    isKept(row) && !used.has(row) ? { ...row, rejected: 'beyond the share' as const } : row,
  )
  writeJsonLines(of.file, kept.map(toDemonstration))
  writeText(of.file.replace(/\.jsonl$/, '.md'), dataCard({ title: of.title, rows: counted, made }))
}
