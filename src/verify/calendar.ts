const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const MONTH =
  '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\\.?'
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?'
const MONTH_FIRST = new RegExp(`^${MONTH} (?:the )?${DAY}(?:,? (\\d{4}))?$`)
const DAY_FIRST = new RegExp(`^(?:the )?${DAY} (?:of )?${MONTH}(?:,? (\\d{4}))?$`)
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/
/** 9 am, 9:00, 9:00 p; but 9a is a product. */
const CLOCK = /^(\d{1,2})(?:(?: ?: ?(\d{2}))(?: ?: ?(\d{2}))?(?: ?([ap])(?:\.? ?m)?)?| ?([ap])\.? ?m)\.*$/

const words = (source: string): string =>
  source
    .replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, ' $1')
    .replace(/\\[!,:; ]/g, '')
    .replace(/[{}$~]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()

/** A date or a time of day in a normal form, with `*` for a missing year or half of the day; `null` if it is neither. */
export function momentOf(source: string): string | null {
  if (source.length > 60) return null
  const s = words(source)
  const date = ISO.exec(s)
  if (date) return `${date[1]}/${Number(date[2])}/${Number(date[3])}`
  const monthFirst = MONTH_FIRST.exec(s)
  if (monthFirst)
    return `${monthFirst[3] ?? '*'}/${MONTHS.indexOf(monthFirst[1]!) + 1}/${Number(monthFirst[2])}`
  const dayFirst = DAY_FIRST.exec(s)
  if (dayFirst) return `${dayFirst[3] ?? '*'}/${MONTHS.indexOf(dayFirst[2]!) + 1}/${Number(dayFirst[1])}`
  const clock = CLOCK.exec(s)
  if (!clock) return null
  const [hour, minute, second] = [Number(clock[1]), Number(clock[2] ?? 0), Number(clock[3] ?? 0)]
  if (hour > 24 || minute > 59 || second > 59) return null
  const written = clock[4] ?? clock[5]
  // 13:00 AM does not exist.
  if (written && (hour === 0 || hour > 12)) return null
  // 0:30 and 24:00 are in the first half of the day, and 12:30 alone may be in either.
  const half = written ?? (hour % 24 === 0 ? 'a' : hour > 12 ? 'p' : '*')
  return `${half}:${hour % 12}:${minute}:${second}`
}

/** Whether two moments agree in every part that both specify. */
export function sameMoment(a: string, b: string): boolean {
  const [x, y] = [a.split(/[/:]/), b.split(/[/:]/)]
  return (
    a.includes('/') === b.includes('/') && x.every((part, k) => part === y[k] || part === '*' || y[k] === '*')
  )
}
