import type { ModelConfig } from '../../../models/config.ts'
import { countParameters } from '../../../models/parameters.ts'

/**
 * Up to this size a model has one replica per thread, each with a part of the batch, since the matrices of a small model
 * are too small to split among threads. A larger model has a single replica, and the runtime's threads split its
 * matrices.
 */
const REPLICATED_PARAMETERS = 10_000_000

/** Does the model have one replica per thread? Adapters do not count. */
export const isSmall = (config: ModelConfig): boolean =>
  countParameters({ ...config, adapters: undefined }) <= REPLICATED_PARAMETERS
