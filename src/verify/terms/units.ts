import { ONE, power, type Rational, rational, times } from './rational.ts'
import { counted, folded, isAfter } from './things.ts'

/** A unit of measure, or the words that follow a number like a unit. */
export interface Unit {
  /** Its size in base units; `null` if the words are not a known unit. */
  readonly scale: Rational | null
  /** The base units with their exponents, sorted: `m^1 s^-1`; for an unknown unit, its words. */
  readonly dimension: string
  /** Whether the unit may be left out: always (`many`), if the number is at most 1 (`one`), or never. */
  readonly counted: 'many' | 'one' | null
  /** How it is written, if it is one known unit without an exponent. */
  readonly symbol?: string
}

/** name: [scale, base unit] */
const BASE: Record<string, readonly [number | readonly [number, number], string]> = {
  m: [1, 'm'],
  meter: [1, 'm'],
  metre: [1, 'm'],
  inch: [[254, 10000], 'm'],
  inche: [[254, 10000], 'm'],
  in: [[254, 10000], 'm'],
  ft: [[3048, 10000], 'm'],
  foot: [[3048, 10000], 'm'],
  feet: [[3048, 10000], 'm'],
  yd: [[9144, 10000], 'm'],
  yard: [[9144, 10000], 'm'],
  mi: [[1609344, 1000], 'm'],
  mile: [[1609344, 1000], 'm'],
  s: [1, 's'],
  sec: [1, 's'],
  second: [1, 's'],
  min: [60, 's'],
  minute: [60, 's'],
  h: [3600, 's'],
  hr: [3600, 's'],
  hour: [3600, 's'],
  day: [86400, 's'],
  d: [86400, 's'],
  week: [604800, 's'],
  wk: [604800, 's'],
  month: [1, 'month'],
  year: [12, 'month'],
  yr: [12, 'month'],
  g: [1, 'g'],
  gram: [1, 'g'],
  lb: [1, 'lb'],
  pound: [1, 'lb'],
  oz: [[1, 16], 'lb'],
  ounce: [[1, 16], 'lb'],
  ton: [1, 'ton'],
  tonne: [1_000_000, 'g'],
  L: [1, 'L'],
  l: [1, 'L'],
  liter: [1, 'L'],
  litre: [1, 'L'],
  gal: [1, 'gal'],
  gallon: [1, 'gal'],
  qt: [[1, 4], 'gal'],
  quart: [[1, 4], 'gal'],
  pt: [[1, 8], 'gal'],
  pint: [[1, 8], 'gal'],
  dollar: [1, '$'],
  buck: [1, '$'],
  USD: [1, '$'],
  cent: [[1, 100], '$'],
  penny: [[1, 100], '$'],
  pennie: [[1, 100], '$'],
  euro: [1, '€'],
  EUR: [1, '€'],
  GBP: [1, '£'],
  '¥': [1, '¥'],
  yen: [1, 'yen'],
  JPY: [1, 'yen'],
  yuan: [1, '元'],
  RMB: [1, '元'],
  CNY: [1, '元'],
  rupee: [1, '₹'],
  INR: [1, '₹'],
  Rs: [1, '₹'],
  元: [1, '元'],
  N: [1, 'N'],
  newton: [1, 'N'],
  J: [1, 'J'],
  joule: [1, 'J'],
  W: [1, 'W'],
  watt: [1, 'W'],
  V: [1, 'V'],
  volt: [1, 'V'],
  A: [1, 'A'],
  amp: [1, 'A'],
  Pa: [1, 'Pa'],
  Hz: [1, 'Hz'],
  hertz: [1, 'Hz'],
  mol: [1, 'mol'],
  mole: [1, 'mol'],
  K: [1, 'K'],
  kelvin: [1, 'K'],
  rad: [1, 'rad'],
  radian: [1, 'rad'],
  degC: [1, 'degC'],
  degF: [1, 'degF'],
  unit: [1, ''],
  decade: [120, 'month'],
  century: [1200, 'month'],
  fortnight: [1_209_600, 's'],
  ampere: [1, 'A'],
  pascal: [1, 'Pa'],
  ohm: [1, 'ohm'],
  farad: [1, 'F'],
  henry: [1, 'H'],
  tesla: [1, 'T'],
  weber: [1, 'Wb'],
  coulomb: [1, 'C'],
  siemens: [1, 'S'],
  lumen: [1, 'lm'],
  lux: [1, 'lx'],
  becquerel: [1, 'Bq'],
  sievert: [1, 'Sv'],
  gray: [1, 'Gy'],
  bar: [1, 'bar'],
  electronvolt: [1, 'eV'],
  eV: [1, 'eV'],
  calorie: [1, 'cal'],
  cal: [1, 'cal'],
  byte: [1, 'byte'],
  bit: [1, 'bit'],
  watthour: [3600, 'J'],
  Wh: [3600, 'J'],
  米: [1, 'm'],
  公里: [1000, 'm'],
  里: [500, 'm'],
  克: [1, 'g'],
  公斤: [1000, 'g'],
  斤: [500, 'g'],
  吨: [1_000_000, 'g'],
  升: [1, 'L'],
  秒: [1, 's'],
  秒钟: [1, 's'],
  分钟: [60, 's'],
  小时: [3600, 's'],
  时: [3600, 's'],
  天: [86400, 's'],
  日: [86400, 's'],
  周: [604800, 's'],
  星期: [604800, 's'],
  个月: [1, 'month'],
  年: [12, 'month'],
  美元: [1, '$'],
  欧元: [1, '€'],
  角: [[1, 10], '元'],
  牛: [1, 'N'],
  牛顿: [1, 'N'],
  焦: [1, 'J'],
  焦耳: [1, 'J'],
  瓦: [1, 'W'],
  伏: [1, 'V'],
  安: [1, 'A'],
  帕: [1, 'Pa'],
  赫兹: [1, 'Hz'],
}
const ten = (k: number) => power(rational(10n), BigInt(k))!

