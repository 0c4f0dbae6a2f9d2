import { UserError } from '../common/errors.ts'
import type { Progress } from '../common/progress.ts'
import { weightsHash } from '../models/checkpoint/weights-hash.ts'
import { Interrupted } from './interrupted.ts'
import type { Checkpoint, StepRecord } from './rows.ts'
import { RunStore } from './store.ts'

/** A new run, or the folder of a run to resume. */
export type Place =
  | {
      readonly recipe: string
      readonly seed: number
      /** The settings, as they are stored in the run. */
      readonly settings: unknown
      /** Folder of the run; by default the next free `runs/<recipe>-<n>`. */
      readonly out?: string | undefined
    }
  | { readonly resume: string }

export interface RunOptions {
  /** When aborted, the run stops with a checkpoint, by throwing `Interrupted`. */
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
  /** Ends a step: writes a checkpoint if one is due, and stops the run if its signal is aborted. */
  endStep(step: number, end: StepEnd): Promise<void>
  /** Ends the run: writes the trained model with `save`, and records the result. */
  finish<Outcome extends object>(
    outcome: Outcome,
    save: (directory: string) => Promise<void>,
  ): Promise<Outcome & Trained>
}

interface StepEnd {
  /** Is a checkpoint due at this step? */
  readonly due: boolean
  /** Is this the last step? An abort is then ignored. */
  readonly last: boolean
  /** Quality of the weights, higher is better; null if unknown. */
  readonly score: number | null
  /** Writes the checkpoint. */
  readonly save: (directory: string) => Promise<void>
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
    'resume' in place
      ? RunStore.open(place.resume, { write: true })
      : RunStore.create(withoutUndefined(place))
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
      endStep: async (step, { due, last, score, save }) => {
        const stopping = signal?.aborted === true && !last
        if (stopping || due) {
          progress('writing a checkpoint')
          await store.checkpoint(step, score, save)
        }
        if (stopping) throw new Interrupted(store.directory, step)
      },
      finish: async (outcome, save) => {
        progress('writing the model')
        const model = await store.writeModel(save)
        const [seconds, sha256] = [store.seconds(), await weightsHash(model)]
        const result = { run: store.directory, model, ...outcome, seconds, sha256 }
        store.finish(result)
        return result
      },
    })
  } catch (error) {
    if (error instanceof Interrupted || (signal?.aborted && error === signal.reason)) {
      store.setStatus('interrupted')
      throw new Interrupted(store.directory, store.info().step)
    }
    store.fail()
    throw error
  } finally {
    store.close()
  }
}

/**
 * The settings of a run that is to be resumed, as they were stored.
 *
 * @throws UserError if there is no such run, or it is a run of another recipe.
 */
export function storedSettings(directory: string, recipe: string): Record<string, unknown> {
  const store = RunStore.open(directory)
  try {
    const info = store.info()
    if (info.recipe !== recipe)
      throw new UserError(`${directory} is a run of "${info.recipe}", not of "${recipe}"`)
    return info.settings as Record<string, unknown>
  } finally {
    store.close()
  }
}

/** Says how to continue from the checkpoint before one that cannot be loaded. */
function refuse(error: unknown, { path }: Checkpoint, previous: Checkpoint | undefined): never {
  if (!(error instanceof UserError) || !previous) throw error
  throw new UserError(`${error.message}. To continue from step ${previous.step} instead, delete ${path}`)
}

function withoutUndefined({ out, ...place }: Exclude<Place, { resume: string }>) {
  return { ...place, ...(out === undefined ? {} : { out }) }
}
