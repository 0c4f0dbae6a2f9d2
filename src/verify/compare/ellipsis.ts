import { NotNumber } from '../compute/evaluate.ts'
import { Undefined } from '../terms/budget.ts'
import { children, type Expression, exactNumber, mapChildren, some, symbolsOf } from '../terms/expression.ts'
import { negative, over, plus, rational } from '../terms/rational.ts'
import { spell } from './relation.ts'
import type { Scalars } from './scalar.ts'

const isDots = (e: Expression) => e.kind === 'symbol' && e.name === '\\ldots'
const INDEX: Expression = { kind: 'symbol', name: '#' }
const whole = (k: number): Expression => exactNumber(rational(BigInt(k)))
/** A sum may begin at one of these indices. */
const STARTS = [1, 0, 2, 3, -1]
const MAX_SYMBOLS = 4

/** The expression with 1 + 2 + ⋯ + n as Σ k, and 1 · 2 ⋯ n as Π k, where the terms before the dots determine the others. */
export function expanded(e: Expression, scalars: Scalars): Expression {
  if (!some(e, isDots)) return e
  const inner = mapChildren(e, (x) => expanded(x, scalars))
  if (inner.kind === 'sum') return series(inner.terms, 'sum', scalars) ?? inner
  if (inner.kind === 'product') return series(inner.factors, 'prod', scalars) ?? inner
  return inner
}

function series(items: readonly Expression[], name: 'sum' | 'prod', scalars: Scalars): Expression | null {
  const at = items.findIndex(isDots)
  const last = items[at + 1]
  if (at < 2 || !last || at + 2 !== items.length || some(last, isDots)) return null
  const first = items.slice(0, at)
  try {
    return ending(first, last, name, scalars) ?? steps(first, last, name, scalars)
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return null
    throw error
  }
}

const big = (name: string, from: number, above: Expression, body: Expression): Expression => ({
  kind: 'big',
  name,
  below: { kind: 'relation', sides: [INDEX, whole(from)], relations: ['='] },
  above,
  body,
})

/** The last term is the general one: 1 + 3 + ⋯ + (2n − 1). */
function ending(
  first: readonly Expression[],
  last: Expression,
  name: string,
  scalars: Scalars,
): Expression | null {
  for (const symbol of [...symbolsOf(last)].slice(0, MAX_SYMBOLS)) {
    const term = (by: Expression) => replaced(last, symbol, by)
    for (const start of STARTS)
      if (first.every((x, k) => same(term(whole(start + k)), x, scalars)))
        return big(name, start, { kind: 'symbol', name: symbol }, term(INDEX))
  }
  return null
}

/** The terms differ by the same steps: 1 + 4 + 7 + ⋯ + 100, 1² + 2² + ⋯ + 10²; or by a factor: 1 + 2 + 4 + ⋯ + 64. */
function steps(
  first: readonly Expression[],
  last: Expression,
  name: string,
  scalars: Scalars,
): Expression | null {
  const counts: Expression[] = []
  const body = template(first[0]!, first[1]!, last, counts)
  const [count] = counts
  const fits =
    body &&
    count &&
    counts.every((x) => x === count || same(x, count, scalars)) &&
    first.every((x, k) => same(replaced(body, '#', whole(k)), x, scalars)) &&
    isCount(count, scalars)
  if (fits) return big(name, 0, count, body)
  return first.length > 2 ? geometric(first, last, name, scalars) : null
}

/** Whether it is a positive whole number, or an expression with variables. */
function isCount(count: Expression, scalars: Scalars): boolean {
  if (symbolsOf(count).size > 0) return true
  const { re } = scalars.value(count)
  return 'n' in re && re.d === 1n && re.n > 0n
}

/** The general term, in which every number that differs between the first two terms grows in equal steps up to the last term. */
function template(a: Expression, b: Expression, last: Expression, counts: Expression[]): Expression | null {
  const spelled = spell(a)
  if (spelled === spell(b) && spelled === spell(last)) return a
  if (a.kind === 'number' && b.kind === 'number') {
    const step = plus(b.literal.value, negative(a.literal.value))
    if (step.n === 0n) return null
    // (last − a) / step
    counts.push({
      kind: 'product',
      factors: [
        { kind: 'sum', terms: [last, { kind: 'negative', x: a }] },
        exactNumber(over({ n: 1n, d: 1n }, step)),
      ],
    })
    return { kind: 'sum', terms: [a, { kind: 'product', factors: [INDEX, exactNumber(step)] }] }
  }
  const [x, y, z] = [children(a), children(b), children(last)]
  if (
    a.kind !== b.kind ||
    a.kind !== last.kind ||
    x.length !== y.length ||
    x.length !== z.length ||
    x.length === 0
  )
    return null
  if (a.kind === 'call' && (a.name !== (b as typeof a).name || a.name !== (last as typeof a).name))
    return null
  let at = 0
  let fits = true
  const body = mapChildren(a, (part) => {
    const inner = template(part, y[at]!, z[at]!, counts)
    at++
    fits &&= inner !== null
    return inner ?? part
  })
  return fits ? body : null
}

const MAX_TERMS = 400

function geometric(
  first: readonly Expression[],
  last: Expression,
  name: string,
  scalars: Scalars,
): Expression | null {
  if (symbolsOf(last).size > 0) return null
  const ratio: Expression = { kind: 'quotient', top: first[1]!, bottom: first[0]! }
  const body: Expression = {
    kind: 'product',
    factors: [first[0]!, { kind: 'power', base: ratio, exponent: INDEX }],
  }
  const term = (k: number) => replaced(body, '#', whole(k))
  if (!first.every((x, k) => same(term(k), x, scalars))) return null
  // The number of terms follows from the sizes, and is then checked.
  const { re } = scalars.value({ kind: 'quotient', top: last, bottom: first[0]! })
  const { re: q } = scalars.value(ratio)
  if (!('n' in re) || !('n' in q) || re.n <= 0n || q.n <= 0n || q.n === q.d) return null
  const log = (x: { n: bigint; d: bigint }) => Math.log2(Number(x.n)) - Math.log2(Number(x.d))
  const count = Math.round(log(re) / log(q))
  return count > 1 && count < MAX_TERMS && same(term(count), last, scalars)
    ? big(name, 0, whole(count), body)
    : null
}

const same = (a: Expression, b: Expression, scalars: Scalars) => {
  try {
    return scalars.same(a, b) === true
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return false
    throw error
  }
}

/** The expression with a variable replaced. */
export function replaced(e: Expression, name: string, by: Expression): Expression {
  return e.kind === 'symbol' && e.name === name ? by : mapChildren(e, (x) => replaced(x, name, by))
}
