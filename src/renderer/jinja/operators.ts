import { fail } from './errors.ts'
import { percentFormat } from './format.ts'
import { characters } from './text.ts'
import {
  Dict,
  escapeHtml,
  isNumber,
  Markup,
  plain,
  Range,
  str,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

type Numeric = bigint | number
const numeric = (value: boolean | bigint | number): Numeric =>
  typeof value === 'boolean' ? BigInt(value) : value

/** The arithmetic of Python: `+ - * / // % **` on numbers, text and lists. */
export function arithmetic(operator: string, left: Value, right: Value): Value {
  if (left instanceof Markup || right instanceof Markup) return onMarkup(operator, left, right)
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right)
  for (const value of [left, right]) if (value instanceof Undefined) fail(value.message)
  if (isNumber(left) && isNumber(right)) return onNumbers(operator, numeric(left), numeric(right))
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return left + right
    if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right]
    if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items])
    if (typeof left === 'string' || Array.isArray(left) || left instanceof Tuple)
      fail(`can only concatenate ${typeName(left)} (not "${typeName(right)}") to ${typeName(left)}`)
  }
  if (operator === '*') {
    const [sequence, count] = isNumber(left) ? [right, left] : [left, right]
    const isSequence = typeof sequence === 'string' || Array.isArray(sequence) || sequence instanceof Tuple
    if (isSequence && typeof count !== 'bigint' && typeof count !== 'boolean')
      fail(`can't multiply sequence by non-int of type '${typeName(count)}'`)
    if (typeof count === 'bigint' || typeof count === 'boolean') {
      const times = Math.max(0, Number(count))
      if (typeof sequence === 'string') return sequence.repeat(times)
      if (Array.isArray(sequence)) return Array.from({ length: times }, () => sequence).flat(1) as Value[]
      if (sequence instanceof Tuple)
        return new Tuple(Array.from({ length: times }, () => sequence.items).flat(1) as Value[])
    }
  }
  return fail(
    `unsupported operand type(s) for ${operator === '**' ? '** or pow()' : operator}: '${typeName(left)}' and '${typeName(right)}'`,
  )
}

/** Safe text escapes what is joined to it. */
function onMarkup(operator: string, left: Value, right: Value): Value {
  const isText = (value: Value): boolean => typeof value === 'string' || value instanceof Markup
  if (operator === '+' && isText(left) && isText(right))
    return new Markup(escapeHtml(left).text + escapeHtml(right).text)
  const result = arithmetic(operator, plain(left), operator === '%' ? right : plain(right))
  return left instanceof Markup || operator === '*' ? new Markup(str(result)) : result
}

function onNumbers(operator: string, left: Numeric, right: Numeric): Value {
  const [x, y] = [Number(left), Number(right)]
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    switch (operator) {
      case '+':
        return left + right
      case '-':
        return left - right
      case '*':
        return left * right
      case '**':
        return right < 0n ? x ** y : left ** right
      case '//':
      case '%': {
        if (right === 0n) fail('integer division or modulo by zero')
        // The remainder has the sign of the divisor.
        const remainder = ((left % right) + right) % right
        return operator === '%' ? remainder : (left - remainder) / right
      }
    }
  }
  if (y === 0 && ['/', '//', '%'].includes(operator)) fail('division by zero')
  if (operator === '**' && x === 0 && y < 0) fail('0.0 cannot be raised to a negative power')
  switch (operator) {
    case '+':
      return x + y
    case '-':
      return x - y
    case '*':
      return x * y
    case '/':
      return x / y
    case '//':
      return Math.floor(x / y)
    case '%':
      if (x % y === 0) return y < 0 ? -0 : 0
      return x < 0 === y < 0 ? x % y : (x % y) + y
    default:
      return x ** y
  }
}

/** `-value` and `+value`. */
export function signed(operator: string, value: Value): Value {
  if (value instanceof Undefined) return fail(value.message)
  if (!isNumber(value)) return fail(`bad operand type for unary ${operator}: '${typeName(value)}'`)
  const number = numeric(value)
  return operator === '-' ? -number : number
}

/** The key of an item that is `start:stop:step`. */
export class Slice {
  constructor(
    readonly start: Value,
    readonly stop: Value,
    readonly step: Value,
  ) {}
}

/** `value[start:stop:step]`. */
export function slice(value: Value, key: Slice): Value {
  const pick = <T>(items: ArrayLike<T>): T[] => indices(items.length, key).map((i) => items[i]!)
  if (typeof value === 'string') return pick(characters(value)).join('')
  if (value instanceof Markup) return new Markup(pick(characters(value.text)).join(''))
  if (Array.isArray(value)) return pick(value)
  if (value instanceof Tuple) return new Tuple(pick(value.items))
  if (value instanceof Range) {
    const items = pick(value.items) as bigint[]
    const by = value.step * ((key.step as bigint | null) ?? 1n)
    return items.length === 0 ? new Range(0n, 0n, 1n) : new Range(items[0]!, items.at(-1)! + by, by)
  }
  if (value instanceof Undefined) return fail(value.message)
  if (value instanceof Dict) return fail("unhashable type: 'slice'")
  return fail(`'${typeName(value)}' object is not subscriptable`)
}

function indices(length: number, { start, stop, step }: Slice): number[] {
  const integer = (value: Value): number | null => {
    if (value === null) return null
    if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value)
    return fail('slice indices must be integers or None or have an __index__ method')
  }
  const by = integer(step) ?? 1
  if (by === 0) fail('slice step cannot be zero')
  // The outermost positions that a bound is limited to.
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1]
  const bound = (value: number | null, otherwise: number): number =>
    value === null ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + length : value))
  const first = bound(integer(start), by > 0 ? low : high)
  const last = bound(integer(stop), by > 0 ? high : low)
  const found: number[] = []
  for (let i = first; by > 0 ? i < last : i > last; i += by) found.push(i)
  return found
}
