import { chineseNumber } from './chinese-numbers.ts'
import { spelledNumber } from './spelled.ts'

/** 1_234_567, 1.234.567, 1.234,56, 1 234,56, 12,34,567: separators of which each text has one meaning. */
const SEPARATED: readonly (readonly [RegExp, (number: string) => string])[] = [
  [/^\d{1,3}(?:_\d{3})+$/, (s) => s.replaceAll('_', '')],
  [/^\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?$|^\d{1,3}\.\d{3},\d+$/, (s) => s.replaceAll('.', '').replace(',', '.')],
  [/^\d{1,3}(?:(?: |\\,|~|')\d{3})+,\d{1,2}$/, (s) => s.replace(/[^\d,]/g, '').replace(',', '.')],
  [/^\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$/, (s) => s.replaceAll(',', '')],
]

/** A number at the start of the text, after a sign or currency, and what follows it. */
const NUMBER = /^((?:[-+]\s?)?(?:\\?[$€£¥₹]\s?)?(?:[-+]\s?)?)(\d[\d.,_' ~\\]*\d)(?![\d.,_'])(.*)$/s

function separated(text: string): string | null {
  const match = NUMBER.exec(text)
  if (!match) return null
  const [, sign, number, rest] = match
  const rule = SEPARATED.find(([pattern]) => pattern.test(number!))
  return rule ? `${sign}${rule[1](number!)}${rest}` : null
}

const BASE_NAMES: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  sixteen: 16,
  binary: 2,
  octal: 8,
  decimal: 10,
  hex: 16,
  hexadecimal: 16,
}
const PREFIXED = /^(-?)0([xXbBoO])([\dA-Fa-f]+)$/
const PREFIX_BASES: Readonly<Record<string, number>> = { x: 16, b: 2, o: 8 }
/** 1A_{16}, (1011)_2, 1A_{hex} */
const SUBSCRIPT = /^(-?)\(?([\dA-Z]+|[\da-z]*\d[\da-z]*)\)?_\{?\(?(?:base[ -]?)?(\w+)\)?\}?$/
/** 11111 base 2, 1F (hex), 101 in binary */
const NAMED =
  /^(-?)\(?([\dA-Z]+|\d[\da-z]*)\)? ?\(?(?:in )?(?:base[ -]?(\w+)|(binary|octal|decimal|hex(?:adecimal)?))\)?$/

/** The value of a number in another base as decimal digits; `null` if the text is not one. */
function inBase(text: string): string | null {
  const s = text
    .replace(/\\(?:text|mathrm|mbox|textrm)\s*\{([^{}]*)\}/g, '$1')
    .replace(/\\[,; ]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const prefixed = PREFIXED.exec(s)
  if (prefixed) return inDigits(prefixed[1]!, prefixed[3]!, PREFIX_BASES[prefixed[2]!.toLowerCase()]!)
  const [, sign, digits, base, name] = SUBSCRIPT.exec(s) ?? NAMED.exec(s) ?? []
  if (digits === undefined) return null
  const written = (name ?? base!).toLowerCase()
  return inDigits(sign!, digits, BASE_NAMES[written] ?? (/^\d{1,2}$/.test(written) ? Number(written) : 0))
}

function inDigits(sign: string, digits: string, base: number): string | null {
  if (base < 2 || base > 36 || digits.length > 100) return null
  let value = 0n
  for (const c of digits.toLowerCase()) {
    const k = Number.parseInt(c, 36)
    if (k >= base) return null
    value = value * BigInt(base) + BigInt(k)
  }
  return `${sign}${value}`
}

const ROMAN = /^(?=[IVX]|.*[IVX])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})$/
const ROMAN_DIGITS: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 }

/** The value of a Roman numeral of two letters or more, not of D, C, M and L alone, which are the names of segments. */
function roman(text: string): string | null {
  const s = text.replace(/^\\(?:text|mathrm|textrm)\s*\{([^{}]*)\}$/, '$1').trim()
  if (s.length < 2 || s.length > 15 || !ROMAN.test(s)) return null
  const digits = [...s].map((c) => ROMAN_DIGITS[c]!)
  return String(digits.reduce((sum, x, k) => sum + (x < (digits[k + 1] ?? 0) ? -x : x), 0))
}

