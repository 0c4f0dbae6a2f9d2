import { useEffect, useMemo } from 'preact/hooks'
import type { RunDetail, RunSummary } from '../api/types.ts'
import { short } from '../numbers.ts'
import { useKeys } from '../parts/keys.ts'
import { Command, Empty } from '../parts/notice.tsx'
import { route, setQuery } from '../router.ts'
import { useRuns } from '../runs/use-runs.ts'
import { Alarms, isAlarm } from './alarms.tsx'
import { AXIS_METRICS, type AxisName, axisOf } from './axis.ts'
import { Chart } from './chart.tsx'
import { dark } from './colours.ts'
import { linesOf } from './lines.ts'
import { others, type Panel, panelsFor } from './panels.ts'
import { bounds, move, range, show, showAll, zoom } from './range.ts'
import { useMetrics } from './use-metrics.ts'

/** The course of a run, alone or beside that of others. */
export function Learning({ run }: { run: RunDetail }) {
  const { query } = route.value
  const compared = query.with?.split(',').filter((id) => id && id !== run.id) ?? []
  const ids = [run.id, ...compared]
  const axisName = (query.axis ?? 'steps') as AxisName
  const weight = Number(query.smooth ?? 0)
  const more = query.more?.split(',').filter(Boolean) ?? []
  const panels: Panel[] = [
    ...panelsFor(run.metricNames),
    ...more.map((name) => ({ title: name, about: 'A metric of this run.', names: [name], format: short })),
  ]
  const names = panels.flatMap((panel) => panel.names)
  const { series, problem } = useMetrics(ids, names, range.value)
  const { series: totals } = useMetrics(axisName === 'steps' ? [] : ids, AXIS_METRICS, null)

  useRange(run, query.steps)
  useKeys({
    '+': () => zoom(0.5),
    '=': () => zoom(0.5),
    '-': () => zoom(2),
    '0': showAll,
    ArrowLeft: () => move(-0.25),
    ArrowRight: () => move(0.25),
  })

  const own = totals[run.id]
  const axis = useMemo(() => axisOf(axisName, own ?? {}), [axisName, own])
  const sections = run.sections ?? []
  const charts = useMemo(() => {
    const course = { ids, series, totals, axisName, weight, sections }
    return panels.map((panel) => ({ ...panel, lines: linesOf(panel.names, course) }))
  }, [series, totals, axisName, weight, names.join(), ids.join(), JSON.stringify(sections), dark.value])
  const alarms = useMemo(() => run.events.filter(isAlarm), [run.events])
  // The same elements while the range moves: then only the canvases are drawn again.
  const drawn = useMemo(
    () =>
      charts.map(({ title, about, lines, format, tick }) => (
        <Chart
          key={title}
          title={title}
          about={about}
          lines={lines}
          axis={axis}
          format={format}
          {...(tick && { tick })}
          alarms={alarms}
          sections={sections}
        />
      )),
    [charts, axis, alarms],
  )

  if (run.metricNames.length === 0)
    return (
      <Empty title="This run has measured nothing yet">
        <p>
          {run.status === 'running' ? (
            'The plots appear with its first step.'
          ) : (
            <>
              Continue it: <Command>{`npx ruminate resume ${run.id}`}</Command>
            </>
          )}
        </p>
      </Empty>
    )
  return (
    <>
      <Controls run={run} axisName={axisName} weight={weight} compared={compared} more={more} />
      {problem && (
        <p class="notice problem" role="alert">
          {problem}
        </p>
      )}
      <Alarms id={run.id} alarms={alarms} />
      <div class="charts">{drawn}</div>
    </>
  )
}

/** Keeps what is shown within the run, and in the address. */
function useRange(run: RunDetail, steps: string | undefined): void {
  const last = Math.max(1, run.steps.done, run.sections?.at(-1)?.to ?? 0)
  // The address is read once, when the page is opened.
  useEffect(() => {
    bounds.value = [0, last]
    const [from, to] = steps?.split('-').map(Number) ?? []
    if (Number.isFinite(from) && Number.isFinite(to)) show([from!, to!])
    else showAll()
    return showAll
  }, [run.id])
  useEffect(() => {
    bounds.value = [0, last]
  }, [last])
  const shown = range.value
  useEffect(() => {
    const timer = setTimeout(
      () => setQuery({ steps: shown && `${Math.round(shown[0])}-${Math.round(shown[1])}` }),
      300,
    )
    return () => clearTimeout(timer)
  }, [shown])
}

interface ControlsProps {
  readonly run: RunDetail
  readonly axisName: AxisName
  readonly weight: number
  readonly compared: readonly string[]
  readonly more: readonly string[]
}

function Controls({ run, axisName, weight, compared, more }: ControlsProps) {
  const runs = useRuns()
  const free = (runs.data ?? []).filter(({ id }) => id !== run.id && !compared.includes(id))
  const shown = range.value
  return (
    <div class="toolbar learning-controls">
      <label>
        Axis{' '}
        <select value={axisName} onChange={(event) => setQuery({ axis: event.currentTarget.value })}>
          <option value="steps">steps</option>
          <option value="tokens">tokens</option>
          <option value="time">time</option>
          <option value="flops">FLOPs</option>
        </select>
      </label>
      <label>
        Smoothing{' '}
        <input
          type="range"
          min={0}
          max={0.98}
          step={0.02}
          value={weight}
          onInput={(event) => setQuery({ smooth: Number(event.currentTarget.value) || null })}
        />{' '}
        <output>{weight.toFixed(2)}</output>
      </label>
      <span class="group">
        <button type="button" onClick={() => zoom(0.5)} aria-label="Zoom in" title="+">
          +
        </button>
        <button type="button" onClick={() => zoom(2)} aria-label="Zoom out" title="−">
          −
        </button>
        <button type="button" onClick={() => move(-0.25)} aria-label="Earlier steps" title="←">
          ←
        </button>
        <button type="button" onClick={() => move(0.25)} aria-label="Later steps" title="→">
          →
        </button>
        <button type="button" onClick={showAll} disabled={shown === null}>
          All steps
        </button>
      </span>
      <Compare free={free} compared={compared} />
      <label>
        More{' '}
        <select
          value=""
          onChange={(event) =>
            setQuery({ more: [...more, event.currentTarget.value].filter(Boolean).join(',') })
          }
        >
          <option value="">another metric …</option>
          {others(run.metricNames)
            .filter((name) => !more.includes(name))
            .map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
        </select>
      </label>
    </div>
  )
}

function Compare({ free, compared }: { free: readonly RunSummary[]; compared: readonly string[] }) {
  const set = (ids: readonly string[]) => setQuery({ with: ids.join(',') })
  return (
    <span class="group">
      <label>
        Compare with{' '}
        <select
          value=""
          onChange={(event) => event.currentTarget.value && set([...compared, event.currentTarget.value])}
        >
          <option value="">another run …</option>
          {free.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      {compared.map((id) => (
        <button
          key={id}
          type="button"
          class="chip"
          onClick={() => set(compared.filter((other) => other !== id))}
        >
          {id} <span aria-hidden="true">×</span>
          <span class="hidden">: leave it out</span>
        </button>
      ))}
    </span>
  )
}
