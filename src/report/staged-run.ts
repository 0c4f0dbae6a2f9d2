import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { warner } from '../common/warnings.ts'
import { plural } from '../common/words.ts'
import type { Generator } from '../providers/generator.ts'
import { Parts } from '../runs/parts.ts'
import { type Place, type Trained, withRun } from '../runs/with-run.ts'
import type { DataContext } from '../stages/data/context.ts'
import { Generators } from '../stages/data/generators/generators.ts'
import type { GeneratorSpec } from '../stages/data/generators/open-generator.ts'
import type { DataSet } from '../stages/data/rows.ts'
import { type Asked, promptFit } from '../stages/sample/fit.ts'
import { fittingTask } from '../tasks/fit.ts'
import { loadGeneral, loadTask } from '../tasks/index.ts'
import type { Task } from '../tasks/task.ts'
import { combineReports } from './combine-stages.ts'
import { keepData } from './keep-data.ts'
import type { StageRow } from './stage-metrics.ts'
import { writeReport } from './stage-report.ts'
import { StageTable, type StageTableOptions } from './stage-table.ts'

/** The common settings of runs of several stages. */
export type StagedSettings = StageTableOptions['settings'] & {
  /** Task of the reasoning questions. */
  readonly task: string
  /** Task of the general prompts. */
  readonly general: string
  readonly judge: GeneratorSpec
  /** Share of the questions of a table that is held out. */
  readonly eval: { readonly share: number }
}

/** Callbacks and the signal of a run of several stages. */
export interface StagedWatch<Settings> {
  /** When aborted, the run stops after the current step or data set, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: Settings) => void) | undefined
  /** Called with the name of every part before it starts, also of parts that are already done. */
  readonly onPart?: ((name: string) => void) | undefined
  /** Called with a line about each data set, and about the cost of each generator. */
  readonly onData?: ((line: string) => void) | undefined
  /** Called with every row of the stage table. */
  readonly onStage?: ((row: StageRow) => void) | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  /** Called with progress: downloads, large tables, replies of providers. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** A run of several stages in progress. */
export interface StagedRun<Settings> {
  readonly directory: string
  readonly settings: Settings
  readonly parts: Parts
  readonly table: StageTable
  /** What every data set needs. */
  readonly context: DataContext
  /** Opens a generator besides the judge. It is closed with the run, and its cost is reported at the end. */
  open(name: string, spec: GeneratorSpec): Promise<Generator>
  /** Path of the data file `name`. */
  dataFile(name: string): string
  /** Makes a data set, as a part of the run, and saves it. Resolves to the file to train on. */
  makeData(name: string, title: string, make: () => Promise<DataSet>): Promise<string>
  /** Reports a line about data. */
  onData(line: string): void
}

export interface StagedResult extends Trained {
  readonly seed: number
  /** The stage table. */
  readonly stages: readonly StageRow[]
  /** Path of the Markdown report; its plots are next to it. */
  readonly report: string
}

/** The tasks of a run of several stages. */
export interface StagedTasks {
  /** The reasoning questions. */
  readonly reasoning: Task
  /** The general prompts. */
  readonly general: Task
}

type Notices = Pick<StagedWatch<never>, 'onWarning' | 'onProgress'>

/** Loads both tasks. @throws UserError if there is no such task, or it cannot be read. */
export async function loadTasks(
  { task, general, eval: { share } }: Pick<StagedSettings, 'task' | 'general' | 'eval'>,
  { onWarning: warn, onProgress: progress }: Notices,
  { solutions = false }: { readonly solutions?: boolean } = {},
): Promise<StagedTasks> {
  const options = { heldOutShare: share, warn, progress }
  const tasks = {
    reasoning: await loadTask(task, { ...options, solutions }),
    general: await loadGeneral(general, options),
  }
  // a task without questions on one of the sides fails before there is a run
  for (const loaded of Object.values(tasks)) {
    loaded.training({ seed: 0, step: 1, count: 1 })
    loaded.heldOut({ count: 1 })
  }
  return tasks
}

/** Both tasks without the questions that a model of the run cannot be asked. @throws UserError if none is left. */
export function fitTasks(
  { reasoning, general }: StagedTasks,
  models: readonly Asked[],
  { onWarning, onProgress }: Notices,
): StagedTasks {
  const options = {
    training: 1,
    warn: warner(onWarning),
    progress: onProgress ?? (() => {}),
  }
  const fit = promptFit(models)
  return { reasoning: fittingTask(reasoning, fit, options), general: fittingTask(general, fit, options) }
}

/**
 * A run of several stages. `stages` does them and resolves to the folder of the final model; then the report is written.
 * Generators are opened once, and closed also if the run fails.
 */
export async function stagedRun<Settings extends StagedSettings>(
  place: Place,
  {
    title,
    titles,
    settings,
    tasks: { reasoning, general },
    watch,
  }: {
    /** Title of the report. */
    readonly title: string
    /** What people call a part, by its name. */
    readonly titles?: Readonly<Record<string, string>>
    readonly settings: Settings
    readonly tasks: StagedTasks
    readonly watch: StagedWatch<Settings>
  },
  stages: (run: StagedRun<Settings>) => Promise<string>,
): Promise<StagedResult> {
  const { seed, threads, engine, tinker, chat, readable: limits } = settings
  const { maxTokens } = settings.eval
  const { signal, onStage } = watch
  const warn = warner(watch.onWarning)
  const progress = watch.onProgress ?? (() => {})
  const onData = (line: string) => watch.onData?.(line)
  return withRun(place, watch, async (run) => {
    const { store, directory } = run
    watch.onStart?.(directory, settings)
    const file = join(directory, 'replies.sqlite')
    const generators = new Generators({ file, engine, threads, chat, notice: warn, progress, signal })
    try {
      const judge = await generators.open('judge', settings.judge)
      const parts = new Parts(directory, { ...watch, titles })
      const table = new StageTable({ parts, store, reasoning, general, judge, settings, progress, onStage })
      const dataFile = (name: string) => join(directory, 'data', `${name}.jsonl`)
      const model = await stages({
        directory,
        settings,
        parts,
        table,
        context: {
          reasoning,
          general,
          judge,
          limits,
          maxTokens,
          seed,
          threads,
          engine,
          tinker,
          chat,
          warn,
          progress,
        },
        open: (name, spec) => generators.open(name, spec),
        dataFile,
        async makeData(name, title, make) {
          const file = dataFile(name)
          await parts.make(`${name}-data`, async (step) => {
            const data = await make()
            keepData(store, step, data, { name, title, file })
            onData(
              `${title}: ${plural(data.kept.length, 'row')} kept of ${plural(data.rows.length, 'candidate')}`,
            )
            return data.summary
          })
          return file
        },
        onData,
      })
      const report = writeReport(directory, combineReports([{ seed, stages: table.rows }]), { title })
      for (const line of generators.spending()) onData(line)
      return await run.finish({ seed, stages: table.rows, report }, (to) =>
        cp(model, to, { recursive: true, dereference: true }),
      )
    } finally {
      await generators.close()
    }
  })
}
