import { fail } from './errors.ts'
import { floatText, toFixedHalfEven } from './numbers.ts'
import { lengthOf, substring } from './text.ts'
import {
  type Arguments,
  Dict,
  isNumber,
  orElse,
  repr,
  str,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

interface Specification {
  readonly fill: string
  readonly align: string
  readonly sign: string
  readonly alternate: boolean
  readonly width: number
  readonly comma: string
  readonly precision: number | null
  readonly type: string
}

/** `format % value`, as in `'%s: %.2f' % (name, x)`. */
export function percentFormat(format: string, value: Value): string {
  const items = value instanceof Tuple ? value.items : [value]
  let next = 0
  const take = (): Value => {
    if (next >= items.length) fail('not enough arguments for format string')
    return items[next++]!
  }
  const pattern = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?[hlL]?(.)?/gs
  const text = format.replace(
    pattern,
    (_, key?: string, flags = '', width?: string, precision?: string, type = '') => {
      if (type === '%') return '%'
      const number = (part?: string): number | null =>
        part === undefined ? null : Number(part === '*' ? take() : part)
      const specification: Specification = {
        fill: flags.includes('0') && !flags.includes('-') ? '0' : ' ',
        align: flags.includes('-') ? '<' : flags.includes('0') ? '=' : '>',
        sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
        alternate: flags.includes('#'),
        width: number(width) ?? 0,
        comma: '',
        precision: number(precision),
        type,
      }
      if (key !== undefined && !(value instanceof Dict)) fail('format requires a mapping')
      const item =
        key === undefined ? take() : orElse((value as Dict).get(key), () => fail(`KeyError: ${repr(key)}`))
      if ('sra'.includes(type) && type !== '') {
        const shown = type === 's' ? str(item) : repr(item)
        return pad(cut(shown, specification.precision), { ...specification, fill: ' ' })
      }
      if (type === 'c')
        return pad(typeof item === 'bigint' ? String.fromCodePoint(Number(item)) : str(item), specification)
      if (!'diuoxXeEfFgG'.includes(type) || type === '') fail(`unsupported format character '${type}'`)
      if (!isNumber(item)) return fail(`%${type} format: a real number is required, not ${typeName(item)}`)
      const read = { ...specification, type: 'iu'.includes(type) ? 'd' : type }
      if (!'diuoxX'.includes(type)) return formatNumber(Number(item), read)
      return formatNumber(typeof item === 'number' ? BigInt(Math.trunc(item)) : BigInt(item), read)
    },
  )
  if (value instanceof Tuple && next < items.length)
    fail('not all arguments converted during string formatting')
  if (next === 0 && !(value instanceof Tuple || hasItems(value)))
    fail('not all arguments converted during string formatting')
  return text
}

/** A value that `%` may read by key, so that it is no error if nothing is read. */
const hasItems = (value: Value): boolean =>
  value instanceof Dict || Array.isArray(value) || value instanceof Undefined

/** `format.format(…)`. `member` reads an attribute or an item of a value, as the sandbox allows. */
export function braceFormat(
  format: string,
  { positional, named }: Arguments,
  member: (object: Value, key: Value, isAttribute: boolean) => Value,
): string {
  let automatic = 0
  const field = (text: string): string => {
    const [, name, path, conversion, specification] =
      /^([^.[!:]*)((?:\.[^.[!:]+|\[[^\]]*\])*)(?:!(.))?(?::(.*))?$/s.exec(text) ??
      fail(`a replacement field cannot be read: {${text}}`)
    const index = name === '' ? automatic++ : /^\d+$/.test(name!) ? Number(name) : null
    const given = index === null ? named.get(name!) : positional[index]
    let value = orElse(given, () =>
      fail(
        index === null
          ? `KeyError: ${repr(name!)}`
          : 'Replacement index out of range for positional args tuple',
      ),
    )
    for (const [part, attribute, item] of path!.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g)) {
      const key = part!.startsWith('.') ? attribute! : item!
      value = member(value, /^\d+$/.test(key) && item !== undefined ? BigInt(key) : key, item === undefined)
    }
    if (conversion === 'r' || conversion === 'a') value = repr(value)
    else if (conversion === 's') value = str(value)
    // A specification may hold fields of its own.
    return formatValue(
      value,
      (specification ?? '').replace(/\{([^{}]*)\}/g, (_, inner: string) => field(inner)),
    )
  }
  return format.replace(/\{\{|\}\}|\{((?:[^{}]|\{[^{}]*\})*)\}|[{}]/g, (whole, content?: string) => {
    if (whole === '{{' || whole === '}}') return whole[0]!
    if (content === undefined) return fail(`Single '${whole}' encountered in format string`)
    return field(content)
  })
}

/** `format(value, specification)`. */
function formatValue(value: Value, specification: string): string {
  if (specification === '') return str(value)
  const match = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su.exec(
    specification,
  )
  if (!match) return fail(`Invalid format specifier '${specification}'`)
  const [, fill, align, sign, alternate, zero, width, comma, precision, type] = match
  const read: Specification = {
    fill: fill ?? (zero ? '0' : ' '),
    align: align ?? (zero ? '=' : isNumber(value) ? '>' : '<'),
    sign: sign ?? '-',
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    comma: comma ?? '',
    precision: precision === undefined ? null : Number(precision),
    type: type ?? '',
  }
  if (typeof value === 'string') {
    if (read.type !== '' && read.type !== 's')
      fail(`Unknown format code '${read.type}' for object of type 'str'`)
    return pad(cut(value, read.precision), read)
  }
  if (!isNumber(value)) return fail(`unsupported format string passed to ${typeName(value)}.__format__`)
  if (typeof value === 'boolean' && read.type === '') return pad(str(value), read)
  const whole = typeof value === 'boolean' ? BigInt(value) : value
  const isInteger = typeof whole === 'bigint' && !'eEfFgG%'.includes(read.type || 'd')
  return formatNumber(isInteger ? whole : Number(whole), read)
}

function formatNumber(value: bigint | number, read: Specification): string {
  const negative = value < 0 || Object.is(value, -0)
  const size = negative ? -value : value
  const base = { x: 16, X: 16, o: 8, b: 2 }[read.type]
  let digits: string
  if (base !== undefined) digits = (read.alternate ? `0${read.type}` : '') + size.toString(base)
  else if (typeof size === 'bigint') digits = `${size}`
  else digits = formatFloat(size, read)
  if (read.type === 'X' || read.type === 'E' || read.type === 'G') digits = digits.toUpperCase()
  if (read.comma) digits = digits.replace(/^\d+/, (whole) => whole.replace(/\B(?=(?:\d{3})+$)/g, read.comma))
  const sign = negative ? '-' : read.sign === '-' ? '' : read.sign
  if (read.align === '=') return sign + digits.padStart(read.width - sign.length, read.fill)
  return pad(sign + digits, read)
}

function formatFloat(size: number, { type, precision }: Specification): string {
  if (!Number.isFinite(size)) return Number.isNaN(size) ? 'nan' : 'inf'
  const exponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')
  switch (type) {
    case 'f':
    case 'F':
      return toFixedHalfEven(size, precision ?? 6)
    case '%':
      return `${toFixedHalfEven(size * 100, precision ?? 6)}%`
    case 'e':
    case 'E':
      return exponent(size.toExponential(precision ?? 6))
    case '':
      if (precision === null) return floatText(size)
  }
  // General format: `precision` significant digits without trailing zeros.
  const significant = Math.max(1, precision ?? 6)
  const scientific = size.toExponential(significant - 1)
  const power = Number(scientific.split('e')[1])
  const plain = power >= -4 && power < significant
  const text = plain ? size.toFixed(significant - 1 - power) : scientific
  return exponent(text.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, ''))
}

const cut = (text: string, precision: number | null): string =>
  precision === null ? text : substring(text, 0, precision)

function pad(text: string, { width, fill, align }: Specification): string {
  const missing = Math.max(0, width - lengthOf(text))
  const before = align === '>' || align === '=' ? missing : align === '^' ? Math.floor(missing / 2) : 0
  return fill.repeat(before) + text + fill.repeat(missing - before)
}
