import { attribute, getItem, missing } from './access.ts'
import { fail } from './errors.ts'
import { percentFormat } from './format.ts'
import { toJson } from './json.ts'
import { callMethod, replace } from './methods.ts'
import { readFloat, readInteger, toFixedHalfEven } from './numbers.ts'
import { arithmetic, signed } from './operators.ts'
import { applyTest } from './tests.ts'
import { lengthOf, SPACE, splitLines, strip, substring } from './text.ts'
import {
  type Arguments,
  bind,
  compare,
  Dict,
  escapeHtml,
  integerOr,
  isNumber,
  isTrue,
  iterate,
  Lazy,
  length,
  listOf,
  Markup,
  orElse,
  plain,
  str,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

/** Names of the parameters after the value (`?` marks an optional one), and the filter. */
type Filter = readonly [parameters: string, (value: Value, ...args: (Value | undefined)[]) => Value]

const ignoreCase = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value)

/** Reads `a.b.0` of a value; nothing to read gives the value itself. */
function reader(path: Value | undefined, otherwise?: Value): (value: Value) => Value {
  if (path === undefined || path === null) return (value) => value
  const parts =
    typeof path === 'string'
      ? path.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
      : [path]
  return (value) => {
    let found = value
    for (const part of parts) {
      found = getItem(found, part)
      if (found instanceof Undefined && otherwise !== undefined && otherwise !== null) found = otherwise
    }
    return found
  }
}

/** The items that `each` makes of every item, when they are asked for. */
function* lazily(items: Iterable<Value>, each: (item: Value) => Iterable<Value>): IterableIterator<Value> {
  for (const item of items) yield* each(item)
}

/** What `map` and the selecting filters go through: None and other empty values have no items there. */
const itemsOf = (value: Value): Iterable<Value> => (isTrue(value) ? iterate(value) : [])

/** `select`, `reject` and their variants for an attribute: keeps the items whose test says `wanted`. */
const selecting = (wanted: boolean, byAttribute: boolean): ((value: Value, args: Arguments) => Value) => {
  return (value, { positional, named }) => {
    const [path, rest] = byAttribute ? [positional[0], positional.slice(1)] : [undefined, positional]
    if (byAttribute && path === undefined) fail('Missing parameter for attribute name')
    const read = reader(path)
    const [test, ...args] = rest
    const passes = (item: Value): boolean =>
      test === undefined ? isTrue(read(item)) : applyTest(str(test), read(item), { positional: args, named })
    return new Lazy(lazily(itemsOf(value), (item) => (passes(item) === wanted ? [item] : [])))
  }
}

/** Filters that pass arguments on to a filter or a test. */
const PASSING: Readonly<Record<string, (value: Value, args: Arguments) => Value>> = {
  map: (value, { positional, named }) => {
    const [name, ...args] = positional
    if (name === undefined) {
      if (!named.has('attribute')) fail('map requires a filter argument')
      const read = reader(named.get('attribute'), named.get('default'))
      return new Lazy(lazily(itemsOf(value), (item) => [read(item)]))
    }
    return new Lazy(
      lazily(itemsOf(value), (item) => [applyFilter(str(name), item, { positional: args, named })]),
    )
  },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
  format: (value, { positional, named }) => {
    if (positional.length > 0 && named.size > 0)
      fail("can't handle positional and keyword arguments at the same time")
    return percentFormat(str(value), named.size > 0 ? new Dict(named) : new Tuple(positional))
  },
}

const otherwise: Filter = [
  'default_value? boolean?',
  (value, replacement = '', boolean = false) =>
    value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? replacement : value,
]

const size: Filter = ['', (value) => BigInt(length(value))]

const extreme =
  (sign: 1 | -1): Filter[1] =>
  (value, caseSensitive = false, path) => {
    const read = reader(path)
    const key = (item: Value): Value => (isTrue(caseSensitive) ? read(item) : ignoreCase(read(item)))
    const [first, ...rest] = iterate(value)
    if (first === undefined) return new Undefined('No aggregated item, sequence was empty.')
    return rest.reduce((best, item) => (sign * compare(key(item), key(best)) > 0 ? item : best), first)
  }

