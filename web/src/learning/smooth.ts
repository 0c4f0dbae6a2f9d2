/**
 * An exponential moving average, without the bias of its beginning (as in TensorBoard):
 * mₜ = w · mₜ₋₁ + (1 − w) · xₜ, shown as mₜ / (1 − wᵗ). It begins anew after a null.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let mean = 0
  let share = 0
  return values.map((value) => {
    if (value === null) {
      mean = 0
      share = 0
      return null
    }
    mean = weight * mean + (1 - weight) * value
    // 1 − wᵗ
    share = weight * share + (1 - weight)
    return mean / share
  })
}
