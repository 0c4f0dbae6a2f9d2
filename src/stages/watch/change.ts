import { mean } from './metrics.ts'

/** Metrics by name. */
export type Metrics = Readonly<Record<string, number>>

/** Steps in a window of a mean; in a long run, windows are a quarter of its steps. */
export const WINDOW = 10

/** The change of a quantity. */
export interface Change {
  readonly was: number
  readonly is: number
  /** (is − was) / its standard error. */
  readonly z: number
}

/**
 * The change of a series from its first window, or from its highest one, to the last; null if the series is shorter than
 * two windows. The noise of a step is estimated from differences of neighbours, which a trend hardly affects:
 * σ² = Σ (x_(t+1) − x_t)² / 2(n − 1)   (von Neumann et al. 1941)
 */
export function change(values: readonly number[], from: 'first' | 'highest'): Change | null {
  const n = values.length
  const size = Math.max(WINDOW, Math.floor(n / 4))
  if (n < 2 * size) return null
  const windowAt = (start: number): number => mean(values.slice(start, start + size))
  const starts = from === 'first' ? 1 : n - 2 * size + 1
  const was = Math.max(...Array.from({ length: starts }, (_, start) => windowAt(start)))
  const is = windowAt(n - size)
  const variance = mean(values.slice(1).map((value, t) => (value - values[t]!) ** 2)) / 2
  return { was, is, z: (is - was) / Math.sqrt((2 * variance) / size) }
}

/** The change of a metric from the best evaluation to the last one, by their own standard errors (the metric `error`). */
export function heldOutChange(evaluations: readonly Metrics[], name: string, error: string): Change | null {
  const known = evaluations.filter((metrics) => isKnown(metrics[name]) && isKnown(metrics[error]))
  const last = known.at(-1)
  if (!last) return null
  const best = known.reduce((a, b) => (b[name]! > a[name]! ? b : a))
  const z = (last[name]! - best[name]!) / Math.hypot(last[error]!, best[error]!)
  return { was: best[name]!, is: last[name]!, z }
}

/** The known values of a metric, step by step. */
export const series = (steps: readonly Metrics[], name: string): number[] =>
  steps.map((metrics) => metrics[name]).filter(isKnown)

/** Is there a value that is not NaN? */
export const isKnown = (value: number | undefined): value is number =>
  value !== undefined && !Number.isNaN(value)
