import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { howToRestore } from '../../common/files/conversions.ts'
import { onDisk } from '../../common/files/disk.ts'
import { copyContent, makeFolder } from '../../common/files/files.ts'
import { abridged } from '../../common/words.ts'
import { type ModelConfig, parseConfig, toConfigJson } from '../config.ts'
import { readJsonObject, writeJson } from '../json-file.ts'
import { merged } from '../lora.ts'
import { type Model, parameterShapes } from '../parameters.ts'
import { nameInText } from './language-part.ts'
import { ADAPTER_CONFIG, isPeftFolder } from './peft/adapter-config.ts'
import { ADAPTER_WEIGHTS, configWithAdapters, readAdapters } from './peft/adapters.ts'
import { baseFolder, generationFolder } from './peft/find-base.ts'
import { type AdapterBase, writeAdapters } from './peft/save-adapters.ts'
import type { StoredTensor } from './safetensors.ts'
import { copyIfThere, copyTokenizer, GENERATION, makeFolders, settingFiles } from './setting-files.ts'
import { Shards, shardFiles, writeShards } from './shards.ts'

/** The names of the weight files begin with this. */
const STEM = 'model'
const EMBEDDING = 'model.embed_tokens.weight'
const HEAD = 'lm_head.weight'
/** RoPE's frequencies, which old checkpoints contain although they follow from the configuration. */
const DERIVED = /\.rotary_emb\.inv_freq$/

/** Reads and checks only `config.json`; of a PEFT folder, that of its base model, and the shapes of its adapters. */
export function loadConfig(directory: string): ModelConfig {
  if (isPeftFolder(directory))
    return { ...configWithAdapters(directory, loadConfig(baseFolder(directory))), adapters: undefined }
  if (!existsSync(directory))
    throw new UserError(`there is no model folder ${directory}: ${howToRestore(directory)}`)
  if (!statSync(directory).isDirectory()) throw new UserError(`${directory} is a file; a model is a folder`)
  const path = join(directory, 'config.json')
  if (!existsSync(path)) throw new UserError(`${directory} is not a model folder: it has no config.json`)
  return parseConfig(readJsonObject(path), path)
}

/**
 * Loads a Hugging Face directory as float32; of a PEFT folder, its base model with the adapters merged into it.
 *
 * @throws UserError that names missing, unexpected and misshapen tensors.
 */
export function loadModel(directory: string): Model {
  if (isPeftFolder(directory)) return merged(readAdapters(directory, loadModel(baseFolder(directory))))
  const config = loadConfig(directory)
  const stored = new Shards(
    weightFiles(directory),
    config.modelType === 'gemma3_text' ? nameInText : undefined,
  )
  try {
    checkTensors(directory, config, stored)
    const parameters = new Map<string, Float32Array<ArrayBuffer>>()
    for (const name of parameterShapes(config).keys()) parameters.set(name, stored.read(name))
    if (config.tieEmbeddings && config.head === 'tokens' && stored.entry(HEAD))
      checkTied(directory, parameters, stored)
    return { config, parameters }
  } finally {
    stored.close()
  }
}

/**
 * Identifies the content of a model folder without reading the weights: the name, size and time of the last change of
 * `config.json` and of each weight file.
 *
 * @throws UserError if it is not a model folder.
 */
export function folderFingerprint(directory: string): string {
  loadConfig(directory)
  const isPeft = isPeftFolder(directory)
  const files = [join(directory, isPeft ? ADAPTER_CONFIG : 'config.json'), ...weightFiles(directory)]
  const own = files
    .map((path) => {
      const { size, mtimeNs } = onDisk('read', path, () => statSync(path, { bigint: true }))
      return `${basename(path)} ${size} ${mtimeNs}`
    })
    .join('\n')
  return isPeft ? `${own}\n${folderFingerprint(baseFolder(directory))}` : own
}

/** The paths of the files with a folder's own weights. */
export function weightFiles(directory: string): string[] {
  if (isPeftFolder(directory)) return [join(directory, ADAPTER_WEIGHTS)]
  const files = shardFiles(directory, STEM)
  if (files) return files
  const foreign = readdirSync(directory).find((name) => /\.(bin|pt|pth|gguf|onnx)$/.test(name))
  const hint = foreign ? `; ${foreign} has another format: convert it to safetensors` : ''
  throw new UserError(
    `${directory} has no weights: neither ${STEM}.safetensors nor ${STEM}.safetensors.index.json${hint}`,
  )
}