/** Prefixes of units' names, as powers of ten. */
const NAME_PREFIXES = Object.entries({
  peta: 15,
  tera: 12,
  giga: 9,
  mega: 6,
  kilo: 3,
  hecto: 2,
  deca: 1,
  deka: 1,
  deci: -1,
  centi: -2,
  milli: -3,
  micro: -6,
  nano: -9,
  pico: -12,
  femto: -15,
  千: 3,
  百: 2,
  分: -1,
  厘: -2,
  毫: -3,
  微: -6,
  纳: -9,
  兆: 6,
})
const PREFIXED_NAMES =
  /^(?:met(?:er|re)|gram|second|lit(?:er|re)|newton|joule|watt|watthour|volt|amp|ampere|pascal|hertz|mole|ohm|farad|henr(?:y|ie)|tesla|weber|coulomb|siemens|lumen|lux|becquerel|sievert|gray|bar|electronvolt|calorie|byte|bit|米|克|升|秒|牛|焦|瓦|伏|安|帕|赫兹)s?$/
/** Prefixes of units' symbols, in which the case counts: mW and MW. */
const SYMBOL_PREFIXES: Readonly<Record<string, number>> = {
  P: 15,
  T: 12,
  G: 9,
  M: 6,
  k: 3,
  h: 2,
  d: -1,
  c: -2,
  m: -3,
  u: -6,
  n: -9,
  p: -12,
}
/** Symbols with a prefix, and the units that they stand for. */
const PREFIXED_SYMBOLS: Readonly<Record<string, string>> = {
  ...Object.fromEntries('m g s L l N J W V A Pa Hz mol K eV cal Wh bar'.split(' ').map((x) => [x, x])),
  F: 'farad',
  H: 'henry',
  T: 'tesla',
  Wb: 'weber',
  C: 'coulomb',
  S: 'siemens',
  lm: 'lumen',
  Bq: 'becquerel',
  Sv: 'sievert',
  Gy: 'gray',
  B: 'byte',
}
/** Symbols that, after a number and a space, are units rather than products of variables: 5 mW. */
export const SYMBOLS: ReadonlySet<string> = new Set(
  'mW kW MW GW mV kV mA kA mN kN MN mJ kJ MJ GJ mT hPa kPa MPa GPa eV keV MeV GeV TeV kB MB GB TB Wh kWh MWh Hz kHz MHz GHz THz pF nF mF mH mC nC kcal mmol Mm Ms Mg'.split(
    ' ',
  ),
)

