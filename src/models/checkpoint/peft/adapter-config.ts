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
  /** Should this linear layer have an adapter? */
  targets(layer: string): boolean
  /** The adapter of a linear layer. */
  adapterOf(layer: string): Adapter
}

const pattern = z.record(z.string(), z.number().positive()).nullish()
const names = z.union([z.string(), z.array(z.string())]).nullish()
const schema = z.looseObject({
  peft_type: z.string(),
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
})

/** What changes a layer in a way that the decoder does not compute, with the values that turn it off. */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [false],
  use_qalora: [false],
  use_bdlora: [false],
  lora_bias: [false],
  bias: ['none'],
  fan_in_fan_out: [false],
  layers_pattern: [],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  arrow_config: [],
  kasa_config: [],
  velora_config: [],
  monteclora_config: [],
}
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
  for (const [field, off] of Object.entries(UNSUPPORTED)) {
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
  return {
    base: c.base_model_name_or_path || null,
    revision: c.revision ?? null,
    targets: (layer) =>
      matches(c.target_modules ?? [], layer, path) &&
      !(c.exclude_modules && matches(c.exclude_modules, layer, path)) &&
      (transformed.length === 0 || transformed.includes(Number(/\.layers\.(\d+)\./.exec(layer)?.[1]))),
    adapterOf: (layer) => {
      const rank = patternFor(c.rank_pattern, layer, path) ?? c.r
      const alpha = patternFor(c.alpha_pattern, layer, path) ?? c.lora_alpha
      // alpha / √rank in the place of alpha / rank (Kalajdzievski 2023, arXiv 2312.03732)
      return { rank, alpha: c.use_rslora ? alpha * Math.sqrt(rank) : alpha }
    },
  }
}

/** Does `target_modules` name the layer? A text is a regular expression for its whole name. */
function matches(targets: string | readonly string[], layer: string, path: string): boolean {
  if (typeof targets !== 'string') return targets.some((target) => means(target, layer))
  return targets === 'all-linear' ? /_proj$/.test(layer) : expression(`^(?:${targets})$`, path).test(layer)
}

/** The value of the first pattern that the layer's name ends with, after a dot or as a whole. */
function patternFor(
  patterns: Readonly<Record<string, number>> | null | undefined,
  layer: string,
  path: string,
): number | undefined {
  const [, value] =
    Object.entries(patterns ?? {}).find(([key]) => expression(`^(?:.*\\.)?(?:${key})$`, path).test(layer)) ??
    []
  return value
}

function expression(source: string, path: string): RegExp {
  try {
    return new RegExp(source)
  } catch {
    throw new UserError(`${path}: ${JSON.stringify(source)} is no regular expression`)
  }
}
