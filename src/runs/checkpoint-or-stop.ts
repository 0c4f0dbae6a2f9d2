import type { Trainer } from '../engines/contract.ts'
import { Interrupted } from './interrupted.ts'
import type { RunStore } from './store.ts'

interface Job {
  readonly trainer: Trainer
  readonly store: RunStore
  readonly signal?: AbortSignal | undefined
}

interface StepEnd {
  /** A checkpoint is due at this step. */
  readonly due: boolean
  /** No step follows, so that there is nothing to stop. */
  readonly last: boolean
  readonly score: number | null
}

/** What a step of training ends with: a checkpoint where one is due; where the run is asked to stop, a checkpoint and `Interrupted`. */
export async function checkpointOrStop(
  { trainer, store, signal }: Job,
  step: number,
  { due, last, score }: StepEnd,
): Promise<void> {
  const stopping = signal?.aborted === true && !last
  if (stopping || due)
    await store.checkpoint(step, score, (directory) => trainer.save(directory, { optimizer: true }))
  if (stopping) {
    store.setStatus('interrupted')
    throw new Interrupted(store.directory, step)
  }
}
