const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/**
 * `datetime.strftime` of Python on Linux in the C locale, for a local time without a time zone. A flag of the C library
 * may stand before the letter: `-` no padding, `_` spaces, `0` zeros, `^` upper case. An unknown directive stays as it is.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%([-_0^])?([a-zA-Z%])/g, (whole, flag: string | undefined, letter: string) => {
    const field = FIELDS[letter]?.(date)
    if (field === undefined) return whole
    if (typeof field === 'string') return flag === '^' ? field.toUpperCase() : field
    const [value, width, padding] = field
    if (flag === '-') return `${value}`
    return String(value).padStart(width, flag === '_' ? ' ' : flag === '0' ? '0' : padding)
  })
}

/** A number with its width and padding, or a text. */
type Field = string | readonly [value: number, width: number, padding: '0' | ' ']
const zeros = (value: number, width = 2): Field => [value, width, '0']
const hour12 = (date: Date): number => date.getHours() % 12 || 12

const FIELDS: Readonly<Record<string, (date: Date) => Field>> = {
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  c: (date) => strftime(date, '%a %b %e %H:%M:%S %Y'),
  C: (date) => zeros(Math.floor(date.getFullYear() / 100)),
  d: (date) => zeros(date.getDate()),
  D: (date) => strftime(date, '%m/%d/%y'),
  e: (date) => [date.getDate(), 2, ' '],
  f: (date) => zeros(date.getMilliseconds() * 1000, 6),
  F: (date) => strftime(date, '%Y-%m-%d'),
  g: (date) => zeros(isoWeek(date).year % 100),
  G: (date) => zeros(isoWeek(date).year, 4),
  h: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  H: (date) => zeros(date.getHours()),
  I: (date) => zeros(hour12(date)),
  j: (date) => zeros(dayOfYear(date) + 1, 3),
  k: (date) => [date.getHours(), 2, ' '],
  l: (date) => [hour12(date), 2, ' '],
  m: (date) => zeros(date.getMonth() + 1),
  M: (date) => zeros(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date) => strftime(date, '%I:%M:%S %p'),
  R: (date) => strftime(date, '%H:%M'),
  s: (date) => `${Math.floor(date.getTime() / 1000)}`,
  S: (date) => zeros(date.getSeconds()),
  t: () => '\t',
  T: (date) => strftime(date, '%H:%M:%S'),
  u: (date) => zeros(date.getDay() || 7, 1),
  // The week of the year, from the first Sunday or the first Monday.
  U: (date) => zeros(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => zeros(isoWeek(date).week),
  w: (date) => zeros(date.getDay(), 1),
  W: (date) => zeros(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date) => strftime(date, '%m/%d/%y'),
  X: (date) => strftime(date, '%H:%M:%S'),
  y: (date) => zeros(date.getFullYear() % 100),
  Y: (date) => zeros(date.getFullYear(), 1),
  // A time without a zone has neither an offset nor a name for it.
  z: () => '',
  Z: () => '',
  '%': () => '%',
}

/** Days since 1 January. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  return (day - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000
}

/** ISO 8601: week 1 is the one with the year's first Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7))
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 }
}
