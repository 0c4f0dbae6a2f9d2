import type { Random } from '../../../common/random.ts'
import { negative, type Rational, rational, same, times } from '../../terms/rational.ts'

/** A number as it is written, and what a reader understands by it. */
export interface Written {
  readonly text: string
  /** The number as written, without its percent sign. */
  readonly shown: Rational
  readonly percent: boolean
  /** The digits after the decimal point if it is written as a decimal, else `null`. */
  readonly decimals: number | null
}

const whole = (n: number | bigint): Rational => rational(BigInt(n))
const ten = (k: number) => 10n ** BigInt(k)
export const value = ({ shown, percent }: Written): Rational =>
  percent ? times(shown, rational(1n, 100n)) : shown

/** The last three digits, and groups of `size` digits before them. */
function groups(digits: string, size: number): string[] {
  const out = [digits.slice(-3)]
  for (let rest = digits.slice(0, -3); rest; rest = rest.slice(0, -size)) out.unshift(rest.slice(-size))
  return out
}

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = '  twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')

function english(n: number): string {
  if (n < 20) return SMALL[n]!
  if (n < 100) return TENS[Math.floor(n / 10)]! + (n % 10 ? `-${SMALL[n % 10]}` : '')
  const [size, name] = n < 1000 ? [100, 'hundred'] : [1000, 'thousand']
  const rest = n % size!
  return `${english(Math.floor(n / size!))} ${name}${rest ? ` ${rest < 100 ? 'and ' : ''}${english(rest)}` : ''}`
}

const HAN = '零一二三四五六七八九'
function chinese(n: number): string {
  if (n < 10) return HAN[n]!
  for (const [size, name] of [
    [10_000, '万'],
    [1000, '千'],
    [100, '百'],
    [10, '十'],
  ] as const)
    if (n >= size) {
      const [top, rest] = [Math.floor(n / size), n % size]
      return (
        (n < 20 ? '' : chinese(top)) + name + (rest ? (rest < size / 10 ? '零' : '') + chinese(rest) : '')
      )
    }
  return ''
}

/** The digits before the decimal point, in one of the styles of grouping. */
function grouped(digits: string, random: Random): { text: string; point: '.' | ',' } {
  if (digits.length < 4) return { text: digits, point: random.int(0, 5) === 0 ? ',' : '.' }
  const thousands = groups(digits, 3)
  const separators = [',', '{,}', '\\,', ' ', "'", '\\!', ',\\!', '\u202f', '']
  if (digits.length > 6) separators.push('.')
  if (digits.length > 5) separators.push('indian')
  const separator = random.pick(separators)
  if (separator === 'indian') return { text: groups(digits, 2).join(','), point: '.' }
  return {
    text: thousands.join(separator),
    point: separator === '.' ? ',' : '.',
  }
}

const FULL_WIDTH = [...'０１２３４５６７８９']

/** A whole number in digits or words. */
function integer(n: bigint, random: Random): string {
  const digits = String(n)
  const small = Number(n)
  const forms = [() => digits, () => digits, () => grouped(digits, random).text]
  if (n < 1_000_000n)
    forms.push(
      () => english(small),
      () => digits.replace(/\d/g, (d) => FULL_WIDTH[Number(d)]!),
      () => `{${digits}}`,
    )
  if (n < 100_000n) forms.push(() => chinese(small))
  const zeros = /0*$/.exec(digits)![0].length
  if (n > 0n && zeros >= 3) {
    const head = digits.slice(0, -zeros)
    forms.push(
      () => `${head}e${zeros}`,
      () => `${head} \\times 10^{${zeros}}`,
      () => `${head}·10^${zeros}`,
    )
    if (zeros >= 4) forms.push(() => `${digits.slice(0, -4)}万`)
    if (zeros === 6) forms.push(() => `${head} million`)
  }
  return random.pick(forms)()
}

/** Digits with a decimal point, or a power of ten. */
function decimal(digits: string, scale: number, random: Random): string {
  const padded = digits.padStart(scale + 1, '0')
  const [before, after] = [padded.slice(0, -scale), padded.slice(-scale)]
  const { text, point } = grouped(before, random)
  const forms = [() => `${before}.${after}`, () => `${before}.${after}`]
  // Three digits after a comma would be thousands.
  if (scale !== 3)
    forms.push(
      () => `${text}${point}${after}`,
      () => `${before}{,}${after}`,
    )
  if (before === '0') forms.push(() => `.${after}`)
  const significant = digits.replace(/^0+/, '')
  if (significant.length > 1)
    forms.push(
      () => `${significant[0]}.${significant.slice(1)}e${significant.length - 1 - scale}`,
      () => `${significant[0]}.${significant.slice(1)} \\times 10^{${significant.length - 1 - scale}}`,
    )
  return random.pick(forms)()
}

