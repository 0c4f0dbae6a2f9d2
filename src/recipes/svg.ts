/** A dot of a line; `mean` `null`: unknown, no dot. */
interface Point {
  readonly mean: number | null
  readonly spread: number | null
}

export interface Panel {
  readonly title: string
  /** Shares are drawn from 0 to 100 %, other numbers from 0 to what they reach. */
  readonly share: boolean
  /** One or two lines, with a point a category. */
  readonly series: readonly { readonly label: string; readonly points: readonly Point[] }[]
  /** A level to compare with. */
  readonly baseline?: number
}

export interface SmallMultiples {
  readonly title: string
  /** How to read it, below. */
  readonly note: string
  /** `apart`: no line leads to it. */
  readonly categories: readonly { readonly name: string; readonly apart: boolean }[]
  readonly panels: readonly Panel[]
}

type Attributes = Readonly<Record<string, string | number | undefined>>

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

/** An element; its children are SVG already. */
function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escaped(value!)}"`)
    .join('')
  return children.length > 0 ? `<${name}${written}>${children.join('')}</${name}>` : `<${name}${written}/>`
}

const round = (value: number): number => Math.round(100 * value) / 100

const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  element('text', { x, y, ...attributes }, escaped(content))

/** Colours that can be read on light and on dark; the reader's own preference makes them fit. */
const STYLE = `
  svg { --ink: #1f2328; --soft: #656d76; --grid: #8b949e40; --first: #0969da; --second: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --soft: #8d96a0; --grid: #8b949e50; --first: #58a6ff; --second: #f0883e; }
  }
  text { font: 11px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: var(--soft); }
  .title { font-size: 16px; font-weight: 600; fill: var(--ink); }
  .panel { font-size: 13px; font-weight: 600; fill: var(--ink); }
  .grid { stroke: var(--grid); }
  .baseline { stroke: var(--soft); stroke-dasharray: 2 3; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .whisker { stroke-width: 1.5; opacity: 0.6; }
  .s0 { stroke: var(--first); } .s0.dot, .s0.name { fill: var(--first); }
  .s1 { stroke: var(--second); } .s1.dot { fill: var(--second); } .s1.line { stroke-dasharray: 5 4; }
  .s1.name { fill: var(--second); } .name { stroke: none; font-weight: 600; }`

const COLUMNS = 2
const CELL = { width: 430, height: 226 }
const PLOT = { left: 44, right: 12, top: 44, bottom: 42 }
const TOP = 34

