import { type Expression, exactNumber, mapChildren } from '../terms/expression.ts'
import { rational } from '../terms/rational.ts'
import { folded } from '../terms/things.ts'
import { GREEK_NAMES } from './characters.ts'
import { type Cursor, Unreadable } from './cursor.ts'
import { derivative } from './derivative.ts'
import { isNumberWord, numberWords } from './number-words.ts'
import { environment } from './parse-matrix.ts'
import { CURRENCIES } from './parse-unit.ts'
import type { Token } from './tokens.ts'

/** Functions of one argument that need no parentheses. */
const FUNCTIONS = new Set(
  'sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arccot arcsec arccsc arsinh arcosh artanh ln lg log exp det sgn arg Re Im cis'.split(
    ' ',
  ),
)
/** Functions with their arguments in parentheses. */
const CALLS = new Set('gcd lcm max min floor ceil abs cbrt factorial binom'.split(' '))
const INVERSE: Record<string, string> = {
  sin: 'arcsin',
  cos: 'arccos',
  tan: 'arctan',
  cot: 'arccot',
  sec: 'arcsec',
  csc: 'arccsc',
  sinh: 'arsinh',
  cosh: 'arcosh',
  tanh: 'artanh',
}
/** Commands that end an atom or separate atoms. */
const BETWEEN = new Set(
  'le ge ne lt gt approx sim in notin equiv subset subseteq to cup cap setminus times cdot div pm mp plus minus equals mod pmod over choose atop Rightarrow iff therefore because } rfloor rceil rangle wedge vee end percent degree mid hline colon item'.split(
    ' ',
  ),
)
const UNKNOWN_FUNCTIONS = /^[fghFGH]$/

/** Whether the next token begins an atom. */
export function startsAtom(c: Cursor): boolean {
  const token = c.peek()
  if (!token) return false
  switch (token.kind) {
    case 'number':
      return true
    case 'letter':
      // 10 \text{m}: a unit
      return true
    case 'mark':
      if (token.text === '|') return !c.builder
      if (token.text === '[') return !c.french && !(c.brackets > 0 && endsAfter(c))
      if (token.text === ']') return opensFrench(c)
      if (token.text in CURRENCIES) return startsAmount(c.peek(1))
      return token.text === '(' || token.text === '{'
    case 'command':
      return !BETWEEN.has(token.text)
    default:
      return false
  }
}

/** Whether a token after a currency sign begins a number. */
const startsAmount = (token: Token | undefined) =>
  token?.kind === 'number' ||
  (token?.kind === 'word' && isNumberWord(token.text)) ||
  (token?.kind === 'command' && token.text === 'frac')

/** Whether the next token is a bar that closes: any bar inside bars that is not marked by \left. */
export const closesBars = (c: Cursor) =>
  c.mark('|') && (c.peek()!.side === 'right' || (c.bars > 0 && c.peek()!.side !== 'left'))

/** Whether `]` opens an interval, as in `]a, b[`: only if there is no open bracket that it could close. */
const opensFrench = (c: Cursor) => c.brackets === 0

/** Whether `[` closes an interval, as in `[a, b[`: nothing that could be in brackets follows. */
function endsAfter(c: Cursor): boolean {
  const after = c.peek(1)
  return !after || after.kind === 'joiner' || /^(?:[,;.)\]}]|cup|cap|setminus|\})$/.test(after.text)
}

/** A number, variable, word, bracketed expression or command with its arguments. @throws Unreadable, TooLarge */
export function atom(c: Cursor): Expression {
  const token = c.next()
  switch (token.kind) {
    case 'number':
      return subscripted(c, token)
    case 'letter':
      return letter(c, token)
    case 'word':
      return spelledNumber(c, token) ?? text(c, token)
    case 'mark':
      return mark(c, token)
    case 'command':
      return c.nested(() => command(c, token))
    default:
      throw new Unreadable(`unexpected "${token.text}"`)
  }
}

const FRACTION_WORDS =
  /^(?:hal(?:f|ves)|quarters?|point|(?:thir|four|fif|six|seven|eigh|nin|ten|hundred|thousand)ths?|thirds?)$/i

