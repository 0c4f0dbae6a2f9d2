import { join } from 'node:path'
import { keepConversions } from '../../../common/files/conversions.ts'
import type { ModelConfig } from '../../config.ts'
import { writeJson } from '../../json-file.ts'
import { isTrainedWithAdapters, linearLayers } from '../../lora.ts'
import { parameterShapes } from '../../parameters.ts'
import { type StoredTensor, writeSafetensors } from '../safetensors.ts'
import { ADAPTER_CONFIG } from './adapter-config.ts'
import { ADAPTER_WEIGHTS, BASE_HASH, PAD_TOKEN, PEFT_PREFIX } from './adapters.ts'
import { nameOfBase } from './find-base.ts'

/** What a PEFT folder says of its base model. */
export interface AdapterBase {
  /** Its folder; null for a model in memory. */
  readonly folder: string | null
  /** `baseHash` of its weights. */
  readonly hash: string
}

/**
 * Writes the adapters of a model, and the head of a reward model, as PEFT does; each file is written atomically.
 *
 * @throws UserError if the disk fails.
 */
export function writeAdapters(
  directory: string,
  { config, parameters }: { config: ModelConfig; parameters: ReadonlyMap<string, Float32Array> },
  base: AdapterBase,
  dtype: 'F32' | 'BF16',
): void {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, shape] of parameterShapes(config))
    if (isTrainedWithAdapters(name))
      tensors.set(`${PEFT_PREFIX}${name}`, { shape, data: parameters.get(name)! })
  const scores = config.head === 'score'
  writeSafetensors(join(directory, ADAPTER_WEIGHTS), tensors, {
    dtype,
    metadata: {
      format: 'pt',
      [BASE_HASH]: base.hash,
      ...(scores ? { [PAD_TOKEN]: String(config.padTokenId) } : {}),
    },
  })
  writeJson(join(directory, ADAPTER_CONFIG), adapterConfigJson(config, base))
  keepConversions(base.folder)
}

function adapterConfigJson(config: ModelConfig, { folder }: AdapterBase): unknown {
  const { adapters = {}, head } = config
  const { rank, alpha } = Object.values(adapters)[0]!
  const named = folder === null ? { name: null, revision: null } : nameOfBase(folder)
  return {
    base_model_name_or_path: named.name,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: head === 'score' ? ['score'] : null,
    peft_type: 'LORA',
    r: rank,
    revision: named.revision,
    target_modules: targetModules(config),
    task_type: head === 'score' ? 'SEQ_CLS' : 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  }
}

/** The layers that have adapters: by the last part of their names, if that means no other layer. */
function targetModules(config: ModelConfig): string[] {
  const adapted = Object.keys(config.adapters ?? {})
  const lastPart = (layer: string): string => layer.slice(layer.lastIndexOf('.') + 1)
  const others = linearLayers(config).filter((layer) => !adapted.includes(layer))
  const ambiguous = adapted.some((layer) => others.map(lastPart).includes(lastPart(layer)))
  return ambiguous ? adapted : [...new Set(adapted.map(lastPart))]
}