/** Symbols that are often written in other capitals. */
const CAPITALS: Readonly<Record<string, string>> = {
  Km: 'km',
  KM: 'km',
  CM: 'cm',
  Kg: 'kg',
  KG: 'kg',
  KB: 'kB',
}
const COMPOUND: Record<string, readonly (readonly [string, number])[]> = {
  mph: [
    ['mile', 1],
    ['hour', -1],
  ],
  kph: [
    ['km', 1],
    ['hour', -1],
  ],
  kmh: [
    ['km', 1],
    ['hour', -1],
  ],
}

/** The scale, base unit and exponent of each part of a unit's name, which may be a plural; `null` if it is not known. */
export function unitWord(word: string): readonly (readonly [Rational, string, number])[] | null {
  const lower = word.toLowerCase()
  const compound = COMPOUND[lower]
  if (compound)
    return compound.flatMap(([name, k]) => unitWord(name)!.map(([x, base, n]) => [x, base, k * n] as const))
  const symbol = CAPITALS[word] ?? word
  const found =
    single(symbol) ?? prefixed(symbol) ?? (word.length > 2 ? (single(lower) ?? singular(lower)) : null)
  return found ? [[...found, 1]] : null
}

function single(word: string): readonly [Rational, string] | null {
  const entry = Object.hasOwn(BASE, word) ? BASE[word]! : null
  if (!entry) return null
  const [scale, base] = entry
  return [
    typeof scale === 'number' ? rational(BigInt(scale)) : rational(BigInt(scale[0]), BigInt(scale[1])),
    base,
  ]
}

function singular(word: string): readonly [Rational, string] | null {
  if (word.endsWith('ies')) return single(`${word.slice(0, -3)}y`)
  return word.endsWith('s') ? single(word.slice(0, -1)) : null
}

/** A unit with a prefix: kilopascal, mW. */
function prefixed(word: string): readonly [Rational, string] | null {
  const lower = word.toLowerCase()
  const named = NAME_PREFIXES.find(
    ([prefix]) => lower.startsWith(prefix) && PREFIXED_NAMES.test(lower.slice(prefix.length)),
  )
  if (named) {
    const rest = lower.slice(named[0].length)
    const unit = single(rest) ?? singular(rest)
    return unit && [times(unit[0], ten(named[1])), unit[1]]
  }
  const [prefix, rest] = [word.slice(0, 1), word.slice(1)]
  if (!Object.hasOwn(SYMBOL_PREFIXES, prefix) || !Object.hasOwn(PREFIXED_SYMBOLS, rest)) return null
  const [size, base] = single(PREFIXED_SYMBOLS[rest]!)!
  return [times(size, ten(SYMBOL_PREFIXES[prefix]!)), base]
}

/** The unit made of words with exponents, such as cm², m/s or "square feet". */
export function unitOf(written: readonly (readonly [word: string, exponent: number])[]): Unit {
  // 5 years old, 6 feet tall
  const end = written.findLastIndex(([word]) => !isAfter(word)) + 1
  const own = written.slice(0, end)
  const parts = own.length > 0 && own.every(([word]) => unitWord(word)) ? own : written
  let scale = ONE
  const exponents = new Map<string, number>()
  for (const [word, exponent] of parts) {
    const known = unitWord(word)
    if (!known)
      return {
        scale: null,
        counted: counted(
          parts.map(([w]) => w),
          (w) => unitWord(w) !== null,
        ),
        dimension: parts
          .map(([w]) => stem(w))
          .filter(Boolean)
          .join(' '),
      }
    for (const [size, base, k] of known) {
      scale = times(scale, power(size, BigInt(k * exponent))!)
      if (base) exponents.set(base, (exponents.get(base) ?? 0) + k * exponent)
    }
  }
  const dimension = [...exponents]
    .filter(([, k]) => k !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, k]) => `${base}^${k}`)
    .join(' ')
  const [first] = parts
  return {
    scale,
    dimension,
    counted: 'many',
    ...(parts.length === 1 && first![1] === 1 ? { symbol: first![0] } : {}),
  }
}

function stem(word: string): string {
  const lower = folded(word)
  if (/^(?:the|a|an|in|different|possible|total|distinct)$/.test(lower)) return ''
  return lower.length > 3 ? lower.replace(/(?:ies|y|es|s)$/, '') : lower
}