/** Sorts and keeps the order of equal items, even when reversed. */
function sorted(items: Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  const keyed = items.map((item) => [key(item), item] as const)
  keyed.sort(([a], [b]) => (reverse ? compare(b, a) : compare(a, b)))
  return keyed.map(([, item]) => item)
}

function toInteger(value: Value, base: number): bigint | undefined {
  if (typeof value === 'bigint' || typeof value === 'boolean') return BigInt(value)
  const read = typeof value === 'string' ? readInteger(strip(value, null), base) : undefined
  if (read !== undefined) return read
  const float = toFloat(value)
  return float === undefined || !Number.isFinite(float) ? undefined : BigInt(Math.trunc(float))
}

function toFloat(value: Value): number | undefined {
  if (value instanceof Undefined) return fail(value.message)
  if (isNumber(value)) return Number(value)
  return typeof value === 'string' ? readFloat(strip(value, null)) : undefined
}

/** Python's `round`, and Jinja's `ceil` and `floor`. */
function round(value: Value, precision: Value = 0n, method: Value = 'common'): Value {
  const decimals = integerOr(precision, 0)
  if (method !== 'common' && method !== 'ceil' && method !== 'floor')
    fail('method must be common, ceil or floor')
  if (!isNumber(value)) return fail(`type ${typeName(value)} doesn't define __round__ method`)
  if (method !== 'common') {
    const scaled = Number(value) * 10 ** decimals
    return (method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)) / 10 ** decimals
  }
  if (typeof value === 'number' && decimals >= 0) return Number(toFixedHalfEven(value, decimals))
  const unit = 10 ** Math.max(0, -decimals)
  const rounded = Number(toFixedHalfEven(Number(value) / unit, 0)) * unit
  if (typeof value === 'number') return rounded
  return decimals >= 0 ? BigInt(value) : BigInt(rounded)
}

/** Lists of `count` items; `fill` completes the last. */
function* batches(items: Value[], count: number, fill: Value | undefined): IterableIterator<Value> {
  for (let i = 0; i < items.length; i += count) {
    const batch = items.slice(i, i + count)
    if (fill !== undefined && fill !== null) while (batch.length < count) batch.push(fill)
    yield batch
  }
}

/** As many lists as asked for, the first ones longer by one where it does not divide; `fill` completes the others. */
function* columns(items: Value[], count: number, fill: Value | undefined): IterableIterator<Value> {
  const [size, longer] = [Math.floor(items.length / count), items.length % count]
  let at = 0
  for (let i = 0; i < count; i++) {
    const column = items.slice(at, at + size + (i < longer ? 1 : 0))
    at += column.length
    if (fill !== undefined && fill !== null && i >= longer) column.push(fill)
    yield column
  }
}

/** The text of a filter that takes nothing but text. */
function textOf(value: Value, filter: string): string {
  if (value instanceof Undefined) fail(value.message)
  return typeof value === 'string' ? value : fail(`${filter} wants a string, not ${typeName(value)}`)
}

function indent(value: Value, width: Value = 4n, first: Value = false, blank: Value = false): string {
  const step = typeof width === 'string' ? width : ' '.repeat(Math.max(0, integerOr(width, 4)))
  const [head, ...rest] = splitLines(`${textOf(value, 'indent')}\n`, false)
  const lines = rest.map((line) => (line !== '' || isTrue(blank) ? step + line : line))
  return (isTrue(first) ? step : '') + [head, ...lines].join('\n')
}

function truncate(
  value: Value,
  size: Value = 255n,
  kill: Value = false,
  end: Value = '...',
  leeway: Value = 5n,
): Value {
  const [limit, mark] = [integerOr(size, 255), str(end)]
  if (length(value) <= limit + integerOr(leeway, 5)) return value
  const kept = substring(textOf(value, 'truncate'), 0, limit - lengthOf(mark))
  if (isTrue(kill)) return kept + mark
  const space = kept.lastIndexOf(' ')
  return (space < 0 ? kept : kept.slice(0, space)) + mark
}