/** Panels side by side over the same categories. No font, script or picture from elsewhere. */
export function smallMultiples({ title, note, categories, panels }: SmallMultiples): string {
  const rows = Math.ceil(panels.length / COLUMNS)
  const width = COLUMNS * CELL.width
  const height = TOP + rows * CELL.height + 24
  const drawn = panels.map((panel, i) =>
    element(
      'g',
      {
        transform: `translate(${(i % COLUMNS) * CELL.width} ${TOP + Math.floor(i / COLUMNS) * CELL.height})`,
      },
      drawPanel(panel, categories),
    ),
  )
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
    element('desc', { id: 'desc' }, escaped(description(panels, categories))),
    element('style', {}, STYLE),
    text(8, 22, title, { class: 'title' }),
    ...drawn,
    text(8, height - 10, note),
  )}\n`
}

function drawPanel(panel: Panel, categories: SmallMultiples['categories']): string {
  const { title, share, series, baseline } = panel
  const [x0, x1] = [PLOT.left, CELL.width - PLOT.right]
  const [y0, y1] = [CELL.height - PLOT.bottom, PLOT.top]
  const reached = series.flatMap(({ points }) =>
    points.map(({ mean, spread }) => (mean ?? 0) + (spread ?? 0)),
  )
  const step = share ? 0.25 : niceStep(Math.max(...reached))
  const top = share ? 1 : step * Math.max(1, Math.ceil(Math.max(...reached) / step))
  const x = (i: number): number => x0 + ((i + 0.5) / categories.length) * (x1 - x0)
  const y = (value: number): number => y0 + (Math.min(Math.max(value, 0), top) / top) * (y1 - y0)
  const number = (value: number): string => (share ? `${(100 * value).toFixed(1)} %` : value.toFixed(1))

  const grid: string[] = []
  for (let value = 0; value <= top + step / 2; value += step)
    grid.push(
      element('line', { class: 'grid', x1: x0, x2: x1, y1: y(value), y2: y(value) }),
      text(x0 - 6, y(value) + 4, share ? `${Math.round(100 * value)}%` : String(round(value)), {
        'text-anchor': 'end',
      }),
    )
  if (baseline !== undefined)
    grid.push(element('line', { class: 'baseline', x1: x0, x2: x1, y1: y(baseline), y2: y(baseline) }))
  const names = categories.flatMap(({ name }, i) =>
    twoLines(name).map((part, line) =>
      text(x(i), y0 + 15 + 12 * line, part, { 'text-anchor': 'middle', 'font-size': 10 }),
    ),
  )

  const lines = series.map(({ label, points }, s) => {
    const marks = points.flatMap(({ mean, spread }, i) => {
      if (mean === null) return []
      const told = `${categories[i]!.name}, ${label}: ${number(mean)}${spread === null ? '' : ` ± ${number(spread)}`}`
      return [
        ...(spread
          ? [
              element('line', {
                class: `s${s} whisker`,
                x1: x(i),
                x2: x(i),
                y1: y(mean - spread),
                y2: y(mean + spread),
              }),
            ]
          : []),
        element(
          'circle',
          { class: `s${s} dot`, cx: x(i), cy: y(mean), r: 3.5 },
          element('title', {}, escaped(told)),
        ),
      ]
    })
    return [
      ...paths(points, categories).map((path) =>
        element('polyline', {
          class: `s${s} line`,
          points: path.map((i) => `${round(x(i))},${round(y(points[i]!.mean!))}`).join(' '),
        }),
      ),
      ...marks,
    ].join('')
  })
  const key =
    series.length < 2
      ? ''
      : element(
          'text',
          { x: x1, y: 22, 'text-anchor': 'end' },
          series
            .map(({ label }, s) =>
              element('tspan', { class: `s${s} name`, dx: s && 12 }, escaped(`● ${label}`)),
            )
            .join(''),
        )
  return [text(8, 22, title, { class: 'panel' }), key, ...grid, ...names, ...lines].join('')
}

/** The runs of neighbours that a line connects: all known, none apart. */
function paths(points: readonly Point[], categories: SmallMultiples['categories']): number[][] {
  const runs: number[][] = [[]]
  for (const [i, { mean }] of points.entries())
    if (mean === null || categories[i]!.apart) runs.push([])
    else runs.at(-1)!.push(i)
  return runs.filter((run) => run.length > 1)
}

/** 1, 2 or 5 times a power of ten, so that some four steps reach a number. */
function niceStep(reached: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(reached, 1) / 4))
  return power * [1, 2, 5, 10].find((factor) => factor * power * 4.5 >= Math.max(reached, 1))!
}

/** "Step 1, cold start" says "Step 1" and "cold start"; what has no comma is broken at the space nearest its middle. */
function twoLines(name: string): string[] {
  const comma = name.indexOf(', ')
  if (comma > 0) return [name.slice(0, comma), name.slice(comma + 2)]
  const spaces = [...name.matchAll(/ /g)].map(({ index }) => index)
  if (spaces.length === 0) return [name]
  const middle = spaces.reduce((best, at) =>
    Math.abs(at - name.length / 2) < Math.abs(best - name.length / 2) ? at : best,
  )
  return [name.slice(0, middle), name.slice(middle + 1)]
}

/** All the numbers in words, for those who cannot see the lines. */
function description(panels: readonly Panel[], categories: SmallMultiples['categories']): string {
  return panels
    .map(
      ({ title, share, series }) =>
        `${title}. ${series
          .map(
            ({ label, points }) =>
              `${label}: ${points
                .map(
                  ({ mean }, i) =>
                    `${categories[i]!.name} ${mean === null ? 'unknown' : share ? `${(100 * mean).toFixed(1)} %` : mean.toFixed(1)}`,
                )
                .join('; ')}.`,
          )
          .join(' ')}`,
    )
    .join(' ')
}
