import { fail } from './errors.ts'
import {
  capitalize,
  lengthOf,
  SPACE,
  split,
  splitLines,
  splitRight,
  strip,
  substring,
  title,
} from './text.ts'
import {
  bind,
  Callable,
  Dict,
  equal,
  escapeHtml,
  integerOr,
  isTrue,
  listOf,
  Markup,
  orElse,
  plain,
  str,
  Tuple,
  typeName,
  type Value,
  View,
} from './values.ts'

/** Names of the parameters (`?` marks an optional one) and the function. */
type Method<T> = readonly [parameters: string, (self: T, ...args: (Value | undefined)[]) => Value]

function text(value: Value | undefined, method: string): string {
  if (typeof value === 'string' || value instanceof Markup) return str(value)
  return fail(`${method}() argument must be str, not ${typeName(value ?? null)}`)
}

const textOrNone = (value: Value | undefined, method: string): string | null =>
  value === undefined || value === null ? null : text(value, method)

/** The part of a string that `find`, `count` or `startswith` looks at, and where it begins. */
function part(
  self: string,
  start: Value | undefined,
  end: Value | undefined,
): [text: string, offset: number] {
  if (start === undefined && end === undefined) return [self, 0]
  const size = lengthOf(self)
  const bound = (value: number): number => Math.min(size, value < 0 ? Math.max(0, value + size) : value)
  const from = bound(integerOr(start, 0))
  return [substring(self, from, Math.max(from, bound(integerOr(end, size)))), from]
}

type Search = (text: string, sought: string) => number
const first: Search = (text, sought) => text.indexOf(sought)
const last: Search = (text, sought) => text.lastIndexOf(sought)

function find(search: Search, ...[self, sought, start, end]: [string, string, Value?, Value?]): bigint {
  const [within, offset] = part(self, start, end)
  const at = search(within, sought)
  return BigInt(at < 0 ? -1 : offset + lengthOf(within.slice(0, at)))
}

const finder =
  (name: string, search: Search, required: boolean): Method<string>[1] =>
  (self, sought, start, end) => {
    const at = find(search, self, text(sought, name), start, end)
    return required && at < 0n ? fail('substring not found') : at
  }

const edge =
  (name: 'startswith' | 'endswith'): Method<string>[1] =>
  (self, sought, start, end) => {
    const [within] = part(self, start, end)
    const options = (sought instanceof Tuple ? sought.items : [sought!]).map(plain)
    return options.some((option) => {
      if (typeof option !== 'string')
        return fail(`${name} first arg must be str or a tuple of str, not ${typeName(option ?? null)}`)
      return name === 'startswith' ? within.startsWith(option) : within.endsWith(option)
    })
  }

const stripper =
  (side: 'left' | 'right' | 'both'): Method<string>[1] =>
  (self, set) =>
    strip(self, textOrNone(set, 'strip'), side)

const justify =
  (before: (missing: number, width: number) => number): Method<string>[1] =>
  (self, width, fill = ' ') => {
    const size = integerOr(width, 0)
    const missing = Math.max(0, size - lengthOf(self))
    const left = before(missing, size)
    const character = text(fill, 'center')
    return character.repeat(left) + self + character.repeat(missing - left)
  }

const splitter =
  (by: typeof split): Method<string>[1] =>
  (self, separator, limit) => {
    const sought = textOrNone(separator, 'split')
    return sought === '' ? fail('empty separator') : by(self, sought, integerOr(limit, -1))
  }

const partition =
  (search: Search): Method<string>[1] =>
  (self, separator) => {
    const sought = text(separator, 'partition')
    if (sought === '') fail('empty separator')
    const at = search(self, sought)
    if (at < 0) return new Tuple(search === first ? [self, '', ''] : ['', '', self])
    return new Tuple([self.slice(0, at), sought, self.slice(at + sought.length)])
  }

const matches =
  (pattern: RegExp): Method<string>[1] =>
  (self) =>
    pattern.test(self)

const hasCase = (self: string): boolean => /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u.test(self)

