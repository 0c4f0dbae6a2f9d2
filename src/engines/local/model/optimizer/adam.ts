import type { AdamSettings } from '../../../contract.ts'

/** A parameter tensor with its accumulated gradient and AdamW's two moments, all of one length. */
export interface Slot {
  readonly weights: Float32Array
  readonly gradient: Float32Array
  readonly m: Float32Array
  readonly v: Float32Array
  /** Weight decay applies to matrices, not to norms and biases. */
  readonly decays: boolean
}

/** How an optimizer updates its parameters. */
export interface Update {
  /** √Σ g² over all tensors. */
  norm(slots: Iterable<Slot>): number
  /** AdamW, step t ≥ 1, in place, on the gradient clipped by its global norm `norm`, which must be finite. */
  step(slots: Iterable<Slot>, t: number, norm: number, settings: AdamSettings): void
}

/** The factors of a step: η m̂ / (√v̂ + ε) = s m / (√v + ε′), with m̂ = m/c₁, v̂ = v/c₂, s = η √c₂ / c₁, ε′ = ε √c₂. */
export function factors(t: number, norm: number, settings: AdamSettings) {
  const { learningRate, beta1, beta2, eps, weightDecay, gradClipNorm } = settings
  const scale = gradClipNorm > 0 && norm > gradClipNorm ? gradClipNorm / norm : 1
  const root = Math.sqrt(1 - beta2 ** t)
  return {
    scale,
    beta1,
    beta2,
    stepSize: (learningRate * root) / (1 - beta1 ** t),
    epsilon: eps * root,
    /** 1 − ηλ, for what decays. */
    keep: 1 - learningRate * weightDecay,
  }
}

/** Loops over all elements, computed in float64. */
export const adamLoop: Update = {
  norm(slots) {
    let sum = 0
    for (const { gradient } of slots)
      for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!
    return Math.sqrt(sum)
  },

  // (Loshchilov & Hutter 2019, algorithm 2)
  step(slots, t, norm, settings) {
    const { scale, beta1, beta2, stepSize, epsilon, ...decay } = factors(t, norm, settings)
    for (const { weights, gradient, m, v, decays } of slots) {
      const keep = decays ? decay.keep : 1
      for (let i = 0; i < weights.length; i++) {
        const g = gradient[i]! * scale
        // m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²
        const m1 = beta1 * m[i]! + (1 - beta1) * g
        const v1 = beta2 * v[i]! + (1 - beta2) * g * g
        m[i] = m1
        v[i] = v1
        // w ← (1−ηλ)w − η m̂ / (√v̂ + ε)
        weights[i] = weights[i]! * keep - (stepSize * m1) / (Math.sqrt(v1) + epsilon)
      }
    }
  },
}
