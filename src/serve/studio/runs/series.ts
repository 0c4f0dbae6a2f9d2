import { TIME } from '../../../runs/rows.ts'
import type { RunStore } from '../../../runs/store.ts'

/**
 * Values of a metric by step. Where steps were put together, `step` is the last of them and `value` their mean or, of a total,
 * the last one.
 */
export interface Series {
  readonly step: readonly number[]
  readonly value: readonly (number | null)[]
  /** The least and the greatest value of each bucket; missing where no steps were put together. */
  readonly min?: readonly (number | null)[]
  readonly max?: readonly (number | null)[]
}

export interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Points of a series at most. */
  readonly points: number
}

/** A metric over a range of steps, in buckets of equally many steps if it has more values than `points`. */
export function seriesOf(store: RunStore, name: string, { from, to, points }: Range): Series {
  const bounds = [name, from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER] as const
  const where = 'FROM metrics WHERE name = ? AND step BETWEEN ? AND ?'
  const [{ count, first, last }] = store.select<{ count: number; first: number; last: number }>(
    `SELECT count(*) AS count, min(step) AS first, max(step) AS last ${where}`,
    ...bounds,
  ) as [{ count: number; first: number; last: number }]
  if (count <= points) {
    const rows = store.select<{ step: number; value: number }>(
      `SELECT step, value ${where} ORDER BY step`,
      ...bounds,
    )
    return { step: rows.map(({ step }) => step), value: rows.map(({ value }) => value) }
  }
  const width = Math.ceil((last - first + 1) / points)
  const rows = store.select<{ step: number; value: number; low: number; high: number }>(
    `SELECT max(step) AS step, ${isTotal(name) ? 'max' : 'avg'}(value) AS value, min(value) AS low, max(value) AS high ${where}
     GROUP BY (step - ${first}) / ${width} ORDER BY 1`,
    ...bounds,
  )
  return {
    step: rows.map(({ step }) => step),
    value: rows.map(({ value }) => value),
    min: rows.map(({ low }) => low),
    max: rows.map(({ high }) => high),
  }
}

/** Does a metric count up from the first step on? */
export const isTotal = (name: string): boolean => name.startsWith('total/') || name === TIME

/** The newest value of a metric, or null. */
export function newest(store: RunStore, name: string): { step: number; value: number } | null {
  const [row] = store.select<{ step: number; value: number }>(
    'SELECT step, value FROM metrics WHERE name = ? ORDER BY step DESC LIMIT 1',
    name,
  )
  return row ?? null
}
