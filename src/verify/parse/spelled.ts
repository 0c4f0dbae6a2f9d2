/** Numbers in English words, alone or before a unit: "two thirds", "three point five", "half a dozen", "twentieth". */

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const LARGE: Readonly<Record<string, bigint>> = {
  hundred: 100n,
  thousand: 1000n,
  million: 1_000_000n,
  billion: 1_000_000_000n,
  trillion: 1_000_000_000_000n,
}
/** Words for groups: a dozen, three score, half a gross. */
const GROUPS: Readonly<Record<string, bigint>> = { dozen: 12n, score: 20n, gross: 144n, couple: 2n, ...LARGE }
const IRREGULAR: Readonly<Record<string, string>> = {
  first: 'one',
  second: 'two',
  third: 'three',
  fifth: 'five',
  eighth: 'eight',
  ninth: 'nine',
  twelfth: 'twelve',
}
const PARTS: Readonly<Record<string, bigint>> = { half: 2n, quarter: 4n }

const small = (word: string | undefined): bigint | null => {
  const k = SMALL.indexOf(word ?? '')
  return k < 0 ? null : BigInt(k)
}
const tens = (word: string | undefined): bigint | null => {
  const k = TENS.indexOf(word ?? '')
  return k < 0 ? null : BigInt(20 + 10 * k)
}

/** The word of the number of which this is the ordinal; '' if it is not an ordinal. */
function cardinal(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word]!
  const stem = word.replace(/ieth$/, 'yth').replace(/th$/, '')
  return stem !== word && (small(stem) !== null || tens(stem) !== null || stem in LARGE) ? stem : ''
}

/** A value that was read and the number of words that it took. */
interface Read {
  readonly n: bigint
  readonly d: bigint
  readonly length: number
}

/** A whole number in digits or words: 5, twenty-five, one hundred and two. */
function whole(words: readonly string[], at: number): Read | null {
  const first = words[at] ?? ''
  if (/^\d{1,9}$/.test(first)) return { n: BigInt(first), d: 1n, length: 1 }
  let [total, group, k] = [0n, 0n, at]
  let limit: bigint | null = null
  for (; k < words.length; k++) {
    const word = words[k]!
    const [units, ten, large] = [small(word), tens(word), Object.hasOwn(LARGE, word) ? LARGE[word]! : null]
    const free = group % 100n === 0n
    if (units !== null && (free || (group % 10n === 0n && group % 100n > 10n && units > 0n && units < 10n)))
      group += units
    else if (ten !== null && free) group += ten
    else if (large === 100n && group > 0n && group < 100n) group *= 100n
    else if (large !== null && large > 100n && group > 0n && (limit === null || large < limit)) {
      total += group * large
      group = 0n
      limit = large
    } else {
      const next = words[k + 1]
      const joins = word === 'and' && Object.hasOwn(LARGE, words[k - 1] ?? '') && k > at
      if (!(joins && (small(next) !== null || tens(next) !== null))) break
    }
  }
  return k > at ? { n: total + group, d: 1n, length: k - at } : null
}

/** The number of an ordinal: third, twenty-first, one hundredth. */
function ordinal(words: readonly string[], at: number): Read | null {
  for (let end = Math.min(words.length, at + 6) - 1; end >= at; end--) {
    const last = cardinal(words[end]!)
    if (!last) continue
    const spelled = [...words.slice(at, end), last]
    // hundredth alone is 100th
    const read = whole(end === at && last in LARGE ? ['one', last] : spelled, 0)
    const all = end === at && last in LARGE ? 2 : spelled.length
    if (read && read.length === all) return { ...read, length: end - at + 1 }
  }
  return null
}

