import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hashFile } from '../../common/files.ts'
import { settingFiles } from './directory.ts'

/**
 * SHA-256 over the weight files of a model folder, in the order of their names.
 *
 * @throws UserError if a file cannot be read.
 */
export async function weightsHash(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder)
    .filter((n) => n.endsWith('.safetensors'))
    .sort())
    await hashFile(hash, join(folder, name))
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
  for (const name of settingFiles(folder)) {
    const file = createHash('sha256')
    await hashFile(file, join(folder, name))
    hash.update(`${name} ${file.digest('hex')}`)
  }
  return hash.digest('hex')
}
