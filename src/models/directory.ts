import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { onDisk } from '../common/disk.ts'
import { UserError } from '../common/errors.ts'
import { makeFolder } from '../common/files.ts'
import { type ModelConfig, parseConfig, toConfigJson } from './config.ts'
import { readJsonObject, writeJson } from './json-file.ts'
import { type Model, parameterShapes } from './parameters.ts'
import { DTYPE_BYTES, SafetensorsFile, type StoredTensor, writeSafetensors } from './safetensors.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const EMBEDDING = 'model.embed_tokens.weight'
const HEAD = 'lm_head.weight'
/** RoPE's frequencies, which old checkpoints contain although they follow from the configuration. */
const DERIVED = /\.rotary_emb\.inv_freq$/

/** Reads and checks `config.json` alone. */
export function loadConfig(directory: string): ModelConfig {
  if (!existsSync(directory)) throw new UserError(`there is no model folder ${directory}`)
  if (!statSync(directory).isDirectory()) throw new UserError(`${directory} is a file; a model is a folder`)
  const path = join(directory, 'config.json')
  if (!existsSync(path)) throw new UserError(`${directory} is not a model folder: it has no config.json`)
  return parseConfig(readJsonObject(path), path)
}

/** Loads a Hugging Face directory as float32. @throws UserError that names missing, unexpected and misshapen tensors. */
export function loadModel(directory: string): Model {
  const config = loadConfig(directory)
  const files = weightFiles(directory)
  const opened: SafetensorsFile[] = []
  try {
    const fileOf = new Map<string, SafetensorsFile>()
    for (const path of files) {
      const file = new SafetensorsFile(path)
      opened.push(file)
      for (const name of file.tensors.keys()) {
        const other = fileOf.get(name)
        if (other) throw new UserError(`tensor ${name} is both in ${other.path} and in ${path}`)
        fileOf.set(name, file)
      }
    }
    checkTensors(directory, config, fileOf)
    const parameters = new Map<string, Float32Array<ArrayBuffer>>()
    for (const name of parameterShapes(config).keys()) parameters.set(name, fileOf.get(name)!.read(name))
    if (config.tieEmbeddings && config.head === 'tokens' && fileOf.has(HEAD))
      checkTied(directory, parameters, fileOf.get(HEAD)!)
    return { config, parameters }
  } finally {
    for (const file of opened) file.close()
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
  const files = [join(directory, 'config.json'), ...weightFiles(directory)]
  return files
    .map((path) => {
      const { size, mtimeNs } = onDisk('read', path, () => statSync(path, { bigint: true }))
      return `${basename(path)} ${size} ${mtimeNs}`
    })
    .join('\n')
}

function weightFiles(directory: string): string[] {
  if (existsSync(join(directory, SINGLE))) return [join(directory, SINGLE)]
  const index = join(directory, INDEX)
  if (!existsSync(index)) {
    const foreign = readdirSync(directory).find((name) => /\.(bin|pt|pth|gguf|onnx)$/.test(name))
    const hint = foreign ? `; ${foreign} has another format: convert it to safetensors` : ''
    throw new UserError(`${directory} has no weights: neither ${SINGLE} nor ${INDEX}${hint}`)
  }
  const map = readJsonObject(index).weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new UserError(`${index} is damaged: "weight_map" is missing`)
  const shards = [...new Set(Object.values(map))].sort()
  for (const shard of shards)
    if (typeof shard !== 'string' || basename(shard) !== shard)
      throw new UserError(
        `${index} is damaged: "weight_map" names ${JSON.stringify(shard)}, not a file beside it`,
      )
  return shards.map((shard) => join(directory, shard as string))
}

function checkTensors(
  directory: string,
  config: ModelConfig,
  fileOf: ReadonlyMap<string, SafetensorsFile>,
): void {
  const expected = parameterShapes(config)
  const missing = [...expected.keys()].filter((name) => !fileOf.has(name))
  if (missing.length > 0) throw new UserError(`${directory}: tensors are missing: ${list(missing)}`)
  if (config.tieEmbeddings && config.head === 'tokens') expected.set(HEAD, expected.get(EMBEDDING)!)
  const extra = [...fileOf.keys()].filter((name) => !expected.has(name) && !DERIVED.test(name))
  if (extra.length > 0)
    throw new UserError(
      `${directory}: unexpected tensors, which a ${config.modelType} with this config.json does not have: ${list(extra)}`,
    )
  for (const [name, shape] of expected) {
    const found = fileOf.get(name)?.tensors.get(name)?.shape
    if (found && found.join() !== shape.join())
      throw new UserError(
        `${directory}: tensor ${name} has shape [${found}]; config.json requires [${shape}]`,
      )
  }
}

function checkTied(directory: string, parameters: Model['parameters'], file: SafetensorsFile): void {
  const head = file.read(HEAD)
  const embedding = parameters.get(EMBEDDING)!
  const differs = head.findIndex((value, i) => value !== embedding[i])
  if (differs >= 0)
    throw new UserError(
      `${directory}: config.json ties the embeddings, but ${HEAD} differs from ${EMBEDDING} at value ${differs}; set "tie_word_embeddings" to false`,
    )
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

export interface SaveOptions {
  readonly config: ModelConfig
  readonly parameters: ReadonlyMap<string, Float32Array>
  readonly dtype?: 'F32' | 'BF16'
  /** Weights larger than this are split into shards; the default is Hugging Face's usual limit. */
  readonly maxShardBytes?: number
  /** A folder from which the tokenizer and generation_config.json are copied. */
  readonly tokenizerFrom?: string
}

const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
]

/** Writes a Hugging Face directory; each file is written atomically. @throws UserError if the disk fails. */
export function saveModel(
  directory: string,
  { config, parameters, dtype = 'F32', maxShardBytes = 5e9, tokenizerFrom }: SaveOptions,
): void {
  onDisk('create', directory, () => makeFolder(directory))
  const shards = split(tensorsOf(config, parameters), maxShardBytes / DTYPE_BYTES[dtype])
  const names = shards.map((_, i) => shardName(i, shards.length))
  for (const [i, shard] of shards.entries())
    writeSafetensors(join(directory, names[i]!), shard, { dtype, metadata: { format: 'pt' } })
  if (shards.length > 1) writeJson(join(directory, INDEX), shardIndex(shards, names, DTYPE_BYTES[dtype]))
  for (const name of readdirSync(directory))
    if (/^model.*\.safetensors$/.test(name) ? !names.includes(name) : name === INDEX && shards.length === 1)
      rmSync(join(directory, name))

  writeJson(join(directory, 'config.json'), toConfigJson(config, dtype))
  const generates = config.head === 'tokens'
  if (
    generates &&
    (tokenizerFrom === undefined || !copyIfThere('generation_config.json', tokenizerFrom, directory))
  ) {
    const { bos_token_id, eos_token_id, pad_token_id } = toConfigJson(config)
    writeJson(join(directory, 'generation_config.json'), { bos_token_id, eos_token_id, pad_token_id })
  }
  if (tokenizerFrom !== undefined) copyTokenizer(tokenizerFrom, directory)
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

/** Fills shards in order; a tensor larger than the limit gets a shard of its own. */
function split(tensors: ReadonlyMap<string, StoredTensor>, maxValues: number): Map<string, StoredTensor>[] {
  const shards = [new Map<string, StoredTensor>()]
  let values = 0
  for (const [name, tensor] of tensors) {
    if (values > 0 && values + tensor.data.length > maxValues) {
      shards.push(new Map())
      values = 0
    }
    shards.at(-1)!.set(name, tensor)
    values += tensor.data.length
  }
  return shards
}

function shardName(index: number, count: number): string {
  if (count === 1) return SINGLE
  const number = (n: number) => String(n).padStart(5, '0')
  return `model-${number(index + 1)}-of-${number(count)}.safetensors`
}

function shardIndex(
  shards: readonly Map<string, StoredTensor>[],
  names: readonly string[],
  bytes: number,
): unknown {
  const tensors = shards.flatMap((shard) => [...shard.values()])
  return {
    metadata: { total_size: tensors.reduce((sum, { data }) => sum + data.length * bytes, 0) },
    weight_map: Object.fromEntries(
      shards.flatMap((shard, i) => [...shard.keys()].map((name) => [name, names[i]])),
    ),
  }
}

function copyTokenizer(from: string, to: string): void {
  if (!existsSync(join(from, 'tokenizer.json'))) throw new UserError(`${from} has no tokenizer.json`)
  for (const name of TOKENIZER_FILES) copyIfThere(name, from, to)
}

function copyIfThere(name: string, from: string, to: string): boolean {
  const source = join(from, name)
  if (!existsSync(source)) return false
  if (resolve(source) !== resolve(to, name))
    onDisk('write', join(to, name), () => copyFileSync(source, join(to, name)))
  return true
}