/** `str.replace`: between all characters if `old` is empty. */
export function replace(self: string, old: string, by: string, limit: number): string {
  if (limit < 0)
    return old === '' ? by + Array.from(self, (c) => c + by).join('') : self.replaceAll(old, () => by)
  if (old === '') {
    const all = Array.from(self)
    return [...all.map((c, i) => (i < limit ? by + c : c)), all.length < limit ? by : ''].join('')
  }
  return split(self, old, limit).join(by)
}

const TEXT: Readonly<Record<string, Method<string>>> = {
  capitalize: ['', capitalize],
  casefold: ['', (self) => self.toLowerCase().replaceAll('ß', 'ss')],
  // With an odd number of spaces left over, Python's rule for the side of the larger half.
  center: ['width fillchar?', justify((missing, width) => Math.floor(missing / 2) + (missing & width & 1))],
  count: [
    'sub start? end?',
    (self, sought, start, end) => {
      const [within] = part(self, start, end)
      const sub = text(sought, 'count')
      return BigInt(sub === '' ? lengthOf(within) + 1 : within.split(sub).length - 1)
    },
  ],
  endswith: ['suffix start? end?', edge('endswith')],
  expandtabs: [
    'tabsize?',
    (self, size) => {
      let column = 0
      return self.replace(/./gsu, (character) => {
        if (character === '\n' || character === '\r') column = 0
        const width = character === '\t' ? integerOr(size, 8) - (column % integerOr(size, 8)) : 1
        if (character !== '\n' && character !== '\r') column += width
        return character === '\t' ? ' '.repeat(width) : character
      })
    },
  ],
  find: ['sub start? end?', finder('find', first, false)],
  index: ['sub start? end?', finder('index', first, true)],
  isalnum: ['', matches(/^[\p{L}\p{N}]+$/u)],
  isalpha: ['', matches(/^\p{L}+$/u)],
  isascii: ['', (self) => Array.from(self).every((character) => character.codePointAt(0)! < 128)],
  isdecimal: ['', matches(/^\p{Nd}+$/u)],
  isdigit: ['', matches(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u)],
  isidentifier: ['', matches(/^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u)],
  islower: ['', (self) => hasCase(self) && !/[\p{Uppercase}\p{Lt}]/u.test(self)],
  isnumeric: ['', matches(/^\p{N}+$/u)],
  isprintable: ['', (self) => !/(?! )[\p{C}\p{Z}]/u.test(self)],
  isspace: ['', matches(new RegExp(`^${SPACE}+$`, 'u'))],
  istitle: ['', (self) => hasCase(self) && title(self) === self],
  isupper: ['', (self) => hasCase(self) && !/[\p{Lowercase}\p{Lt}]/u.test(self)],
  join: [
    'iterable',
    (self, items) =>
      listOf(items!)
        .map(plain)
        .map((item, i) =>
          typeof item === 'string'
            ? item
            : fail(`sequence item ${i}: expected str instance, ${typeName(item)} found`),
        )
        .join(self),
  ],
  ljust: ['width fillchar?', justify(() => 0)],
  lower: ['', (self) => self.toLowerCase()],
  lstrip: ['chars?', stripper('left')],
  partition: ['sep', partition(first)],
  removeprefix: [
    'prefix',
    (self, prefix) =>
      self.startsWith(text(prefix, 'removeprefix')) ? self.slice(text(prefix, '').length) : self,
  ],
  removesuffix: [
    'suffix',
    (self, suffix) => {
      const sought = text(suffix, 'removesuffix')
      return sought !== '' && self.endsWith(sought) ? self.slice(0, -sought.length) : self
    },
  ],
  replace: [
    'old new count?',
    (self, old, by, count) => replace(self, text(old, 'replace'), text(by, 'replace'), integerOr(count, -1)),
  ],
  rfind: ['sub start? end?', finder('rfind', last, false)],
  rindex: ['sub start? end?', finder('rindex', last, true)],
  rjust: ['width fillchar?', justify((missing) => missing)],
  rpartition: ['sep', partition(last)],
  rsplit: ['sep? maxsplit?', splitter(splitRight)],
  rstrip: ['chars?', stripper('right')],
  split: ['sep? maxsplit?', splitter(split)],
  splitlines: ['keepends?', (self, keepEnds = false) => splitLines(self, isTrue(keepEnds))],
  startswith: ['prefix start? end?', edge('startswith')],
  strip: ['chars?', stripper('both')],
  swapcase: [
    '',
    (self) => Array.from(self, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join(''),
  ],
  title: ['', title],
  upper: ['', (self) => self.toUpperCase()],
  zfill: [
    'width',
    (self, width) => {
      const sign = /^[+-]/.exec(self)?.[0] ?? ''
      const missing = integerOr(width, 0) - lengthOf(self)
      return missing > 0 ? sign + '0'.repeat(missing) + self.slice(sign.length) : self
    },
  ],
}

const SEQUENCE: Readonly<Record<string, Method<readonly Value[]>>> = {
  count: ['value', (self, value) => BigInt(self.filter((item) => equal(item, value!)).length)],
  index: [
    'value',
    (self, value) => {
      const at = self.findIndex((item) => equal(item, value!))
      return at < 0 ? fail(`${str(value!)} is not in list`) : BigInt(at)
    },
  ],
}

const LIST: typeof SEQUENCE = { ...SEQUENCE, copy: ['', (self) => [...self]] }

const DICT: Readonly<Record<string, Method<Dict>>> = {
  copy: ['', (self) => new Dict(self.entries())],
  get: ['key default?', (self, key, otherwise = null) => orElse(self.get(key!), () => otherwise)],
  items: [
    '',
    (self) =>
      new View(
        'dict_items',
        Array.from(self.entries(), (entry) => new Tuple(entry)),
      ),
  ],
  keys: ['', (self) => new View('dict_keys', self.keys())],
  values: ['', (self) => new View('dict_values', self.values())],
}

/** What would change a value, which Transformers' sandbox forbids. */
const MUTATORS: Readonly<Record<string, readonly string[]>> = {
  list: ['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
}

/** Whether the sandbox refuses the attribute. */
export const isUnsafe = (value: Value, name: string): boolean =>
  /^__(?:class|init|dict|doc|module|new|reduce|subclasshook|getattribute|mro|base|bases|subclasses|globals|call)__$/.test(
    name,
  ) ||
  (MUTATORS[typeName(value)]?.includes(name) ?? false)

/** `text.name(…)`. */
export const callMethod = (text: string, name: keyof typeof TEXT, ...positional: Value[]): Value =>
  bound(TEXT, text, name)!.call({ positional, named: new Map() })

/** A method of Python's `str`, `list`, `tuple` or `dict`, bound to the value; undefined if there is none of the name. */
export function methodOf(value: Value, name: string): Callable | undefined {
  if (typeof value === 'string') return bound(TEXT, value, name)
  if (value instanceof Markup) return onMarkup(value, name)
  if (Array.isArray(value)) return bound(LIST, value, name)
  if (value instanceof Tuple) return bound(SEQUENCE, value.items, name)
  return value instanceof Dict ? bound(DICT, value, name) : undefined
}

/** A method of safe text escapes its arguments, and text that it returns is safe. */
function onMarkup({ text }: Markup, name: string): Callable | undefined {
  const method = bound(TEXT, text, name)
  return (
    method &&
    new Callable(name, ({ positional, named }) => {
      const safe = (value: Value): Value =>
        typeof value === 'string' ? escapeHtml(value).text : plain(value)
      const result = method.call({
        positional: positional.map(safe),
        named: new Map(Array.from(named, ([key, value]) => [key, safe(value)])),
      })
      if (typeof result === 'string') return new Markup(result)
      return Array.isArray(result) ? result.map((part) => new Markup(str(part))) : result
    })
  )
}

function bound<T>(methods: Readonly<Record<string, Method<T>>>, self: T, name: string): Callable | undefined {
  if (!Object.hasOwn(methods, name)) return undefined
  const [parameters, method] = methods[name]!
  const names = parameters === '' ? [] : parameters.split(' ')
  return new Callable(name, (args) => method(self, ...bind(name, args, names)))
}

/** The character of a string or the item of a list at an index, also a negative one. */
export function itemAt<T>(items: ArrayLike<T>, index: bigint | boolean): T | undefined {
  const at = Number(index)
  return items[at < 0 ? at + items.length : at]
}
