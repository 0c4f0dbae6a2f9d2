const DIGITS = '零一二三四五六七八九'
const UNITS: Readonly<Record<string, bigint>> = { 十: 10n, 百: 100n, 千: 1000n }
const LARGE: Readonly<Record<string, bigint>> = { 万: 10_000n, 亿: 100_000_000n }
const CHARACTERS = '零〇一二两三四五六七八九十百千万亿'

/** The value of a whole number in Chinese characters, such as 一百二十三 or 二〇二四; `null` if it is not well formed. */
function whole(text: string): bigint | null {
  const s = text.replaceAll('〇', '零').replaceAll('两', '二')
  const digits = [...s].map((c) => DIGITS.indexOf(c))
  if (s.length > 1 && digits.every((k) => k >= 0)) return BigInt(digits.join(''))
  let [total, section] = [0n, 0n]
  let digit: bigint | null = null
  // The unit before, within 万 and in all: 三百五 is 350, and 十百 is no number.
  let unit = 10_000n
  let zero = false
  for (const c of s) {
    const k = DIGITS.indexOf(c)
    if (c === '零') {
      if (digit !== null) return null
      zero = true
    } else if (k >= 0) {
      if (digit !== null) return null
      digit = BigInt(k)
    } else if (UNITS[c]) {
      // 十二 is 12
      if (UNITS[c] >= unit || (digit === null && c !== '十')) return null
      section += (digit ?? 1n) * UNITS[c]
      unit = UNITS[c]
      digit = null
      zero = false
    } else {
      total = (total + section + (digit ?? 0n)) * LARGE[c]!
      if (total === 0n) return null
      section = 0n
      unit = LARGE[c]!
      digit = null
      zero = false
    }
  }
  const last =
    digit !== null && !zero && total + section > 0n && unit > 10n ? digit * (unit / 10n) : (digit ?? 0n)
  const value = total + section + last
  return value > 0n || s === '零' ? value : null
}

const W = `[${CHARACTERS}]{1,20}`
const NUMBER = new RegExp(
  `^(负|- ?)?(?:第)?(?:百分之(${W})(?:点(${W}))?|(${W})分之(${W})|(${W})点(${W})|(${W})|(一半))(?![${CHARACTERS}点分半])`,
)

/** A number in Chinese characters at the start of a text, as LaTeX, with what follows it: 三分之二, 百分之二十, 负五, 十二个. */
export function chineseNumber(text: string): string | null {
  const match = NUMBER.exec(text)
  if (!match) return null
  const [all, minus, percent, percentDecimals, below, above, before, decimals, plain, half] = match
  const value = half
    ? '\\frac{1}{2}'
    : below
      ? fraction(whole(above!), whole(below))
      : percent
        ? decimal(whole(percent), percentDecimals, '\\%')
        : before
          ? decimal(whole(before), decimals, '')
          : whole(plain!)?.toString()
  return value ? `${minus ? '-' : ''}${value}${text.slice(all.length)}` : null
}

const fraction = (top: bigint | null, bottom: bigint | null) =>
  top === null || bottom === null ? null : `\\frac{${top}}{${bottom}}`

function decimal(before: bigint | null, decimals: string | undefined, sign: string): string | null {
  const digits = [...(decimals ?? '').replaceAll('〇', '零').replaceAll('两', '二')].map((c) =>
    DIGITS.indexOf(c),
  )
  if (before === null || digits.includes(-1)) return null
  return `${before}${digits.length > 0 ? `.${digits.join('')}` : ''}${sign}`
}
