/** A point of a line; if `mean` is null, the value is unknown and has no dot. */
interface Point {
  readonly mean: number | null
  readonly spread: number | null
}

interface Panel {
  readonly title: string
  /** Shares are drawn from 0 to 100 %, other numbers from 0 to their largest value. */
  readonly share: boolean
  /** One or two lines, with one point per category. */
  readonly series: readonly { readonly label: string; readonly points: readonly Point[] }[]
  /** A horizontal line to compare with. */
  readonly baseline?: number
}

interface SmallMultiples {
  readonly title: string
  /** How to read the plot, written below it. */
  readonly note: string
  /** `lines`: the name below the axis. `apart`: no line is drawn to this category. */
  readonly categories: readonly {
    readonly name: string
    readonly lines: readonly string[]
    readonly apart: boolean
  }[]
  readonly panels: readonly Panel[]
}

type Attributes = Readonly<Record<string, string | number | undefined>>

/** Text in which the characters that have a meaning in SVG are escaped. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

/** An element as text; its children must be SVG. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escaped(value!)}"`)
    .join('')
  return children.length > 0 ? `<${name}${written}>${children.join('')}</${name}>` : `<${name}${written}/>`
}

/** Two decimals. */
export const round = (value: number): number => Math.round(100 * value) / 100

/** A line of text at a point. */
export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  element('text', { x, y, ...attributes }, escaped(content))

/** Colours that are readable on light and dark backgrounds, adapted if the reader's preference is known. */
export const STYLE = `
  text { font-family: system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; font-size: 11px; fill: #6e7781; }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-size: 13px; font-weight: 600; }
  .stage { font-size: 10px; }
  .grid { stroke: #8c959f; stroke-opacity: 0.3; }
  .baseline { stroke: #8c959f; stroke-dasharray: 2 3; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .whisker { stroke-width: 1.5; stroke-opacity: 0.6; }
  .first { stroke: #2f7de1; }
  .second { stroke: #d4661f; }
  .first .dot, .first.name { fill: #2f7de1; }
  .second .dot, .second.name { fill: #d4661f; }
  .second.line { stroke-dasharray: 5 4; }
  .name { stroke: none; font-weight: 600; }
  @media (prefers-color-scheme: light) { text { fill: #57606a; } .title, .panel { fill: #1f2328; } }
  @media (prefers-color-scheme: dark) { text { fill: #9198a1; } .title, .panel { fill: #f0f6fc; } }
`
/** The first and the second line of a panel, which also differ in their marks. */
const LINES: readonly { name: string; sign: string; dot: (x: number, y: number) => string }[] = [
  { name: 'first', sign: '●', dot: (cx, cy) => element('circle', { class: 'dot', cx, cy, r: 3.5 }) },
  {
    name: 'second',
    sign: '■',
    dot: (x, y) => element('rect', { class: 'dot', x: x - 3, y: y - 3, width: 6, height: 6 }),
  },
]

const COLUMNS = 2
const CELL = { width: 430, height: 238 }
const PLOT = { left: 44, right: 12, top: 44, bottom: 54 }
const TOP = 34

/**
 * Panels side by side over the same categories, as a self-contained SVG without fonts, scripts or images from elsewhere.
 */
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
  const tops = series.flatMap(({ points }) => points.map(({ mean, spread }) => (mean ?? 0) + (spread ?? 0)))
  const step = share ? 0.25 : niceStep(Math.max(...tops))
  const top = share ? 1 : step * Math.max(1, Math.ceil(Math.max(...tops) / step))
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
  const names = categories.flatMap(({ lines }, i) =>
    lines.map((part, line) =>
      text(x(i), y0 + 15 + 12 * line, part, { 'text-anchor': 'middle', class: 'stage' }),
    ),
  )

  const lines = series.map(({ label, points }, s) => {
    const { name, dot } = LINES[s]!
    const line = paths(points, categories).map((path) =>
      element('polyline', {
        class: `${name} line`,
        points: path.map((i) => `${round(x(i))},${round(y(points[i]!.mean!))}`).join(' '),
      }),
    )
    const dots = points.map(({ mean, spread }, i) => {
      if (mean === null) return ''
      const hint = `${categories[i]!.name}, ${label}: ${number(mean)}${spread === null ? '' : ` ± ${number(spread)}`}`
      const whisker = { x1: x(i), x2: x(i), y1: y(mean - (spread ?? 0)), y2: y(mean + (spread ?? 0)) }
      return element(
        'g',
        { class: name },
        element('title', {}, escaped(hint)),
        spread ? element('line', { class: 'whisker', ...whisker }) : '',
        dot(x(i), y(mean)),
      )
    })
    return [...line, ...dots].join('')
  })
  const legend = series.map(({ label }, s) =>
    element('tspan', { class: `${LINES[s]!.name} name` }, escaped(`${LINES[s]!.sign} ${label}`)),
  )
  return [
    text(8, 22, title, { class: 'panel' }),
    // a single line needs no legend: the title names it
    legend.length < 2 ? '' : element('text', { x: x1, y: 22, 'text-anchor': 'end' }, legend.join('\u2003')),
    ...grid,
    ...names,
    ...lines,
  ].join('')
}

/** Runs of neighbouring points that a line connects: known ones that are not apart. */
function paths(points: readonly Point[], categories: SmallMultiples['categories']): number[][] {
  const runs: number[][] = [[]]
  for (const [i, { mean }] of points.entries())
    if (mean === null || categories[i]!.apart) runs.push([])
    else runs.at(-1)!.push(i)
  return runs.filter((run) => run.length > 1)
}

/** A step of 1, 2 or 5 times a power of ten, so that about four steps reach the number. */
export function niceStep(reached: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(reached, 1) / 4))
  return power * [1, 2, 5, 10].find((factor) => factor * power * 4.5 >= Math.max(reached, 1))!
}

/** All numbers as text, for readers who cannot see the lines. */
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
