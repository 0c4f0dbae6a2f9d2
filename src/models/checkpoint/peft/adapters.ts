import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { abridged } from '../../../common/words.ts'
import type { Adapter, ModelConfig } from '../../config.ts'
import { isAdapter, linearLayers } from '../../lora.ts'
import { parameterShapes } from '../../parameters.ts'
import { nameInText, namesWithVision } from '../language-part.ts'
import { SafetensorsFile } from '../safetensors.ts'
import { type AdapterConfig, readAdapterConfig } from './adapter-config.ts'

/*
 * The tensors of a PEFT folder: `lora_A` and `lora_B` of linear layers, and whole parameters that replace those of the base
 * model (`modules_to_save`), such as the head of a reward model.
 */

export const ADAPTER_WEIGHTS = 'adapter_model.safetensors'
/** PEFT's names of tensors begin with this. */
export const PEFT_PREFIX = 'base_model.model.'
/** The key in the file's metadata for the hash of the base weights. */
export const BASE_HASH = 'base_sha256'
/** The key for the padding token of a reward model. */
export const PAD_TOKEN = 'pad_token_id'

/** A model whose arrays have buffers of type B. */
interface Weights<B extends ArrayBufferLike> {
  readonly config: ModelConfig
  readonly parameters: ReadonlyMap<string, Float32Array<B>>
}

/**
 * SHA-256 of the weights that adapters belong to, as float32 in the order of `parameterShapes`; without the output layer for a
 * reward model, whose head is not the base model's.
 */
export function baseHash({ config, parameters }: Weights<ArrayBufferLike>): string {
  const hash = createHash('sha256')
  for (const name of parameterShapes({ ...config, adapters: undefined }).keys())
    if (config.head === 'tokens' || !isHead(name)) {
      const { buffer, byteOffset, byteLength } = parameters.get(name)!
      hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength))
    }
  return hash.digest('hex')
}

const isHead = (name: string): boolean => name === 'score.weight' || name === 'lm_head.weight'

/** The hash of the base weights that a PEFT folder of this program has; undefined in a folder of other programs. */
export function statedBaseHash(directory: string): string | undefined {
  const file = openAdapters(directory)
  try {
    return file.metadata[BASE_HASH]
  } finally {
    file.close()
  }
}

/** How many values a PEFT folder holds. */
export function countStored(directory: string): number {
  const file = openAdapters(directory)
  try {
    let count = 0
    for (const { shape } of file.tensors.values()) count += shape.reduce((a, b) => a * b, 1)
    return count
  } finally {
    file.close()
  }
}

/** The architecture of the model that the adapters in a folder make of `base`. */
export function configWithAdapters(directory: string, base: ModelConfig): ModelConfig {
  const file = openAdapters(directory)
  try {
    return read(directory, base, file, readAdapterConfig(directory)).config
  } finally {
    file.close()
  }
}

/**
 * The model that the adapters in a folder make of `base`: the same arrays, except for those that the folder replaces, and
 * the adapters.
 *
 * @throws UserError, naming the tensor, for adapters that are damaged, of another base model, or not supported.
 */
export function readAdapters<B extends ArrayBufferLike>(
  directory: string,
  base: Weights<B>,
): { config: ModelConfig; parameters: Map<string, Float32Array<B | ArrayBuffer>> } {
  const adapterConfig = readAdapterConfig(directory)
  const file = openAdapters(directory)
  try {
    const { config, stored } = read(directory, base.config, file, adapterConfig)
    const parameters = new Map<string, Float32Array<B | ArrayBuffer>>(base.parameters)
    if (config.head === 'score') parameters.delete('lm_head.weight')
    const hash = file.metadata[BASE_HASH]
    if (hash !== undefined && hash !== baseHash({ config, parameters: base.parameters }))
      throw new UserError(
        `${file.path}: these adapters were trained on a base model with other weights than ${adapterConfig.base ?? 'this one'} has now; set "base_model_name_or_path" in ${directory}/adapter_config.json to the model that they were trained on`,
      )
    for (const [name, key] of stored) parameters.set(name, file.read(key))
    return { config, parameters }
  } finally {
    file.close()
  }
}

function openAdapters(directory: string): SafetensorsFile {
  const path = join(directory, ADAPTER_WEIGHTS)
  if (!existsSync(path)) {
    const old = existsSync(join(directory, 'adapter_model.bin'))
    throw new UserError(
      `${directory} has no ${ADAPTER_WEIGHTS}${old ? '; adapter_model.bin has another format: save it with safe_serialization=True' : ''}`,
    )
  }
  return new SafetensorsFile(path)
}

