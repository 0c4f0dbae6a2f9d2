import { weightsHash } from '../models/weights-hash.ts'
import type { RunStore } from './store.ts'

/** What every training run ends with. */
export interface Trained {
  /** Folder of the run. */
  readonly run: string
  /** Folder of the model. */
  readonly model: string
  readonly seconds: number
  /** SHA-256 of the final weights. */
  readonly sha256: string
}

/** Ends a training run that began at `started` (ms): the model is written, and the result with its outcome recorded. */
export async function finishRun<Outcome extends object>(
  store: RunStore,
  started: number,
  outcome: Outcome,
  save: (directory: string) => Promise<void>,
): Promise<Outcome & Trained> {
  const model = await store.writeModel(save)
  const seconds = (performance.now() - started) / 1000
  const result = { run: store.directory, model, ...outcome, seconds, sha256: weightsHash(model) }
  store.finish(result)
  return result
}
