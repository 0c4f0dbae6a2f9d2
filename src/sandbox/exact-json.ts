/**
 * A JSON value in which numbers keep their spelling: numbers are strings that begin with `#`; strings and keys begin with
 * `$`. As JavaScript numbers, 2⁵³ + 1 would become 2⁵³, and 1.0 would become 1.
 */
export type Exact = string | boolean | null | readonly Exact[] | { readonly [key: string]: Exact }

/** Parses JSON. @throws SyntaxError if it is not JSON, RangeError if it is nested too deeply. */
export function parseExact(text: string): Exact {
  JSON.parse(text)
  return JSON.parse(
    rewrite(text, {
      string: (literal) => `"$${literal.slice(1)}`,
      number: (literal) => `"#${literal}"`,
    }),
  )
}

/** The inverse of `parseExact`. */
export function stringifyExact(value: Exact): string {
  return rewrite(JSON.stringify(value), {
    string: (literal) => (literal[1] === '#' ? literal.slice(2, -1) : `"${literal.slice(2)}`),
    number: (literal) => literal,
  })
}

/**
 * Whether two values are equal. Numbers are compared by value, integers exactly; the order of keys makes no difference.
 * Numbers that differ are the same if `near` says so of their spellings.
 */
export function sameExact(
  a: Exact,
  b: Exact,
  near: (a: string, b: string) => boolean = () => false,
): boolean {
  if (typeof a === 'string' && typeof b === 'string')
    return (
      a === b ||
      (a[0] === '#' && b[0] === '#' && (sameNumber(a.slice(1), b.slice(1)) || near(a.slice(1), b.slice(1))))
    )
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameExact(Reflect.get(a, key), Reflect.get(b, key), near))
  )
}

/** Most characters of a double that is an integer, with its sign. */
const LONGEST_DOUBLE = 310

/** Whether two different spellings are the same number. */
function sameNumber(a: string, b: string): boolean {
  const [wholeA, wholeB] = [a, b].map((text) => /^-?\d+$/.test(text))
  // An integer has one spelling, except for -0.
  if (wholeA && wholeB) return /^-?0$/.test(a) && /^-?0$/.test(b)
  if (wholeA) return sameNumber(b, a)
  const x = Number(a)
  // An integer is compared with all its digits, more than doubles have.
  return wholeB
    ? b.length <= LONGEST_DOUBLE && Number.isInteger(x) && BigInt(x) === BigInt(b)
    : Number.isFinite(x) && x === Number(b)
}

type Rewriting = Record<'string' | 'number', (literal: string) => string>

/** Replaces the string and number literals of a valid JSON text. */
function rewrite(text: string, { string, number }: Rewriting): string {
  const parts: string[] = []
  let kept = 0
  for (let at = 0; at < text.length; ) {
    const c = text[at]!
    let end = at + 1
    if (c === '"') {
      while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
      end++
      parts.push(text.slice(kept, at), string(text.slice(at, end)))
      kept = end
    } else if (c === '-' || (c >= '0' && c <= '9')) {
      while (end < text.length && '+-.eE0123456789'.includes(text[end]!)) end++
      parts.push(text.slice(kept, at), number(text.slice(at, end)))
      kept = end
    }
    at = end
  }
  parts.push(text.slice(kept))
  return parts.join('')
}