/** The architecture, and the key in the file of every parameter that is in it. */
function read(
  directory: string,
  base: ModelConfig,
  file: SafetensorsFile,
  adapterConfig: AdapterConfig,
): { config: ModelConfig; stored: Map<string, string> } {
  const stored = new Map<string, string>()
  for (const key of file.tensors.keys()) {
    if (!key.startsWith(PEFT_PREFIX))
      throw new UserError(
        `${file.path}: tensor ${key} is not one of PEFT's: its name does not begin with ${PEFT_PREFIX}`,
      )
    const name = key.slice(PEFT_PREFIX.length)
    const inText = base.modelType === 'gemma3_text' ? nameInText(name) : name
    if (inText === null) continue
    const other = stored.get(inText)
    if (other !== undefined)
      throw new UserError(`${file.path}: tensors ${other} and ${key} both stand for ${inText}`)
    stored.set(inText, key)
  }
  const scores = stored.has('score.weight')
  const pad = file.metadata[PAD_TOKEN]
  const plain: ModelConfig = scores
    ? { ...base, head: 'score', padTokenId: pad === undefined ? base.padTokenId : Number(pad) }
    : base
  const from = `the base model ${adapterConfig.base ?? 'in memory'}`
  const config = { ...plain, adapters: adaptersOf(directory, plain, adapterConfig, from) }
  const shapes = parameterShapes(config)
  const needed = [...shapes.keys()].filter((name) => isAdapter(name) || adapterConfig.saves(moduleOf(name)))
  if (adapterConfig.scores) needed.push('score.weight')
  const missing = [...new Set(needed)].filter((name) => !stored.has(name))
  if (missing.length > 0) throw new UserError(`${file.path}: tensors are missing: ${abridged(missing)}`)
  for (const [name, key] of stored) {
    const shape = shapes.get(name)
    const found = file.tensors.get(key)!.shape
    if (!shape && isAdapter(name) && shapes.has(name.replace(/lora_[AB]\.weight$/, 'weight')))
      throw new UserError(
        `${file.path}: unexpected tensor ${key}: ${directory}/adapter_config.json gives that layer no adapter`,
      )
    if (!shape) throw new UserError(`${file.path}: unexpected tensor ${key}, for which ${from} has no place`)
    if (found.join() !== shape.join())
      throw new UserError(
        `${file.path}: tensor ${key} has shape [${found}]; ${from} and ${directory}/adapter_config.json require [${shape}]`,
      )
  }
  const tied = plain.head === 'tokens' && plain.tieEmbeddings
  if (tied && adapterConfig.saves(EMBEDDINGS) && !adapterConfig.tiesCopies)
    throw new UserError(
      `${directory}/adapter_config.json: "modules_to_save" has the embeddings, which ${from} also uses as its output layer; without "ensure_weight_tying", the output layer keeps the old ones, which is not supported`,
    )
  return { config, stored }
}

const EMBEDDINGS = 'model.embed_tokens'

/** The module that a parameter belongs to. */
const moduleOf = (parameter: string): string => parameter.replace(/\.[^.]+$/, '')

/**
 * The adapters that adapter_config.json names.
 *
 * @throws UserError if these are none, or one is not of a linear layer.
 */
function adaptersOf(
  directory: string,
  config: ModelConfig,
  { targets, adapterOf }: AdapterConfig,
  from: string,
): Record<string, Adapter> {
  const layers = linearLayers(config)
  if (config.head === 'tokens' && !config.tieEmbeddings) layers.push('lm_head')
  const namesOf = (module: string): string[] =>
    config.modelType === 'gemma3_text' ? namesWithVision(module) : [module]
  const targeted = layers.filter((layer) => targets(namesOf(layer)))
  const modules = [...parameterShapes(config).keys()].map(moduleOf)
  if (config.head === 'tokens') modules.push('lm_head')
  const other = modules.find((module) => !layers.includes(module) && targets(namesOf(module)))
  const where = `${directory}/adapter_config.json: "target_modules"`
  if (other !== undefined)
    throw new UserError(`${where} names ${other} of ${from}, for which adapters are not supported`)
  if (targeted.length === 0) {
    const names = [...new Set(layers.map((layer) => layer.slice(layer.lastIndexOf('.') + 1)))]
    throw new UserError(
      `${where} (without "exclude_modules", and in "layers_to_transform") names no linear layer of ${from}; it has ${names.join(', ')}`,
    )
  }
  return Object.fromEntries(targeted.map((layer) => [layer, adapterOf(namesOf(layer))]))
}
