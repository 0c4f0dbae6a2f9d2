import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../common/errors.ts'
import { readJsonObject, writeJson } from '../json-file.ts'
import { generationFolder, plainFolder } from './peft/find-base.ts'

const FILE = 'generation_config.json'

/** What a model folder says about generation. */
export interface GenerationConfig {
  /** Any of these tokens ends a text; empty if the file is missing or names none. */
  readonly eosTokenIds: readonly number[]
}

// Transformers accepts one id, a list, or null; some files use -1 for "none".
const schema = z.looseObject({
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
})

/**
 * Reads `generation_config.json`.
 *
 * @throws UserError for a damaged file.
 */
export function readGenerationConfig(directory: string): GenerationConfig {
  const path = join(generationFolder(directory), FILE)
  return existsSync(path) ? { eosTokenIds: eosTokenIds(readJsonObject(path), path) } : { eosTokenIds: [] }
}

/** The tokens that end a text by `eos_token_id` of generation_config.json, then of config.json. */
export function namedEosTokenIds(directory: string): number[] {
  const files = [join(generationFolder(directory), FILE), join(plainFolder(directory), 'config.json')]
  const paths = files.filter((path) => existsSync(path))
  return paths.flatMap((path) => eosTokenIds(readJsonObject(path), path))
}

/**
 * Adds tokens that end a text to the `generation_config.json` in a folder, after those that it names. All other fields
 * stay as they are.
 *
 * @throws UserError for a damaged file.
 */
export function addEosTokenIds(directory: string, ids: readonly number[]): void {
  const path = join(directory, FILE)
  const from = join(generationFolder(directory), FILE)
  const json = existsSync(from) ? readJsonObject(from) : {}
  const known = eosTokenIds(json, path)
  const all = [...new Set([...known, ...ids])]
  // A file with nothing to add is left as its author wrote it.
  if (all.length > known.length) writeJson(path, { ...json, eos_token_id: all.length > 1 ? all : all[0] })
}

function eosTokenIds(json: Record<string, unknown>, path: string): number[] {
  const result = schema.safeParse(json)
  if (!result.success)
    throw new UserError(
      `${path} is damaged: "eos_token_id" is ${JSON.stringify(json.eos_token_id)}; a token id, or a list of them, is expected`,
    )
  return [...new Set([result.data.eos_token_id ?? []].flat())].filter((id) => id >= 0)
}