/** A number in words: five, twenty-five, five (5). */
function spelledNumber(c: Cursor, first: Token): Expression | null {
  const found = numberWords((ahead) => (ahead === 0 ? first : c.peek(ahead - 1)))
  if (!found) return null
  for (let k = 1; k < found.length; k++) c.next()
  const number = exactNumber(rational(found.value))
  const after = c.peek(c.mark('-') ? 1 : 0)
  if (after?.kind === 'word' && FRACTION_WORDS.test(after.text)) throw new Unreadable('a fraction in words')
  if (c.mark('(') && c.peek(1)?.kind === 'number' && c.is('mark', ')', 2)) {
    const { value } = c.peek(1)!.number!
    if (value.d !== 1n || value.n !== found.value) throw new Unreadable('two different numbers')
    for (let k = 0; k < 3; k++) c.next()
  }
  return number
}

/** A number; with a subscript, a number in another base: 1011_2. */
function subscripted(c: Cursor, token: Token): Expression {
  const number: Expression = { kind: 'number', literal: token.number! }
  return c.mark('_') ? inBase(c, number) : number
}

const inBase = (c: Cursor, number: Expression): Expression => ({
  kind: 'call',
  name: 'base',
  args: [number, { kind: 'symbol', name: subscript(c) }],
})

function letter(c: Cursor, token: Token): Expression {
  const name = token.text
  let full = name
  for (;;) {
    if (c.mark('_')) full += `_${subscript(c)}`
    else if (c.take('mark', "'") || primes(c)) full += "'"
    else break
  }
  if (UNKNOWN_FUNCTIONS.test(name)) {
    const inverse = c.mark('^') && /^\^\{?-1\}?\(/.test(textAhead(c, 6))
    if (inverse) {
      c.next()
      c.grammar.exponent(c)
      full += '^-1'
    }
    if (c.mark('(')) return { kind: 'call', name: `?${full}`, args: parenthesised(c) }
  }
  if (full === 'e' || full === 'i') return { kind: 'constant', name: full }
  return { kind: 'symbol', name: full }
}

/** Moves past primes written as ^{\prime}. */
function primes(c: Cursor): boolean {
  if (!c.mark('^')) return false
  const braced = c.is('mark', '{', 1)
  if (!c.is('mark', "'", braced ? 2 : 1)) return false
  c.next()
  if (braced) c.next()
  while (c.take('mark', "'"));
  if (braced) c.closeBrace()
  return true
}

/** The text of the next tokens. */
function textAhead(c: Cursor, count: number): string {
  let out = ''
  for (let i = 0; i < count; i++) out += c.peek(i)?.text ?? ''
  return out
}

/** The subscript after _: one token, or everything in braces. */
function subscript(c: Cursor): string {
  c.next()
  const first = c.next()
  if (first.kind !== 'mark' || first.text !== '{') return first.text
  let out = ''
  let depth = 1
  while (!c.done) {
    const { kind, text } = c.next()
    if (kind === 'mark' && text === '{') depth++
    if (kind === 'mark' && text === '}' && --depth === 0) break
    out += text
  }
  return out
}

/** Consecutive words, as a single name. */
function text(c: Cursor, first: Token): Expression {
  const words = [first.text]
  for (let token = c.peek(); token; token = c.peek()) {
    if (token.kind !== 'word' && token.kind !== 'letter' && !(token.kind === 'number' && words.length > 0))
      break
    words.push(token.text)
    c.next()
  }
  return { kind: 'text', words: words.map(folded).join(' ') }
}

function mark(c: Cursor, token: Token): Expression {
  switch (token.text) {
    case '(':
    case '[':
      return bracketed(c, token.text)
    case ']':
      return french(c)
    case '{':
      return braced(c)
    case '|': {
      if (token.side === 'right') throw new Unreadable('a closing bar has no opening bar')
      const x = c.within({ bars: c.bars + 1, brackets: c.brackets + 1 }, () => c.grammar.sum(c))
      if (!c.take('mark', '|')) throw new Unreadable('a bar is not closed')
      if (x.kind === 'matrix') return { kind: 'call', name: 'det', args: [x] }
      return { kind: 'call', name: 'abs', args: [x] }
    }
    default: {
      const currency = CURRENCIES[token.text]
      if (currency === undefined) throw new Unreadable(`unexpected "${token.text}"`)
      c.currency = currency
      return c.grammar.power(c)
    }
  }
}

function bracketed(c: Cursor, open: '(' | '['): Expression {
  const inner = c.within({ bars: 0, builder: false, brackets: c.brackets + 1, french: false }, () =>
    c.grammar.list(c),
  )
  const close = c.next()
  if (
    close.kind !== 'mark' ||
    !(close.text === ')' || close.text === ']' || (close.text === '[' && open === '['))
  )
    throw new Unreadable('a parenthesis is not closed')
  // (1011)_2
  if (inner.kind === 'number' && c.mark('_')) return inBase(c, inner)
  if (inner.kind !== 'list')
    return inner.kind === 'group' && open === '['
      ? { kind: 'group', open, close: ']', items: [inner] }
      : inner
  return { kind: 'group', open, close: close.text === ']' ? ']' : ')', items: inner.items }
}

/** An interval in the French notation: ]a, b[, ]a, b]. */
function french(c: Cursor): Expression {
  const inner = c.within({ bars: 0, builder: false, brackets: c.brackets + 1, french: true }, () =>
    c.grammar.list(c),
  )
  const close = c.next()
  if (inner.kind !== 'list' || close.kind !== 'mark' || !/^[[\])]$/.test(close.text))
    throw new Unreadable('unexpected "]"')
  return { kind: 'group', open: '(', close: close.text === ']' ? ']' : ')', items: inner.items }
}

