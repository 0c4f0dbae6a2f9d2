import type { MetricPoint } from '../runs/rows.ts'
import { element, escaped, niceStep, round, STYLE, text } from './svg.ts'

/** A quantity over the steps of a run. */
export interface Curve {
  readonly title: string
  /** Shares are drawn from 0 to 100 %, other numbers from 0 to their largest value. */
  readonly share: boolean
  /** Of the rollouts that a step is trained on. */
  readonly training: readonly MetricPoint[]
  /** Of held-out questions. */
  readonly heldOut: readonly MetricPoint[]
}

interface LearningPlot {
  readonly title: string
  /** How to read the plot, written below it. */
  readonly note: string
  /** The last step of the axis. */
  readonly steps: number
  readonly curves: readonly Curve[]
}

const CELL = { width: 430, height: 250 }
const PLOT = { left: 44, right: 14, top: 38, bottom: 40 }
const TOP = 34

/** Curves side by side over the steps of a run, as a self-contained SVG without fonts, scripts or images from elsewhere. */
export function learningPlot({ title, note, steps, curves }: LearningPlot): string {
  const width = curves.length * CELL.width
  const height = TOP + CELL.height + 26
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-labelledby': 'title desc',
    },
    element('title', { id: 'title' }, escaped(title)),
    element('desc', { id: 'desc' }, escaped(curves.map(description).join(' '))),
    element('style', {}, `${STYLE}  .rollouts { fill: none; stroke-width: 1.2; stroke-opacity: 0.8; }\n`),
    text(8, 22, title, { class: 'title' }),
    ...curves.map((curve, i) =>
      element('g', { transform: `translate(${i * CELL.width} ${TOP})` }, drawCurve(curve, steps)),
    ),
    element(
      'text',
      { x: 8, y: height - 10 },
      element('tspan', { class: 'first name' }, '● held-out questions'),
      '\u2003',
      element('tspan', { class: 'second name' }, '━ rollouts of a step'),
      `\u2003${escaped(note)}`,
    ),
  )}\n`
}

function drawCurve({ title, share, training, heldOut }: Curve, steps: number): string {
  const [x0, x1] = [PLOT.left, CELL.width - PLOT.right]
  const [y0, y1] = [CELL.height - PLOT.bottom, PLOT.top]
  const reached = Math.max(...training.map(({ value }) => value), ...heldOut.map(({ value }) => value))
  const step = share ? 0.25 : niceStep(reached)
  const top = share ? 1 : step * Math.ceil(reached / step)
  const x = (at: number): number => x0 + (at / steps) * (x1 - x0)
  const y = (value: number): number => y0 + (value / top) * (y1 - y0)

  const grid = multiples(step, top).flatMap((value) => [
    element('line', { class: 'grid', x1: x0, x2: x1, y1: y(value), y2: y(value) }),
    text(x0 - 6, y(value) + 4, share ? `${Math.round(100 * value)}%` : String(round(value)), {
      'text-anchor': 'end',
    }),
  ])
  const ticks = multiples(niceStep(steps), steps).map((at) =>
    text(x(at), y0 + 15, String(at), { 'text-anchor': 'middle', class: 'stage' }),
  )
  const dots = heldOut.map((point) =>
    element(
      'g',
      { class: 'first' },
      element('title', {}, escaped(`step ${point.step}: ${number(point.value, share)}`)),
      element('circle', { class: 'dot', cx: x(point.step), cy: y(point.value), r: 4.5 }),
    ),
  )
  return [
    text(8, 22, title, { class: 'panel' }),
    ...grid,
    ...ticks,
    text((x0 + x1) / 2, y0 + 31, 'step', { 'text-anchor': 'middle' }),
    element('polyline', {
      class: 'second rollouts',
      points: training.map((p) => `${round(x(p.step))},${round(y(p.value))}`).join(' '),
    }),
    ...dots,
  ].join('')
}

const number = (value: number, share: boolean): string =>
  share ? `${(100 * value).toFixed(1)} %` : value.toFixed(1)

/** 0, step, 2 · step, … up to `top`. */
const multiples = (step: number, top: number): number[] =>
  Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step)

/** The held-out values as text, for readers who cannot see the lines. */
const description = ({ title, share, heldOut }: Curve): string =>
  `${title}, held-out questions: ${heldOut
    .map(({ step, value }) => `step ${step} ${number(value, share)}`)
    .join('; ')}.`
