import type { Series } from '../api/types.ts'

export type AxisName = 'steps' | 'tokens' | 'time' | 'flops'

/** What a plot has from left to right. `toX` and `toStep` are each other's inverse. */
export interface Axis {
  readonly label: string
  readonly toX: (step: number) => number
  readonly toStep: (x: number) => number
}

/** The metrics of a whole run from which the axes other than steps are made: what was spent up to a step. */
export const AXIS_METRICS = [
  'total/tokens',
  'total/flops',
  'time/total',
  // of runs of earlier releases, which have no total time
  'time/sampling',
  'time/training',
] as const

export const STEPS: Axis = { label: 'step', toX: (step) => step, toStep: (x) => x }

/** The axis of a run, or that of steps where the run has not measured what another needs. */
export function axisOf(name: AxisName, totals: Readonly<Record<string, Series>>): Axis {
  if (name === 'tokens') return along('tokens', totals['total/tokens'], 1)
  if (name === 'flops') return along('FLOPs of the updates', totals['total/flops'], 1)
  if (name === 'time') return along('minutes', known(totals['time/total']) ?? summed(totals), 1 / 60)
  return STEPS
}

/** The server's series of a metric that a run does not have is empty. */
const known = (series: Series | undefined): Series | undefined =>
  series && series.step.length > 0 ? series : undefined

/** Σ seconds of sampling and training. Where the server has put steps together, each took their mean. */
function summed(totals: Readonly<Record<string, Series>>): Series | undefined {
  const [sampling, training] = [known(totals['time/sampling']), known(totals['time/training'])]
  const either = sampling ?? training
  if (!either) return undefined
  let total = 0
  const value = either.step.map((step, i) => {
    const seconds = (sampling?.value[i] ?? 0) + (training?.value[i] ?? 0)
    total += seconds * (step - (either.step[i - 1] ?? step - 1))
    return total
  })
  return { step: either.step, value }
}

/** A total rises, so that of the last step of a bucket is the greatest one. */
function along(label: string, series: Series | undefined, unit: number): Axis {
  if (!series) return STEPS
  const points = series.step.flatMap((step, i) => {
    const value = (series.max ?? series.value)[i]
    return value === null || value === undefined ? [] : [[step, value * unit] as const]
  })
  if (points.length < 2) return STEPS
  const steps = points.map(([step]) => step)
  const totals = points.map(([, total]) => total)
  return {
    label,
    toX: (step) => interpolate(steps, totals, step),
    toStep: (x) => interpolate(totals, steps, x),
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
