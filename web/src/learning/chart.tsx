import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { RunEvent, Section } from '../api/types.ts'
import { short } from '../numbers.ts'
import type { Axis } from './axis.ts'
import { drawAlarms, drawMoments, drawSections, type Moment } from './chart-marks.ts'
import { ChartMenu } from './chart-menu.tsx'
import { dark, styleColour } from './colours.ts'
import { columnsOf, nearest, newest, seriesOf, valueRange } from './columns.ts'
import type { Line } from './lines.ts'
import type { Format } from './panels.ts'
import { bounds, move, range, show, showAll, zoom } from './range.ts'

export interface ChartProps {
  readonly title: string
  readonly about: string
  readonly lines: readonly Line[]
  readonly axis: Axis
  readonly format: Format
  /** The values at the axis; by default as those of the lines. */
  readonly tick?: Format
  readonly alarms?: readonly RunEvent[]
  readonly moments?: readonly Moment[]
  readonly sections?: readonly Section[]
}

const HEIGHT = 220
/** Plots with the same key have one cursor. */
const LINKED = 'learning'

/** A plot of lines over an axis, with a cursor and a zoom that all plots of the page share. */
export function Chart(props: ChartProps) {
  const { title, about, lines, axis, format } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const isDark = dark.value
  const shape = lines
    .map(({ label, colour, faint, dashed, min }) => [label, colour, faint, dashed, !!min].join())
    .join(';')

  // The plot is made anew when what it is made of has another shape.
  useEffect(() => {
    const element = place.current!
    const made = new uPlot(options(latest, element.clientWidth), columnsOf(lines, axis), element)
    plot.current = made
    applyRange(made, latest.current)
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    const wheel = wheelMoves(made, latest)
    return () => {
      wheel()
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape, isDark, axis.label])

  useEffect(() => {
    plot.current?.setData(columnsOf(lines, axis), false)
    applyRange(plot.current, latest.current)
  }, [lines, axis])

  // Another range moves the plot, which is not rendered for that.
  useEffect(() => {
    const ends = [range, bounds].map((one) => one.subscribe(() => applyRange(plot.current, latest.current)))
    return () => {
      for (const end of ends) end()
    }
  }, [])

  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <p class="quiet">{about}</p>
        <ChartMenu title={title} lines={lines} axis={axis} canvas={() => plot.current?.ctx.canvas ?? null} />
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}. ${inWords(lines, format)}`} />
    </figure>
  )
}

type Latest = { readonly current: ChartProps }

function options(latest: Latest, width: number): uPlot.Options {
  const { lines, axis, format, tick = format } = latest.current
  const ink = styleColour('quiet')
  const grid = { stroke: styleColour('line'), width: 1 }
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  const font = `${0.75 * rem}px system-ui, sans-serif`
  const { series, bands } = seriesOf(lines, format)
  return {
    width,
    height: HEIGHT,
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => valueRange(low, high, tick !== format) },
    },
    axes: [
      { stroke: ink, grid, font, size: 2.1 * rem, values: (_, splits) => splits.map((x) => short(x)) },
      { stroke: ink, grid, font, size: 4.1 * rem, values: (_, splits) => splits.map((y) => tick(y)) },
    ],
    series: [
      { label: axis.label, value: (plot, x: number | null) => short(x ?? newest(plot.data[0])) },
      ...series,
    ],
    bands,
    legend: { live: true },
    cursor: {
      sync: { key: LINKED, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
      dataIdx: (plot, one, closest) => nearest(plot.data[one]!, closest),
      bind: {
        dblclick: () => () => {
          showAll()
          return null
        },
      },
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: selected } = plot.select
          if (selected < 4) return
          const { toStep } = latest.current.axis
          show([toStep(plot.posToVal(left, 'x')), toStep(plot.posToVal(left + selected, 'x'))])
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
      drawClear: [(plot) => drawSections(plot, latest.current.sections ?? [], latest.current.axis)],
      draw: [
        (plot) => {
          drawMoments(plot, latest.current.moments ?? [], latest.current.axis)
          drawAlarms(plot, latest.current.alarms ?? [], latest.current.axis)
        },
      ],
    },
  }
}

function applyRange(plot: uPlot | null, { lines, axis }: ChartProps): void {
  if (!plot) return
  const xs = plot.data[0]
  if (xs.length === 0 || lines.length === 0) return
  const [from, to] = range.value ?? bounds.value
  // all plots show the same, also those whose metric begins later; a run that is compared may be longer
  const [min, max] = range.value
    ? [axis.toX(from), axis.toX(to)]
    : [Math.min(axis.toX(from), xs[0]!), Math.max(axis.toX(to), xs.at(-1)!)]
  plot.setScale('x', { min, max })
}

/** A wheel turned sideways, or with Shift, moves; with Ctrl, as a pinch is sent, it zooms. Returns what ends this. */
function wheelMoves(plot: uPlot, latest: Latest): () => void {
  const turn = (event: WheelEvent) => {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX
    if (event.ctrlKey) {
      const x = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x')
      zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, latest.current.axis.toStep(x))
    } else if (Math.abs(sideways) > 0 && (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)))
      move(sideways / plot.over.clientWidth)
    else return
    event.preventDefault()
  }
  plot.over.addEventListener('wheel', turn, { passive: false })
  return () => plot.over.removeEventListener('wheel', turn)
}

/** What the plot shows, for those who do not see it. */
function inWords(lines: readonly Line[], format: Format): string {
  const told = lines.filter(({ faint, step }) => !faint && step.length > 0)
  if (told.length === 0) return 'No values yet.'
  return told
    .map(
      ({ label, step, value }) =>
        `${label}: ${format(value[0])} at step ${step[0]}, ${format(value.at(-1))} at step ${step.at(-1)}.`,
    )
    .join(' ')
}
