import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { howToRestore, isConversion } from '../../../common/files/conversions.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { hubCache } from '../../../common/files/hub-cache.ts'
import { packageRoot } from '../../../common/files/package.ts'
import { ADAPTER_CONFIG, isPeftFolder, readAdapterConfig } from './adapter-config.ts'

/** The folder itself, or the base model's of a PEFT folder. */
export const plainFolder = (directory: string): string =>
  isPeftFolder(directory) ? baseFolder(directory) : directory

const isPlainModel = (folder: string): boolean => existsSync(join(folder, 'config.json'))
/** `owner/name` of the hub. */
const HUB_ID = /^[\w-][\w.-]*\/[\w-][\w.-]*$/
const COMMIT = /^[0-9a-f]{40}$/

/**
 * The folder of the base model of a PEFT folder, which `base_model_name_or_path` names: a folder, an embedded model, or a
 * model of the hub, if it has been downloaded. A folder that is no longer there is looked for beside the PEFT folder and
 * above it, since both may have been moved together.
 *
 * @throws UserError if it is not found, or is a PEFT folder itself.
 */
export function baseFolder(directory: string): string {
  const { base, revision } = readAdapterConfig(directory)
  const file = join(directory, ADAPTER_CONFIG)
  if (base === null)
    throw new UserError(`${file} names no base model: set "base_model_name_or_path" to its folder`)
  const found = placesOf(base, revision ?? 'main', directory).find(isPlainModel)
  if (found !== undefined) return found
  if (isPeftFolder(resolve(base)))
    throw new UserError(
      `${file}: the base model ${base} is a PEFT folder itself; \`ruminate merge ${base} --out DIR\` makes a plain model of it`,
    )
  throw new UserError(
    `${file}: the base model ${base} is not there; ${isConversion(base) ? howToRestore(base) : 'set "base_model_name_or_path" to the folder where it is now'}`,
  )
}

/** The base model of a PEFT folder, if it is named as a model of the hub and is not on this machine; otherwise null. */
export function baseOnHub(
  directory: string,
): { readonly kind: 'model'; readonly id: string; readonly revision: string } | null {
  const { base, revision } = readAdapterConfig(directory)
  if (base === null || !HUB_ID.test(base)) return null
  const id = { kind: 'model', id: base, revision: revision ?? 'main' } as const
  return placesOf(base, id.revision, directory).some(isPlainModel) ? null : id
}

function placesOf(base: string, revision: string, directory: string): string[] {
  const places = [resolve(base)]
  if (!isAbsolute(base)) places.push(resolve(directory, base))
  if (/^[^/\\]+$/.test(base)) places.push(join(packageRoot(), 'models', base))
  if (HUB_ID.test(base)) places.push(...snapshots(base, revision))
  // moved together: the end of its path, as long as possible, below one of the folders above
  const parts = base.split(/[/\\]/)
  for (const length of [3, 2, 1])
    for (const at of foldersAbove(directory)) places.push(join(at, ...parts.slice(-length)))
  return places
}

/** How far above a PEFT folder a base model is looked for: a run's checkpoints are some folders deeper than its base. */
const LEVELS = 5

function foldersAbove(directory: string): string[] {
  const above = [dirname(resolve(directory))]
  while (above.length < LEVELS) above.push(dirname(above.at(-1)!))
  return above
}

/** Where the cache of the hub keeps a model. */
function snapshots(id: string, revision: string): string[] {
  const folder = join(hubCache(), `models--${id.replace('/', '--')}`)
  const ref = join(folder, 'refs', revision)
  const commit = existsSync(ref) ? onDisk('read', ref, () => readFileSync(ref, 'utf8')).trim() : revision
  return COMMIT.test(commit) ? [join(folder, 'snapshots', commit)] : []
}

/**
 * How a PEFT folder names a base model: an embedded model by its name, a model in the cache of the hub by its id and commit,
 * and any other by its absolute path.
 */
export function nameOfBase(folder: string): { name: string; revision: string | null } {
  const at = realpathSync(folder)
  const embedded = relative(join(packageRoot(), 'models'), at)
  if (/^[^/\\.][^/\\]*$/.test(embedded)) return { name: embedded, revision: null }
  const cache = hubCache()
  const cached = existsSync(cache) ? relative(realpathSync(cache), resolve(folder)).split(sep) : []
  const id = /^models--([^/\\]+?)--([^/\\]+)$/.exec(cached[0] ?? '')
  if (id && cached[1] === 'snapshots' && cached.length === 3)
    return { name: `${id[1]}/${id[2]}`, revision: cached[2]! }
  return { name: resolve(folder), revision: null }
}

/**
 * The folder with the tokenizer of a model folder: of a PEFT folder without one, the base model's.
 *
 * @throws UserError if there is no such folder.
 */
export function tokenizerFolder(directory: string): string {
  const folder = fromBase(directory, 'tokenizer.json') ? baseFolder(directory) : directory
  if (!existsSync(folder)) throw new UserError(`there is no model folder ${folder}: ${howToRestore(folder)}`)
  return folder
}

/** The folder with the generation_config.json of a model folder: of a PEFT folder without one, the base model's. */
export const generationFolder = (directory: string): string =>
  fromBase(directory, 'generation_config.json') ? baseFolder(directory) : directory

const fromBase = (directory: string, file: string): boolean =>
  isPeftFolder(directory) && !existsSync(join(directory, file))
