import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { parseJson } from '../../common/json.ts'

/* What a checkpoint folder of this engine holds: where the server keeps the weights. */

export const TINKER_FILE = 'tinker.json'

const schema = z.object({
  server: z.string(),
  /** The server's name of the base model. */
  baseModel: z.string(),
  /** Weights and optimizer state; null: the base model's weights, unless there are others for sampling. */
  uri: z.string().nullable(),
  /** Weights for sampling alone, which cannot be trained. */
  sampler: z.string().optional(),
  /** Of the adapters; 0: all weights. */
  rank: z.int().min(0),
  /** Of the adapters; null if there are none. */
  alpha: z.number().nullable(),
  /** The local folder of the base model; `.`: this one. */
  base: z.string(),
  /** Optimizer steps so far. */
  steps: z.int().min(0),
})
export type Kept = z.output<typeof schema>

/** Does the folder say where a server keeps its weights? */
export const isKept = (directory: string): boolean => existsSync(join(directory, TINKER_FILE))

export function writeKept(directory: string, kept: Kept): void {
  const path = join(directory, TINKER_FILE)
  onDisk('write', path, () => writeFileSync(path, `${JSON.stringify(kept, null, 2)}\n`))
}

/** @throws UserError if the folder holds no such checkpoint. */
export function readKept(directory: string): Kept {
  const path = join(directory, TINKER_FILE)
  if (!isKept(directory))
    throw new UserError(`${directory} is no checkpoint of the engine tinker: it has no ${TINKER_FILE}`)
  const parsed = schema.safeParse(parseJson(onDisk('read', path, () => readFileSync(path, 'utf8'))))
  if (!parsed.success) throw new UserError(`${path} is damaged: ${parsed.error.issues[0]!.message}`)
  return { ...parsed.data, base: resolve(directory, parsed.data.base) }
}
