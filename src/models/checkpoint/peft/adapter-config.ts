import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../common/errors.ts'
import type { Adapter } from '../../config.ts'
import { readJsonObject } from '../../json-file.ts'
import { means } from '../../lora.ts'

export const ADAPTER_CONFIG = 'adapter_config.json'

/** Is it a folder with the adapters of a model, as PEFT writes it, and not a plain model? */
export const isPeftFolder = (directory: string): boolean =>
  existsSync(join(directory, ADAPTER_CONFIG)) &&
  !existsSync(join(directory, 'model.safetensors')) &&
  !existsSync(join(directory, 'model.safetensors.index.json'))

/** What an adapter_config.json says. */
export interface AdapterConfig {
  /** A folder, or the name of a model; null if it names none. */
  readonly base: string | null
  /** Of a base model on the hub. */
  readonly revision: string | null
  /** Does a layer have an adapter? Here and below, `names` are all names that the layer may be meant by. */
  targets(names: readonly string[]): boolean
  /** The adapter of a linear layer. */
  adapterOf(names: readonly string[]): Adapter
  /** Is a module stored as a whole, in the place of the base model's? */
  saves(module: string): boolean
  /** Are copies of the embeddings used as the output layer too, where the base model does so? */
  readonly tiesCopies: boolean
  /** Does the model score text instead of writing it? */
  readonly scores: boolean
}

const pattern = z.record(z.string(), z.number().positive()).nullish()
const names = z.union([z.string(), z.array(z.string())]).nullish()
const schema = z.looseObject({
  peft_type: z.string(),
  task_type: z.string().nullish(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  use_rslora: z.boolean().nullish(),
  target_modules: names,
  exclude_modules: names,
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  ensure_weight_tying: z.boolean().nullish(),
})

/** What PEFT adapts in models of all supported types where `target_modules` is missing. */
const DEFAULT_TARGETS = ['q_proj', 'v_proj']

/** What changes a layer in a way that the decoder does not compute, with the values that turn it off. */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  lora_bias: [false],
  bias: ['none'],
  fan_in_fan_out: [false],
  layers_pattern: [],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
}
/** Variants of the method have a field with such a name. */
const VARIANT = /^use_|_config$/
/** Fields with such a name that are supported, or do not matter once the adapters are trained. */
const NO_VARIANT = [
  'use_rslora',
  'eva_config',
  'corda_config',
  'loftq_config',
  'lora_ga_config',
  'megatron_config',
  'runtime_config',
]
/** Initialisations that also change the base weights, which the folder does not have. */
const CHANGES_BASE = /^(pissa|olora|corda|loftq|lora_ga)/

/**
 * Reads adapter_config.json.
 *
 * @throws UserError, naming the field, its value and what is supported, for adapters that the decoder does not compute.
 */
export function readAdapterConfig(directory: string): AdapterConfig {
  const path = join(directory, ADAPTER_CONFIG)
  const json = readJsonObject(path)
  if (json.peft_type !== 'LORA')
    throw new UserError(
      `${path}: "peft_type" is ${JSON.stringify(json.peft_type) ?? 'missing'}; supported: "LORA"`,
    )
  const result = schema.safeParse(json)
  if (!result.success) {
    const { path: at, message } = result.error.issues[0]!
    throw new UserError(`${path} is damaged: "${at.join('.')}": ${message}`)
  }
  const variants = Object.keys(json).filter((field) => VARIANT.test(field) && !NO_VARIANT.includes(field))
  const unsupported: Record<string, readonly unknown[]> = {
    ...UNSUPPORTED,
    ...Object.fromEntries(variants.map((field) => [field, field.startsWith('use_') ? [false] : []])),
  }
  for (const [field, off] of Object.entries(unsupported)) {
    const value = json[field] ?? null
    const empty = typeof value === 'object' && (value === null || Object.keys(value).length === 0)
    if (!empty && !off.includes(value))
      throw new UserError(
        `${path}: "${field}" is ${JSON.stringify(value)}, which is not supported; supported: ${JSON.stringify(off[0] ?? null)}`,
      )
  }
  const init = json.init_lora_weights
  if (typeof init === 'string' && CHANGES_BASE.test(init))
    throw new UserError(
      `${path}: "init_lora_weights" is ${JSON.stringify(init)}, which changes the base model too; save it with PEFT's path_initial_model_for_weight_conversion, or merge it there`,
    )
  const c = result.data
  const transformed = [c.layers_to_transform ?? []].flat()
  const isOne = (targets: string | readonly string[], layers: readonly string[]): boolean =>
    layers.some((layer) => matches(targets, layer, path))
  return {
    base: c.base_model_name_or_path || null,
    revision: c.revision ?? null,
    targets: (names) =>
      isOne(c.target_modules ?? DEFAULT_TARGETS, names) &&
      !isOne(c.exclude_modules ?? [], names) &&
      (transformed.length === 0 || transformed.includes(Number(/\.layers\.(\d+)\./.exec(names[0]!)?.[1]))),
    // by the end of its name or of the name of a module that it is in, also within a word
    saves: (module) =>
      (c.modules_to_save ?? []).some((end) => withOuter(module).some((one) => one.endsWith(end))),
    tiesCopies: c.ensure_weight_tying ?? false,
    scores: c.task_type === 'SEQ_CLS',
    adapterOf: (names) => {
      const rank = patternFor(c.rank_pattern, names, path) ?? c.r
      const alpha = patternFor(c.alpha_pattern, names, path) ?? c.lora_alpha
      // alpha / √rank in the place of alpha / rank (Kalajdzievski 2023, arXiv 2312.03732)
      return { rank, alpha: c.use_rslora ? alpha * Math.sqrt(rank) : alpha }
    },
  }
}

/** The names of a module and of those that it is in. */
const withOuter = (module: string): string[] =>
  module.split('.').map((_, i, parts) => parts.slice(0, i + 1).join('.'))

/** Does `target_modules` name the layer? A text is a regular expression for its whole name. */
function matches(targets: string | readonly string[], layer: string, path: string): boolean {
  if (typeof targets !== 'string') return targets.some((target) => means(target, layer))
  return targets === 'all-linear' ? /_proj$/.test(layer) : expression(`^(?:${targets})$`, path).test(layer)
}

/** The value of the first pattern that one of the layer's names ends with, after a dot or as a whole. */
function patternFor(
  patterns: Readonly<Record<string, number>> | null | undefined,
  names: readonly string[],
  path: string,
): number | undefined {
  const found = Object.entries(patterns ?? {}).find(([key]) => {
    const pattern = expression(`^(?:.*\\.)?(?:${key})$`, path)
    return names.some((name) => pattern.test(name))
  })
  return found?.[1]
}

function expression(source: string, path: string): RegExp {
  try {
    return new RegExp(source)
  } catch {
    throw new UserError(`${path}: ${JSON.stringify(source)} is no regular expression`)
  }
}
