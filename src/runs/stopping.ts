import type { Progress } from '../common/progress.ts'
import type { Engine, Trainer } from '../engines/contract.ts'
import type { OpenRun } from './open-runs.ts'
import type { RunStore } from './store.ts'

/** Most of a run's time that may be spent on checkpoints written because of the time that has passed. */
const SHARE = 0.05

/** A step whose weights the trainer has now. */
interface CompletedStep {
  readonly step: number
  readonly save: (directory: string) => Promise<void>
  score: number | null
  /** The checkpoint, once it is being written. */
  written: Promise<void> | null
}

/**
 * When a run in progress writes checkpoints, and how it stops when its signal is aborted. A step in progress is abandoned:
 * it is a function of weights, seed and step number, so a resumed run repeats it with the same result.
 */
export class Stopping implements OpenRun {
  trains = false
  readonly saved: Promise<void>
  /** Resolves once no checkpoint is being written. @throws UserError if the disk has failed. */
  written: Promise<void> = Promise.resolve()
  readonly #store: RunStore
  readonly #progress: Progress
  readonly #signal: AbortSignal | undefined
  #resolveSaved: () => void = () => {}
  #cancel: () => void = () => {}
  #completed: CompletedStep | null = null
  /** Are the weights between those of two steps? */
  #changing = false
  #stopped = false
  /** Are all steps done? An abort is then ignored. */
  #finishing = false
  /** When the last checkpoint was written (or the session began), and how long it took, in milliseconds. */
  #last = { at: performance.now(), took: 0 }

  constructor(store: RunStore, signal: AbortSignal | undefined, progress: Progress) {
    this.#store = store
    this.#progress = progress
    this.#signal = signal
    this.saved = new Promise((resolve) => {
      this.#resolveSaved = resolve
    })
    signal?.addEventListener('abort', this.#onAbort)
  }

  /** See `Run.stoppable`. */
  watch(engine: Engine, trainer: Trainer): Trainer {
    this.trains = true
    this.#cancel = () => engine.cancel(this.#signal?.reason)
    if (this.#signal?.aborted) this.#stop()
    return {
      ...trainer,
      optimStep: async (adam) => {
        if (this.#stopped) throw this.#signal!.reason
        this.#changing = true
        return trainer.optimStep(adam)
      },
    }
  }

  /** The weights are now those of this step, which `save` writes. */
  complete(step: number, save: (directory: string) => Promise<void>): void {
    this.#changing = false
    this.#completed = { step, save, score: null, written: null }
    if (this.#signal?.aborted) this.#stop()
  }

  /** Writes a checkpoint of the completed step if it is due; the arguments are those of `Run.endStep`. */
  async endStep({ due, seconds, last, score }: StepEnd): Promise<void> {
    const completed = this.#completed!
    completed.score = score
    if (!this.#stopped && last) this.#finishing = true
    if (due || this.#isLate(seconds)) await this.#write(completed)
    if (this.#stopped) throw this.#signal!.reason
  }

  /** All steps are done. @throws the signal's reason if the run has been stopped. */
  finish(): void {
    if (this.#stopped) throw this.#signal!.reason
    this.#finishing = true
  }

  /** The run has ended. */
  end(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#resolveSaved()
  }

  /** A run that trains nothing goes on, and stops between its parts. */
  readonly #onAbort = (): void => {
    if (this.trains) this.#stop()
  }

  #stop(): void {
    if (this.#changing || this.#finishing || this.#stopped) return
    this.#stopped = true
    this.#cancel()
    if (this.#completed) this.written = this.#write(this.#completed)
    this.written.then(this.#resolveSaved, this.#resolveSaved)
  }

  #isLate(seconds: number | null): boolean {
    if (seconds === null) return false
    return performance.now() - this.#last.at >= Math.max(1000 * seconds, this.#last.took / SHARE)
  }

  #write(completed: CompletedStep): Promise<void> {
    completed.written ??= this.#checkpoint(completed)
    return completed.written
  }

  async #checkpoint({ step, score, save }: CompletedStep): Promise<void> {
    this.#progress('writing a checkpoint')
    const started = performance.now()
    await this.#store.checkpoint(step, score, save)
    const at = performance.now()
    this.#last = { at, took: at - started }
  }
}

/** How a step ends. */
export interface StepEnd {
  /** Is a checkpoint due at this step? */
  readonly due: boolean
  /**
   * Seconds since the last checkpoint after which one is due at any step; null: only where `due` says so. Where writing one
   * takes long, such checkpoints are rarer: at most 5 % of the time is spent on them.
   */
  readonly seconds: number | null
  /** Is this the last step? An abort is ignored once it has ended. */
  readonly last: boolean
  /** Quality of the weights, higher is better; null if unknown. */
  readonly score: number | null
}
