/**
 * How the learning rate changes after the warm-up:
 * - `constant`
 * - `linear`: down to `final`
 * - `cosine`: half a cosine down to `final` (Loshchilov & Hutter 2017, eq. 5, without restarts)
 * - `warmup_stable_decay`: constant for the fraction `stable` of the steps, then linearly down to `final` (MiniCPM,
 *   arXiv 2404.06395, §4)
 *
 * `final` is a fraction of the peak, reached at the last step.
 */
type Decay =
  | { readonly kind: 'constant' }
  | { readonly kind: 'linear'; readonly final: number }
  | { readonly kind: 'cosine'; readonly final: number }
  | { readonly kind: 'warmup_stable_decay'; readonly stable: number; readonly final: number }

/** The learning rate rises to its peak in `warmup` equal steps, then decays. */
export type Schedule = Decay & { readonly warmup: number }

/** The learning rate at `step`, from 0 to steps − 1. @throws Error if `step` is out of that range. */
export function learningRateAt(schedule: Schedule, peak: number, step: number, steps: number): number {
  if (step < 0 || step >= steps) throw new Error(`learning rate: step ${step} is outside of 0 … ${steps - 1}`)
  const { warmup } = schedule
  if (step < warmup) return (peak * (step + 1)) / warmup
  // progress t: 0 at the first step after the warm-up, 1 at the last step
  const t = (step - warmup) / Math.max(1, steps - 1 - warmup)
  return peak * decay(schedule, t)
}

function decay(schedule: Decay, t: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1
    case 'linear':
      return 1 + (schedule.final - 1) * t
    case 'cosine':
      return schedule.final + ((1 - schedule.final) * (1 + Math.cos(Math.PI * t))) / 2
    case 'warmup_stable_decay': {
      const { stable, final } = schedule
      return t <= stable ? 1 : 1 + ((final - 1) * (t - stable)) / (1 - stable)
    }
  }
}
