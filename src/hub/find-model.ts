import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { conversions, howToRestore } from '../common/files/conversions.ts'
import { onDisk } from '../common/files/disk.ts'
import { packageRoot } from '../common/files/package.ts'
import { pathFromHere } from '../common/files/paths.ts'
import { nearest } from '../common/nearest.ts'
import { shellWord } from '../common/shell.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { baseOnHub } from '../models/checkpoint/peft/find-base.ts'
import { ggufFolder, isGguf } from './gguf-cache.ts'
import { ggufModels, hubModel, readHubModel } from './hub-model.ts'

/** The base model that comes with the package. */
export const EMBEDDED_BASE = 'miniature-base'
/** The base model for R1, pretrained on general text too. */
export const EMBEDDED_R1_BASE = 'miniature-r1-base'
/** A smaller base model, the student of distillation. */
export const EMBEDDED_STUDENT = 'miniature-r1-student'

/** How a model is looked for. */
interface FindOptions {
  /**
   * Called where a run has not finished, with a line that says which checkpoint is used; without it, such a run is an error.
   */
  readonly onCheckpoint?: (line: string) => void
  /** When aborted, the conversion of a GGUF file stops and nothing of it is left. */
  readonly signal?: AbortSignal
}

/**
 * The folder of a model given by a path, the name of an embedded model, or its name on the Hugging Face hub (see
 * `readHubModel`); the latter is downloaded if it is not in the cache. A GGUF file is converted to a folder in the cache. The
 * path of a run, or its path inside `runs/`, means the model that the run trained.
 *
 * @param progress called with lines that say what is being downloaded.
 * @throws UserError if there is no such model, or the hub cannot be reached or refuses.
 */
export async function modelFolder(
  name: string,
  progress?: (line: string) => void,
  { onCheckpoint, signal }: FindOptions = {},
): Promise<string> {
  const embedded = join(packageRoot(), 'models')
  const places = [
    resolve(name),
    ...(/^[^/\\]+$/.test(name) ? [join(embedded, name)] : []),
    ...(isAbsolute(name) ? [] : [resolve('runs', name)]),
  ]
  for (const folder of places.flatMap((place) => [place, join(place, 'model')]))
    if (isModel(folder)) return withBase(folder, progress)
  const run = places.find((place) => existsSync(join(place, 'run.sqlite')))
  if (run !== undefined) return withBase(checkpointOf(name, run, onCheckpoint), progress)
  if (existsSync(resolve(name))) return localGguf(name, resolve(name), progress, signal)
  const hub = readHubModel(name)
  if (hub) {
    try {
      return await withBase(await hubModel(hub, progress), progress)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      throw new UserError(`there is no folder ${name}, and the hub lookup failed: ${error.message}`)
    }
  }
  if (isGguf(name)) throw new UserError(`there is no file ${name}`)
  const names = foldersIn(embedded)
    .filter(isModel)
    .map((folder) => basename(folder))
  const runs = foldersIn('runs')
    .filter((folder) => existsSync(join(folder, 'run.sqlite')))
    .map((folder) => basename(folder))
  if (resolve(name).startsWith(conversions()))
    throw new UserError(`there is no folder ${name}: ${howToRestore(resolve(name))}`)
  const similar = nearest(name, [...names, ...runs])
  throw new UserError(
    `no model folder at ${name}${similar === null ? '' : `; did you mean ${similar}?`}${names.length ? `; the embedded models are ${names.join(', ')}` : ''}; \`ruminate runs\` lists the runs in this folder`,
  )
}

const isModel = (folder: string): boolean => existsSync(join(folder, 'config.json')) || isPeftFolder(folder)

/** The folder itself; the base model of a PEFT folder is downloaded if it is only on the hub. */
async function withBase(folder: string, progress?: (line: string) => void): Promise<string> {
  const repository = isPeftFolder(folder) ? baseOnHub(folder) : null
  if (repository) await hubModel({ repository, file: null }, progress)
  return folder
}

/** The model in a file, or in a folder that has one GGUF file and is no model folder. */
function localGguf(
  name: string,
  path: string,
  progress?: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  if (!statSync(path).isDirectory()) return ggufFolder(path, progress, signal)
  const files = ggufModels(onDisk('read', path, () => readdirSync(path)))
  if (files.length === 1) return ggufFolder(join(path, files[0]!), progress, signal)
  throw new UserError(
    files.length === 0
      ? `${name} is not a model folder: it has no config.json, and no GGUF file`
      : `${name} has several GGUF files; name one of them: ${files.map((file) => join(name, file)).join(', ')}`,
  )
}

/** The newest checkpoint of a run that has no model yet. */
function checkpointOf(name: string, run: string, onCheckpoint: FindOptions['onCheckpoint']): string {
  const resume = `\`ruminate resume ${shellWord(name)}\` continues it`
  const newest = foldersIn(join(run, 'checkpoints'))
    .filter((folder) => basename(folder).startsWith('step-') && isModel(folder))
    .sort()
    .at(-1)
  if (newest === undefined) {
    const stages = foldersIn(run).filter((folder) => isModel(join(folder, 'model')))
    const names = stages.map((folder) => join(name, basename(folder)))
    throw new UserError(
      names.length === 0
        ? `${name} is a run that has not finished and has no checkpoint yet; ${resume}`
        : `${name} is a run that has not finished and has no model yet; ${resume}, and these of its stages have a model: ${names.join(', ')}`,
    )
  }
  const step = Number(basename(newest).slice('step-'.length))
  if (!onCheckpoint)
    throw new UserError(
      `${name} is a run that has not finished: ${resume}, or name its newest checkpoint, ${pathFromHere(newest)}`,
    )
  onCheckpoint(`${name} has not finished: this is its newest checkpoint, of step ${step}`)
  return newest
}

/** The folders in a folder that exists, with their paths. */
function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = onDisk('read', folder, () => readdirSync(folder, { withFileTypes: true }))
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
}