/** Braces without backslashes only group. */
function braced(c: Cursor): Expression {
  if (c.take('mark', '}')) return { kind: 'group', open: '{', close: '}', items: [] }
  return c.within({ bars: 0, brackets: c.brackets + 1, french: false }, () => {
    const first = c.grammar.list(c)
    if (c.mark('|') || c.command('mid') || (c.mark(':') && first.kind !== 'list'))
      return builder(c, first, 'mark')
    for (const operation of ['over', 'choose'] as const)
      if (c.take('command', operation)) {
        const below = c.grammar.list(c)
        c.closeBrace()
        return operation === 'over'
          ? { kind: 'quotient', top: first, bottom: below }
          : { kind: 'call', name: 'binom', args: [first, below] }
      }
    c.closeBrace()
    return first
  })
}

/** \{ items \} or \{ item | conditions \}; `\left\{` before lines is a system. */
function set(c: Cursor): Expression {
  if (c.take('command', '}') || c.take('mark', '}'))
    return { kind: 'group', open: '{', close: '}', items: [] }
  return c.within({ bars: 0, builder: true, brackets: c.brackets + 1, french: false }, () => {
    if (c.is('command', 'begin')) {
      const lines = c.grammar.list(c)
      c.take('command', '}')
      return lines.kind === 'matrix' ? { kind: 'list', items: lines.rows.flat(), joiner: 'and' } : lines
    }
    const first = c.grammar.list(c)
    if (c.mark('|') || c.command('mid') || c.mark(':')) return builder(c, first, 'command')
    closeSet(c)
    const items = first.kind === 'list' ? first.items : [first]
    return { kind: 'group', open: '{', close: '}', items }
  })
}

function closeSet(c: Cursor): void {
  if (!c.take('command', '}') && !c.take('mark', '}') && !c.done) throw new Unreadable('a set is not closed')
}

function builder(c: Cursor, item: Expression, close: 'mark' | 'command'): Expression {
  c.next()
  const conditions = c.within({ builder: false }, () => c.grammar.list(c))
  if (close === 'mark') c.closeBrace()
  else closeSet(c)
  return {
    kind: 'builder',
    item,
    conditions: conditions.kind === 'list' ? [...conditions.items] : [conditions],
  }
}

