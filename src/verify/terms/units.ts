import { ONE, power, type Rational, rational, times } from './rational.ts'

/** A unit of measure, or the words that follow a number like a unit. */
export interface Unit {
  /** Its size in base units; `null` if the words are not a known unit. */
  readonly scale: Rational | null
  /** The base units with their exponents, sorted: `m^1 s^-1`; for an unknown unit, its words. */
  readonly dimension: string
}

/** name: [scale, base unit] */
const BASE: Record<string, readonly [number | readonly [number, number], string]> = {
  m: [1, 'm'],
  meter: [1, 'm'],
  metre: [1, 'm'],
  km: [1000, 'm'],
  kilometer: [1000, 'm'],
  kilometre: [1000, 'm'],
  cm: [[1, 100], 'm'],
  centimeter: [[1, 100], 'm'],
  centimetre: [[1, 100], 'm'],
  mm: [[1, 1000], 'm'],
  millimeter: [[1, 1000], 'm'],
  millimetre: [[1, 1000], 'm'],
  dm: [[1, 10], 'm'],
  nm: [[1, 1_000_000_000], 'm'],
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
  ms: [[1, 1000], 's'],
  month: [1, 'month'],
  year: [12, 'month'],
  yr: [12, 'month'],
  g: [1, 'g'],
  gram: [1, 'g'],
  kg: [1000, 'g'],
  kilogram: [1000, 'g'],
  mg: [[1, 1000], 'g'],
  milligram: [[1, 1000], 'g'],
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
  mL: [[1, 1000], 'L'],
  ml: [[1, 1000], 'L'],
  milliliter: [[1, 1000], 'L'],
  millilitre: [[1, 1000], 'L'],
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
  yen: [1, '¥'],
  JPY: [1, '¥'],
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
  kJ: [1000, 'J'],
  W: [1, 'W'],
  watt: [1, 'W'],
  kW: [1000, 'W'],
  V: [1, 'V'],
  volt: [1, 'V'],
  A: [1, 'A'],
  amp: [1, 'A'],
  Pa: [1, 'Pa'],
  kPa: [1000, 'Pa'],
  Hz: [1, 'Hz'],
  hertz: [1, 'Hz'],
  kHz: [1000, 'Hz'],
  mol: [1, 'mol'],
  mole: [1, 'mol'],
  K: [1, 'K'],
  kelvin: [1, 'K'],
  rad: [1, 'rad'],
  radian: [1, 'rad'],
  degC: [1, 'degC'],
  degF: [1, 'degF'],
  unit: [1, ''],
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
  if (compound) return compound.map(([name, k]) => [...single(name)!, k] as const)
  const found = single(word) ?? (word.length > 2 ? (single(lower) ?? singular(lower)) : null)
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
  return word.endsWith('s') ? single(word.slice(0, -1)) : null
}

/** The unit made of words with exponents, such as cm², m/s or "square feet". */
export function unitOf(parts: readonly (readonly [word: string, exponent: number])[]): Unit {
  let scale = ONE
  const exponents = new Map<string, number>()
  for (const [word, exponent] of parts) {
    const known = unitWord(word)
    if (!known)
      return {
        scale: null,
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
  return { scale, dimension }
}

function stem(word: string): string {
  const lower = word.toLowerCase()
  if (/^(?:the|a|an|of|in|different|possible|total|distinct)$/.test(lower)) return ''
  return lower.length > 3 ? lower.replace(/(?:ies|y|es|s)$/, '') : lower
}
