import type { ModelConfig } from '../../../models/config.ts'
import { rotaryTables } from '../../../models/decoder.ts'
import type { Tensor } from '../../../onnx/session.ts'

/** Values of parameters by name: weights, or gradients. */
export type Parameters = ReadonlyMap<string, Float32Array>

/** Parameters with their shapes, as inputs of a program. */
export const parameterFeeds = (
  shapes: ReadonlyMap<string, readonly number[]>,
  values: Parameters,
): Record<string, Tensor> =>
  Object.fromEntries([...shapes].map(([name, dims]) => [name, { data: values.get(name)!, dims }]))

/** The tables of a model that has been asked for them: they are large, and all its programs read the same ones. */
const known = new WeakMap<
  ModelConfig,
  { readonly positions: number; readonly feeds: Record<string, Tensor> }
>()

/** RoPE's cos and sin tables, [positions, headDim / 2], as inputs of a program; see `rotaryInputs`. */
export function rotaryFeeds(config: ModelConfig, positions: number): Record<string, Tensor> {
  const before = known.get(config)
  if (before?.positions === positions) return before.feeds
  const dims = [positions, config.headDim / 2]
  const tables = rotaryTables(config, positions)
  const feeds = Object.fromEntries([...tables].map(([name, data]) => [name, { data, dims }]))
  known.set(config, { positions, feeds })
  return feeds
}