function command(c: Cursor, token: Token): Expression {
  const name = token.text
  if (name.startsWith('mathbb')) {
    const set = name.slice(6)
    return { kind: 'numbers', name: c.mark('_') ? `${set}_${subscript(c)}` : set }
  }
  if (FUNCTIONS.has(name)) return namedFunction(c, name)
  if (CALLS.has(name)) return calledFunction(c, name)
  switch (name) {
    case 'pi':
      return c.mark('_') ? { kind: 'symbol', name: `pi_${subscript(c)}` } : { kind: 'constant', name }
    case 'infty':
      return { kind: 'constant', name: 'infinity' }
    case 'emptyset':
      return { kind: 'group', open: '{', close: '}', items: [] }
    case 'frac': {
      const top = argument(c, true)
      const bottom = argument(c, true)
      return derivative(top, bottom) ?? { kind: 'quotient', top, bottom }
    }
    case 'sqrt':
      return root(c)
    case '{':
      return set(c)
    case 'lfloor':
    case 'lceil': {
      const x = c.within({ bars: 0, brackets: c.brackets + 1 }, () => c.grammar.sum(c))
      if (!c.take('command', name === 'lfloor' ? 'rfloor' : 'rceil'))
        throw new Unreadable(`\\${name} is not closed`)
      return { kind: 'call', name: name.slice(1), args: [x] }
    }
    case 'langle': {
      const inner = c.within({ bars: 0, brackets: c.brackets + 1 }, () => c.grammar.list(c))
      if (!c.take('command', 'rangle')) throw new Unreadable('\\langle is not closed')
      return { kind: 'group', open: '<', close: '>', items: inner.kind === 'list' ? inner.items : [inner] }
    }
    case 'begin':
      return environment(c)
    case 'overline':
      return conjugate(argument(c, false))
    case 'tilde':
    case 'dot':
    case 'ddot':
    case 'widetilde': {
      const inner = argument(c, false)
      return inner.kind === 'symbol'
        ? { kind: 'symbol', name: `${name} ${inner.name}` }
        : { kind: 'call', name: `?${name}`, args: [inner] }
    }
    case 'angle':
    case 'triangle': {
      let letters = ''
      while (c.peek()?.kind === 'letter') letters += c.next().text
      return { kind: 'symbol', name: `${name} ${letters}` }
    }
    case 'sum':
    case 'prod':
    case 'int':
    case 'iint':
    case 'oint':
    case 'lim':
      return big(c, name)
    case 'not':
      throw new Unreadable('\\not is not supported')
    default: {
      if (BETWEEN.has(name)) throw new Unreadable(`unexpected "${name}"`)
      let full = GREEK_NAMES.has(name) ? name : `\\${name}`
      while (c.mark('_')) full += `_${subscript(c)}`
      return { kind: 'symbol', name: full }
    }
  }
}

/** An argument of a command: a group or one token. `digit`: only the first digit of a number, as in `\frac12`. */
function argument(c: Cursor, digit: boolean): Expression {
  return c.nested(() => {
    const token = c.peek()
    if (token?.kind === 'number' && digit && /^\d{2,}$/.test(token.text)) {
      const numberToken = (text: string): Token => ({
        ...token,
        text,
        spaced: false,
        number: { value: { n: BigInt(text), d: 1n }, decimals: 0, significant: text.length, digits: text },
      })
      c.replace(numberToken(token.text.slice(1)))
      return { kind: 'number', literal: numberToken(token.text[0]!).number! }
    }
    return atom(c)
  })
}

/** The complex conjugate; of a product of capital letters, which is a segment, the segment itself. */
function conjugate(e: Expression): Expression {
  if (e.kind === 'symbol') return { kind: 'symbol', name: `overline ${e.name}` }
  if (e.kind === 'constant') return e.name === 'i' ? { kind: 'negative', x: e } : e
  if (e.kind === 'product' && e.factors.every((x) => x.kind === 'symbol' && /^[A-Z]/.test(x.name))) return e
  return mapChildren(e, conjugate)
}

function root(c: Cursor): Expression {
  if (!c.mark('[')) return { kind: 'call', name: 'sqrt', args: [argument(c, false)] }
  c.next()
  const index = c.within({ bars: 0, brackets: c.brackets + 1 }, () => c.grammar.sum(c))
  if (!c.take('mark', ']')) throw new Unreadable('the index of a root is not closed')
  return { kind: 'call', name: 'root', args: [argument(c, false), index] }
}

/** The items in parentheses. */
function parenthesised(c: Cursor): readonly Expression[] {
  c.next()
  const inner = c.within({ bars: 0, builder: false, brackets: c.brackets + 1, french: false }, () =>
    c.grammar.list(c),
  )
  if (!c.take('mark', ')') && !c.take('mark', ']')) throw new Unreadable('a parenthesis is not closed')
  return inner.kind === 'list' ? inner.items : [inner]
}

