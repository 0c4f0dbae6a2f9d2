import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '../errors.ts'
import { packageRoot } from '../runs/versions.ts'

/** The base model that comes with the package. */
export const EMBEDDED_BASE = 'miniature-base'

/** A model's folder: a path, or the name of an embedded model. A run's folder stands for the model it trained. */
export function modelFolder(name: string): string {
  const embedded = join(packageRoot(), 'models')
  for (const folder of [
    resolve(name),
    join(resolve(name), 'model'),
    ...(/^[\w.-]+$/.test(name) ? [join(embedded, name)] : []),
  ])
    if (existsSync(join(folder, 'config.json'))) return folder
  if (existsSync(resolve(name, 'run.sqlite')))
    throw new UserError(`${name} is a run that has not finished; \`ruminate resume ${name}\` goes on with it`)
  if (existsSync(resolve(name))) throw new UserError(`${name} is not a model folder: it has no config.json`)
  const names = existsSync(embedded)
    ? readdirSync(embedded).filter((n) => existsSync(join(embedded, n, 'config.json')))
    : []
  throw new UserError(
    `no model folder at ${name}${names.length ? `; the embedded models are ${names.join(', ')}` : ''}`,
  )
}

/** SHA-256 over a model's weight files, in the order of their names. */
export function weightsHash(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder)
    .filter((n) => n.endsWith('.safetensors'))
    .sort())
    hash.update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}
