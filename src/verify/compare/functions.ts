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
  const [, base, primes] = /^\?([a-zA-Z])('*)$/.exec(e.name) ?? []
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
const VARIABLE = /^(?:[xytuzsr]|theta)$/

/**
 * The name of the arbitrary constant of the gold and the one that stands for it in the answer: C and K in x² + C and x² + K;
 * `null` if they are not the only names in which the two differ.
 */
export function otherConstant(g: Expression, a: Expression): readonly [gold: string, answer: string] | null {
  const [x, y] = [symbolsOf(g), symbolsOf(a)]
  if (x.size !== y.size || ![...x].some((name) => VARIABLE.test(name))) return null
  const [gold, ...goldRest] = [...x].filter((name) => !y.has(name))
  const [answer, ...rest] = [...y].filter((name) => !x.has(name))
  if (gold === undefined || answer === undefined || goldRest.length > 0 || rest.length > 0) return null
  if (!ARBITRARY.test(gold) || !OTHER.test(answer)) return null
  return isPart(g, gold) && isPart(a, answer) ? [gold, answer] : null
}

/** Whether a name is a term of its own in a sum, or a factor: x² + C, C e^x. */
function isPart(e: Expression, name: string): boolean {
  const is = (x: Expression) => x.kind === 'symbol' && x.name === name
  if (e.kind === 'sum') return e.terms.some((x) => is(x) || isPart(x, name))
  return e.kind === 'product' && e.factors.some(is)
}
