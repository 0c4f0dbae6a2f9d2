import type { Section, Series } from '../api/types.ts'
import { type Axis, type AxisName, axisOf } from './axis.ts'
import { lineColour } from './colours.ts'
import { smooth } from './smooth.ts'
import type { AllSeries } from './use-metrics.ts'

/** A line of a plot. The steps rise. A value that is null is a gap. */
export interface Line extends Series {
  readonly label: string
  readonly colour: string
  /** A line behind others, such as the values of a line that is smoothed. It has no entry in the legend. */
  readonly faint?: boolean
  readonly dashed?: boolean
  /** The axis of its run, where runs are compared. */
  readonly axis?: Axis
}

/** Points of a line that is measured seldom, such as held-out accuracy: each of them is shown, and they are not smoothed. */
const FEW = 30

export const isSparse = ({ step }: Series): boolean => step.length <= FEW

/** What the lines of a page are made of. The first run is that of the page, which may have sections. */
export interface Course {
  readonly ids: readonly string[]
  readonly series: Readonly<Record<string, AllSeries>>
  /** Series of whole runs, from which their axes are made. */
  readonly totals: Readonly<Record<string, AllSeries>>
  readonly axisName: AxisName
  /** Of the smoothing, from 0 (none) to 1. */
  readonly weight: number
  readonly sections: readonly Section[]
}

/**
 * The lines of a plot. One run has a colour for each metric; runs that are compared have a colour each, and metrics after
 * the first are dashed. A smoothed line has its values behind it.
 */
export function linesOf(names: readonly string[], course: Course): Line[] {
  const { ids, series, totals, axisName, weight, sections } = course
  const isAlone = ids.length === 1
  return ids.flatMap((id, run) => {
    const axis = axisOf(axisName, totals[id] ?? {})
    return names.flatMap((name, metric): Line[] => {
      const own = series[id]?.[name]
      if (!own || own.step.length === 0) return []
      const line: Line = {
        ...(run === 0 && sections.length > 0 ? apart(own, sections) : own),
        label: isAlone ? name : `${id} ${name}`,
        colour: lineColour(isAlone ? metric : run),
        axis,
        dashed: !isAlone && metric > 0,
      }
      if (weight === 0 || isSparse(line)) return [line]
      const { min: _, max: __, ...middle } = line
      return [
        { ...line, faint: true },
        { ...middle, value: smooth(line.value, weight) },
      ]
    })
  })
}

/**
 * A series with a gap where a section begins, so that no line leads from one stage of a run to the next. A stage measures before
 * its first step, too, which is the last step of the stage before it.
 */
function apart({ step: given, value, min, max }: Series, sections: readonly Section[]): Series {
  const step: number[] = []
  const begins = given.map((at, i) => {
    const before = step.at(-1)
    const isAgain = before !== undefined && at <= before
    step.push(isAgain ? before + 0.5 : at)
    return isAgain || (i > 0 && sections.some(({ from }) => at >= from && given[i - 1]! < from))
  })
  const split = <T>(all: readonly T[], gap: (i: number) => T): T[] =>
    all.flatMap((one, i) => (begins[i] ? [gap(i), one] : [one]))
  return {
    step: split(step, (i) => (step[i - 1]! + step[i]!) / 2),
    value: split(value, () => null),
    ...(min && max && { min: split(min, () => null), max: split(max, () => null) }),
  }
}
