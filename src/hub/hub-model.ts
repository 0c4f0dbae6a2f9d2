import { basename, join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { ADAPTER_CONFIG } from '../models/checkpoint/peft/adapter-config.ts'
import { ADAPTER_WEIGHTS } from '../models/checkpoint/peft/adapters.ts'
import { shardNames } from '../models/checkpoint/shards.ts'
import { partNames } from '../models/gguf/read/gguf-file.ts'
import { ggufFolder, isGguf } from './gguf-cache.ts'
import { openSnapshot, type Repository, readHubName } from './index.ts'

/** A model on the hub. */
export interface HubModel {
  readonly repository: Repository
  /** Which of its GGUF files: a path, a file's name, or a quantisation such as `Q8_0`; null if the name does not say. */
  readonly file: string | null
}

const ADDRESS = /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//i

/**
 * Reads the name of a model on the hub: `owner/name`, `owner/name:QUANTISATION` (as in llama.cpp and Ollama),
 * `owner/name/FILE.gguf`, each optionally with `@revision`, or its address (`hf.co/…`, also that of a file's page). Null if it
 * is no such name.
 */
export function readHubModel(name: string): HubModel | null {
  const short = name
    .replace(ADDRESS, '')
    .replace(/^([^/]+\/[^/]+)\/(?:blob|resolve|tree)\/([^/]+)(.*?)(?:\?.*)?$/, '$1$3@$2')
    .replace(/\/$/, '')
  const [, before, tag, revision = ''] = /^([^:@]+):([^:@/]+)(@.*)?$/.exec(short) ?? []
  const read = readHubName(before === undefined ? short : before + revision)
  if (!read || (read.path !== '' && (tag !== undefined || !isGguf(read.path)))) return null
  const file = tag ?? (read.path || null)
  return { repository: { kind: 'model', id: read.id, revision: read.revision }, file }
}

const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const hasWeights = (paths: readonly string[]): boolean => paths.includes(WEIGHTS) || paths.includes(INDEX)
/** A model of adapters has these, and may have a tokenizer. */
const ADAPTER_FILES = [ADAPTER_CONFIG, ADAPTER_WEIGHTS]
const TOKENIZER = /^tokenizer(_config)?\.json$/
/** Files that every model must have besides its weights. */
const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']
/** Files of the tokenizer and of generation, copied when the repository has them. */
const OPTIONAL =
  /^(special_tokens_map\.json|generation_config\.json|chat_template\.jinja|additional_chat_templates\/[^/]+\.jinja)$/
/** Read only where there is no chat_template.jinja; other tools leave it out where there is. */
const OLD_TEMPLATE = 'chat_template.json'

/**
 * Downloads a model's settings, its tokenizer, and its weights, in one file or in the shards that the index lists. Where the
 * name says so, or the repository has no such model, a GGUF file is downloaded and converted in their place. A repository of
 * adapters becomes a PEFT folder.
 *
 * @returns The folder of the model.
 * @throws UserError if there is no model that can be read, or a download fails.
 */
export async function hubModel(
  { repository, file }: HubModel,
  progress: (line: string) => void = () => {},
): Promise<string> {
  const { folder, paths, unlisted, fetch } = await openSnapshot(repository, progress)
  if (file === null && ADAPTER_FILES.every((path) => paths.includes(path)) && !hasWeights(paths)) {
    await fetch([...ADAPTER_FILES, ...paths.filter((path) => TOKENIZER.test(path) || OPTIONAL.test(path))])
    return folder
  }
  const sharded = !paths.includes(WEIGHTS) && paths.includes(INDEX)
  const needed = [...NEEDED, sharded ? INDEX : WEIGHTS]
  const missing = needed.filter((path) => !paths.includes(path))
  if (file !== null || (missing.length > 0 && ggufModels(paths).length > 0)) {
    const chosen = chooseGguf(repository.id, paths, file)
    await fetch(partNames(chosen))
    return ggufFolder(join(folder, chosen), progress)
  }
  if (unlisted === null && missing.length > 0)
    throw new UserError(
      `${repository.id} is not a model that can be read: it has no ${missing.join(', ')}; it needs config.json and safetensors weights, and a tokenizer.json, or a GGUF file`,
    )
  const optional = paths.filter((path) => OPTIONAL.test(path))
  if (!paths.includes('chat_template.jinja') && paths.includes(OLD_TEMPLATE)) optional.push(OLD_TEMPLATE)
  await fetch([...needed, ...optional])
  if (sharded) await fetch(shardNames(join(folder, INDEX)))
  return folder
}

/** The GGUF files among paths that hold a language model: of a model that was split, the first part. */
export function ggufModels(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const name = basename(path)
    const part = /-(\d{5})-of-\d{5}\.gguf$/i.exec(name)?.[1]
    return (
      isGguf(name) && !/mmproj|imatrix|^(mtp|eagle3|dflash)-/i.test(name) && (part ?? '00001') === '00001'
    )
  })
}

/** The quantisations that llama.cpp takes where a name does not say which. */
const USUAL = ['Q4_K_M', 'Q8_0']

function chooseGguf(id: string, paths: readonly string[], file: string | null): string {
  const models = ggufModels(paths)
  if (file === null) return USUAL.flatMap((tag) => withTag(models, tag))[0] ?? models[0]!
  const named = paths.filter(
    (path) => isGguf(path) && [path, basename(path)].some((one) => isNamed(one, file)),
  )
  const chosen = named[0] ?? withTag(models, file)[0]
  if (chosen !== undefined) return chosen
  const known = models.length === 0 ? 'no GGUF files' : models.slice(0, 20).join(', ')
  throw new UserError(`${id} has no GGUF file for ${JSON.stringify(file)}; it has ${known}`)
}

const isNamed = (name: string, file: string): boolean =>
  [file, `${file}.gguf`].some((one) => one.toLowerCase() === name.toLowerCase())

/** The files whose names have a tag such as `Q8_0` as a part. */
function withTag(models: readonly string[], tag: string): string[] {
  const pattern = new RegExp(`(^|[-._/])${tag.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[-.]`, 'i')
  return models.filter((path) => pattern.test(path))
}
