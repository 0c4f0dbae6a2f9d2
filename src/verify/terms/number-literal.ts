import { TooLarge } from './budget.ts'
import { plus, type Rational, rational } from './rational.ts'

/** A number as it was written. */
export interface NumberLiteral {
  readonly value: Rational
  /** The number of digits after the decimal point; 0 for a whole number, and for a repeating decimal, which is exact. */
  readonly decimals: number
  /** The number of digits from the first one that is not 0. */
  readonly significant: number
  /** The digits as written, for numbers in another base. */
  readonly digits: string
}

const MAX_DIGITS = 2000
const isDigit = (c: string | undefined) => c !== undefined && c >= '0' && c <= '9'

/** What may separate thousands: `,` `{,}` `\,` `\!` `,\!` `\ ` `~` and a plain space. */
const SEPARATOR = /(?:\{,\}(?:\\!)*|,(?:\\!)+ ?|,|\\,|\\!|\\;|\\:|\\ |~| |')/y
const DOTS = /\s?(?:\.\.\.|\\ldots|\\dots|\\cdots)/y
const REPEATED = /\\(?:overline|bar|dot)\s?(?:\{(\d{1,60})\}|(\d))/y
const PARENTHESES = /\((\d{1,60})\)(?![\d(])/y
const EXPONENT = /[eE]([+-]?\d{1,6})(?![\d.a-zA-Z])/y

/** Reads the number that begins at `at`. `ambiguous`: a comma may separate thousands or items of a list. @throws TooLarge */
export function readNumber(
  source: string,
  at: number,
  thousands: boolean,
): { literal: NumberLiteral; end: number; ambiguous: boolean } {
  let end = at
  while (isDigit(source[end])) end++
  let whole = source.slice(at, end)
  let ambiguous = false
  let separator = ''
  while (whole.length > 0 && end < source.length) {
    SEPARATOR.lastIndex = end
    const found = SEPARATOR.exec(source)?.[0]
    if (found === undefined || (separator !== '' && found !== separator)) break
    const first = separator === '' ? whole : null
    if (first !== null && (first.length > 3 || first.startsWith('0'))) break
    const group = source.slice(end + found.length, end + found.length + 3)
    const after = source[end + found.length + 3]
    if (!/^\d{3}$/.test(group) || isDigit(after)) break
    // `5 123/456` is a mixed number, `2^3 125` a product.
    if ((found === ' ' || found === '~') && /^\s?[/^]/.test(source.slice(end + 4, end + 6))) break
    if (found === ',') {
      ambiguous = true
      if (!thousands) break
    }
    separator = found
    whole += group
    end += found.length + 3
  }
  let fraction = ''
  let repeating = ''
  // `3{,}14`: a decimal comma
  const comma = separator === '' && source.startsWith('{,}', end) && isDigit(source[end + 3])
  if ((source[end] === '.' && source[end + 1] !== '.') || comma) {
    const start = end + (comma ? 3 : 1)
    let stop = start
    while (isDigit(source[stop])) stop++
    fraction = source.slice(start, stop)
    let repeatEnd = stop
    const cycle = repeat(source, stop, fraction.length > 0)
    if (cycle) {
      repeating = cycle.digits
      repeatEnd = cycle.end
    }
    // A full stop at the end of a sentence is not part of the number.
    if (fraction || repeating) end = repeatEnd
    else if (whole && !comma && /[/*^)]/.test(source[start] ?? '')) end = start
  }
  if (whole.length + fraction.length > MAX_DIGITS) throw new TooLarge('a number')
  const dots = fraction && !repeating ? cycleOf(fraction) : null
  if (dots) {
    DOTS.lastIndex = end
    const found = DOTS.exec(source)
    if (found) {
      end += found[0].length
      repeating = dots.repeating
      fraction = dots.fixed
    }
  }
  const digits = whole + fraction
  let value = rational(BigInt(digits || '0'), 10n ** BigInt(fraction.length))
  if (repeating) {
    const nines = 10n ** BigInt(repeating.length) - 1n
    value = plus(value, rational(BigInt(repeating), nines * 10n ** BigInt(fraction.length)))
  }
  let decimals = repeating ? 0 : fraction.length
  EXPONENT.lastIndex = end
  const exponent = repeating ? null : EXPONENT.exec(source)
  if (exponent) {
    const k = Number(exponent[1])
    if (Math.abs(k) > 350) throw new TooLarge('an exponent')
    value =
      k >= 0 ? rational(value.n * 10n ** BigInt(k), value.d) : rational(value.n, value.d * 10n ** BigInt(-k))
    decimals = Math.max(0, decimals - k)
    end += exponent[0].length
  }
  const significant = digits.replace(/^0+/, '').length
  return { literal: { value, decimals, significant, digits }, end, ambiguous }
}

/** The repeating digits that are marked at `at`: `\overline{3}`, `(3)`, `\dot{1}4\dot{2}`. */
function repeat(source: string, at: number, fraction: boolean): { digits: string; end: number } | null {
  REPEATED.lastIndex = at
  const marked = REPEATED.exec(source)
  if (marked) {
    let digits = (marked[1] ?? marked[2])!
    let end = at + marked[0].length
    if (marked[0].startsWith('\\dot')) {
      // \dot{1}4285\dot{7}: the dots are over the first and the last digit.
      const rest = /^(\d{0,60})\\dot\s?\{?(\d)\}?/.exec(source.slice(end, end + 80))
      if (rest) {
        digits += rest[1]! + rest[2]!
        end += rest[0].length
      }
    }
    return { digits, end }
  }
  PARENTHESES.lastIndex = at
  const enclosed = fraction || source[at - 1] === '.' ? PARENTHESES.exec(source) : null
  return enclosed ? { digits: enclosed[1]!, end: at + enclosed[0].length } : null
}

/** The shortest cycle at the end of the digits that occurs at least twice (a single digit three times). */
function cycleOf(digits: string): { fixed: string; repeating: string } | null {
  for (let p = 1; p <= 12 && p * 2 <= digits.length; p++) {
    const cycle = digits.slice(-p)
    let start = digits.length
    while (start >= p && digits.slice(start - p, start) === cycle) start -= p
    if ((digits.length - start) / p >= (p === 1 ? 3 : 2))
      return { fixed: digits.slice(0, start), repeating: cycle }
  }
  return null
}
