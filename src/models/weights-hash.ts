import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** SHA-256 over the weight files of a model folder, in the order of their names. */
export function weightsHash(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder)
    .filter((n) => n.endsWith('.safetensors'))
    .sort())
    hash.update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}
