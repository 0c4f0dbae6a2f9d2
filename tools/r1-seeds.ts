import { combineReports, markdownTable, type R1Run, writeReport } from '../src/report/stage-report.ts'
import { RunStore } from '../src/runs/store.ts'

/**
 * The stage table of several finished runs of `ruminate r1` that differ in their seeds: mean ± standard deviation, as
 * Markdown. With --out, also the whole report with its curves in a folder.
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

const read = (directory: string): R1Run => {
  const store = RunStore.open(directory)
  try {
    const { seed, status, result } = store.info()
    const stages = (result as Partial<R1Run> | null)?.stages
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
