import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hashFile } from '../../common/files/files.ts'
import { loadConfig } from './directory.ts'
import { isPeftFolder } from './peft/adapter-config.ts'
import { configWithAdapters } from './peft/adapters.ts'
import { baseFolder } from './peft/find-base.ts'
import { settingFiles } from './setting-files.ts'

/**
 * SHA-256 over the weight files of a model folder, in the order of their names; of a PEFT folder, over those of the base
 * model too.
 *
 * @throws UserError if a file cannot be read.
 */
export async function weightsHash(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder)
    .filter((n) => n.endsWith('.safetensors'))
    .sort())
    await hashFile(hash, join(folder, name))
  if (isPeftFolder(folder)) hash.update(await weightsHash(baseFolder(folder)))
  return hash.digest('hex')
}

/**
 * SHA-256 over everything in a model folder that responses depend on: the weights, and the files of the configuration, the
 * tokenizer and the chat templates. It does not depend on the folder's name.
 *
 * @throws UserError if a file cannot be read.
 */
export async function modelHash(folder: string): Promise<string> {
  const hash = createHash('sha256').update(await weightsHash(folder))
  for (const [name, path] of settingFiles(folder)) {
    const file = createHash('sha256')
    await hashFile(file, path)
    hash.update(`${name} ${file.digest('hex')}`)
  }
  // the strength of adapters is not in their weights
  if (isPeftFolder(folder))
    hash.update(JSON.stringify(configWithAdapters(folder, loadConfig(baseFolder(folder))).adapters))
  return hash.digest('hex')
}
