import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hashFile } from '../../common/files.ts'

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
