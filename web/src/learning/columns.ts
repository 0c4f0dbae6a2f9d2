import uPlot from 'uplot'
import type { Axis } from './axis.ts'
import { isSparse, type Line } from './lines.ts'
import type { Format } from './panels.ts'

/*
 * Lines as uPlot has them: one array of x for all, an array of values for each line, and two more, of extremes, for a line with a
 * band.
 */

/** A null is a gap as far as the line's next value, whatever values the other lines have in between. */
const GAP = 2

export function columnsOf(lines: readonly Line[], axis: Axis): uPlot.AlignedData {
  if (lines.length === 0) return [[]]
  const tables = lines.map(({ step, value, min, max, axis: own = axis }) => {
    const columns = min && max ? [value, max, min] : [value]
    return [step.map(own.toX), ...columns.map((column) => [...column])] as uPlot.AlignedData
  })
  return uPlot.join(
    tables,
    tables.map((columns) => columns.map(() => GAP)),
  )
}

export function seriesOf(
  lines: readonly Line[],
  format: Format,
): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = []
  const bands: uPlot.Band[] = []
  for (const line of lines) {
    const { label, colour, faint, dashed, min, max } = line
    series.push({
      label: faint ? '' : label,
      stroke: colour,
      width: faint ? 1 : 1.75,
      alpha: faint ? 0.3 : 1,
      points: { show: !faint && isSparse(line), size: 5 },
      ...(faint && { class: 'faint' }),
      ...(dashed && { dash: [5, 4] }),
      // Without a cursor, the legend tells the newest value.
      value: (plot, value: number | null, i) => format(value ?? newest(plot.data[i]!)),
    })
    if (!min || !max) continue
    const extreme = { label: '', class: 'faint', points: { show: false } }
    // The value's own number is that of the series so far, as the x axis is number 0.
    bands.push({ series: [series.length + 1, series.length + 2], fill: `${colour}30` })
    series.push(extreme, extreme)
  }
  return { series, bands }
}

type Column = uPlot.AlignedData[number]

/** The last value that is known. */
export function newest(column: Column): number | null {
  for (let i = column.length - 1; i >= 0; i--) {
    const value = column[i]
    if (value !== null && value !== undefined) return value
  }
  return null
}

/** The place nearest to `i` that has a value; `i` itself where none has. */
export function nearest(column: Column, i: number): number {
  for (let by = 0; by < column.length; by++)
    for (const at of [i - by, i + by]) if (column[at] !== null && column[at] !== undefined) return at
  return i
}

/** From where to where the y axis goes: a little beyond the values; shares stay between 0 and 1. */
export function valueRange(low: number | null, high: number | null, isShare: boolean): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1]
  if (isShare && low === high) return [0, 1]
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2]
  const [from, to] = uPlot.rangeNum(low, high, 0.1, true) as [number, number]
  return isShare ? [low >= 0 ? Math.max(0, from) : from, high <= 1 ? Math.min(1, to) : to] : [from, to]
}
