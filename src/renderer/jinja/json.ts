import { fail } from './errors.ts'
import { floatText } from './numbers.ts'
import { compare, Dict, isNumber, isTrue, plain, Tuple, typeName, type Value } from './values.ts'

/** The keyword arguments of Python's `json.dumps` that Transformers' `tojson` passes on. */
export interface JsonOptions {
  readonly ensureAscii: Value
  readonly indent: Value
  readonly separators: Value
  readonly sortKeys: Value
}

/** `json.dumps(value, ensure_ascii=…, indent=…, separators=…, sort_keys=…)`. */
export function toJson(value: Value, options: JsonOptions): string {
  const { indent } = options
  // True is 1; a number below 1 breaks lines without indenting.
  const step =
    indent === null ? null : typeof indent === 'string' ? indent : ' '.repeat(Math.max(0, Number(indent)))
  const [comma, colon] = separatorsOf(options.separators, step !== null)
  const ascii = isTrue(options.ensureAscii)
  const sorted = isTrue(options.sortKeys)
  const string = (text: string): string => quote(text, ascii)

  const wrap = (open: string, items: readonly string[], close: string, depth: number): string => {
    if (items.length === 0) return open + close
    if (step === null) return open + items.join(comma) + close
    const line = `\n${step.repeat(depth + 1)}`
    return `${open}${line}${items.join(comma + line)}\n${step.repeat(depth)}${close}`
  }
  const write = (given: Value, depth: number): string => {
    const value = plain(given)
    if (typeof value === 'string') return string(value)
    if (value === null || isNumber(value)) return scalar(value)
    const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null
    if (items)
      return wrap(
        '[',
        items.map((item) => write(item, depth + 1)),
        ']',
        depth,
      )
    if (!(value instanceof Dict)) return fail(`Object of type ${typeName(value)} is not JSON serializable`)
    const entries = [...value.entries()]
    if (sorted) entries.sort(([a], [b]) => compare(a, b))
    const members = entries.map(([key, item]) => {
      if (typeof key !== 'string' && key !== null && !isNumber(key))
        fail(`keys must be str, int, float, bool or None, not ${typeName(key)}`)
      return string(typeof key === 'string' ? key : scalar(key as null)) + colon + write(item, depth + 1)
    })
    return wrap('{', members, '}', depth)
  }
  return write(value, 0)
}

function separatorsOf(separators: Value, indented: boolean): [string, string] {
  if (separators === null) return [indented ? ',' : ', ', ': ']
  const items = separators instanceof Tuple ? separators.items : separators
  if (Array.isArray(items) && items.length === 2 && items.every((item) => typeof item === 'string'))
    return items as [string, string]
  return fail('tojson() wants two strings as separators')
}

function scalar(value: null | boolean | bigint | number): string {
  if (typeof value !== 'number') return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? floatText(value) : value > 0 ? 'Infinity' : '-Infinity'
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
}

function quote(text: string, ascii: boolean): string {
  // Without the flag u: a character beyond U+FFFF becomes two escapes.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
  const escaped = text.replace(ascii ? /["\\]|[^ -~]/g : /["\\\x00-\x1f]/g, (character) => {
    return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}
