/** 5.30 pm */
const POINTED = /^(?:at )?\d{1,2}\.\d{2}(?= ?[ap]\.? ?m\b)/
/** A time of day in digits: 9 am, 9:00, 9:00 p; but 9a is a product. */
const CLOCK =
  /^(?:at )?(\d{1,2})(?:(?: ?[:h] ?(\d{2}))(?: ?: ?(\d{2}))?(?: ?([ap])(?:\.? ?m)?)?| ?([ap])\.? ?m|)\.*$/
/** The half of the day in words. */
const HALF = / (?:in the )?(morning|afternoon|evening)$| at (night)$/
const NOON = /^(?:at )?(?:12(?::00)? )?(noon|midday|midnight)$/
/** Half past 2, ten to six, a quarter past seven. */
const PAST =
  /^(?:at )?(?:(?:a )?(half|quarter)|([a-z]+(?:[- ][a-z]+)?)(?: minutes?)?|(\d{1,2})(?: minutes?|(?= past))) (past|after|to|till) (.+)$/

const NUMBERS = [
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen',
  'eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five twenty-six twenty-seven',
  'twenty-eight twenty-nine',
]
  .join(' ')
  .split(' ')

/** The number that digits or a word below thirty stand for; −1 if the text is neither. */
const small = (text: string) => (/^\d+$/.test(text) ? Number(text) : NUMBERS.indexOf(text.replace(' ', '-')))

/** A time of day: the hour from 0 to 11, and the half of the day unless it is unknown. */
export interface Clock {
  readonly half: 'a' | 'p' | '*'
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Whether it can only be a time of day: 2:15 may also be a ratio or a duration, and 5 pm may answer "how many hours". */
  readonly certain: boolean
}

/** The time of day in a text in lower case; `null` if it is not one. */
export function clockOf(text: string): Clock | null {
  const s = text.replace(POINTED, (time) => time.replace('.', ':')).replace(/ ?o ?' ?clock\b/, ':00')
  const named = NOON.exec(s)
  if (named) return time(12, 0, 0, named[1] === 'midnight' ? 'a' : 'p', false)
  const words = HALF.exec(s)
  if (words) return inHalf(s.slice(0, words.index), words[1] ?? words[2]!)
  const past = PAST.exec(s)
  if (past) return pastHour(past)
  const clock = CLOCK.exec(/^[a-z-]+:00/.test(s) ? s.replace(/^[a-z-]+/, (word) => `${small(word)}`) : s)
  if (!clock) return null
  const written = (clock[4] ?? clock[5]) as 'a' | 'p' | undefined
  if (clock[2] === undefined && !written) return null
  const certain = s === text && clock[2] !== undefined && written !== undefined
  return time(Number(clock[1]), Number(clock[2] ?? 0), Number(clock[3] ?? 0), written ?? null, certain)
}

function time(
  hour: number,
  minute: number,
  second: number,
  written: 'a' | 'p' | null,
  certain: boolean,
): Clock | null {
  if (hour > 24 || minute > 59 || second > 59) return null
  // 13:00 AM does not exist.
  if (written && (hour === 0 || hour > 12)) return null
  // 0:30 and 24:00 are in the first half of the day, and 12:30 alone may be in either.
  const half = written ?? (hour % 24 === 0 ? 'a' : hour > 12 ? 'p' : '*')
  return { half, hour: hour % 12, minute, second, certain }
}

/** 3:30 in the afternoon, 9 at night, 12 noon. */
function inHalf(before: string, name: string): Clock | null {
  const clock = clockOf(/^(?:at )?\w+$/.test(before) ? `${small(before.replace(/^at /, ''))}:00` : before)
  if (!clock) return null
  const half = name === 'morning' || (name === 'night' && clock.hour < 5) ? 'a' : 'p'
  return clock.half === '*' || clock.half === half ? { ...clock, half, certain: /:/.test(before) } : null
}

function pastHour([, fraction, words, digits, side, rest]: RegExpExecArray): Clock | null {
  const minute = fraction ? (fraction === 'half' ? 30 : 15) : small(words ?? digits!)
  const hour = clockOf(/^[a-z\d]+$/.test(rest!) && !NOON.test(rest!) ? `${small(rest!)}:00` : rest!)
  if (!hour || hour.minute > 0 || minute < 1 || minute > 30) return null
  if (/^(?:past|after)$/.test(side!)) return { ...hour, minute, certain: true }
  if (fraction === 'half') return null
  // Ten to twelve noon is in the morning.
  const half = hour.hour > 0 || hour.half === '*' ? hour.half : hour.half === 'p' ? 'a' : 'p'
  return { half, hour: (hour.hour + 11) % 12, minute: 60 - minute, second: 0, certain: true }
}

/** Whether two times of day agree in every part that both specify. */
export const sameClock = (a: Clock, b: Clock) =>
  a.hour === b.hour &&
  a.minute === b.minute &&
  a.second === b.second &&
  (a.half === b.half || a.half === '*' || b.half === '*')

const DURATION =
  /^(?:(\d+) ?(?:h|hrs?|hours?)(?:,? and|,)? )?(?:(\d+) ?(?:m|mins?|minutes?))(?:(?:,? and|,)? (\d+) ?(?:s|secs?|seconds?))?$/

/** Whether one text is a duration in two or three units and the other writes it with colons: 2 hours 15 minutes, 2:15. */
export function sameDuration(a: string, b: string): boolean {
  const parts = DURATION.exec(a)
    ?.slice(1)
    .map((x) => x && Number(x))
  const digits = /^(\d+):(\d{2})(?::(\d{2}))?$/
    .exec(b)
    ?.slice(1)
    .flatMap((x) => (x ? [Number(x)] : []))
  if (!parts || !digits) return DURATION.test(b) && /^\d+:/.test(a) && sameDuration(b, a)
  const named = parts.filter((x) => typeof x === 'number')
  return named.length > 1 && named.length === digits.length && named.every((x, k) => x === digits[k])
}
