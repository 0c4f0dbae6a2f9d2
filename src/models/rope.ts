import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import type { ModelType } from './families.ts'
import { unsupported } from './unsupported.ts'

/** How RoPE's long wavelengths are made longer: all by one factor, or only the low frequencies, as in Llama 3. */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPosition: number
    }

/** A rotary position embedding (Su et al. 2021). */
export interface Rope {
  readonly theta: number
  readonly scaling: RopeScaling | null
}

const factors = {
  rope_type: z.string().optional(),
  /** The older name of rope_type. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: z.number().positive().optional(),
  partial_rotary_factor: z.number().optional(),
}
const rope = z.looseObject(factors)

/** The fields of a config.json that have to do with RoPE. */
export const ropeSchema = {
  rope_theta: z.number().positive(),
  /** Theta of the layers with a window, in Transformers 4. */
  rope_local_base_freq: z.number().positive().optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: z
    .looseObject({ ...factors, full_attention: rope.nullish(), sliding_attention: rope.nullish() })
    .nullish(),
  partial_rotary_factor: z.number().default(1),
}
type Fields = z.infer<z.ZodObject<typeof ropeSchema>>

/**
 * RoPE of all layers; in gemma3_text that of the layers without a window, and of those with one.
 *
 * Transformers 5 writes `rope_parameters`, for gemma3_text one object for each type of layer. Transformers 4 writes
 * `rope_theta` and, when scaled, `rope_scaling`; for gemma3_text also `rope_local_base_freq`.
 */
export function parseRopes(
  c: Fields,
  modelType: ModelType,
  where: string,
): { everywhere: Rope; local: Rope | null } {
  const { rope_parameters: given, rope_scaling: scaling } = c
  const perType = given?.full_attention !== undefined || given?.sliding_attention !== undefined
  if (modelType !== 'gemma3_text') {
    if (perType) throw unsupported(where, 'rope_parameters', given, 'the same for all layers')
    const [field, r] = given ? ['rope_parameters', given] : ['rope_scaling', scaling ?? {}]
    return { everywhere: parseRope(r, field, c.rope_theta, c, where), local: null }
  }
  if (given && !perType)
    throw unsupported(
      where,
      'rope_parameters',
      given,
      'an object for full_attention and for sliding_attention',
    )
  const full = { ...given?.full_attention, ...scaling }
  const field = scaling ? 'rope_scaling' : 'rope_parameters.full_attention'
  const sliding = given?.sliding_attention ?? {}
  return {
    everywhere: parseRope(full, field, c.rope_theta, c, where),
    local: parseRope(sliding, 'rope_parameters.sliding_attention', c.rope_local_base_freq!, c, where),
  }
}

function parseRope(
  r: z.infer<typeof rope>,
  field: string,
  theta: number,
  { partial_rotary_factor }: Fields,
  where: string,
): Rope {
  const partial = r.partial_rotary_factor ?? partial_rotary_factor
  if (partial !== 1) throw unsupported(where, 'partial_rotary_factor', partial, '1')
  return { theta: r.rope_theta ?? theta, scaling: parseScaling(r, field, where) }
}

function parseScaling(r: z.infer<typeof rope>, field: string, where: string): RopeScaling | null {
  const type = r.rope_type ?? r.type ?? 'default'
  if (type === 'default') return null
  if (type !== 'llama3' && type !== 'linear')
    throw unsupported(where, `${field}.rope_type`, type, 'default, linear, llama3')
  const number = (
    name: 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings',
  ) => {
    const value = r[name]
    if (value === undefined)
      throw new UserError(`${where}: "${field}.${name}" is missing; ${type} scaling needs it`)
    return value
  }
  if (type === 'linear') return { type, factor: number('factor') }
  return {
    type,
    factor: number('factor'),
    lowFreqFactor: number('low_freq_factor'),
    highFreqFactor: number('high_freq_factor'),
    originalMaxPosition: number('original_max_position_embeddings'),
  }
}

/** The fields that `parseRopes` reads, for Transformers 4 and for Transformers 5. */
export function ropeJson({
  ropeTheta,
  ropeScaling,
  localRope,
}: {
  readonly ropeTheta: number
  readonly ropeScaling: RopeScaling | null
  readonly localRope: Rope | null
}): Record<string, unknown> {
  const everywhere = parametersOf({ theta: ropeTheta, scaling: ropeScaling })
  return {
    rope_theta: ropeTheta,
    rope_scaling: ropeScaling && scalingJson(ropeScaling),
    ...(localRope
      ? {
          rope_local_base_freq: localRope.theta,
          rope_parameters: { full_attention: everywhere, sliding_attention: parametersOf(localRope) },
        }
      : { rope_parameters: everywhere }),
  }
}

const parametersOf = ({ theta, scaling }: Rope): Record<string, unknown> => ({
  rope_theta: theta,
  ...(scaling ? scalingJson(scaling) : { rope_type: 'default' }),
})

function scalingJson(s: RopeScaling): Record<string, unknown> {
  if (s.type === 'linear') return { rope_type: s.type, factor: s.factor }
  return {
    rope_type: s.type,
    factor: s.factor,
    low_freq_factor: s.lowFreqFactor,
    high_freq_factor: s.highFreqFactor,
    original_max_position_embeddings: s.originalMaxPosition,
  }
}

/** cos and sin of position × frequency, each [positions, headDim/2] in row-major order. */
export function rotaryTable(
  { theta, scaling }: Rope,
  headDim: number,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const half = headDim / 2
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let i = 0; i < half; i++) {
    // θ^(−2i/d)
    const frequency = scaledFrequency(theta ** ((-2 * i) / headDim), scaling)
    for (let p = 0; p < positions; p++) {
      cos[p * half + i] = Math.cos(p * frequency)
      sin[p * half + i] = Math.sin(p * frequency)
    }
  }
  return { cos, sin }
}

/** A scaled frequency. Llama 3's scaling: low frequencies are divided by `factor`, high ones kept, and those between interpolated. */
export function scaledFrequency(frequency: number, scaling: RopeScaling | null): number {
  if (!scaling) return frequency
  if (scaling.type === 'linear') return frequency / scaling.factor
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPosition } = scaling
  const turns = (originalMaxPosition * frequency) / (2 * Math.PI)
  if (turns < lowFreqFactor) return frequency / factor
  if (turns > highFreqFactor) return frequency
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return (1 - smooth) * (frequency / factor) + smooth * frequency
}
