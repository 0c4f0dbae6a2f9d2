/**
 * An exponential moving average, without the bias of its beginning (as in TensorBoard):
 * mₜ = w · mₜ₋₁ + (1 − w) · xₜ, shown as mₜ / (1 − wᵗ).
 */
export function smooth(values: readonly number[], weight: number): number[] {
  if (weight === 0) return [...values]
  let mean = 0
  return values.map((value, t) => {
    mean = weight * mean + (1 - weight) * value
    return mean / (1 - weight ** (t + 1))
  })
}
