import { statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { convertedFrom } from '../../../common/files/conversions.ts'
import { packageRoot } from '../../../common/files/package.ts'
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
  readonly steps: { readonly done: number; readonly planned: number | null }
  /** Of a run in progress; null if unknown. */
  readonly secondsLeft: number | null
  /** The newest accuracy, on training questions or on held-out ones; of the same step, that on held-out ones. */
  readonly accuracy: { readonly step: number; readonly value: number } | null
  /** Means of `sparkName` over the steps, at most 60. */
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
    return folder.read(found.id, (store) => summaryIn(store, found))
  } catch (error) {
    return unreadable(folder, found, error instanceof Error ? error.message.split('\n')[0]! : String(error))
  }
}

function unreadable({ root }: RunsFolder, found: Found, problem: string): RunSummary {
  const stats = statSync(join(root, found.id, 'run.sqlite'), { throwIfNoEntry: false })
  return {
    id: found.id,
    parent: found.parent,
    recipe: UNKNOWN,
    model: null,
    task: null,
    status: 'failed',
    created: new Date(stats?.mtimeMs ?? 0).toISOString(),
    steps: { done: 0, planned: null },
    secondsLeft: null,
    accuracy: null,
    spark: [],
    sparkName: null,
    note: null,
    tags: [],
    problem,
  }
}

function summaryIn(store: RunStore, found: Found): RunSummary {
  const info = store.info()
  const settings = (info.settings ?? {}) as Readonly<Record<string, unknown>>
  const sparkName = SPARKS.find((name) => newest(store, name) !== null) ?? null
  const planned = plannedSteps(store, settings)
  return {
    id: found.id,
    parent: found.parent,
    recipe: info.recipe,
    model: textOf(settings.model) && modelName(textOf(settings.model)!),
    task: textOf(settings.task) ?? textOf(settings.data),
    status: info.status,
    created: info.created,
    steps: { done: info.step, planned },
    secondsLeft: info.status === 'running' ? secondsLeft(store, info.step, planned) : null,
    accuracy: newestAccuracy(store),
    spark: sparkName === null ? [] : seriesOf(store, sparkName, { points: SPARK }).value,
    sparkName,
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

/** Runs of earlier releases do not say it. */
const whyFailed = (store: RunStore): string | null =>
  store.select<{ message: string }>("SELECT message FROM events WHERE level = 'error'")[0]?.message ?? null

/** A run with its settings, versions, checkpoints and events. @throws as `RunsFolder.read`. */
export function detailOf(folder: RunsFolder, found: Found): RunDetail {
  const sections = sectionsOf(folder, found.id)
  const inStages = sections.flatMap(({ id }) => folder.read(id, (stage) => stage.metricNames()))
  return folder.read(found.id, (store) => {
    const { seed, settings, versions, result } = store.info()
    return {
      ...summaryIn(store, found),
      seed,
      settings,
      versions,
      result,
      checkpoints: store.checkpoints(),
      events: store.events(),
      metricNames: [...new Set([...store.metricNames(), ...inStages])],
      splits: store.splits(),
      sections,
    }
  })
}

/** The stages of a run that train, in the order in which they began. A stage that cannot be read is left out. */
export function sectionsOf(folder: RunsFolder, id: string): Section[] {
  const stages = folder
    .list()
    .filter(({ parent }) => parent === id)
    .map((found) => summaryOf(folder, found))
    .filter(({ recipe, steps }) => recipe !== UNKNOWN && steps.done > 0)
    .sort((a, b) => a.created.localeCompare(b.created))
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
