import { type Clock, clockOf, sameClock, sameDuration } from './clock.ts'

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const WEEKDAY = '(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? (?:the )?)?'
const MONTH =
  '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\\.?'
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?'
const MONTH_FIRST = new RegExp(`^${WEEKDAY}${MONTH} (?:the )?${DAY}(?:,? (\\d{4}))?$`)
const DAY_FIRST = new RegExp(`^${WEEKDAY}(?:the )?${DAY} (?:of )?${MONTH}(?:,? (\\d{4}))?$`)
const ISO = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/
const CHINESE = /^(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]$/
/** 5/14/2020, 14.5.2020; without a year only after a date in words. */
const DIGITS = /^(\d{1,2})(?:([-/.])(\d{1,2})\2(\d{4})|\/(\d{1,2}))$/

interface CalendarDay {
  readonly year: number | null
  readonly month: number
  readonly day: number
  /** Whether it has no name of a month and no year: 3/4 is also a fraction. */
  readonly bare: boolean
}

/** A date or a time of day. */
export type Moment = { readonly date: CalendarDay } | { readonly clock: Clock }

const words = (source: string): string =>
  source
    .replace(/\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}/g, ' $1')
    .replace(/\\[!,:; ]/g, '')
    .replace(/[{}$~]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()

/** Reads a date or a time of day; `null` if the text is neither. */
export function momentOf(source: string): Moment | null {
  if (source.length > 60) return null
  const s = words(source)
  const date = dateOf(s)
  if (date) return { date }
  const clock = clockOf(s)
  return clock && { clock }
}

function dateOf(s: string): CalendarDay | null {
  const iso = ISO.exec(s)
  if (iso) return dated(iso[1], iso[3]!, iso[4]!)
  const monthFirst = MONTH_FIRST.exec(s)
  if (monthFirst) return dated(monthFirst[3], monthNumber(monthFirst[1]!), monthFirst[2]!)
  const dayFirst = DAY_FIRST.exec(s)
  if (dayFirst) return dated(dayFirst[3], monthNumber(dayFirst[2]!), dayFirst[1]!)
  const chinese = CHINESE.exec(s)
  if (chinese) return dated(chinese[1], chinese[2]!, chinese[3]!)
  const digits = DIGITS.exec(s)
  if (!digits) return null
  const [first, second] = [digits[1]!, digits[3] ?? digits[5]!]
  // 5/14 and 14/5 have one meaning. Of 3/4 and 3-4-2020, the month comes first, but 3.4.2020 is German.
  const dayLeads = Number(first) > 12 || (digits[2] === '.' && Number(second) <= 12)
  const [month, day] = dayLeads ? [second, first] : [first, second]
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return null
  return { ...dated(digits[4], month, day), bare: digits[4] === undefined }
}

const monthNumber = (name: string) => MONTHS.indexOf(name) + 1

const dated = (year: string | undefined, month: string | number, day: string): CalendarDay => ({
  year: year === undefined ? null : Number(year),
  month: Number(month),
  day: Number(day),
  bare: false,
})

/**
 * Whether it is certainly a moment: a date with a month or a year, or a time with half of the day or in words. 3/4 may be
 * a fraction, and 2:15 a ratio.
 */
export const isCertain = (moment: Moment) => ('date' in moment ? !moment.date.bare : moment.clock.certain)

/**
 * Whether two moments agree in every part that both specify; `null` if they cannot be compared as moments: 3/4 only stands
 * for a date if the gold is one.
 */
export function sameMoment(gold: Moment, answer: Moment): boolean | null {
  if ('clock' in gold) return 'clock' in answer ? sameClock(gold.clock, answer.clock) : null
  if (!('date' in answer)) return null
  const [g, a] = [gold.date, answer.date]
  if (g.bare) return null
  return g.month === a.month && g.day === a.day && (g.year === null || a.year === null || g.year === a.year)
}

/** Whether one text is a duration and the other writes it with colons. */
export const sameLength = (gold: string, answer: string) => sameDuration(words(gold), words(answer))
