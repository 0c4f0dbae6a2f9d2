import type { ModelConfig } from '../../config.ts'
import { scaledFrequency } from '../../rope.ts'

/**
 * What llama.cpp divides RoPE's frequencies by, [headDim/2], for a model with Llama 3's scaling (`rope_freqs.weight`); null
 * for other models.
 */
export function ropeFactors({ headDim, ropeTheta, ropeScaling }: ModelConfig): Float32Array | null {
  if (ropeScaling?.type !== 'llama3') return null
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / headDim)
    return frequency / scaledFrequency(frequency, ropeScaling)
  })
}
