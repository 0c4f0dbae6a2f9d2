import type { Random } from '../../../common/random.ts'
import { type Rational, rational, same, times } from '../../terms/rational.ts'
import { anyNumber, areDifferent, nearNumber, type Written, writeNumber } from './numbers.ts'

/** [dimension, size in base units, ways to write it] */
type Unit = readonly [dimension: string, size: Rational, names: readonly string[]]

const unit = (dimension: string, n: number, d: number, names: string): Unit => [
  dimension,
  rational(BigInt(n), BigInt(d)),
  names.split('|'),
]
const text = (names: string) =>
  `${names}|${names
    .split('|')
    .map((name) => `\\text{ ${name}}`)
    .join('|')}`

const UNITS: readonly Unit[] = [
  unit('length', 1, 1000, text('mm|millimeters|毫米')),
  unit('length', 1, 100, text('cm|centimeters|centimetres|厘米')),
  unit('length', 1, 1, text('m|meters|metres|米')),
  unit('length', 1000, 1, text('km|kilometers|千米|公里')),
  unit('length', 254, 10_000, text('in|inches')),
  unit('length', 3048, 10_000, text('ft|feet')),
  unit('length', 1_000_000, 1, text('Mm|megameters')),
  unit('mass', 1, 1000, text('mg|milligrams|毫克')),
  unit('mass', 1, 1, text('g|grams|克')),
  unit('mass', 1000, 1, text('kg|kilograms|千克|公斤')),
  unit('time', 1, 1000, text('ms|milliseconds|毫秒')),
  unit('time', 1, 1, text('s|seconds|秒')),
  unit('time', 60, 1, text('min|minutes|分钟')),
  unit('time', 3600, 1, text('h|hours|小时')),
  unit('time', 86_400, 1, text('days|天')),
  unit('volume', 1, 1000, text('mL|ml|milliliters|毫升')),
  unit('volume', 1, 1, text('L|liters|litres|升')),
  unit('power', 1, 1000, 'mW|milliwatts'),
  unit('power', 1, 1, 'watts|\\text{ W}'),
  unit('power', 1000, 1, 'kW|kilowatts'),
  unit('power', 1_000_000, 1, 'MW|megawatts'),
  unit('data', 1, 1, 'bytes'),
  unit('data', 1000, 1, 'kilobytes|kB'),
  unit('data', 1_000_000, 1, 'megabytes|MB'),
  unit('pressure', 1, 1, 'pascals'),
  unit('pressure', 1000, 1, 'kilopascals|kPa'),
  unit('capacity', 1, 1, 'farads'),
  unit('capacity', 1, 1_000_000, 'microfarads'),
  unit('field', 1, 1, 'tesla'),
  unit('field', 1, 1000, 'millitesla'),
  unit('area', 1, 10_000, 'cm^2|cm²|square centimeters|\\text{ cm}^2|平方厘米'),
  unit('area', 1, 1, 'm^2|m²|square meters|平方米'),
  unit('speed', 1, 1, 'm/s|meters per second'),
  unit('speed', 1000, 3600, 'km/h|kilometers per hour'),
  unit('apples', 1, 1, 'apples|red apples'),
  unit('students', 1, 1, 'students|个学生'),
  unit('pairs', 1, 1, 'pairs of shoes'),
  unit('shoes', 1, 1, 'shoes'),
  unit('angle', 1, 1, '°|^\\circ|^{\\circ}|degrees'),
  unit('dollars', 1, 1, 'dollars|USD'),
  unit('dollars', 1, 100, 'cents|¢'),
  unit('euros', 1, 1, 'euros|€'),
  unit('yuan', 1, 1, '元'),
]
/** Currency signs before the number. */
const SIGNS: readonly Unit[] = [
  unit('dollars', 1, 1, '$|\\$'),
  unit('euros', 1, 1, '€'),
  unit('pounds', 1, 1, '£'),
  unit('rupees', 1, 1, '₹'),
]

interface Quantity {
  readonly text: string
  readonly number: Written
  readonly unit: Unit | null
}

function write(x: Rational, u: Unit | null, random: Random): Quantity {
  let number = writeNumber(x, random)
  for (let k = 0; number.percent && k < 20; k++) number = writeNumber(x, random)
  if (!u) return { text: number.text, number, unit: null }
  // A degree sign after an exponent would belong to it.
  const names =
    number.text.endsWith('}') || /\^\d+$/.test(number.text) ? u[2].filter((x) => !/^[\^°]/.test(x)) : u[2]
  const name = random.pick(names)
  if (SIGNS.includes(u)) return { text: `${name}${number.text}`, number, unit: u }
  const attachable = /^[\\^°²€¢]|^[a-zA-Z]{1,2}$|^\p{Script=Han}/u.test(name) && random.int(0, 1) === 0
  // "12 million" and "s" together would be the plural, not seconds.
  const glued = attachable && !/[a-z]$/i.test(number.text)
  return { text: `${number.text}${glued ? '' : ' '}${name}`, number, unit: u }
}

/** Two different quantities: another number, another unit of the same kind, or another kind; the unit may be missing on one side. */
export function quantities(random: Random): readonly [string, string] {
  for (;;) {
    const units = random.int(0, 4) === 0 ? SIGNS : UNITS
    const u = random.pick(units)
    const alike = UNITS.filter((v) => v[0] === u[0])
    const v =
      random.int(0, 2) === 0
        ? u
        : random.int(0, 1) === 0 && alike.length > 0
          ? random.pick(alike)
          : random.pick(units)
    const x = anyNumber(random)
    const y = random.int(0, 2) === 0 ? x : random.int(0, 2) === 0 ? convert(x, u, v) : nearNumber(x, random)
    const lacks = random.int(0, 5)
    // 0 of anything is 0.
    if (x.n === 0n || y.n === 0n) continue
    const gold = write(x, lacks === 0 ? null : u, random)
    const answer = write(y, lacks === 1 ? null : v, random)
    if (differ(gold, answer)) return [gold.text, answer.text]
  }
}

/** The number of the other unit that is written by mistake: divided instead of multiplied. */
const convert = (x: Rational, u: Unit, v: Unit): Rational =>
  times(x, rational(v[1].n * u[1].d, v[1].d * u[1].n))

function differ(gold: Quantity, answer: Quantity): boolean {
  const [u, v] = [gold.unit, answer.unit]
  if (!u || !v) return areDifferent(gold.number, answer.number) && !(u ?? v)![0].includes('angle')
  if (u[0] !== v[0]) return true
  if (same(u[1], v[1])) return areDifferent(gold.number, answer.number)
  const scaled = (q: Quantity): Written => ({
    ...q.number,
    shown: times(q.number.shown, q.unit![1]),
    decimals: null,
  })
  const [a, b] = [scaled(gold), scaled(answer)]
  // By a margin that no rounding bridges.
  const [x, y] = [a.shown, b.shown]
  if (x.n === 0n || y.n === 0n) return x.n !== y.n
  const ratio = Number(x.n * y.d) / Number(x.d * y.n)
  return !(ratio > 0.9 && ratio < 1.1)
}