function checkTensors(directory: string, config: ModelConfig, stored: Shards): void {
  const expected = parameterShapes(config)
  const missing = [...expected.keys()].filter((name) => !stored.entry(name))
  if (missing.length > 0) throw new UserError(`${directory}: tensors are missing: ${abridged(missing)}`)
  if (config.tieEmbeddings && config.head === 'tokens') expected.set(HEAD, expected.get(EMBEDDING)!)
  const extra = [...stored.names].filter((name) => !expected.has(name) && !DERIVED.test(name))
  if (extra.length > 0)
    throw new UserError(
      `${directory}: unexpected tensors, which a ${config.modelType} with this config.json does not have: ${abridged(extra)}`,
    )
  for (const [name, shape] of expected) {
    const found = stored.entry(name)?.shape
    if (found && found.join() !== shape.join())
      throw new UserError(
        `${directory}: tensor ${name} has shape [${found}]; config.json requires [${shape}]`,
      )
  }
}

function checkTied(directory: string, parameters: Model['parameters'], stored: Shards): void {
  const head = stored.read(HEAD)
  const embedding = parameters.get(EMBEDDING)!
  const differs = head.findIndex((value, i) => value !== embedding[i])
  if (differs >= 0)
    throw new UserError(
      `${directory}: config.json ties the embeddings, but ${HEAD} differs from ${EMBEDDING} at value ${differs}; set "tie_word_embeddings" to false`,
    )
}

export interface SaveOptions {
  readonly config: ModelConfig
  readonly parameters: ReadonlyMap<string, Float32Array>
  readonly dtype?: 'F32' | 'BF16'
  /** Weights larger than this are split into shards; the default is Hugging Face's usual limit. */
  readonly maxShardBytes?: number
  /** A folder from which the tokenizer and generation_config.json are copied. */
  readonly tokenizerFrom?: string
  /** What the adapters belong to, if the model has any. */
  readonly base?: AdapterBase
}

/**
 * Writes a Hugging Face directory, or a PEFT folder if the model has adapters; each file is written atomically.
 *
 * @throws UserError if the disk fails, or a file of `tokenizerFrom` is missing or damaged.
 */
export function saveModel(
  directory: string,
  { config, parameters, dtype = 'F32', maxShardBytes, tokenizerFrom, base }: SaveOptions,
): void {
  onDisk('create', directory, () => makeFolder(directory))
  if (config.adapters) writeAdapters(directory, { config, parameters }, base!, dtype)
  else {
    writeShards(directory, STEM, tensorsOf(config, parameters), {
      dtype,
      metadata: { format: 'pt' },
      maxShardBytes,
    })
    writeJson(join(directory, 'config.json'), toConfigJson(config, dtype))
  }
  if (
    config.head === 'tokens' &&
    (tokenizerFrom === undefined || !copyIfThere(GENERATION, generationFolder(tokenizerFrom), directory))
  ) {
    const { bos_token_id, eos_token_id, pad_token_id } = toConfigJson(config)
    writeJson(join(directory, GENERATION), { bos_token_id, eos_token_id, pad_token_id })
  }
  if (tokenizerFrom !== undefined) copyTokenizer(tokenizerFrom, directory)
}

/**
 * Copies the files of a model folder that belong to the model, and the content of those that are links. Files of any
 * size are copied without blocking the thread. Of a PEFT folder, the copy is a plain model.
 *
 * @throws UserError if the folder is not a complete model folder, or the disk fails.
 */
export async function copyModel(from: string, to: string): Promise<void> {
  if (isPeftFolder(from)) return saveModel(to, { ...loadModel(from), tokenizerFrom: from })
  loadConfig(from)
  const weights = weightFiles(from).map((path) => basename(path))
  if (weights[0] !== `${STEM}.safetensors`) weights.push(`${STEM}.safetensors.index.json`)
  onDisk('create', to, () => makeFolder(to))
  const others = settingFiles(from).map(([name]) => name)
  makeFolders(to, others)
  for (const name of [...others, ...weights]) await copyContent(join(from, name), join(to, name))
}

function tensorsOf(config: ModelConfig, parameters: SaveOptions['parameters']): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, shape] of parameterShapes(config)) {
    const data = parameters.get(name)
    if (!data) throw new Error(`saveModel: parameter ${name} is missing`)
    tensors.set(name, { shape, data })
  }
  for (const name of parameters.keys())
    if (!tensors.has(name))
      throw new Error(`saveModel: ${name} is not a parameter of this ${config.modelType}`)
  return tensors
}
