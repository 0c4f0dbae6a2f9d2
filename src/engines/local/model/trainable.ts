import type { ModelConfig } from '../../../models/config.ts'
import { isTrainedWithAdapters, withAdapters } from '../../../models/lora.ts'
import { parameterShapes } from '../../../models/parameters.ts'
import type { Trainable } from '../../contract.ts'

/** The architecture that a trainer trains: with adapters, if it trains these. @throws UserError for unknown targets. */
export const trainedConfig = (config: ModelConfig, trainable: Trainable): ModelConfig =>
  trainable === 'all' ? config : withAdapters(config, trainable.lora)

/** The parameters of `trainedConfig` that a trainer changes, with their shapes. Only these have gradients and optimizer state. */
export function trainableShapes(config: ModelConfig, trainable: Trainable): Map<string, number[]> {
  const shapes = parameterShapes(trainedConfig(config, trainable))
  if (trainable === 'all') return shapes
  return new Map([...shapes].filter(([name]) => isTrainedWithAdapters(name)))
}
