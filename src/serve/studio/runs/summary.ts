import { statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { convertedFrom } from '../../../common/files/conversions.ts'
import { packageRoot } from '../../../common/files/package.ts'
import { isRecord } from '../../../common/json.ts'
import { type Checkpoint, type RunEvent, type RunInfo, TIME } from '../../../runs/rows.ts'
import type { RunStore } from '../../../runs/store.ts'
import type { Found, RunsFolder } from './runs-folder.ts'
import { newest, seriesOf } from './series.ts'

/** A run in the list of runs. */
export interface RunSummary extends Found {
  readonly recipe: string
  readonly model: string | null
  /** The task or the table that it learns from. */
  readonly task: string | null
  readonly status: RunInfo['status']
  /** ISO 8601. */
  readonly created: string
  /** Of a run of several stages, the steps of all of them. */
  readonly steps: { readonly done: number; readonly planned: number | null }
  /** Of a run in progress; null if unknown. Of a run of several stages it is an estimate: see `secondsLeftInStages`. */
  readonly secondsLeft: number | null
  /** Seconds of training until the newest step; null if the run does not measure it. */
  readonly secondsTrained: number | null
  /**
   * The newest accuracy, on training questions or on held-out ones; of the same step, that on held-out ones. Of a run of several
   * stages, that of the last stage which has one, at its step among those of all stages; the student's stages do not count.
   */
  readonly accuracy: { readonly step: number; readonly value: number } | null
  /** The course of `sparkName` over the steps, in at most 60 values. */
  readonly spark: readonly (number | null)[]
  readonly sparkName: string | null
  readonly note: string | null
  readonly tags: readonly string[]
  /** Why the run failed, or why it cannot be read: of such a run, nothing else is known. */
  readonly problem: string | null
}

/** Everything about a run but its metrics and rollouts. */
export interface RunDetail extends RunSummary {
  readonly seed: number
  readonly settings: unknown
  readonly versions: Readonly<Record<string, string>>
  readonly result: unknown
  readonly checkpoints: readonly Checkpoint[]
  readonly events: readonly RunEvent[]
  readonly metricNames: readonly string[]
  readonly splits: readonly string[]
  /** The stages of a run of several stages, by its steps. */
  readonly sections: readonly Section[]
}

/** A stage: `from` and `to` are its first and last step among those of all stages, one after the other. */
export interface Section {
  readonly name: string
  readonly id: string
  readonly from: number
  readonly to: number
}

/** The recipe of a run that cannot be read. */
const UNKNOWN = 'unknown'
const SPARK = 60
const SPARKS = ['accuracy', 'eval/pass@1', 'loss', 'eval/loss']

/** The summary of a run, also of one that cannot be read. */
export function summaryOf(folder: RunsFolder, found: Found): RunSummary {
  try {
    const stages = trainedStages(folder, found.id)
    return folder.read(found.id, (store) => summaryIn(store, found, stages))
  } catch (error) {
    return unreadable(folder, found, error instanceof Error ? error.message.split('\n')[0]! : String(error))
  }
}

function unreadable({ root }: RunsFolder, found: Found, problem: string): RunSummary {
  return {
    id: found.id,
    parent: found.parent,
    recipe: UNKNOWN,
    model: null,
    task: null,
    status: 'failed',
    created: new Date(changedAt(join(root, found.id, 'run.sqlite'))).toISOString(),
    steps: { done: 0, planned: null },
    secondsLeft: null,
    secondsTrained: null,
    accuracy: null,
    spark: [],
    sparkName: null,
    note: null,
    tags: [],
    problem,
  }
}

/** When a file was written last, in milliseconds; 0 if that cannot be read. */
function changedAt(file: string): number {
  try {
    return statSync(file).mtimeMs
  } catch {
    return 0
  }
}

function summaryIn(store: RunStore, found: Found, stages: readonly RunSummary[]): RunSummary {
  const info = store.info()
  const settings = (info.settings ?? {}) as Readonly<Record<string, unknown>>
  const isStaged = stages.length > 0
  const planned = isStaged ? null : plannedSteps(store, settings)
  return {
    id: found.id,
    parent: found.parent,
    recipe: info.recipe,
    model: textOf(settings.model) && modelName(textOf(settings.model)!),
    task: textOf(settings.task) ?? textOf(settings.data),
    status: info.status,
    created: info.created,
    steps: { done: isStaged ? stepsOf(stages) : info.step, planned },
    secondsLeft:
      info.status !== 'running'
        ? null
        : isStaged
          ? secondsLeftInStages(store, settings, stages)
          : secondsLeft(store, info.step, planned),
    secondsTrained: newest(store, TIME)?.value ?? null,
    accuracy: isStaged ? newestAccuracyIn(stages) : newestAccuracy(store),
    ...(isStaged ? sparkIn(stages) : sparkOf(store)),
    note: info.note,
    tags: info.tags,
    problem: info.status === 'failed' ? whyFailed(store) : null,
  }
}

function newestAccuracy(store: RunStore): RunSummary['accuracy'] {
  const training = newest(store, 'accuracy')
  const heldOut = newest(store, 'eval/pass@1')
  return heldOut !== null && heldOut.step >= (training?.step ?? 0) ? heldOut : training
}

/** R1's stages that train another model, the student. */
const STUDENTS = ['distill', 'student-zero']
const isStudents = ({ id }: RunSummary): boolean => STUDENTS.includes(basename(id))

function newestAccuracyIn(stages: readonly RunSummary[]): RunSummary['accuracy'] {
  const last = stages.findLastIndex((stage) => stage.accuracy !== null && !isStudents(stage))
  if (last < 0) return null
  const { step, value } = stages[last]!.accuracy!
  return { step: stepsOf(stages.slice(0, last)) + step, value }
}

type Spark = Pick<RunSummary, 'spark' | 'sparkName'>

function sparkOf(store: RunStore): Spark {
  const sparkName = SPARKS.find((name) => newest(store, name) !== null) ?? null
  return { sparkName, spark: sparkName === null ? [] : seriesOf(store, sparkName, { points: SPARK }).value }
}

/** The lines of the stages that show the same metric, one after another, each as wide as its share of the steps; the newest value last. */
function sparkIn(stages: readonly RunSummary[]): Spark {
  const own = stages.filter((stage) => !isStudents(stage))
  const sparkName = SPARKS.find((name) => own.some((stage) => stage.sparkName === name)) ?? null
  const shown = own.filter((stage) => stage.sparkName === sparkName)
  const total = stepsOf(shown)
  const points = Math.min(SPARK, total)
  const valueAt = (step: number): number | null => {
    let before = 0
    for (const { steps, spark } of shown) {
      if (step <= before + steps.done)
        return spark[Math.ceil(((step - before) / steps.done) * spark.length) - 1] ?? null
      before += steps.done
    }
    return null
  }
  return {
    sparkName,
    spark: Array.from({ length: points }, (_, i) => valueAt(((i + 1) * total) / points)),
  }
}

/** Runs of earlier releases do not say it. */
const whyFailed = (store: RunStore): string | null =>
  store.select<{ message: string }>("SELECT message FROM events WHERE level = 'error'")[0]?.message ?? null

/** A run with its settings, versions, checkpoints and events. @throws as `RunsFolder.read`. */
export function detailOf(folder: RunsFolder, found: Found): RunDetail {
  const stages = trainedStages(folder, found.id)
  const inStages = stages.flatMap(({ id }) => folder.read(id, (stage) => stage.metricNames()))
  return folder.read(found.id, (store) => {
    const { seed, settings, versions, result } = store.info()
    return {
      ...summaryIn(store, found, stages),
      seed,
      settings,
      versions,
      result,
      checkpoints: store.checkpoints(),
      events: store.events(),
      metricNames: [...new Set([...store.metricNames(), ...inStages])],
      splits: store.splits(),
      sections: sectionsIn(stages),
    }
  })
}

/** The stages of a run that have trained, in the order in which they began. A stage that cannot be read is left out. */
const trainedStages = (folder: RunsFolder, id: string): RunSummary[] =>
  folder
    .stagesOf(id)
    .filter(({ parent }) => parent === id)
    .map((found) => summaryOf(folder, found))
    .filter(({ recipe, steps }) => recipe !== UNKNOWN && steps.done > 0)
    .sort((a, b) => a.created.localeCompare(b.created))

const stepsOf = (stages: readonly RunSummary[]): number =>
  stages.reduce((sum, { steps }) => sum + steps.done, 0)

/** The stages of a run, as sections of its steps. */
export const sectionsOf = (folder: RunsFolder, id: string): Section[] => sectionsIn(trainedStages(folder, id))

function sectionsIn(stages: readonly RunSummary[]): Section[] {
  let before = 0
  return stages.map((stage) => {
    const from = before + 1
    before += stage.steps.done
    return { name: basename(stage.id), id: stage.id, from, to: before }
  })
}

/** Steps of which the time of one step is the mean. */
const RECENT = 20

/**
 * From the time that the last steps took, which is measured with a clock that never jumps; null for a run that does not measure
 * it.
 */
function secondsLeft(store: RunStore, done: number, planned: number | null): number | null {
  if (planned === null) return null
  const times = store.select<{ step: number; value: number }>(
    'SELECT step, value FROM metrics WHERE name = ? AND step >= ? ORDER BY step',
    TIME,
    done - RECENT,
  )
  const [first, last] = [times[0], times.at(-1)]
  const left = Math.max(0, planned - done)
  if (first && last && last.step > first.step)
    return (left * (last.value - first.value)) / (last.step - first.step)
  const [{ seconds, steps }] = store.select<{ seconds: number; steps: number }>(
    `SELECT total(value) AS seconds, count(DISTINCT step) AS steps FROM metrics
     WHERE name IN ('time/sampling', 'time/training') AND step > ?`,
    done - RECENT,
  ) as [{ seconds: number; steps: number }]
  return steps === 0 ? null : (left * seconds) / steps
}

/**
 * An estimate for a run of several stages. How many steps its reinforcement learning will have, its settings say; all other work
 * (fine-tuning, data, measurements) is taken to go on at the same rate beside it:
 *
 *     seconds left = steps left · seconds so far / steps done
 *
 * Seconds so far: until the last stage was measured, and those that the stage in progress has trained since. Runs of earlier
 * releases know the seconds of their stages alone. Null if the settings plan no such steps, or no time is measured.
 */
function secondsLeftInStages(
  store: RunStore,
  settings: Readonly<Record<string, unknown>>,
  stages: readonly RunSummary[],
): number | null {
  const planned = stepsPlannedIn(settings)
  const done = stages.reduce((sum, { recipe, steps }) => sum + (recipe === 'zero' ? steps.done : 0), 0)
  const trained = (some: readonly RunSummary[]): number =>
    some.reduce((sum, { secondsTrained }) => sum + (secondsTrained ?? 0), 0)
  const measured = newest(store, TIME)?.value ?? 0
  const seconds = Math.max(
    measured + trained(stages.filter(({ status }) => status === 'running')),
    trained(stages),
  )
  return planned === 0 || done === 0 || seconds === 0 ? null : (Math.max(0, planned - done) * seconds) / done
}

/** The steps that the settings of stages plan, however deep they stand; those of a stage without a model are not done. */
const stepsPlannedIn = (settings: Readonly<Record<string, unknown>>): number =>
  Object.values(settings)
    .filter(isRecord)
    .filter(({ model }) => model !== null)
    .reduce(
      (sum, stage) => sum + (typeof stage.steps === 'number' ? stage.steps : 0) + stepsPlannedIn(stage),
      0,
    )

/**
 * How many steps a run will have: a setting, or what follows from the share of its epochs, or of its tokens, that the newest
 * step has reached; null if that is unknown, as before the first step.
 */
function plannedSteps(
  store: RunStore,
  { steps, epochs, tokens }: Readonly<Record<string, unknown>>,
): number | null {
  if (typeof steps === 'number') return steps
  const after = (name: string, all: unknown): number | null => {
    const reached = typeof all === 'number' ? newest(store, name) : null
    return reached === null || reached.value <= 0
      ? null
      : Math.round((reached.step * Number(all)) / reached.value)
  }
  return after('epoch', epochs) ?? after('total/tokens', tokens)
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** A model as people call it: an embedded one by its name, one of a run by the run's. */
function modelName(model: string): string {
  const source = convertedFrom(model) ?? model
  return dirname(resolve(source)) === join(packageRoot(), 'models') ? basename(source) : source
}
