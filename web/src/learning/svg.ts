import { short } from '../numbers.ts'
import type { Axis } from './axis.ts'
import type { Line } from './lines.ts'
import type { Range } from './range.ts'

const WIDTH = 720
const HEIGHT = 360
const LEFT = 64
const RIGHT = 16
const TOP = 40
const BOTTOM = 60
/** Height of a line of the legend, and about the width of a letter of it. */
const ROW = 18
const LETTER = 7

/** The lines of a plot as an SVG picture on white. */
export function asSvg(title: string, lines: readonly Line[], axis: Axis, shown: Range | null): Blob {
  const pieces = lines.map((line) => piecesOf(line, axis, shown))
  const points = pieces.flat(2)
  const [x0, x1] = extent(points.map(([x]) => x))
  const [y0, y1] = extent(points.map(([, y]) => y))
  const px = (x: number) => (LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const py = (y: number) => (TOP + (1 - (y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  const legend = placed(lines)
  const height = HEIGHT + ROW * (legend.at(-1)?.row ?? 0)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  const parts = [
    `<text x="${LEFT}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...ticks.map((t) => {
      const y = y0 + t * (y1 - y0)
      return `<path d="M${LEFT} ${py(y)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${py(y)}" text-anchor="end" dominant-baseline="middle">${short(y)}</text>`
    }),
    ...ticks.map((t) => {
      const x = x0 + t * (x1 - x0)
      return `<text x="${px(x)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(x)}</text>`
    }),
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - BOTTOM + 34}" text-anchor="end">${escaped(axis.label)}</text>`,
    ...lines.flatMap(({ colour }, i) =>
      pieces[i]!.map(
        (piece) =>
          `<polyline fill="none" stroke="${colour}" stroke-width="1.75" points="${piece.map(([x, y]) => `${px(x)},${py(y)}`).join(' ')}"/>`,
      ),
    ),
    ...legend.map(
      ({ label, colour, x, row }) =>
        `<text x="${x}" y="${HEIGHT + row * ROW - 10}" fill="${colour}">${escaped(label)}</text>`,
    ),
  ]
  return new Blob(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>`,
    ],
    { type: 'image/svg+xml' },
  )
}

/** The entries of the legend, in as many rows as they need. */
function placed(lines: readonly Line[]) {
  let x = LEFT
  let row = 0
  return lines.map(({ label, colour }) => {
    const width = LETTER * label.length + 20
    if (x > LEFT && x + width > WIDTH) {
      x = LEFT
      row++
    }
    const entry = { label, colour, x, row }
    x += width
    return entry
  })
}

type Point = readonly [x: number, y: number]

/** What of a line is shown, in pieces: it is broken where a value is null. */
function piecesOf(line: Line, axis: Axis, shown: Range | null): Point[][] {
  const pieces: Point[][] = [[]]
  for (const [i, step] of line.step.entries()) {
    const value = line.value[i] ?? null
    if (shown && (step < shown[0] || step > shown[1])) continue
    if (value === null) pieces.push([])
    else pieces.at(-1)!.push([(line.axis ?? axis).toX(step), value])
  }
  return pieces
}

function extent(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return low < high ? [low, high] : [low - 0.5, low + 0.5]
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