function fraction(n: bigint, d: bigint, random: Random): string {
  const forms = [`${n}/${d}`, `\\frac{${n}}{${d}}`, `\\dfrac{${n}}{${d}}`, `${n} / ${d}`, `(${n})/(${d})`]
  if (n < 10n && d < 10n) forms.push(`\\frac${n}${d}`)
  if (n > d) {
    const [q, rest] = [n / d, n % d]
    if (rest > 0n) forms.push(`${q} ${rest}/${d}`, `${q}\\frac{${rest}}{${d}}`, `${q}\\tfrac{${rest}}{${d}}`)
  }
  return random.pick(forms)
}

/** The number in one of the ways to write it. */
export function writeNumber(x: Rational, random: Random): Written {
  const minus = x.n < 0n
  const size = minus ? negative(x) : x
  const sign = minus ? random.pick(['-', '-', '−', '- ']) : ''
  const done = (text: string, decimals: number | null = null): Written => ({
    text: sign + text,
    shown: x,
    percent: false,
    decimals,
  })
  const scale = [0, 1, 2, 3, 4, 5, 6].find((k) => ten(k) % size.d === 0n)
  if (scale === undefined) return done(fraction(size.n, size.d, random))
  const digits = (k: number) => String((size.n * ten(k)) / size.d)
  const form = random.int(0, 9)
  if (form === 0 && scale <= 4) {
    const percent = times(size, whole(100))
    const k = Math.max(0, scale - 2)
    const shown = String((percent.n * ten(k)) / percent.d)
    const text = k === 0 ? shown : decimal(shown, k, random)
    return {
      text: sign + text + random.pick(['%', '\\%', ' %', ' percent']),
      shown: minus ? negative(percent) : percent,
      percent: true,
      decimals: k || null,
    }
  }
  if (scale === 0) return form === 1 ? done(`${size.n}.0`, 1) : done(integer(size.n, random))
  if (form < 4) return done(fraction(size.n, size.d, random))
  const extra = form === 4 ? random.int(1, 2) : 0
  return done(decimal(digits(scale + extra), scale + extra, random), scale + extra)
}

/** A number of one of the sizes that answers have. */
export function anyNumber(random: Random): Rational {
  const sign = random.int(0, 7) === 0 ? -1n : 1n
  switch (random.int(0, 5)) {
    case 0:
      return rational(sign * BigInt(random.int(0, 20)))
    case 1:
      return rational(sign * BigInt(random.int(0, 10 ** random.int(2, 9))))
    case 2:
      return rational(sign * BigInt(random.int(1, 10 ** random.int(1, 5))), ten(random.int(1, 3)))
    case 3:
      return rational(sign * BigInt(random.int(1, 99)), BigInt(random.int(2, 99)))
    case 4:
      return rational(sign * BigInt(random.int(1, 99)) * ten(random.int(3, 9)))
    default:
      return rational(sign * BigInt(random.int(1, 200)), BigInt(random.pick([2, 3, 4, 5, 8, 10, 12, 100])))
  }
}

/** Another number that looks like it. */
export function nearNumber(x: Rational, random: Random): Rational {
  const changes: readonly (() => Rational)[] = [
    () => times(x, whole(10)),
    () => times(x, rational(1n, 10n)),
    () => times(x, whole(100)),
    () => times(x, rational(1n, 100n)),
    () => times(x, whole(1000)),
    () => negative(x),
    () => (x.n === 0n ? whole(1) : rational(x.d, x.n)),
    () => rational(x.n + 1n, x.d),
    () => rational(x.n - 1n, x.d),
    () => rational(x.n, x.d + 1n),
    () => rational(x.n * x.n, x.d),
    // two digits exchanged, one left out, one twice
    () => rational(BigInt(String(x.n).replace(/(\d)(\d)/, '$2$1')), x.d),
    () => rational(BigInt(String(x.n).replace(/(\d)\d/, '$1')), x.d),
    () => rational(BigInt(String(x.n).replace(/(\d)$/, '$1$1')), x.d),
    () => rational(x.n + ten(random.int(0, 4)), x.d),
    () => anyNumber(random),
  ]
  return random.pick(changes)()
}

const distance = (a: Rational, b: Rational): Rational => {
  const n = a.n * b.d - b.n * a.d
  return rational(n < 0n ? -n : n, a.d * b.d)
}
const less = (a: Rational, b: Rational) => a.n * b.d < b.n * a.d

/** Whether two written numbers are certainly different: also if one of them lacks its percent sign, or is rounded. */
export function areDifferent(gold: Written, answer: Written): boolean {
  // 2,7 and 7,2 may be the same list.
  const items = ({ text }: Written) => (/^\d+,\d+$/.test(text) ? text.split(',').sort().join() : null)
  if (items(gold) !== null && items(gold) === items(answer)) return false
  const pairs: [Rational, Rational][] = [[value(gold), value(answer)]]
  if (gold.percent !== answer.percent) pairs.push([gold.shown, answer.shown])
  return pairs.every(([x, y]) => {
    if (same(x, y)) return false
    // Near a rounded decimal on either side, equality depends on the rule for rounded answers.
    const unit = (w: Written) => rational(1n, ten((w.decimals ?? 99) + (w.percent ? 2 : 0)))
    return (
      !less(distance(x, y), unit(gold)) &&
      (answer.decimals === null || answer.decimals < 5 || !less(distance(x, y), unit(answer)))
    )
  })
}
