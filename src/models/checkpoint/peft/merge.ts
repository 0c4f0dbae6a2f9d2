import { existsSync, readdirSync } from 'node:fs'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { writeFolderAtomically } from '../../../common/files/files.ts'
import { loadModel, saveModel } from '../directory.ts'
import { checkStorable } from '../storable.ts'
import { isPeftFolder } from './adapter-config.ts'

/**
 * Writes the plain model that a PEFT folder makes of its base model: W + alpha/rank·B A in the place of W.
 *
 * @throws UserError if the folder has no adapters, its base model is not found or is another, `out` has files already, or a value is
 * not finite or would become infinite.
 */
export async function mergeAdapters(folder: string, out: string, dtype: 'F32' | 'BF16'): Promise<void> {
  if (!isPeftFolder(folder))
    throw new UserError(`${folder} is a plain model already: it has no adapters to merge`)
  if (existsSync(out) && onDisk('read', out, () => readdirSync(out)).length > 0)
    throw new UserError(`${out} exists and is not empty: give --out a new folder`)
  const model = loadModel(folder)
  checkStorable(folder, model, {
    chosen: dtype,
    choices: ['F32', 'BF16'],
    option: '--dtype',
    typeOf: (one) => one,
  })
  await writeFolderAtomically(out, async (temporary) =>
    saveModel(temporary, { ...model, dtype, tokenizerFrom: folder }),
  )
}
