import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { CellResult } from '../results.ts'
import { short } from './short.ts'

/** What is used of the document's elements. */
interface Element {
  readonly outerHTML: string
  append(...children: readonly (string | Element)[]): void
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  querySelector(selector: string): { remove(): void } | null
}

interface Page {
  createElementNS(namespace: string, name: string): Element
}

/** A point with its 95 % interval. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly low: number
  readonly high: number
  /** The answers that it was measured with; missing for what a run recorded. */
  readonly of?: PointSource
}

/** Where the answers of a point are found. */
export interface PointSource {
  readonly cell: CellResult
  readonly measure: string
  /** The difficulty of the questions; null: all of them. */
  readonly difficulty: string | null
}

/** A line of a panel. */
export interface Series {
  /** Lines of the same name have the same colour and sign in all panels, and one entry in the legend. */
  readonly name: string
  readonly points: readonly Point[]
  /** Values that were not measured by this evaluation are drawn as a dashed line. */
  readonly dashed?: boolean
}

/** Lines in one pair of axes. */
export interface Panel {
  readonly title: string
  readonly x: {
    readonly label: string
    readonly scale: 'log' | 'linear' | 'point'
    /** Where numbers stand at the axis, with their texts; by default at round numbers. */
    readonly ticks?: ReadonlyMap<number, string>
  }
  readonly y: { readonly label: string; readonly share: boolean }
  readonly series: readonly Series[]
}

/** A picture: panels below each other, with a title and a note. */
export interface Figure {
  readonly title: string
  /** How to read it, below the panels. */
  readonly note: string
  readonly panels: readonly Panel[]
}

/** Colours that differ for all kinds of colour vision, and are readable on light and dark backgrounds; then signs. */
const COLOURS = ['#2f7de1', '#d4661f', '#00967a', '#b968a5', '#8f7d00', '#6e7781']
const SIGNS = ['circle', 'square', 'triangle', 'diamond', 'star', 'times'] as const

const WIDTH = 900
const PANEL_HEIGHT = 270
const MARGIN = { left: 52, right: 14, top: 40, bottom: 42 }
/** Width of a letter at the size of the legend, with the widest fonts that readers have. */
const LETTER = 7
const LINE = 18
/** Distance between the values of a category. */
const DODGE = 5

const shades = (text: string, title: string): string =>
  `.figure { color: ${text}; } .figure text { fill: ${text}; } .figure .title, .figure .panel { fill: ${title}; }`
const LIGHT = shades('#57606a', '#1f2328')
const FONTS = `
  .figure { font-family: system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; font-size: 11px; }
  .figure .title { font-size: 16px; font-weight: 600; }
  .figure .panel { font-size: 13px; font-weight: 600; }
`
const STYLES = {
  /** For readers whose preference is not known, or is: readable on both backgrounds. */
  any: `${FONTS}  ${shades('#6e7781', '#6e7781')}
  @media (prefers-color-scheme: light) { ${LIGHT} }
  @media (prefers-color-scheme: dark) { ${shades('#9198a1', '#f0f6fc')} }
`,
  light: `${FONTS}  ${LIGHT}\n`,
}

/**
 * Draws a figure as a self-contained SVG without fonts, scripts or images from elsewhere, for a light background or for any.
 */
export function drawFigure({ title, note, panels }: Figure, background: keyof typeof STYLES = 'any'): string {
  const document = parseHTML('<html><body></body></html>').document as unknown as Page
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))]
  // names of several panels are explained above them, those of one panel inside it
  const inPanel = (name: string): boolean =>
    panels.length > 1 && panels.filter(({ series }) => series.some((one) => one.name === name)).length === 1
  const shared = names.filter((name) => !inPanel(name))
  const legend = legendLines(shared, { from: 14, width: WIDTH })
  const notes = wrapped(note, Math.floor((WIDTH - 16) / (LETTER - 0.8)))
  const hasLegend = shared.length > 0 && names.length > 1
  const top = 34 + (hasLegend ? legend.length * LINE : 0)
  const height = top + PANEL_HEIGHT + notes.length * 15 + 12
  const make = maker(document)
  const svg = make(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      class: 'figure',
      role: 'img',
      'aria-labelledby': 'title desc',
    },
    make('title', { id: 'title' }, title),
    make('desc', { id: 'desc' }, panels.map(described).join(' ')),
    make('style', {}, STYLES[background]),
    make('text', { x: 8, y: 22, class: 'title' }, title),
  )
  if (hasLegend) svg.append(drawLegend(make, legend, names, 42))
  const width = WIDTH / panels.length
  for (const [i, panel] of panels.entries()) {
    const drawn = drawPanel(document, panel, names, width)
    drawn.setAttribute('x', String(Math.round(i * width)))
    drawn.setAttribute('y', String(top))
    svg.append(drawn, make('text', { x: i * width + 8, y: top + 16, class: 'panel' }, panel.title))
    const own = panel.series.map(({ name }) => name).filter(inPanel)
    const from = i * width + 30 + (LETTER + 1.8) * panel.title.length
    if (own.length > 0 && names.length > 1)
      svg.append(drawLegend(make, legendLines(own, { from, width: (i + 1) * width }), names, top + 15))
  }
  for (const [i, line] of notes.entries())
    svg.append(make('text', { x: 8, y: top + PANEL_HEIGHT + 14 + 15 * i }, line))
  return `${svg.outerHTML}\n`
}

