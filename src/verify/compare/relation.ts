import { type Expression, mapChildren, some } from '../terms/expression.ts'

type RelationOf = Extract<Expression, { kind: 'relation' }>

/** A text that is equal for two expressions if they are written the same, up to the order of terms and factors. */
export function spell(e: Expression): string {
  switch (e.kind) {
    case 'number':
      // Hexadecimal digits take linear time.
      return `${e.literal.value.n.toString(16)}/${e.literal.value.d.toString(16)}`
    case 'symbol':
    case 'constant':
    case 'numbers':
      return e.name
    case 'text':
      return `"${e.words}"`
    case 'sum':
      return `(+ ${e.terms.map(spell).sort().join(' ')})`
    case 'product':
      return `(* ${e.factors.map(spell).sort().join(' ')})`
    default: {
      const parts: string[] = []
      mapChildren(e, (x) => {
        parts.push(spell(x))
        return x
      })
      const own = Object.entries(e).filter(([, x]) => typeof x === 'string' || typeof x === 'boolean')
      const rest =
        e.kind === 'relation'
          ? e.relations.join()
          : e.kind === 'quantity'
            ? `${e.unit.dimension} ${e.unit.scale?.n}/${e.unit.scale?.d}`
            : ''
      return `(${own.map(([, x]) => x).join(':')}${rest} ${parts.join(' ')})`
    }
  }
}

/** Whether an expression may be the name of an answer: x, x_1, f(x), P(A), AB, |AB|, A:B, (x, y), words. */
export function isName(e: Expression): boolean {
  switch (e.kind) {
    case 'symbol':
    case 'text':
      return true
    case 'constant':
      return e.name === 'e' || e.name === 'i'
    case 'degree':
    case 'negative':
      return e.kind === 'degree' && isName(e.x)
    case 'call':
      return e.name.startsWith('?') || (e.name === 'abs' && isName(e.args[0]!) && !isUsuallyReal(e.args[0]!))
    case 'product': {
      const [first] = e.factors
      if (first?.kind === 'symbol' && /^[A-Z]/.test(first.name) && e.factors.length === 2) return true
      return e.factors.every((x) => x.kind === 'symbol' && /^[A-Z]/.test(x.name))
    }
    case 'quotient':
      return isName(e.top) && isName(e.bottom)
    case 'group':
      return e.open === '(' && e.items.every((x) => x.kind === 'symbol' || isName(x))
    case 'list':
      return e.items.every((x) => x.kind === 'symbol')
    default:
      return false
  }
}

/** Whether a symbol is usually a real number: |x| = 5 has two solutions, but |z| = 5 and |AB| = 5 name a length. */
const isUsuallyReal = (e: Expression) => e.kind === 'symbol' && /^[xytkmn]$/.test(e.name)

/** A name and the value that it is given. */
export interface Assignment {
  readonly name: Expression
  readonly value: Expression
}

/** Reads `x = 5`, also at the end of a calculation (`x = 2 + 3 = 5 ≈ 5.0`); `null` if x occurs in its own value. */
export function assignmentOf(e: Expression): Assignment | null {
  if (e.kind !== 'relation') return null
  const { sides, relations } = e
  if (!relations.every((r) => r === '=' || r === 'approx' || r === 'equiv')) return null
  // x = 1/3 ≈ 0.33: the exact value counts.
  const approx = relations.indexOf('approx')
  const value = sides[approx > 0 ? approx : sides.length - 1]!
  const name = sides.find(isName)
  if (!name || name === value || (sides.indexOf(name) > 0 && sides.length < 3)) {
    const [first] = sides
    // 5 = x
    if (first && sides.length === 2 && isName(sides[1]!) && !isName(first))
      return assignment(sides[1]!, first, sides)
    return null
  }
  return assignment(name, value, sides)
}

function assignment(name: Expression, value: Expression, sides: readonly Expression[]): Assignment | null {
  const names = new Set<string>()
  some(name, (x) => x.kind === 'symbol' && !!names.add(x.name) && false)
  const isFunction = name.kind === 'call' || name.kind === 'product'
  if (
    !isFunction &&
    sides.some((side) => side !== name && some(side, (x) => x.kind === 'symbol' && names.has(x.name)))
  )
    return null
  if (spell(name) === spell(value)) return null
  return { name, value }
}

/** The value of a name in x − 3 = 0, in which only the order of the terms is left to change; `null` for any other equation. */
export function solvedFor({ sides, relations }: RelationOf, name: Expression): Expression | null {
  const isZero = (e: Expression) => e.kind === 'number' && e.literal.value.n === 0n
  const at = sides.findIndex(isZero)
  const sum = sides[1 - at]
  if (name.kind !== 'symbol' || relations.join() !== '=' || at < 0 || sum?.kind !== 'sum') return null
  const key = spell(name)
  const minus = (x: Expression): Expression => (x.kind === 'negative' ? x.x : { kind: 'negative', x })
  const [own, ...others] = sum.terms.filter((x) => spell(x) === key || spell(minus(x)) === key)
  if (!own || others.length > 0) return null
  const rest = sum.terms.filter((x) => x !== own)
  if (rest.length === 0 || rest.some((x) => some(x, (y) => spell(y) === key))) return null
  return { kind: 'sum', terms: own.kind === 'negative' ? rest : rest.map(minus) }
}

/** The difference f of the two sides of a relation, rearranged to f < 0, f <= 0, f = 0 or f != 0. */
export function difference(e: RelationOf): { op: string; f: Expression } | null {
  if (e.relations.length !== 1) return null
  const [a, b] = e.sides as [Expression, Expression]
  const minus = (x: Expression, y: Expression): Expression => ({
    kind: 'sum',
    terms: [x, { kind: 'negative', x: y }],
  })
  switch (e.relations[0]) {
    case '>':
      return { op: '<', f: minus(b, a) }
    case '>=':
      return { op: '<=', f: minus(b, a) }
    case '<':
    case '<=':
    case '=':
    case '!=':
      return { op: e.relations[0], f: minus(a, b) }
    default:
      return null
  }
}

/** The names of the arguments of f(x), or of W(n) if it was read as a product; `null` if there are none. */
export function parameters(name: Expression): readonly string[] | null {
  const args = name.kind === 'call' ? name.args : name.kind === 'product' ? name.factors.slice(1) : []
  const names = args.map((x) => (x.kind === 'symbol' ? x.name : ''))
  return names.length > 0 && names.every((x) => /^[a-z]/.test(x)) ? names : null
}

/** The expression with its variables renamed. */
export function renamed(e: Expression, names: ReadonlyMap<string, string>): Expression {
  if (e.kind === 'symbol') return { ...e, name: names.get(e.name) ?? e.name }
  return mapChildren(e, (x) => renamed(x, names))
}
