/** Where values are in a picture, and the values at its axis. */
export interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly (readonly [value: number, text: string])[]
}

type Span = readonly [from: number, to: number]
type Ticks = Scale['ticks']

/** Equal distances for equal differences. */
export function linear(
  values: readonly number[],
  [from, to]: Span,
  text: (value: number) => string,
  ticks?: Ticks,
): Scale {
  const [low, high] = apart(values)
  return {
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
    ticks: ticks ?? rounded(low, high).map((value) => [value, text(value)] as const),
  }
}

/** Equal distances for equal ratios. All values are above 0. */
export function logarithmic(
  values: readonly number[],
  span: Span,
  text: (value: number) => string,
  ticks?: Ticks,
): Scale {
  const inner = linear(values.map(Math.log), span, text, [])
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return {
    at: (value) => inner.at(Math.log(value)),
    ticks: ticks ?? powers(low, high).map((value) => [value, text(value)] as const),
  }
}

/** The least and the greatest value, which differ. */
function apart(values: readonly number[]): Span {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (low < high) return [low, high]
  return Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1]
}

/** About five round numbers: multiples of 1, 2 or 5 times a power of ten. */
function rounded(low: number, high: number): number[] {
  const rough = (high - low) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
  const first = Math.ceil(low / step - 1e-9)
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
}

/** 1, 2, 5, 10, …; for a large range, powers of ten alone. */
function powers(low: number, high: number): number[] {
  const factors = high / low > 200 ? [1] : [1, 2, 5]
  const found: number[] = []
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++)
    for (const factor of factors) found.push(factor * 10 ** p)
  return found.filter((value) => value >= 0.99 * low && value <= 1.01 * high)
}
