import type { ModelConfig } from '../../../models/config.ts'
import { parameterShapes } from '../../../models/parameters.ts'
import type { Trainable } from '../../contract.ts'

/** The parameters that a trainer changes, with their shapes. Only these have gradients and optimizer state. */
export function trainableShapes(config: ModelConfig, trainable: Trainable): Map<string, number[]> {
  switch (trainable) {
    case 'all':
      return parameterShapes(config)
  }
}
