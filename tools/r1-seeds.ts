import { combineReports } from '../src/report/combine-stages.ts'
import type { RunStages } from '../src/report/stage-metrics.ts'
import { writeReport } from '../src/report/stage-report.ts'
import { markdownTable } from '../src/report/stage-tables.ts'
import { RunStore } from '../src/runs/store.ts'

/**
 * Prints the stage table of several finished runs of `ruminate r1` with different seeds: mean ± standard deviation, as
 * Markdown. With --out, also writes the whole report with its plots to a folder.
 *
 *   npx tsx tools/r1-seeds.ts RUN RUN RUN [--out FOLDER]
 */
const given = process.argv.slice(2)
const at = given.indexOf('--out')
const out = at < 0 ? null : given[at + 1]
const runs = at < 0 ? given : given.toSpliced(at, 2)
if (runs.length === 0 || out === undefined) {
  console.error('usage: npx tsx tools/r1-seeds.ts RUN RUN RUN [--out FOLDER]')
  process.exit(2)
}

const read = (directory: string): RunStages => {
  const store = RunStore.open(directory)
  try {
    const { seed, status, result } = store.info()
    const stages = (result as Partial<RunStages> | null)?.stages
    if (!stages) throw new Error(`${directory} (${status}) has no stage table: is it a finished run of r1?`)
    return { seed, stages }
  } finally {
    store.close()
  }
}

try {
  const report = combineReports(runs.map(read))
  console.log(markdownTable(report))
  if (out) console.error(`written: ${writeReport(out, report)}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
