import { type Expression, symbolsOf } from '../terms/expression.ts'

/** The name of a function or of one of its derivatives. */
interface FunctionName {
  readonly base: string
  /** How often it is differentiated. */
  readonly order: number
  /** The variable; `null` if it is not written, as in y'. */
  readonly variable: string | null
}

/** Reads y, f(x), y'', f'(x), dy/dx, d²f/dx²; `null` if the expression is none of them. */
function functionName(e: Expression): FunctionName | null {
  if (e.kind === 'symbol') {
    const [, base, primes] = /^([a-zA-Z])('*)$/.exec(e.name) ?? []
    return base === undefined ? null : { base, order: primes!.length, variable: null }
  }
  if (e.kind !== 'call' || !e.name.startsWith('?') || e.args.length !== 1) return null
  const [argument] = e.args
  const derivative = /^\?d\/d([a-z])(\d)$/.exec(e.name)
  if (derivative) {
    const inner = functionName(argument!)
    const variable = derivative[1]!
    if (!inner || (inner.variable !== null && inner.variable !== variable)) return null
    return { base: inner.base, order: inner.order + Number(derivative[2]), variable }
  }
  const [, base, primes] = /^\?([a-zA-Z](?:\^-1)?)('*)$/.exec(e.name) ?? []
  if (base === undefined || argument!.kind !== 'symbol') return null
  return { base, order: primes!.length, variable: argument!.name }
}

/** Whether two names stand for the same function: y and f(x), dy/dx and y', df/dx and f'(x); not f(x) and g(x), nor x and y. */
export function sameFunctionName(g: Expression, a: Expression): boolean {
  const [x, y] = [functionName(g), functionName(a)]
  if (!x || !y || x.order !== y.order) return false
  if (x.order === 0 && x.variable === null && y.variable === null) return false
  if (x.variable !== null && y.variable !== null && x.variable !== y.variable) return false
  return x.base === y.base || ((x.base === 'y' || y.base === 'y') && x.variable !== 'y' && y.variable !== 'y')
}

/** The usual names of an arbitrary constant of integration, and the names that may stand for it. */
const ARBITRARY = /^(?:C|c|K)(?:_\{?\d\}?)?$/
const OTHER = /^(?:C|c|K|k)(?:_\{?\d\}?)?$/
/** Beside C_1 and C_2, A and B are constants too. */
const LETTERS = /^[AB]$/
const VARIABLE = /^(?:[xytuzsr]|theta)$/

/**
 * The names of the answer's arbitrary constants and those of the gold that they stand for, in all orders: C and K in x² + C
 * and x² + K. Empty if the two do not only differ in such names.
 */
export function otherConstants(g: Expression, a: Expression): ReadonlyMap<string, string>[] {
  const [x, y] = [symbolsOf(g), symbolsOf(a)]
  if (x.size !== y.size || ![...x].some((name) => VARIABLE.test(name))) return []
  const gold = [...x].filter((name) => !y.has(name))
  const answer = [...y].filter((name) => !x.has(name))
  const allowed = (name: string) => OTHER.test(name) || (gold.length === 2 && LETTERS.test(name))
  if (gold.length === 0 || gold.length > 2 || gold.length !== answer.length) return []
  if (!gold.every((name) => ARBITRARY.test(name) && isPart(g, name))) return []
  if (!answer.every((name) => allowed(name) && isPart(a, name))) return []
  const orders = gold.length === 2 ? [answer, [...answer].reverse()] : [answer]
  return orders.map((names) => new Map(names.map((name, k) => [name, gold[k]!])))
}

/** Whether a name is a term of its own in a sum, or a factor: x² + C, C e^x. */
function isPart(e: Expression, name: string): boolean {
  const is = (x: Expression) => x.kind === 'symbol' && x.name === name
  if (e.kind === 'negative') return isPart(e.x, name)
  if (e.kind === 'sum') return e.terms.some((x) => is(x) || isPart(x, name))
  return e.kind === 'product' && e.factors.some(is)
}
