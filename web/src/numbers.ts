/** How numbers are written. Null is unknown, which is a dash. */

export const UNKNOWN = '–'

export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? UNKNOWN : `${(100 * share).toFixed(1)}\u00a0%`

/** As the axes of plots have it: without digits that say nothing. */
export const percentTick = (share: number | null | undefined): string =>
  share === null || share === undefined ? UNKNOWN : `${Number((100 * share).toPrecision(3))}\u00a0%`

/** With about three significant digits, without an exponent where that is readable. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  const size = Math.abs(value)
  if (value === 0) return '0'
  // 3.00e-4 → 3e-4, 1.20e+6 → 1.2e6
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/\.?0*e\+?/, 'e')
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** With a sign, as advantages are written. */
export const signed = (value: number | null): string =>
  value === null ? UNKNOWN : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`

/** "40 s", "3 min", "2 h 10 min". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The date and time in the reader's own zone. */
export const when = (iso: string): string =>
  new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** A path as people call it: "models/base" of "/home/me/work/models/base". Other names stay. */
export const shortPath = (name: string): string =>
  /^([/~.]|[A-Za-z]:\\)/.test(name) ? name.split(/[/\\]/).slice(-2).join('/') : name