const quoteUrl = (value: Value, safe: RegExp): string =>
  Array.from(new TextEncoder().encode(str(value)), (byte) => {
    const character = String.fromCharCode(byte)
    return safe.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')

function urlencode(value: Value): string {
  if (typeof value === 'string' || !(value instanceof Dict || Array.isArray(value) || value instanceof Tuple))
    return quoteUrl(value, /[\w.~/-]/)
  const pairs = value instanceof Dict ? [...value.entries()] : listOf(value).map((pair) => listOf(pair))
  return pairs
    .map((pair) => pair.map((part) => quoteUrl(part!, /[\w.~ -]/).replaceAll(' ', '+')).join('='))
    .join('&')
}

const PLAIN: Readonly<Record<string, Filter>> = {
  abs: [
    '',
    (value) => {
      if (!isNumber(value)) return fail(`bad operand type for abs(): '${typeName(value)}'`)
      return signed(Number(value) < 0 ? '-' : '+', value)
    },
  ],
  attr: [
    'name',
    (value, name) => {
      if (value instanceof Undefined) return fail(value.message)
      return orElse(attribute(value, str(name!)), () => missing(value, name!))
    },
  ],
  batch: [
    'linecount fill_with?',
    (value, count, fill) => new Lazy(batches(listOf(value), integerOr(count, 1), fill)),
  ],
  capitalize: ['', (value) => callMethod(str(value), 'capitalize')],
  center: ['width?', (value, width = 80n) => callMethod(str(value), 'center', width)],
  count: size,
  d: otherwise,
  default: otherwise,
  dictsort: [
    'case_sensitive? by? reverse?',
    (value, caseSensitive = false, by = 'key', reverse = false) => {
      if (by !== 'key' && by !== 'value') fail("You can only sort by either 'key' or 'value'")
      if (!(value instanceof Dict)) return fail(`'${typeName(value)}' object has no attribute 'items'`)
      const pairs = Array.from(value.entries(), (entry) => new Tuple(entry))
      const key = (pair: Value): Value => {
        const part = (pair as Tuple).items[by === 'key' ? 0 : 1]!
        return isTrue(caseSensitive) ? part : ignoreCase(part)
      }
      return sorted(pairs, key, isTrue(reverse))
    },
  ],
  e: ['', escapeHtml],
  escape: ['', escapeHtml],
  first: [
    '',
    (value) =>
      orElse(
        iterate(value)[Symbol.iterator]().next().value,
        () => new Undefined('No first item, sequence was empty.'),
      ),
  ],
  float: ['default?', (value, fallback = 0) => orElse(toFloat(value), () => fallback)],
  forceescape: ['', (value) => escapeHtml(str(value))],
  indent: ['width? first? blank?', indent],
  int: [
    'default? base?',
    (value, fallback = 0n, base) => orElse(toInteger(value, integerOr(base, 10)), () => fallback),
  ],
  items: [
    '',
    (value) => {
      if (value instanceof Undefined) return new Lazy([].values())
      if (!(value instanceof Dict)) return fail('Can only get item pairs from a mapping.')
      return new Lazy(Array.from(value.entries(), (entry) => new Tuple(entry)).values())
    },
  ],
  join: [
    'd? attribute?',
    (value, separator = '', path) => listOf(value).map(reader(path)).map(str).join(str(separator)),
  ],
  last: [
    '',
    (value) => {
      if (value instanceof Lazy) return fail("'generator' object is not reversible")
      return orElse(listOf(value).at(-1), () => new Undefined('No last item, sequence was empty.'))
    },
  ],
  length: size,
  list: ['', listOf],
  lower: ['', (value) => callMethod(str(value), 'lower')],
  max: ['case_sensitive? attribute?', extreme(1)],
  min: ['case_sensitive? attribute?', extreme(-1)],
  replace: [
    'old new count?',
    (value, old, by, count) => replace(str(value), str(old!), str(by!), integerOr(count, -1)),
  ],
  reverse: [
    '',
    (value) => {
      if (typeof value === 'string') return Array.from(value).reverse().join('')
      return new Lazy(listOf(value).reverse().values())
    },
  ],
  round: ['precision? method?', round],
  safe: ['', (value) => new Markup(str(value))],
  slice: [
    'slices fill_with?',
    (value, count, fill) => new Lazy(columns(listOf(value), integerOr(count, 1), fill)),
  ],
  sort: [
    'reverse? case_sensitive? attribute?',
    (value, reverse = false, caseSensitive = false, path) => {
      const readers = typeof path === 'string' ? path.split(',').map((each) => reader(each)) : [reader(path)]
      const key = (item: Value): Value =>
        readers.map((read) => (isTrue(caseSensitive) ? read(item) : ignoreCase(read(item))))
      return sorted(listOf(value), key, isTrue(reverse))
    },
  ],
  string: ['', str],
  striptags: [
    '',
    (value) =>
      str(value)
        .replace(/<!--.*?-->|<[^>]*>/gs, '')
        .replace(new RegExp(`${SPACE}+`, 'gu'), ' ')
        .trim(),
  ],
  sum: [
    'attribute? start?',
    (value, path, start = 0n) =>
      listOf(value)
        .map(reader(path))
        .reduce((sum, item) => arithmetic('+', sum, item), start),
  ],
  title: [
    '',
    (value) =>
      str(value)
        .split(/([-\s({[<]+)/)
        .map((word) => substring(word, 0, 1).toUpperCase() + substring(word, 1).toLowerCase())
        .join(''),
  ],
  tojson: [
    'ensure_ascii? indent? separators? sort_keys?',
    (value, ensureAscii = false, indentation = null, separators = null, sortKeys = false) =>
      toJson(value, { ensureAscii, indent: indentation, separators, sortKeys }),
  ],
  trim: ['chars?', (value, set = null) => callMethod(str(value), 'strip', set)],
  truncate: ['length? killwords? end? leeway?', truncate],
  unique: [
    'case_sensitive? attribute?',
    (value, caseSensitive = false, path) => {
      const read = reader(path)
      const seen = new Dict()
      return new Lazy(
        lazily(iterate(value), (item) => {
          const key = isTrue(caseSensitive) ? read(item) : ignoreCase(read(item))
          if (seen.get(key) !== undefined) return []
          seen.set(key, true)
          return [item]
        }),
      )
    },
  ],
  upper: ['', (value) => callMethod(str(value), 'upper')],
  urlencode: ['', urlencode],
  wordcount: ['', (value) => BigInt(str(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
}

/** All filters: Jinja's own without filesizeformat, groupby, pprint, random, urlize, wordwrap and xmlattr. */
export const FILTERS: { readonly [name: string]: unknown } = { ...PASSING, ...PLAIN }

/** Filters that tell safe text from other text, and those whose result is safe if the text is. */
const SEES_SAFE_TEXT = new Set(['d', 'default', 'e', 'escape'])
const RETURNS_SAFE_TEXT = new Set([
  'capitalize',
  'center',
  'indent',
  'lower',
  'string',
  'title',
  'trim',
  'upper',
])

/** `value | name(…)`. */
export function applyFilter(name: string, value: Value, args: Arguments): Value {
  if (Object.hasOwn(PASSING, name)) return PASSING[name]!(value, args)
  if (!Object.hasOwn(PLAIN, name)) return fail(`unknown filter '${name}'`)
  const [parameters, filter] = PLAIN[name]!
  const result = filter(
    SEES_SAFE_TEXT.has(name) ? value : plain(value),
    ...bind(name, args, parameters === '' ? [] : parameters.split(' ')),
  )
  return value instanceof Markup && RETURNS_SAFE_TEXT.has(name) ? new Markup(str(result)) : result
}
