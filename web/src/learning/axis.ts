import type { Series } from '../api/types.ts'

export type AxisName = 'steps' | 'tokens' | 'time' | 'flops'

/** What a plot has from left to right. `toX` and `toStep` are each other's inverse. */
export interface Axis {
  readonly label: string
  readonly toX: (step: number) => number
  readonly toStep: (x: number) => number
}

/** The metrics from which the axes other than steps are made. */
export const AXIS_METRICS = ['total/tokens', 'total/flops', 'time/sampling', 'time/training'] as const

export const STEPS: Axis = { label: 'step', toX: (step) => step, toStep: (x) => x }

/** The axis of a run, or that of steps where the run has not measured what another needs. */
export function axisOf(name: AxisName, series: Readonly<Record<string, Series>>): Axis {
  if (name === 'tokens') return along('tokens', series['total/tokens'])
  if (name === 'flops') return along('FLOPs of the updates', series['total/flops'])
  if (name === 'time') return along('minutes', minutes(series['time/sampling'], series['time/training']))
  return STEPS
}

/**
 * Minutes since the run began: Σ seconds of a step / 60. Where the server has left out steps, those in between took what
 * the next step in the series took.
 */
function minutes(sampling: Series | undefined, training: Series | undefined): Series | undefined {
  const either = sampling ?? training
  if (!either) return undefined
  let total = 0
  const value = either.step.map((step, i) => {
    const seconds = (sampling?.value[i] ?? 0) + (training?.value[i] ?? 0)
    total += (seconds * (step - (either.step[i - 1] ?? step - 1))) / 60
    return total
  })
  return { step: either.step, value }
}

function along(label: string, series: Series | undefined): Axis {
  if (!series || series.step.length < 2) return STEPS
  return {
    label,
    toX: (step) => interpolate(series.step, series.value, step),
    toStep: (x) => interpolate(series.value, series.step, x),
  }
}

/** The value at `x` on the line through the points, which goes on straight at both ends. `xs` rises. */
export function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  let low = 0
  let high = xs.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  const width = xs[high]! - xs[low]!
  // y = y₀ + (x − x₀) · (y₁ − y₀) / (x₁ − x₀)
  return width === 0 ? ys[low]! : ys[low]! + ((x - xs[low]!) * (ys[high]! - ys[low]!)) / width
}
