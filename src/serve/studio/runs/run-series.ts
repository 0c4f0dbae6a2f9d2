import { z } from 'zod'
import type { RunsFolder } from './runs-folder.ts'
import { isTotal, newest, type Series, seriesOf } from './series.ts'
import { sectionsOf } from './summary.ts'

/** Which metrics of a run are asked for: the parameters of the address. */
export const metricsQuery = z.object({
  /** Separated by commas; missing: all. */
  names: z.string().optional(),
  from: z.coerce.number().int().optional(),
  to: z.coerce.number().int().optional(),
  points: z.coerce.number().int().min(2).max(5000).default(1000),
})

/** Metrics of a run by name. Those of its stages stand one after the other, as in its sections; totals go on rising there. */
export function seriesOfRun(
  folder: RunsFolder,
  id: string,
  { names: list, ...range }: z.output<typeof metricsQuery>,
): Record<string, Series> {
  const asked = list === undefined ? null : list.split(',').filter((name) => name !== '')
  const sections = sectionsOf(folder, id)
  const own = folder.read(id, (store) =>
    (asked ?? store.metricNames()).map((name) => [name, seriesOf(store, name, range)] as const),
  )
  if (sections.length === 0) return Object.fromEntries(own)
  const all = new Map(own.filter(([name]) => name.startsWith('data/')))
  const totals = new Map<string, number | null>()
  for (const section of sections)
    folder.read(section.id, (store) => {
      const by = section.from - 1
      const within = { ...range, from: shifted(range.from, -by), to: shifted(range.to, -by) }
      for (const name of asked ?? store.metricNames()) {
        const before = totals.get(name) ?? 0
        // the total is unknown from the first stage on that does not know it
        if (isTotal(name))
          totals.set(name, totals.get(name) === null ? null : plus(before, newest(store, name)))
        const series = seriesOf(store, name, within)
        if (series.step.length === 0 || (isTotal(name) && totals.get(name) === null)) continue
        const moved = isTotal(name) ? raised(series, before) : series
        const there = all.get(name)
        const shown = { ...moved, step: moved.step.map((step) => step + by) }
        all.set(name, there && there.step.length > 0 ? joined(there, shown) : shown)
      }
    })
  for (const name of asked ?? []) if (!all.has(name)) all.set(name, { step: [], value: [] })
  return Object.fromEntries(all)
}

const plus = (before: number, last: { readonly value: number } | null): number | null =>
  last && before + last.value

const shifted = (step: number | undefined, by: number): number | undefined =>
  step === undefined ? undefined : step + by

function raised({ value, min, max, ...series }: Series, by: number): Series {
  const up = (values: Series['value']): Series['value'] =>
    values.map((value) => (value === null ? null : value + by))
  return { ...series, value: up(value), ...(min && { min: up(min) }), ...(max && { max: up(max) }) }
}

/** One series after another. Where one of them has no extremes, its values are their own. */
function joined(a: Series, b: Series): Series {
  const extremes =
    a.min || b.min
      ? {
          min: [...(a.min ?? a.value), ...(b.min ?? b.value)],
          max: [...(a.max ?? a.value), ...(b.max ?? b.value)],
        }
      : {}
  return { step: [...a.step, ...b.step], value: [...a.value, ...b.value], ...extremes }
}