const INDEX = String.raw`(?:\{\s*(\w+)\s*\}|(\w))`
const BELOW_ABOVE = new RegExp(
  String.raw`(?:\\(?:mathrm|text)\{([CAP])\}|(?<![A-Za-z\\])([CAP]))_${INDEX}\^${INDEX}`,
  'g',
)
const ABOVE_BELOW = new RegExp(
  String.raw`(?:\\(?:mathrm|text)\{([CAP])\}|(?<![A-Za-z\\])([CAP]))\^${INDEX}_${INDEX}`,
  'g',
)
/** ^5C_2, {}_5C_2, 5C2 */
const AROUND = new RegExp(
  String.raw`(?:\{\s*\})?(?:[\^_]${INDEX}|(?<![\w.])(\d+)) ?(?:\\(?:mathrm|text)\{([CP])\}|([CP])) ?_?${INDEX}(?!\w)`,
  'g',
)
const CALLED =
  /(?<![A-Za-z\\])(?:\\(?:mathrm|text|operatorname)\{([CPA])\}|([CPA])|(comb|nCr|binomial|perm|nPr)) ?\(\s*(\w+)\s*,\s*(\w+)\s*\)/g
const CHOOSE = /(?<!\w)(\d+) choose (\d+)(?!\w)/g

/** C_5^2 (5 above 2 as in China), C^2_5, {}_5C_2, 5C2, C(5,2) and the same with P or A: combinations and permutations. */
function selections(text: string): string | null {
  const write = (name: string, n: string, k: string): string =>
    /^(?:C|comb|nCr|binomial)$/.test(name) ? `\\binom{${n}}{${k}}` : `\\frac{${n}!}{(${n}-${k})!}`
  const impossible = (n: string, k: string) => /^\d+$/.test(n) && /^\d+$/.test(k) && Number(k) > Number(n)
  const use = (all: string, name: string, n: string, k: string) =>
    impossible(n, k) || n.length > 4 ? all : `{${write(name, n, k)}}`
  // The larger of two numbers on the right is the total: C_5^2 and C^5_2.
  const right = (all: string, name: string, n: string, k: string) =>
    impossible(n, k) ? use(all, name, k, n) : use(all, name, n, k)
  const out = text
    .replace(BELOW_ABOVE, (all, a, b, c, d, e, f) => right(all, a ?? b, c ?? d, e ?? f))
    .replace(ABOVE_BELOW, (all, a, b, c, d, e, f) => right(all, a ?? b, e ?? f, c ?? d))
    .replace(AROUND, (all, a, b, c, d, e, f, g) => use(all, d ?? e, a ?? b ?? c, f ?? g))
    .replace(CALLED, (all, a, b, c, n, k) => use(all, a ?? b ?? c, n, k))
    .replace(CHOOSE, (all, n, k) => use(all, 'C', n, k))
  return out === text ? null : out
}

/** A(3, 4): a point with its name. */
const POINT = /^[A-Z]'*(?:_\{?\w\}?)?\s*(?:\\left)?\s*(\((?=[^()]*,)[\s\S]*\))$/
/** 2 and 1/2: a mixed number. */
const MIXED = /^(-?\d+) and (?:(\d+)\/(\d+)|\\[dt]?frac\{(\d+)\}\{(\d+)\})(?!\d|\/)(?!.*\d)(.*)$/
/** 2 4 6 */
const SPACED = /^-?\d+(?:\.\d+)?(?: -?\d+(?:\.\d+)?)+$/
/** 1k, $2.5M */
const SCALED = /^(-?\\?[$€£¥]-?\d+(?:\.\d+)?)([kKMB])$|^(-?\d+(?:\.\d+)?)(k)$/
const SCALES: Readonly<Record<string, string>> = { k: '3', K: '3', M: '6', B: '9' }

/** 3 out of 10, 3 in 10: a fraction. */
const OUT_OF = /^(\d{1,9}) (?:out of(?: every)?|in(?: every)?) (\d{1,9})$/

function share(text: string): string | null {
  const [, part, whole] = OUT_OF.exec(text) ?? []
  return part && Number(part) < Number(whole) ? `\\frac{${part}}{${whole}}` : null
}

function point(text: string): string | null {
  return POINT.exec(text)?.[1] ?? null
}

function mixed(text: string): string | null {
  const match = MIXED.exec(text)
  if (!match) return null
  const [, whole, a, b, c, d, rest] = match
  const [top, bottom] = [a ?? c!, b ?? d!]
  return Number(top) < Number(bottom) ? `${whole}\\frac{${top}}{${bottom}}${rest}` : null
}