type Attributes = Readonly<Record<string, string | number>>
type Make = (name: string, attributes: Attributes, ...children: readonly (string | Element)[]) => Element

const maker =
  (document: Page): Make =>
  (name, attributes, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
    element.append(...children)
    return element
  }

/** The names with their places, in as many lines as they need. */
function legendLines(
  names: readonly string[],
  { from, width }: { from: number; width: number },
): { name: string; x: number }[][] {
  const lines: { name: string; x: number }[][] = [[]]
  let x = from
  for (const name of names) {
    const taken = 26 + LETTER * name.length
    if (x + taken > width + 12 && lines.at(-1)!.length > 0) {
      lines.push([])
      x = from
    }
    lines.at(-1)!.push({ name, x })
    x += taken
  }
  return lines
}

function drawLegend(
  make: Make,
  lines: ReturnType<typeof legendLines>,
  names: readonly string[],
  top: number,
): Element {
  const entries = lines.flatMap((line, i) =>
    line.flatMap(({ name, x }) => {
      const { colour, sign } = look(names.indexOf(name))
      const y = top + LINE * i
      const path = SIGN_PATHS[sign]
      return [
        make('path', {
          d: path,
          transform: `translate(${x},${y - 4})`,
          fill: sign === 'times' ? 'none' : colour,
          stroke: colour,
        }),
        make('text', { x: x + 9, y }, name),
      ]
    }),
  )
  return make('g', {}, ...entries)
}

/** The signs of the legend, about 8 units wide. */
const SIGN_PATHS: Readonly<Record<(typeof SIGNS)[number], string>> = {
  circle: 'M-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0Z',
  square: 'M-3,-3h6v6h-6Z',
  triangle: 'M0,-4L3.8,2.8H-3.8Z',
  diamond: 'M0,-4.6L3.2,0L0,4.6L-3.2,0Z',
  star: 'M0,-4.4L1.1,-1.4L4.2,-1.4L1.7,0.6L2.6,3.6L0,1.8L-2.6,3.6L-1.7,0.6L-4.2,-1.4L-1.1,-1.4Z',
  times: 'M-3,-3L3,3M3,-3L-3,3',
}

const look = (index: number) => ({
  colour: COLOURS[index % COLOURS.length]!,
  // seven lines and more have other pairs of colour and sign
  sign: SIGNS[(index + Math.floor(index / COLOURS.length)) % SIGNS.length]!,
})

