import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeFolderAtomically } from '../common/files/files.ts'
import type { Engine, Trainer } from '../engines/contract.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { hasVision } from '../models/checkpoint/language-part.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { type LoraSettings, withAdapters } from '../models/lora.ts'
import type { Run } from './with-run.ts'

/** What a run trains. */
export interface Trainee {
  /** The folder of the model. */
  readonly model: string
  /** Low-rank adapters; null: all weights. */
  readonly lora: LoraSettings | null
  readonly seed: number
}

const BASE = 'base'

/**
 * Opens the trainer of a run. Adapters on a PEFT folder are trained on the plain model that it makes, and adapters on a model
 * with vision on its language model, which is written to `base/` in the run first: the adapters that the run saves are added
 * to that model.
 */
export async function openTrainer(
  { directory, progress }: Pick<Run, 'directory' | 'progress'>,
  engine: Engine,
  { model, lora, seed }: Trainee,
): Promise<Trainer> {
  if (lora === null) return engine.trainer()
  if (!isPeftFolder(model) && !hasVision(model))
    return engine.trainer({ trainable: { lora: { ...lora, seed } } })
  const base = join(directory, BASE)
  if (!existsSync(base)) {
    progress('writing the model that the adapters are trained on')
    await writeFolderAtomically(base, (temporary) => engine.save(engine.base, temporary))
  }
  return engine.trainer({ trainable: { lora: { ...lora, seed, base } } })
}

/** The model that a run's adapters are trained on, if the run has its own; otherwise `model`, that of its settings. */
export function baseOfRun(directory: string, model: string): string {
  const base = join(directory, BASE)
  return existsSync(join(base, 'config.json')) ? base : model
}

/**
 * Checks before there is a run that adapters can be trained.
 *
 * @throws UserError for targets that the model does not have.
 */
export function checkLora({ model, lora }: Pick<Trainee, 'model' | 'lora'>): void {
  if (lora !== null) withAdapters(loadConfig(model), lora)
}
