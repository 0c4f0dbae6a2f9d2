import { UserError } from '../common/errors.ts'
import type { ModelType } from './families.ts'
import { unsupported } from './unsupported.ts'

const FULL = 'full_attention'
const SLIDING = 'sliding_attention'

interface Fields {
  readonly num_hidden_layers: number
  readonly layer_types?: readonly string[] | null | undefined
  readonly sliding_window?: number | null | undefined
  readonly use_sliding_window: boolean
  readonly max_window_layers?: number | undefined
  readonly sliding_window_pattern?: number | undefined
}

/**
 * Each layer's window, or null for full attention. Which layers have one: in gemma3_text all but every
 * `sliding_window_pattern`-th, in qwen2 and qwen3 those from `max_window_layers` on if `use_sliding_window` is set, in
 * mistral all if there is a `sliding_window`. `layer_types` says otherwise in gemma3_text, qwen2 and qwen3.
 */
export function parseWindows(c: Fields, modelType: ModelType, where: string): (number | null)[] {
  const qwen = modelType === 'qwen2' || modelType === 'qwen3'
  if (c.use_sliding_window && !qwen)
    throw unsupported(where, 'use_sliding_window', true, `false in a ${modelType}`)
  const window = modelType === 'llama' || (qwen && !c.use_sliding_window) ? null : (c.sliding_window ?? null)
  const slides = (layer: number): boolean => {
    if (modelType === 'gemma3_text') return (layer + 1) % c.sliding_window_pattern! !== 0
    return window !== null && (!qwen || layer >= c.max_window_layers!)
  }
  const usual = Array.from({ length: c.num_hidden_layers }, (_, i) => (slides(i) ? SLIDING : FULL))
  const types = c.layer_types ?? usual
  const unknown = types.find((type) => type !== FULL && type !== SLIDING)
  if (unknown !== undefined) throw unsupported(where, 'layer_types', unknown, `${FULL}, ${SLIDING}`)
  if (types.length !== usual.length)
    throw new UserError(`${where}: "layer_types" has ${types.length} entries for ${usual.length} layers`)
  const different = types.find((type, i) => type !== usual[i])
  if ((modelType === 'llama' || modelType === 'mistral') && different !== undefined)
    throw unsupported(where, 'layer_types', different, usual[0]!)
  if (window === null && types.includes(SLIDING))
    throw new UserError(`${where}: "layer_types" has ${SLIDING}, but there is no "sliding_window"`)
  return types.map((type) => (type === SLIDING ? window : null))
}

/** The fields that `parseWindows` reads. */
export function windowsJson({
  modelType,
  windows,
}: {
  readonly modelType: ModelType
  readonly windows: readonly (number | null)[]
}): Record<string, unknown> {
  if (modelType === 'llama') return {}
  const window = windows.find((w) => w !== null) ?? null
  if (modelType === 'mistral') return { sliding_window: window }
  const layer_types = windows.map((w) => (w === null ? FULL : SLIDING))
  if (modelType === 'gemma3_text') {
    const pattern = windows.indexOf(null) + 1
    const regular = pattern > 0 && windows.every((w, i) => (w === null) === ((i + 1) % pattern === 0))
    // Some readers know the pattern alone.
    return { sliding_window: window, layer_types, ...(regular ? { sliding_window_pattern: pattern } : {}) }
  }
  // Qwen's own files have all three, and some readers require them.
  const first = windows.findIndex((w) => w !== null)
  return {
    use_sliding_window: window !== null,
    sliding_window: window,
    max_window_layers: first < 0 ? windows.length : first,
    ...(window === null ? {} : { layer_types }),
  }
}
