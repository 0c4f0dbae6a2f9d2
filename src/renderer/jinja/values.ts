import { fail } from './errors.ts'
import { floatText } from './numbers.ts'
import { characters, compareText, lengthOf } from './text.ts'

/** A Python value: None is null, an integer is a bigint, a float is a number, a list is an array. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Value[]
  | Tuple
  | Dict
  | View
  | Range
  | Lazy
  | Markup
  | Undefined
  | Callable
  | Instance

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** Keys that are equal in Python are one key: 1, 1.0 and True. */
export class Dict {
  readonly #entries = new Map<unknown, readonly [Value, Value]>()

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }
  get size(): number {
    return this.#entries.size
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(hash(key))?.[1]
  }
  set(key: Value, value: Value): void {
    const hashed = hash(key)
    this.#entries.set(hashed, [this.#entries.get(hashed)?.[0] ?? key, value])
  }
  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }
  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value)
  }
  entries(): Iterable<readonly [Value, Value]> {
    return this.#entries.values()
  }
}

function hash(key: Value): unknown {
  if (typeof key === 'boolean') return BigInt(key)
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key)
  if (key instanceof Tuple) return `(${key.items.map((item) => `${typeName(item)} ${String(hash(item))}`)})`
  if (key instanceof Markup) return key.text
  if (Array.isArray(key) || key instanceof Dict) return fail(`unhashable type: '${typeName(key)}'`)
  return key
}

/** What `dict.keys()`, `values()` and `items()` return: has a length and can be iterated, but not indexed. */
export class View {
  constructor(
    readonly type: 'dict_keys' | 'dict_values' | 'dict_items',
    readonly items: readonly Value[],
  ) {}
}

export class Range {
  readonly items: readonly Value[]
  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    const items: Value[] = []
    for (let i = start; step > 0n ? i < stop : i > stop; i += step) {
      // The limit of Jinja's sandbox.
      if (items.length === 100_000)
        fail('Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).')
      items.push(i)
    }
    this.items = items
  }
}

/** A generator: can be iterated once, and has no length. */
export class Lazy {
  constructor(readonly items: IterableIterator<Value>) {}
}

/** Text that the template calls safe. It escapes other text that is joined to it. */
export class Markup {
  constructor(readonly text: string) {}
}

/** Text with the characters of HTML escaped, which safe text is already. */
export function escapeHtml(value: Value): Markup {
  if (value instanceof Markup) return value
  const escaped = str(value).replace(/[&<>'"]/g, (character) => `&${HTML[character]};`)
  return new Markup(escaped)
}

const HTML: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', "'": '#39', '"': '#34' }

/** Safe text as a plain string; any other value as it is. */
export const plain = (value: Value): Exclude<Value, Markup> => (value instanceof Markup ? value.text : value)

/** A variable or attribute that does not exist. It prints as nothing; most other uses are the error `message`. */
export class Undefined {
  constructor(readonly message: string) {}
}

/** `value`, or what `otherwise` returns if there is none; `??` would take None for nothing. */
export const orElse = <T extends Value>(value: Value | undefined, otherwise: () => T): Value =>
  value === undefined ? otherwise() : value

/** An integer where Python wants one; `otherwise` for None and for an argument that is not given. */
export function integerOr(value: Value | undefined, otherwise: number): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value)
  return fail(`'${typeName(value)}' object cannot be interpreted as an integer`)
}

/** The arguments of a call. */
export interface Arguments {
  readonly positional: readonly Value[]
  readonly named: ReadonlyMap<string, Value>
}

export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Arguments) => Value,
    readonly attributes: Readonly<Record<string, Value>> = {},
  ) {}
}

/** An object of Jinja's own: `loop`, a namespace, a cycler. */
export class Instance {
  constructor(
    readonly type: string,
    readonly attributes: Map<string, Value>,
    readonly call?: (args: Arguments) => Value,
  ) {}
}

/**
 * The arguments of a call by the names of the function's parameters; undefined where one is not given. A name that ends in
 * `?` is optional.
 */
export function bind(
  name: string,
  { positional, named }: Arguments,
  parameters: readonly string[],
): (Value | undefined)[] {
  if (positional.length > parameters.length)
    fail(`${name}() takes at most ${parameters.length} arguments (${positional.length} given)`)
  const names = parameters.map((parameter) => parameter.replace('?', ''))
  const bound: (Value | undefined)[] = [...positional]
  for (const [key, value] of named) {
    const i = names.indexOf(key)
    if (i < 0) fail(`${name}() got an unexpected keyword argument '${key}'`)
    if (i < positional.length) fail(`${name}() got multiple values for argument '${key}'`)
    bound[i] = value
  }
  for (const [i, parameter] of parameters.entries())
    if (bound[i] === undefined && !parameter.endsWith('?'))
      fail(`${name}() missing required argument: '${parameter}'`)
  return bound
}

/** A value of JSON as Python reads it. A number that is an integer in JavaScript is an integer. */
export function fromJson(value: unknown): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value === 'object')
    return new Dict(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, fromJson(item)]),
    )
  return fail(`a template cannot be given a ${typeof value}`)
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'float'
  if (typeof value === 'string') return 'str'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Tuple) return 'tuple'
  if (value instanceof Dict) return 'dict'
  if (value instanceof Range) return 'range'
  if (value instanceof Lazy) return 'generator'
  if (value instanceof Markup) return 'Markup'
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Callable) return 'function'
  return value.type
}

/** How Jinja names an object in the message of an undefined attribute. */
export const describe = (value: Value): string => (value === null ? 'None' : `${typeName(value)} object`)