/** Numbers with spaces between them are a list if no two are the same: 5 5 may repeat an answer. */
function spaced(text: string): string | null {
  // 10 010 is a number with a space between thousands.
  if (!SPACED.test(text) || /(?<!\d)-?0\d|^-?\d{1,3}(?: \d{3})+$/.test(text)) return null
  const items = text.split(' ')
  return new Set(items).size === items.length && items.length <= 20 ? items.join(', ') : null
}

/** negative infinity, negative 2x */
const negative = (text: string): string | null => {
  const x = /^negative (infinity|[\d\\(].*)$/.exec(text)?.[1]
  return x ? `-${x}` : null
}

/** 7 pounds may be £7. */
const pounds = (text: string): string | null => {
  const number = /^(-?[\d.,]*\d)(?: |\\,|\\text ?\{){1,3}pounds?(?: sterling)? ?\}?$/.exec(text)?.[1]
  return number ? `${number} \\text{ GBP}` : null
}

function scaled(text: string): string | null {
  const match = SCALED.exec(text)
  return match ? `${match[1] ?? match[3]} \\times 10^${SCALES[(match[2] ?? match[4])!]}` : null
}

/** 8 o'clock as an answer to "how many" */
const clock = (text: string) => /^(\d{1,2}) ?o ?'? ?clock$/.exec(text)?.[1] ?? null

/** 30°30', 12°15'36" */
const MINUTES =
  /^(-?)(\d+)\s*(?:\\degree|\^\{?\s*\\circ\s*\}?|\\circ|degrees?)\s*(\d+(?:\.\d+)?)\s*(?:'(?!')|\^\{?\\prime\}?|(?:arc ?)?min(?:utes?)?)\s*(?:(\d+(?:\.\d+)?)\s*(?:''|"|\^\{?\\prime\\prime\}?|(?:arc ?)?sec(?:onds?)?)\s*)?$/
/** 1h30m, 2 h 5 m 10 s: m are minutes after hours. */
const HOURS = /^(\d+) ?(?:h|hrs?|hours?) ?(\d+) ?m(?:ins?)?(?: ?(\d+) ?s(?:ecs?)?)?$/
/** 5'11" */
const FEET = /^(\d+)\s?'\s?(\d+)\s?(?:''|")$/

function sexagesimal(text: string): string | null {
  const angle = MINUTES.exec(text)
  if (angle) {
    const [, sign, degrees, minutes, seconds = '0'] = angle
    return `${sign}(${degrees}+\\frac{${minutes}}{60}+\\frac{${seconds}}{3600})^\\circ`
  }
  const time = HOURS.exec(text)
  if (time) return `${time[1]} hours ${time[2]} minutes${time[3] ? ` ${time[3]} seconds` : ''}`
  const feet = FEET.exec(text)
  return feet && `${feet[1]} feet ${feet[2]} inches`
}

/** [1 2; 3 4] */
const ROWS = /^\[\s?(-?[\d./]+(?:[ ,]+-?[\d./]+)*(?:\s?;\s?-?[\d./]+(?:[ ,]+-?[\d./]+)*)+)\s?\]$/

function matrixRows(text: string): string | null {
  const rows = (ROWS.exec(text)?.[1] ?? '').split(/\s?;\s?/)
  if (!rows.some((row) => /[ ,]/.test(row))) return null
  return `\\begin{pmatrix}${rows.map((row) => row.split(/[ ,]+/).join(' & ')).join(' \\\\ ')}\\end{pmatrix}`
}

const NOTATIONS = [
  separated,
  matrixRows,
  sexagesimal,
  clock,
  inBase,
  roman,
  selections,
  point,
  mixed,
  share,
  pounds,
  spaced,
  scaled,
  negative,
  chineseNumber,
  spelledNumber,
]

/** Longer texts are formulas. */
const MAX_LENGTH = 300

/** Each side of a text with = is a text of its own. */
const EQUALS = /(\s*(?:=|\\approx(?![a-zA-Z])|(?<=\s)equals(?=\s))\s*)/

/** The text rewritten in the ways of writing numbers that the grammar does not know; `name =` may precede the number. */
export function otherNotations(source: string): string[] {
  if (source.length > MAX_LENGTH) return []
  const sides = source.split(EQUALS)
  if (sides.length > 9) return []
  const written = (notation: (text: string) => string | null) =>
    sides.map((side, k) => (k % 2 === 1 ? side : (notation(side.trim()) ?? side))).join('')
  return NOTATIONS.map(written).filter((text) => text !== source)
}
