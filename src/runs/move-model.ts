import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { howToRestore } from '../common/files/conversions.ts'
import { pathFromHere } from '../common/files/paths.ts'
import { shellWord } from '../common/shell.ts'
import { weightsHash } from '../models/checkpoint/weights-hash.ts'
import { baseOfRun } from './open-trainer.ts'
import { readRun, setModel } from './store.ts'

/** The folder of the model that a run trains, and the hash of its weights; null if the run does not store that. */
function modelOfRun(directory: string): { readonly folder: string; readonly hash: string } | null {
  return readRun(directory, (store) => {
    const hash = store.modelHash()
    return hash === null ? null : { folder: (store.info().settings as { model: string }).model, hash }
  })
}

/**
 * Stores where the model that a run trains is now.
 *
 * @throws UserError if its weights are not those that the run began with, or the run does not train one model.
 */
export async function moveModel(directory: string, model: string): Promise<void> {
  const before = modelOfRun(directory)
  const run = pathFromHere(directory)
  if (before === null)
    throw new UserError(
      `--model is for runs that store which model they train, and ${run} does not (it has none or several, or an earlier release began it): move its models back, or make links there`,
      2,
    )
  if (resolve(model) === resolve(before.folder)) return
  if ((await weightsHash(model)) !== before.hash)
    throw new UserError(
      `${run} cannot go on with ${model}: its weights are not those of ${before.folder}, with which the run began`,
    )
  setModel(directory, resolve(model))
}

/** @throws UserError if the model that a run trains is no longer there, and the run needs it. */
export function checkModelIsThere(directory: string): void {
  const model = modelOfRun(directory)
  if (model === null || existsSync(baseOfRun(directory, model.folder))) return
  throw new UserError(
    `the model ${model.folder} is no longer there: ${howToRestore(model.folder)}, or name where it is now: \`ruminate resume ${shellWord(pathFromHere(directory))} --model DIR\``,
  )
}
