import { UserError } from '../common/errors.ts'
import type { Progress } from '../common/progress.ts'
import type { Engine, Trainer } from '../engines/contract.ts'
import { weightsHash } from '../models/checkpoint/weights-hash.ts'
import { Interrupted } from './interrupted.ts'
import { registerRun } from './open-runs.ts'
import { type Checkpoint, type StepRecord, TIME } from './rows.ts'
import { type StepEnd, Stopping } from './stopping.ts'
import { RunStore, readInfo } from './store.ts'
import { noteWriter } from './writer.ts'

/** A new run, or the folder of a run to resume. */
export type Place =
  | {
      readonly recipe: string
      readonly seed: number
      /** The settings, as they are stored in the run. */
      readonly settings: unknown
      /** Folder of the run; by default the next free `runs/<recipe>-<n>`. */
      readonly out?: string | undefined
      /** Folder of the model that the run trains: the hash of its weights is stored. Not of a run that is made of others. */
      readonly model?: string | undefined
    }
  | { readonly resume: string }

export interface RunOptions {
  /** When aborted, the run stops with a checkpoint of its last completed step, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  /** Called with lines that say what is being done. */
  readonly onProgress?: Progress | undefined
}

/** A run in progress. */
export interface Run {
  readonly store: RunStore
  readonly directory: string
  readonly signal: AbortSignal | undefined
  /** Says what is being done now. */
  readonly progress: Progress
  /** The checkpoint to continue from; null if there is none yet. */
  readonly checkpoint: Checkpoint | null
  /**
   * Restores the last checkpoint with `load`, if there is one, and then deletes the steps after it. To be called before the
   * first step. Where the checkpoint cannot be loaded, no steps are deleted.
   */
  restore(load: (directory: string) => Promise<void>): Promise<void>
  /** Measures before the first step; a run resumed from a checkpoint reads the record. Resolves to the known metrics. */
  baseline(measure: () => Promise<StepRecord>): Promise<Record<string, number>>
  /**
   * The trainer to train with. It tells the run when a step begins to change the weights: from then until `complete`, an
   * abort waits. At any other time it cancels what the engine computes, and writes a checkpoint of the last completed step.
   */
  stoppable(engine: Engine, trainer: Trainer): Trainer
  /** Records a step whose update is done. `save` writes a checkpoint of the weights, which stay as they are until the next. */
  complete(step: number, record: StepRecord, save: (directory: string) => Promise<void>): void
  /** Ends the completed step: writes its checkpoint if one is due. @throws the signal's reason if the run was aborted. */
  endStep(end: StepEnd): Promise<void>
  /** Resolves once no checkpoint is being written. After an abort, one may still be. */
  settled(): Promise<void>
  /** Ends the run: writes the trained model with `save`, and records the result. */
  finish<Outcome extends object>(
    outcome: Outcome,
    save: (directory: string) => Promise<void>,
  ): Promise<Outcome & Trained>
}

/** The result that every training run has, besides its outcome. */
export interface Trained {
  /** Folder of the run. */
  readonly run: string
  /** Folder of the model. */
  readonly model: string
  /** Time of all sessions: since the run was started, without the pauses. */
  readonly seconds: number
  /** SHA-256 of the final weights. */
  readonly sha256: string
}

/**
 * Does the `work` of a run. Creates or opens the run, and marks it as interrupted or failed if `work` throws. In any case
 * the run is closed and can be resumed. `work` must begin with `run.restore`, unless it is made of `Parts`, and end with
 * `run.finish`.
 *
 * @throws UserError if there is no such run, or another process is writing it; `Interrupted`; any error of `work`.
 */
export async function withRun<Result extends Trained>(
  place: Place,
  { signal, onProgress: progress = () => {} }: RunOptions,
  work: (run: Run) => Promise<Result>,
): Promise<Result> {
  const store =
    'resume' in place ? RunStore.open(place.resume, { write: true }) : RunStore.create(await creation(place))
  noteWriter(store.directory)
  const stopping = new Stopping(store, signal, progress)
  const unregister = registerRun(stopping)
  try {
    const [checkpoint = null, previous] = store.checkpoints().reverse()
    store.setStatus('running')
    store.startSession()
    return await work({
      store,
      directory: store.directory,
      signal,
      progress,
      checkpoint,
      restore: async (load) => {
        if (checkpoint) {
          progress(`loading the checkpoint of step ${checkpoint.step}`)
          await load(checkpoint.path).catch((error: unknown) => refuse(error, checkpoint, previous))
        }
        store.truncateAfter(checkpoint?.step ?? 0)
      },
      baseline: async (measure) => {
        // Without a checkpoint the weights are still those of before. All its metrics may be unknown, and have no rows.
        if (checkpoint === null && Object.keys(store.metricsAt(0)).length === 0) {
          const record = await measure()
          store.truncateAfter(-1)
          store.record(0, record)
        }
        return store.metricsAt(0)
      },
      stoppable: (engine, trainer) => stopping.watch(engine, trainer),
      complete: (step, record, save) => {
        const metrics = { ...record.metrics, [TIME]: store.elapsed() ?? Number.NaN }
        store.record(step, { ...record, metrics })
        stopping.complete(step, save)
      },
      endStep: (end) => stopping.endStep(end),
      settled: () => stopping.written,
      finish: async (outcome, save) => {
        stopping.finish()
        progress('writing the model')
        const model = await store.writeModel(save)
        const [seconds, sha256] = [store.seconds(), await weightsHash(model)]
        const result = { run: store.directory, model, ...outcome, seconds, sha256 }
        store.finish(result)
        return result
      },
    }).catch(async (error: unknown) => {
      await stopping.written
      throw error
    })
  } catch (error) {
    if (error instanceof Interrupted || (signal?.aborted && error === signal.reason)) {
      store.setStatus('interrupted')
      const inner = error instanceof Interrupted && error.stage !== null ? error : null
      throw new Interrupted(store.directory, inner?.step ?? store.info().step, inner?.stage)
    }
    store.fail(error)
    throw error
  } finally {
    unregister()
    stopping.end()
    store.close()
  }
}

/**
 * The settings of a run that is to be resumed, as they were stored.
 *
 * @throws UserError if there is no such run, or it is a run of another recipe.
 */
export function storedSettings(directory: string, recipe: string): Record<string, unknown> {
  const info = readInfo(directory)
  if (info.recipe !== recipe)
    throw new UserError(`${directory} is a run of "${info.recipe}", not of "${recipe}"`)
  return info.settings as Record<string, unknown>
}

/** Says how to continue from the checkpoint before one that cannot be loaded. */
function refuse(error: unknown, { path }: Checkpoint, previous: Checkpoint | undefined): never {
  if (!(error instanceof UserError) || !previous) throw error
  throw new UserError(`${error.message}. To continue from step ${previous.step} instead, delete ${path}`)
}

async function creation({ out, model, ...place }: Exclude<Place, { resume: string }>) {
  return {
    ...place,
    ...(out === undefined ? {} : { out }),
    ...(model === undefined ? {} : { modelHash: await weightsHash(model) }),
  }
}
