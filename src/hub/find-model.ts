import { existsSync, readdirSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { onDisk } from '../common/disk.ts'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { packageRoot } from '../common/package.ts'
import { pathFromHere } from '../common/paths.ts'
import { shellWord } from '../common/shell.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { shardNames } from '../models/checkpoint/shards.ts'
import { openSnapshot, type Repository, readHubName } from './index.ts'

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
}

/**
 * The folder of a model given by a path, the name of an embedded model, or its name on the Hugging Face hub
 * (`owner/name`, optionally with `@revision`); the latter is downloaded if it is not in the cache. The path of a run, or
 * its path inside `runs/`, means the model that the run trained.
 *
 * @param progress called with lines that say what is being downloaded.
 * @throws UserError if there is no such model, or the hub cannot be reached or refuses.
 */
export async function modelFolder(
  name: string,
  progress?: (line: string) => void,
  { onCheckpoint }: FindOptions = {},
): Promise<string> {
  const embedded = join(packageRoot(), 'models')
  const places = [
    resolve(name),
    ...(/^[^/\\]+$/.test(name) ? [join(embedded, name)] : []),
    ...(isAbsolute(name) ? [] : [resolve('runs', name)]),
  ]
  for (const folder of places.flatMap((place) => [place, join(place, 'model')]))
    if (isModel(folder)) return folder
  const run = places.find((place) => existsSync(join(place, 'run.sqlite')))
  if (run !== undefined) return checkpointOf(name, run, onCheckpoint)
  if (existsSync(resolve(name))) throw new UserError(`${name} is not a model folder: it has no config.json`)
  const hub = readHubName(name)
  if (hub && hub.path === '') {
    try {
      return await hubModel({ kind: 'model', id: hub.id, revision: hub.revision }, progress)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      throw new UserError(`there is no folder ${name}, and the hub lookup failed: ${error.message}`)
    }
  }
  const names = foldersIn(embedded)
    .filter(isModel)
    .map((folder) => basename(folder))
  const runs = foldersIn('runs')
    .filter((folder) => existsSync(join(folder, 'run.sqlite')))
    .map((folder) => basename(folder))
  const similar = nearest(name, [...names, ...runs])
  throw new UserError(
    `no model folder at ${name}${similar === null ? '' : `; did you mean ${similar}?`}${names.length ? `; the embedded models are ${names.join(', ')}` : ''}; \`ruminate runs\` lists the runs in this folder`,
  )
}

const isModel = (folder: string): boolean => existsSync(join(folder, 'config.json')) || isPeftFolder(folder)

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

const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
/** Files that every model must have besides its weights. */
const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']
/** Files of the tokenizer and of generation, copied when the repository has them. */
const OPTIONAL =
  /^(special_tokens_map\.json|generation_config\.json|chat_template\.jinja|additional_chat_templates\/[^/]+\.jinja)$/
/** Read only where there is no chat_template.jinja; other tools leave it out where there is. */
const OLD_TEMPLATE = 'chat_template.json'

/** Downloads a model's settings, its tokenizer, and its weights, in one file or in the shards that the index lists. */
async function hubModel(
  repository: Repository,
  progress: (line: string) => void = () => {},
): Promise<string> {
  const { folder, paths, unlisted, fetch } = await openSnapshot(repository, progress)
  const sharded = !paths.includes(WEIGHTS) && paths.includes(INDEX)
  const needed = [...NEEDED, sharded ? INDEX : WEIGHTS]
  const missing = needed.filter((path) => !paths.includes(path))
  if (unlisted === null && missing.length > 0)
    throw new UserError(
      `${repository.id} is not a model that can be read: it has no ${missing.join(', ')}; it needs config.json and safetensors weights, and a tokenizer.json`,
    )
  const optional = paths.filter((path) => OPTIONAL.test(path))
  if (!paths.includes('chat_template.jinja') && paths.includes(OLD_TEMPLATE)) optional.push(OLD_TEMPLATE)
  await fetch([...needed, ...optional])
  if (sharded) await fetch(shardNames(join(folder, INDEX)))
  return folder
}
