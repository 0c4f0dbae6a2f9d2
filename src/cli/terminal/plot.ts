/** Plots points as a line in braille characters (2 × 4 dots each), with the range of both axes. */
export function plot(
  title: string,
  points: readonly { readonly step: number; readonly value: number }[],
  {
    width = 60,
    height = 6,
    columns,
    format = (value: number): string => value.toFixed(2),
    floor,
  }: PlotOptions = {},
): string {
  if (points.length === 0) return `${title}: no values`
  const values = points.map(({ value }) => value)
  const low = Math.min(floor ?? Number.POSITIVE_INFINITY, ...values)
  const high = Math.max(...values)
  const first = points[0]!.step
  const last = points.at(-1)!.step
  const [top, bottom] = [format(high), format(low)]
  const margin = Math.max(top.length, bottom.length)
  // beside the curve: two spaces, the labels, a space and the axis
  const curve = Math.min(width, Math.max(10, (columns ?? Number.POSITIVE_INFINITY) - margin - 4))
  const cells = Array.from({ length: height }, () => Array<number>(curve).fill(0))
  const dots = (value: number, from: number, to: number, count: number): number =>
    to === from ? 0 : Math.round(((value - from) / (to - from)) * (count - 1))
  const dot = (x: number, y: number): void => {
    cells[y >> 2]![x >> 1]! |= DOTS[x & 1]![y & 3]!
  }
  let previous: { x: number; y: number } | null = null
  for (const { step, value } of points) {
    const x = dots(step, first, last, 2 * curve)
    const y = 4 * height - 1 - dots(value, low, high, 4 * height)
    const from = previous ?? { x, y }
    const strokes = Math.max(1, Math.abs(x - from.x), Math.abs(y - from.y))
    for (let i = 0; i <= strokes; i++)
      dot(
        Math.round(from.x + ((x - from.x) * i) / strokes),
        Math.round(from.y + ((y - from.y) * i) / strokes),
      )
    previous = { x, y }
  }
  const rows = cells.map((row, y) => {
    const label = y === 0 && (height === 1 || top !== bottom) ? top : y === height - 1 ? bottom : ''
    return `  ${label.padStart(margin)} │${row.map((cell) => String.fromCodePoint(0x2800 + cell)).join('')}`
  })
  const axis = `  ${' '.repeat(margin)} └${'─'.repeat(curve)}`
  const from = `step ${first}`
  const to = last === first ? '' : String(last)
  const steps =
    `  ${' '.repeat(margin)}  ${from}${to.padStart(Math.max(to.length + 1, curve - from.length))}`.trimEnd()
  return [`${title}`, ...rows, axis, steps].join('\n')
}

interface PlotOptions {
  /** Characters of the curve, fewer if the terminal has too few columns. */
  readonly width?: number
  /** Columns of the terminal. */
  readonly columns?: number
  readonly height?: number
  readonly format?: (value: number) => string
  /** The vertical axis starts here, or at the lowest value if that is lower. */
  readonly floor?: number
}

/** The bit of each dot of a braille character, by column and row. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
]

/** Means of neighbouring points, at most `count` of them, so that a noisy line can be read. */
export function smooth<P extends { readonly step: number; readonly value: number }>(
  points: readonly P[],
  count: number,
): { step: number; value: number }[] {
  const size = Math.max(1, Math.ceil(points.length / count))
  const out: { step: number; value: number }[] = []
  for (let i = 0; i < points.length; i += size) {
    const part = points.slice(i, i + size)
    out.push({
      step: part.at(-1)!.step,
      value: part.reduce((sum, { value }) => sum + value, 0) / part.length,
    })
  }
  return out
}
