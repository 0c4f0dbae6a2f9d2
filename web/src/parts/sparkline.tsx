import { short, UNKNOWN } from '../numbers.ts'

const WIDTH = 120
const HEIGHT = 28

/** A small line of values from left to right. */
export function Sparkline({
  values: all,
  name,
}: {
  values: readonly (number | null)[]
  name: string | null
}) {
  const values = all.filter((value) => value !== null)
  if (values.length < 2) return <span class="quiet">{UNKNOWN}</span>
  const low = Math.min(...values)
  const span = Math.max(...values) - low || 1
  // (i / (n − 1) · width, (1 − (v − low) / (high − low)) · height), one pixel inside of the edges
  const points = values.map((value, i) => {
    const x = 1 + (i / (values.length - 1)) * (WIDTH - 2)
    const y = 1 + (1 - (value - low) / span) * (HEIGHT - 2)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${name ?? 'values'}: from ${short(values[0])} to ${short(values.at(-1))}`}
    >
      <polyline points={points.join(' ')} />
    </svg>
  )
}