export function isTrue(value: Value): boolean {
  if (value instanceof Undefined) return false
  if (value instanceof Markup) return value.text !== ''
  if (value instanceof Dict) return value.size > 0
  if (value instanceof Tuple || value instanceof View || value instanceof Range) return value.items.length > 0
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null ? true : Boolean(value)
}

/** Whether this is a number in Python, where True is 1. */
export const isNumber = (value: Value): value is boolean | bigint | number =>
  typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'number'

/** Compares an integer with a float exactly. */
function sameNumber(a: boolean | bigint | number, b: boolean | bigint | number): boolean {
  const [x, y] = [typeof a === 'boolean' ? BigInt(a) : a, typeof b === 'boolean' ? BigInt(b) : b]
  // biome-ignore lint/suspicious/noDoubleEquals: 1n == 1 is what Python means
  return x == y
}

export function equal(left: Value, right: Value): boolean {
  const [a, b] = [plain(left), plain(right)]
  if (isNumber(a) && isNumber(b)) return sameNumber(a, b)
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b)
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items)
  if (a instanceof Range) return b instanceof Range && sameItems(a.items, b.items)
  if (a instanceof Undefined) return b instanceof Undefined
  if (a instanceof Dict) {
    if (!(b instanceof Dict) || a.size !== b.size) return false
    for (const [key, value] of a.entries()) {
      const other = b.get(key)
      if (other === undefined || !equal(value, other)) return false
    }
    return true
  }
  return a === b
}

const sameItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, i) => equal(item, b[i]!))

/** Negative, zero or positive, for a value that is smaller, equal or greater. `operator` is for the error. */
export function compare(left: Value, right: Value, operator = '<'): number {
  const [a, b] = [plain(left), plain(right)]
  for (const value of [a, b]) if (value instanceof Undefined) fail(value.message)
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : sameNumber(a, b) ? 0 : Number.NaN
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  const lists = Array.isArray(a) && Array.isArray(b) ? [a, b] : null
  const tuples = a instanceof Tuple && b instanceof Tuple ? [a.items, b.items] : null
  const [x, y] =
    lists ??
    tuples ??
    fail(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`)
  for (let i = 0; i < x!.length && i < y!.length; i++)
    if (!equal(x![i]!, y![i]!)) return compare(x![i]!, y![i]!, operator)
  return x!.length - y!.length
}

/** What a `for` loop over the value goes through. */
export function iterate(value: Value): Iterable<Value> {
  if (typeof value === 'string') return Array.from(characters(value))
  if (Array.isArray(value)) return value
  if (value instanceof Tuple || value instanceof View || value instanceof Range || value instanceof Lazy)
    return value.items
  if (value instanceof Dict) return value.keys()
  if (value instanceof Markup) return iterate(value.text)
  if (value instanceof Undefined) return []
  return fail(`'${typeName(value)}' object is not iterable`)
}

export const listOf = (value: Value): Value[] => [...iterate(value)]

export function length(value: Value): number {
  if (typeof value === 'string' || value instanceof Markup) return lengthOf(str(value))
  if (Array.isArray(value)) return value.length
  if (value instanceof Tuple || value instanceof View || value instanceof Range) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof Undefined) return 0
  return fail(`object of type '${typeName(value)}' has no len()`)
}

/** `item in container`. */
export function contains(within: Value, sought: Value): boolean {
  const [container, item] = [plain(within), plain(sought)]
  if (typeof container === 'string') {
    if (item instanceof Undefined) fail(item.message)
    if (typeof item !== 'string') fail(`'in <string>' requires string as left operand, not ${typeName(item)}`)
    return container.includes(item as string)
  }
  if (container instanceof Dict) return container.get(item) !== undefined
  if (
    container === null ||
    isNumber(container) ||
    container instanceof Callable ||
    container instanceof Instance
  )
    fail(`argument of type '${typeName(container)}' is not iterable`)
  for (const each of iterate(container)) if (equal(each, item)) return true
  return false
}

/** `str(value)`, which is what `{{ value }}` prints. */
export function str(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Undefined) return ''
  return value instanceof Markup ? value.text : repr(value)
}

/** `repr(value)`. */
export function repr(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'bigint') return `${value}`
  if (typeof value === 'number') return floatText(value)
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (value instanceof Tuple)
    return `(${value.items.map(repr).join(', ')}${value.items.length === 1 ? ',' : ''})`
  if (value instanceof Markup) return `Markup(${quote(value.text)})`
  if (value instanceof Dict)
    return `{${Array.from(value.entries(), ([key, item]) => `${repr(key)}: ${repr(item)}`).join(', ')}}`
  if (value instanceof View) return `${value.type}([${value.items.map(repr).join(', ')}])`
  if (value instanceof Range)
    return `range(${value.start}, ${value.stop}${value.step === 1n ? '' : `, ${value.step}`})`
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Instance && value.type === 'Namespace')
    return `<Namespace ${repr(new Dict(value.attributes))}>`
  return fail(`a ${typeName(value)} cannot be printed`)
}

const QUOTED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A string as Python's source would write it. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\\'"\p{C}\p{Z}]/gu, (character) => {
    if (QUOTED[character]) return QUOTED[character]
    if (character === '"' || character === "'") return character === mark ? `\\${character}` : character
    if (character === ' ') return ' '
    const code = character.codePointAt(0)!
    const digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8
    return `\\${digits === 2 ? 'x' : digits === 4 ? 'u' : 'U'}${code.toString(16).padStart(digits, '0')}`
  })
  return mark + escaped + mark
}
