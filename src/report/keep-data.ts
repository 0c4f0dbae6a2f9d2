import { UserError } from '../common/errors.ts'
import { toDemonstration, toRolloutRows, writeJsonLines, writeText } from '../stages/data/files.ts'
import { countRejections, type DataRow, isKept } from '../stages/data/rows.ts'
import { dataCard } from './data-card.ts'
import type { StagedRun, StagedWatch } from './staged-run.ts'

/** Data is kept in the run with the reasons of what was rejected, as a file to train on, and with a card. */
export function keepData(
  { store, watch }: Pick<StagedRun<never>, 'store'> & { watch: Pick<StagedWatch<never>, 'onData'> },
  step: number,
  of: {
    readonly name: string
    readonly title: string
    readonly rows: readonly DataRow[]
    readonly kept: readonly DataRow[]
    readonly file: string
    readonly made: Readonly<Record<string, unknown>>
  },
): void {
  someKept(of.title, of.rows)
  store.truncateAfter(step - 1)
  store.record(step, {
    metrics: { [`data/${of.name}/rows`]: of.kept.length, [`data/${of.name}/seen`]: of.rows.length },
    rollouts: of.rows.flatMap((row) => toRolloutRows(row, of.name)),
  })
  const used = new Set(of.kept)
  const rows = of.rows.map((row) =>
    isKept(row) && !used.has(row) ? { ...row, rejected: 'beyond the share' as const } : row,
  )
  writeJsonLines(of.file, of.kept.map(toDemonstration))
  writeText(of.file.replace(/\.jsonl$/, '.md'), dataCard({ title: of.title, rows, made: of.made }))
  watch.onData?.(`${of.title}: ${of.kept.length} rows kept, of ${of.rows.length} that were looked at`)
}

/** @throws UserError where no row is kept, with the reasons. */
export function someKept(title: string, rows: readonly DataRow[]): void {
  if (rows.some(isKept)) return
  const reasons = Object.entries(countRejections(rows)).map(([reason, count]) => `${count} ${reason}`)
  throw new UserError(
    `${title}: of ${rows.length} responses none can be trained on (${reasons.join(', ')}); ask easier questions or more of them, widen the limits (readable), or begin with a better model`,
  )
}
