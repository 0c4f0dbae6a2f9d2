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

/** RoPE's cos and sin tables, [positions, headDim / 2], as inputs of a program. */
export function rotaryFeeds(config: ModelConfig, positions: number): Record<string, Tensor> {
  const { cos, sin } = rotaryTables(config, positions)
  const dims = [positions, config.headDim / 2]
  return { 'rotary.cos': { data: cos, dims }, 'rotary.sin': { data: sin, dims } }
}
