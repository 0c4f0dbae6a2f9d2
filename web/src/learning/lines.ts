import { type Axis, type AxisName, axisOf } from './axis.ts'
import { lineColour } from './colours.ts'
import { smooth } from './smooth.ts'
import type { AllSeries } from './use-metrics.ts'

/** A line of a plot. The steps rise. */
export interface Line {
  readonly label: string
  readonly colour: string
  readonly step: readonly number[]
  readonly value: readonly number[]
  /** A line behind others, such as the values of a line that is smoothed. It has no entry in the legend. */
  readonly faint?: boolean
  readonly dashed?: boolean
  /** The axis of its run, where runs are compared. */
  readonly axis?: Axis
}

/**
 * The lines of a plot. One run has a colour for each metric; runs that are compared have a colour each, and metrics after
 * the first are dashed. A smoothed line has its values behind it.
 */
export function linesOf(
  names: readonly string[],
  ids: readonly string[],
  series: Readonly<Record<string, AllSeries>>,
  axisName: AxisName,
  weight: number,
): Line[] {
  const isAlone = ids.length === 1
  return ids.flatMap((id, run) => {
    const own = series[id] ?? {}
    const axis = axisOf(axisName, own)
    return names.flatMap((name, metric): Line[] => {
      const { step, value } = own[name] ?? { step: [], value: [] }
      if (step.length === 0) return []
      const line = {
        label: isAlone ? name : `${id} ${name}`,
        colour: lineColour(isAlone ? metric : run),
        step,
        value,
        axis,
        dashed: !isAlone && metric > 0,
      }
      if (weight === 0) return [line]
      return [
        { ...line, faint: true },
        { ...line, value: smooth(value, weight) },
      ]
    })
  })
}