function drawPanel(document: Page, panel: Panel, names: readonly string[], width: number): Element {
  const { x, y, series } = panel
  const points = series.flatMap((one) => one.points)
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b)
  const ticks = x.ticks && [...x.ticks.keys()]
  const text = (value: number): string => x.ticks?.get(value) ?? short(value)
  const marks = series.flatMap(({ name, points, dashed = false }, i) => {
    const { colour, sign } = look(names.indexOf(name))
    // the values of a category are beside each other, and lines connect only categories of one family
    const dx = x.scale === 'point' ? DODGE * (i - (series.length - 1) / 2) : 0
    const channels = { x: 'x', y: 'y', dx }
    return [
      ...(points.length > 1 && x.scale !== 'point'
        ? [Plot.areaY(points, { x: 'x', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.12 })]
        : []),
      Plot.ruleX(points, {
        x: 'x',
        y1: 'low',
        y2: 'high',
        dx,
        stroke: colour,
        strokeOpacity: 0.7,
        strokeWidth: 1.3,
      }),
      Plot.line(points, {
        ...channels,
        ...(x.scale === 'point' ? { z: (point: Point) => familyOf(text(point.x)) } : {}),
        stroke: colour,
        strokeWidth: 2,
        ...(dashed ? { strokeDasharray: '4 3' } : {}),
      }),
      Plot.dot(points, {
        ...channels,
        symbol: sign,
        r: 3.5,
        ...(dashed || sign === 'times' ? { stroke: colour } : { fill: colour, stroke: colour }),
        title: (point: Point) =>
          `${name}, ${text(point.x)}: ${value(point.y, y.share)} (${interval(point, y.share)})`,
      }),
    ]
  })
  const drawn = Plot.plot({
    document: document as never,
    width,
    height: PANEL_HEIGHT,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    x: { type: x.scale, domain: x.scale === 'point' ? xs : padded(xs, x.scale), label: null, inset: 10 },
    y: { domain: range(points, y.share), label: null },
    marks: [
      Plot.gridY({ ticks: 5, stroke: '#8c959f', strokeOpacity: 0.3 }),
      Plot.axisX({
        ...(ticks ? { ticks } : x.scale === 'log' ? { ticks: powers(xs) } : { ticks: 5 }),
        tickFormat: text,
        tickSize: 4,
        label: null,
      }),
      Plot.axisY({
        ticks: 5,
        tickSize: 0,
        tickFormat: (at: number) => (y.share ? `${Math.round(100 * at)} %` : short(at)),
        label: null,
      }),
      ...marks,
    ],
  }) as unknown as Element
  drawn.querySelector('style')?.remove()
  drawn.removeAttribute('font-family')
  drawn.setAttribute('font-size', '11')
  const make = maker(document)
  drawn.append(
    make(
      'text',
      { x: (MARGIN.left + width - MARGIN.right) / 2, y: PANEL_HEIGHT - 6, 'text-anchor': 'middle' },
      x.label,
    ),
    make('text', { x: 8, y: MARGIN.top - 10, 'text-anchor': 'start' }, y.label),
  )
  return drawn
}

/** The family of a category whose name has two lines, such as "fill" and "2"; of others, the same. */
const familyOf = (category: string): string => (category.includes('\n') ? category.split('\n')[0]! : '')

/** A domain that leaves the points some room; that of a single value is around it. */
function padded(xs: readonly number[], scale: 'log' | 'linear'): [number, number] {
  const [low, high] = [xs[0] ?? 1, xs.at(-1) ?? 1]
  if (low < high) return [low, high]
  return scale === 'log' ? [low / 2, low * 2] : [low - 1, low + 1]
}

/** Shares from a multiple of 10 % below the lowest to one above the highest; other numbers from 0. */
function range(points: readonly Point[], share: boolean): [number, number] {
  const lowest = Math.min(...points.map(({ low }) => low), 1)
  const highest = Math.max(...points.map(({ high }) => high), 0)
  if (!share) return [0, highest > 0 ? 1.08 * highest : 1]
  const low = Math.max(0, Math.floor(10 * lowest - 0.01) / 10)
  const high = Math.min(1, Math.ceil(10 * highest + 0.01) / 10)
  return high - low < 0.2 ? [Math.max(0, high - 0.2), Math.max(0.2, high)] : [low, high]
}

/** Where a logarithmic axis has numbers: at powers of ten, or also at 2 and 5 times them where there are few. */
function powers(xs: readonly number[]): number[] {
  const [low, high] = [xs[0] ?? 1, xs.at(-1) ?? 1]
  const at = (factors: readonly number[]): number[] => {
    const found: number[] = []
    for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
      for (const factor of factors) {
        const tick = factor * 10 ** p
        if (tick >= 0.999 * low && tick <= 1.001 * high) found.push(tick)
      }
    return found
  }
  const [tens, more] = [at([1]), at([1, 2, 5])]
  return tens.length >= 2 ? tens : more.length >= 2 ? more : [low, high]
}

const value = (y: number, share: boolean): string => (share ? `${(100 * y).toFixed(1)} %` : short(y))
const interval = ({ low, high }: Point, share: boolean): string =>
  share ? `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %` : `${short(low)} to ${short(high)}`

/** All numbers as text, for readers who cannot see the lines. */
function described({ title, x, y, series }: Panel): string {
  const text = (at: number): string => x.ticks?.get(at) ?? short(at)
  const lines = series.map(
    ({ name, points }) =>
      `${name}: ${points.map((point) => `${text(point.x)}: ${value(point.y, y.share)} (${interval(point, y.share)})`).join('; ')}.`,
  )
  return `${title} (${y.label} against ${x.label}). ${lines.join(' ')}`
}

/** A text in lines of so many letters. */
function wrapped(text: string, letters: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= letters)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
