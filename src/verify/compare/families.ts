import { NotNumber } from '../compute/evaluate.ts'
import { Undefined } from '../terms/budget.ts'
import { type Expression, exactNumber, symbolsOf } from '../terms/expression.ts'
import { rational } from '../terms/rational.ts'
import { replaced } from './ellipsis.ts'
import { assignmentOf } from './relation.ts'
import type { Scalars } from './scalar.ts'

/** Solutions that depend on a whole number: x = π/4 + kπ, k ∈ ℤ. */
interface Family {
  readonly parameter: string
  readonly values: readonly Expression[]
  /** The unknown; `null` if none is named. */
  readonly unknown: string | null
  /** Whether the text says that the parameter is a whole number. */
  readonly stated: boolean
}

const whole = (k: number): Expression => exactNumber(rational(BigInt(k)))
const WHOLE = /^[jklmnt]$/

/** The name in k ∈ ℤ; `null` for anything else. */
function wholeName(e: Expression): string | null {
  if (e.kind !== 'relation' || e.relations.length !== 1 || e.relations[0] !== 'in') return null
  const [name, set] = e.sides as [Expression, Expression]
  return name.kind === 'symbol' && set.kind === 'numbers' && set.name === 'Z' ? name.name : null
}

/** x ≡ r (mod m) as x = r + mk */
function classOf(sides: readonly Expression[], modulus: Expression): Family | null {
  const [x, rest] = sides
  const index: Expression = { kind: 'symbol', name: '#' }
  if (x?.kind !== 'symbol' || !rest || symbolsOf(rest).size > 0 || symbolsOf(modulus).size > 0) return null
  const values: Expression[] = [
    { kind: 'sum', terms: [rest, { kind: 'product', factors: [modulus, index] }] },
  ]
  return { parameter: '#', values, unknown: x.name, stated: true }
}

function familyOf(e: Expression): Family | null {
  if (e.kind === 'modulo' && e.x.kind === 'relation' && e.x.relations.join() === 'equiv')
    return classOf(e.x.sides, e.modulus)
  const items = e.kind === 'list' ? e.items : [e]
  const names = items.map(wholeName)
  const stated = names.find((name) => name !== null) ?? null
  const solutions = items.filter((_, k) => names[k] === null)
  const assigned = solutions.map(assignmentOf)
  const unknowns = new Set(assigned.map((x) => (x?.name.kind === 'symbol' ? x.name.name : null)))
  if (solutions.length === 0 || unknowns.size !== 1) return null
  const [unknown] = unknowns as Set<string | null>
  const values = solutions.map((x, k) => assigned[k]?.value ?? x)
  const symbols = new Set(values.flatMap((x) => [...symbolsOf(x)]))
  const [only] = symbols
  const parameter = stated ?? (symbols.size === 1 && WHOLE.test(only!) ? only! : null)
  if (parameter === null || symbols.size !== 1 || !symbols.has(parameter) || unknown === parameter)
    return null
  if (values.some((x) => /^(?:list|group|relation|sets|matrix|text)$/.test(x.kind))) return null
  return { parameter, values, unknown: unknown ?? null, stated: stated !== null }
}

/** a + bk as its values for k = 0 and k = 1; `null` if it is not linear in k. */
function linear(
  e: Expression,
  parameter: string,
  scalars: Scalars,
): { start: Expression; step: Expression } | null {
  const at = (k: number) => replaced(e, parameter, whole(k))
  const minus = (x: Expression, y: Expression): Expression => ({
    kind: 'sum',
    terms: [x, { kind: 'negative', x: y }],
  })
  const step = minus(at(1), at(0))
  const equal = scalars.same(minus(at(2), at(1)), step) && scalars.same(minus(at(9), at(8)), step)
  return equal && scalars.same(step, whole(0)) === false ? { start: at(0), step } : null
}

/** Whether a + bk and c + dk are the same numbers, for all whole k: b = ±d, and a − c is a multiple of b. */
function sameValues(
  g: Expression,
  a: Expression,
  names: readonly [string, string],
  scalars: Scalars,
): boolean {
  const [x, y] = [linear(g, names[0], scalars), linear(a, names[1], scalars)]
  if (!x || !y) return scalars.same(g, replaced(a, names[1], { kind: 'symbol', name: names[0] })) === true
  const quotient = (top: Expression): Expression => ({ kind: 'quotient', top, bottom: x.step })
  const size: Expression = { kind: 'call', name: 'abs', args: [quotient(y.step)] }
  const apart = quotient({ kind: 'sum', terms: [y.start, { kind: 'negative', x: x.start }] })
  const { re } = scalars.value(apart)
  // The nearest whole number is compared exactly.
  const nearest: Expression = {
    kind: 'call',
    name: 'floor',
    args: [{ kind: 'sum', terms: [apart, exactNumber(rational(1n, 2n))] }],
  }
  return scalars.same(size, whole(1)) === true && re !== undefined && scalars.same(apart, nearest) === true
}

/**
 * Whether two expressions are the same family of solutions, whatever its parameter is called: x = kπ, k ∈ ℤ, and x = nπ.
 * Unless the gold or the answer says that the parameter is a whole number, the unknown must be one itself: n = 2k + 1.
 * `null` if they are not two such families.
 */
export function sameFamily(g: Expression, a: Expression, scalars: Scalars): boolean | null {
  if (g.kind === 'modulo' && a.kind === 'modulo') return null
  const [x, y] = [familyOf(g), familyOf(a)]
  if (!x || !y) return null
  const stated = x.stated || y.stated
  if (x.unknown !== null && y.unknown !== null && x.unknown !== y.unknown) return stated ? false : null
  // In a = 2k and a = 2m without more, k and m may be given numbers.
  if (!stated && !(x.unknown !== null && /^[mn]$/.test(x.unknown) && x.unknown === y.unknown)) return null
  if (x.values.length !== y.values.length) return stated ? false : null
  const names = [x.parameter, y.parameter] as const
  try {
    const left = [...y.values]
    return x.values.every((value) => {
      const at = left.findIndex((other) => sameValues(value, other, names, scalars))
      if (at >= 0) left.splice(at, 1)
      return at >= 0
    })
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return null
    throw error
  }
}
