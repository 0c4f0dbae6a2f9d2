/** Numbers as Python writes, reads and rounds them. */

/** The shortest digits that read back as the float; an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= 16)
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** `int(text, base)`; undefined if it is not a number. */
export function readInteger(text: string, base: number): bigint | undefined {
  const match = /^([+-]?)(0[xob])?([\da-z]+(?:_[\da-z]+)*)$/.exec(text.toLowerCase())
  if (!match) return undefined
  const [, sign, prefix, digits] = match
  if (prefix !== undefined && { '0x': 16, '0o': 8, '0b': 2 }[prefix] !== base) return undefined
  let size = 0n
  for (const digit of digits!.replaceAll('_', '')) {
    const value = Number.parseInt(digit, 36)
    if (value >= base) return undefined
    size = size * BigInt(base) + BigInt(value)
  }
  return sign === '-' ? -size : size
}

/** `float(text)`; undefined if it is not a number. */
export function readFloat(text: string): number | undefined {
  const plain = text.toLowerCase().replace(/(?<=\d)_(?=\d)/g, '')
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(plain)) return Number(plain)
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(plain)
  if (!special) return undefined
  if (special[2] === 'nan') return Number.NaN
  return special[1] === '-' ? -Infinity : Infinity
}

/** A fixed number of decimals; a value exactly between two goes to the even one, where `toFixed` takes the larger. */
export function toFixedHalfEven(value: number, decimals: number): string {
  if (value < 0) return `-${toFixedHalfEven(-value, decimals)}`
  if (value >= 1e21) return `${BigInt(value)}${decimals > 0 ? `.${'0'.repeat(decimals)}` : ''}`
  const rounded = value.toFixed(decimals)
  const exact = value.toFixed(100)
  const rest = exact.slice(exact.indexOf('.') + 1 + decimals)
  const isTie = /^50*$/.test(rest)
  if (!isTie || !/[13579]$/.test(rounded)) return rounded
  return exact.slice(0, exact.length - rest.length).replace(/\.$/, '')
}
