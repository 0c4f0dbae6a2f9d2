import { useEffect, useState } from 'preact/hooks'
import { read, runPath, withQuery } from '../api/client.ts'
import { epoch, onMetrics } from '../api/live.ts'
import type { Series } from '../api/types.ts'
import type { Range } from './range.ts'

export type AllSeries = Readonly<Record<string, Series>>

/** Points of a series that the server sends at most. */
const POINTS = 1000
/** Milliseconds that the range must stay as it is before its points are read. */
const CALM = 200
/** Milliseconds after which a run is read again while one of its stages goes on. */
const STAGE_EVERY = 3000

/**
 * The metrics of runs: those of the steps that are shown, in as many points as can be seen. New steps are added as they
 * come. While a range is read, the points of the former one stay.
 */
export function useMetrics(
  ids: readonly string[],
  names: readonly string[],
  shown: Range | null,
): { readonly series: Readonly<Record<string, AllSeries>>; readonly problem: string | null } {
  const [series, setSeries] = useState<Readonly<Record<string, AllSeries>>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const [turn, setTurn] = useState(0)
  const key = JSON.stringify([ids, names, shown, epoch.value, turn])
  // The key has all that is read.
  useEffect(() => {
    const aborter = new AbortController()
    const query = {
      names: names.join(','),
      points: POINTS,
      from: shown && Math.floor(shown[0]),
      to: shown && Math.ceil(shown[1]),
    }
    const timer = setTimeout(
      () => {
        for (const id of ids)
          read<{ series: AllSeries }>(withQuery(runPath(id, 'metrics'), query), aborter.signal).then(
            (answer) => {
              setProblem(null)
              setSeries((before) => ({ ...before, [id]: answer.series }))
            },
            (error: unknown) => {
              if (!aborter.signal.aborted) setProblem(error instanceof Error ? error.message : String(error))
            },
          )
      },
      shown === null ? 0 : CALM,
    )
    return () => {
      clearTimeout(timer)
      aborter.abort()
    }
  }, [key])
  const watched = ids.join()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null
    const end = onMetrics(({ id, step, values }) => {
      if (ids.some((one) => id.startsWith(`${one}/`)))
        timer ??= setTimeout(() => {
          timer = null
          setTurn((before) => before + 1)
        }, STAGE_EVERY)
      setSeries((before) => {
        const known = before[id]
        return known ? { ...before, [id]: extended(known, step, values) } : before
      })
    })
    return () => {
      end()
      if (timer !== null) clearTimeout(timer)
    }
  }, [watched])
  return { series, problem }
}

/** Adds the values of a step, unless they are there already. */
function extended(known: AllSeries, step: number, values: Readonly<Record<string, number>>): AllSeries {
  const added = Object.entries(values).flatMap(([name, value]): [string, Series][] => {
    const series = known[name] ?? { step: [], value: [] }
    if (step <= (series.step.at(-1) ?? -1)) return []
    return [[name, longer(series, step, value)]]
  })
  return { ...known, ...Object.fromEntries(added) }
}

const longer = ({ step, value, min, max }: Series, at: number, one: number): Series => ({
  step: [...step, at],
  value: [...value, one],
  ...(min && max && { min: [...min, one], max: [...max, one] }),
})