/** The denominator in "two thirds", "five twelfths", "three quarters". */
function denominator(words: readonly string[], at: number, plural: boolean): Read | null {
  const word = words[at] ?? ''
  const singular = word === 'halves' ? 'half' : word.replace(/s$/, '')
  if (plural && word !== 'half' && singular === word) return null
  if (Object.hasOwn(PARTS, singular)) return { n: PARTS[singular]!, d: 1n, length: 1 }
  if (singular === 'second' || singular === 'first') return null
  // twenty-fifths, hundredths
  for (let length = 1; length <= 3; length++) {
    const last = (words[at + length - 1] ?? '').replace(/s$/, '')
    const read = cardinal(last) ? ordinal([...words.slice(at, at + length - 1), last], 0) : null
    if (read && read.length === length && !(plural && !words[at + length - 1]!.endsWith('s'))) return read
  }
  return null
}

/** a half, one third, 5 twelfths, half */
function fraction(words: readonly string[], at: number): Read | null {
  const article = /^an?$/.test(words[at] ?? '')
  if (words[at] === 'half' && !article) {
    // half an hour, half a dozen
    return { n: 1n, d: 2n, length: /^an?$/.test(words[at + 1] ?? '') ? 2 : 1 }
  }
  const top = article ? ONE : whole(words, at)
  const below = top && denominator(words, at + top.length, top.n !== 1n)
  return top && below && below.n > 1n ? { n: top.n, d: below.n, length: top.length + below.length } : null
}

/** three point one four */
function decimal(words: readonly string[], at: number): Read | null {
  const before = whole(words, at)
  let k = at + (before?.length ?? 0)
  if (words[k] !== 'point') return null
  let [n, d] = [before?.n ?? 0n, 1n]
  for (k++; small(words[k]) !== null && small(words[k])! < 10n; k++) {
    n = n * 10n + small(words[k])!
    d *= 10n
  }
  return d > 1n ? { n, d, length: k - at } : null
}

/** A number that may have a fraction: one and two thirds, two and a half, a dozen. */
function number(words: readonly string[], at: number): Read | null {
  const part = decimal(words, at) ?? fraction(words, at)
  if (part) return part
  const read =
    /^an?$/.test(words[at] ?? '') && Object.hasOwn(GROUPS, words[at + 1] ?? '') ? ONE : whole(words, at)
  if (!read) return null
  const rest = words[at + read.length] === 'and' ? fraction(words, at + read.length + 1) : null
  if (!rest || rest.n >= rest.d) return read
  return { n: read.n * rest.d + rest.n, d: rest.d, length: read.length + 1 + rest.length }
}
const ONE: Read = { n: 1n, d: 1n, length: 1 }

/**
 * A number in words at the start of a text, as LaTeX, with the unit or the things that follow it; `null` if there is none
 * or something else follows.
 */
export function spelledNumber(text: string): string | null {
  if (text.length > 200 || !/[a-z]{3}/i.test(text)) return null
  const plainText = text
    .replace(/\\(?:text|mbox)[a-z]*\s*\{([^{}]*)\}/g, '$1')
    .replace(/(?<=[a-z])-(?=[a-z])/gi, ' ')
    .trim()
  const words = plainText.toLowerCase().split(/\s+/)
  const minus = /^(?:negative|minus)$/.test(words[0] ?? '')
  const start = minus ? 1 : 0
  const all = words.length - start
  const cardinal = number(words, start)
  const place = cardinal?.length === all ? null : ordinal(words, start)
  let read = place?.length === all ? place : cardinal
  if (!read) return null
  let end = start + read.length
  for (; end < words.length; end++) {
    const group = [words[end]!, words[end]!.replace(/s$/, '')].find((word) => Object.hasOwn(GROUPS, word))
    if (group === undefined) break
    read = { ...read, n: read.n * GROUPS[group]! }
  }
  const rest = plainText.split(/\s+/).slice(end).join(' ')
  // "one third of a cup" is a quantity, "half of 5" and "five halves of x" are not.
  const things = rest.replace(/^of (?:an?|the) (?=[a-z]{3})/i, '')
  if (/^(?:of|and|or|to|by|over|point|minus|plus|times|not|but)\b|\d/i.test(things)) return null
  const unit = things === '' ? '' : ` \\text{ ${things}}`
  return `${minus ? '-' : ''}${read.d === 1n ? read.n : `\\frac{${read.n}}{${read.d}}`}${unit}`
}