/** Whether an atom follows the next token. */
function isFollowed(c: Cursor): boolean {
  const after = c.peek(1)
  if (after?.kind === 'command') return !BETWEEN.has(after.text)
  return after?.kind === 'number' || after?.kind === 'letter' || /^[({[|]$/.test(after?.text ?? '')
}

/** A function of one argument: `\sin x`, `\sin^2 x`, `\log_2 8`, `\sin 2x`. */
function namedFunction(c: Cursor, name: string): Expression {
  let base: Expression | null = null
  let raise: Expression | null = null
  for (;;) {
    // \log_28 is log_2 8, but an argument may follow log_10.
    if (!base && c.take('mark', '_')) base = argument(c, !isFollowed(c))
    else if (!raise && c.take('mark', '^')) raise = c.grammar.exponent(c)
    else break
  }
  let inverse = false
  if (
    raise?.kind === 'negative' &&
    raise.x.kind === 'number' &&
    raise.x.literal.digits === '1' &&
    INVERSE[name]
  ) {
    inverse = true
    raise = null
  }
  const args = c.mark('(') || c.mark('[') ? parenthesised(c) : [bareArgument(c, /^l/.test(name))]
  let call: Expression = { kind: 'call', name: inverse ? INVERSE[name]! : name, args }
  if (name === 'lg') call = { kind: 'call', name: 'log', args: [args[0]!, TEN] }
  if (name === 'exp') call = { kind: 'power', base: { kind: 'constant', name: 'e' }, exponent: args[0]! }
  if (name === 'log' && base) call = { kind: 'call', name, args: [args[0]!, base] }
  return raise ? { kind: 'power', base: call, exponent: raise } : call
}

const TEN = exactNumber(rational(10n))

/** The argument of a function without parentheses: `2x` in `\sin 2x`, up to a sign, a function or a parenthesis. */
function bareArgument(c: Cursor, logarithm: boolean): Expression {
  if (c.take('mark', '-')) return { kind: 'negative', x: bareArgument(c, logarithm) }
  // ln5 x is the product of ln 5 and x.
  const constant = logarithm && c.peek()?.kind === 'number' && !c.peek()!.spaced
  const factors = [c.grammar.power(c)]
  for (;;) {
    const token = c.peek()
    const continues =
      token?.kind === 'letter' ||
      (token?.kind === 'command' && (token.text === 'pi' || GREEK_NAMES.has(token.text)))
    if (!continues || (token.kind === 'letter' && token.upright) || (constant && token.spaced)) break
    factors.push(c.grammar.power(c))
  }
  return factors.length === 1 ? factors[0]! : { kind: 'product', factors }
}

function calledFunction(c: Cursor, name: string): Expression {
  if (c.mark('(')) return { kind: 'call', name, args: parenthesised(c) }
  const first = argument(c, name === 'binom')
  if (name === 'binom') return { kind: 'call', name, args: [first, argument(c, true)] }
  if (first.kind === 'group') return { kind: 'call', name, args: first.items }
  return { kind: 'call', name, args: [first] }
}

/** Σ, Π, ∫ or lim with its bounds and its body. */
function big(c: Cursor, name: string): Expression {
  let below: Expression | null = null
  let above: Expression | null = null
  for (;;) {
    if (!below && c.take('mark', '_')) below = c.mark('{') ? group(c) : atom(c)
    else if (!above && c.take('mark', '^')) above = c.grammar.exponent(c)
    else break
  }
  const factors: Expression[] = []
  while (startsAtom(c) && !closesBars(c)) {
    factors.push(c.grammar.power(c))
    if (c.mark('/') || c.command('div')) {
      c.next()
      factors.push({ kind: 'power', base: c.grammar.power(c), exponent: MINUS_ONE })
    } else if (c.mark('*') || c.command('cdot') || c.command('times')) c.next()
  }
  if (factors.length === 0) throw new Unreadable(`\\${name} without an operand`)
  const body: Expression = { kind: 'product', factors }
  // In a sum over i, i is not √−1.
  const variable = below?.kind === 'relation' ? below.sides[0] : below
  if (below && variable?.kind === 'constant' && variable.name !== 'pi' && variable.name !== 'infinity')
    return {
      kind: 'big',
      name,
      below: asVariable(below, variable.name),
      above,
      body: asVariable(body, variable.name),
    }
  return { kind: 'big', name, below, above, body }
}

/** The expression with the constant i or e as a variable. */
const asVariable = (e: Expression, name: string): Expression =>
  e.kind === 'constant' && e.name === name
    ? { kind: 'symbol', name }
    : mapChildren(e, (x) => asVariable(x, name))

const MINUS_ONE: Expression = { kind: 'negative', x: exactNumber(rational(1n)) }

/** A braced group that may contain a relation. */
function group(c: Cursor): Expression {
  c.next()
  const inner = c.within({ bars: 0, builder: false }, () => c.grammar.item(c))
  while (!c.done && !c.mark('}')) c.next()
  c.closeBrace()
  return inner
}
