import { Undefined } from '../terms/budget.ts'
import { type Expression, symbolsOf } from '../terms/expression.ts'
import { gcdWork, productWork, type Rational, rational } from '../terms/rational.ts'
import { type Complex, complex, isReal, type Numerics, whole, wholeOf } from './numerics.ts'

/** The expression is not a single number. Always caught in this folder. */
export class NotNumber extends Error {}

/** The values of variables by name. */
export type Values = ReadonlyMap<string, Complex>

const MAX_TERMS = 1000n
const MAX_FACTORIAL = 3000n
const HALF: Rational = { n: 1n, d: 2n }
const i = complex({ n: 0n, d: 1n }, { n: 1n, d: 1n })

/**
 * The value of an expression for given values of its variables. An expression that cannot be computed (f(x), an integral,
 * a sum without bounds) gets a pseudorandom value that depends only on its name and the values of its parts.
 *
 * @throws NotNumber, Undefined, TooLarge
 */
export function evaluate(e: Expression, n: Numerics, values: Values): Complex {
  const of = (x: Expression): Complex => evaluate(x, n, values)
  n.budget.spend(3)
  switch (e.kind) {
    case 'number':
      return complex(e.literal.value)
    case 'symbol': {
      const value = values.get(e.name)
      if (!value) throw new NotNumber(`"${e.name}"`)
      return value
    }
    case 'constant':
      if (e.name === 'infinity') throw new Undefined('infinity')
      return e.name === 'pi' ? n.pi() : e.name === 'e' ? n.e() : i
    case 'sum':
      return e.terms.map(of).reduce((a, b) => n.add(a, b))
    case 'product':
      return e.factors.map(of).reduce((a, b) => n.multiply(a, b))
    case 'quotient':
      return factorialQuotient(e, n, values) ?? n.divide(of(e.top), of(e.bottom))
    case 'power':
      if (e.base.kind === 'constant' && e.base.name === 'e') return n.exp(of(e.exponent))
      return n.power(of(e.base), of(e.exponent))
    case 'negative':
      return n.negative(of(e.x))
    case 'percent':
      return n.divide(of(e.x), whole(100))
    case 'degree':
      return n.multiply(of(e.x), n.divide(n.pi(), whole(180)))
    case 'quantity':
      return e.unit.scale ? n.multiply(of(e.x), complex(e.unit.scale)) : of(e.x)
    case 'call':
      return call(e, n, values)
    case 'big':
      return big(e, n, values)
    case 'modulo': {
      const [x, m] = [wholeOf(of(e.x)), wholeOf(of(e.modulus))]
      if (x === null || m === null || m <= 0n) throw new NotNumber('a remainder')
      return whole(((x % m) + m) % m)
    }
    default:
      throw new NotNumber(`a ${e.kind}`)
  }
}

type Call = Extract<Expression, { kind: 'call' }>
type Function1 = (x: Complex, n: Numerics) => Complex

const one = whole(1)
const inverse =
  (f: Function1): Function1 =>
  (x, n) =>
    n.divide(one, f(x, n))
const sin: Function1 = (x, n) => n.sinCos(x).sin
const cos: Function1 = (x, n) => n.sinCos(x).cos
const tan: Function1 = (x, n) => {
  const { sin, cos } = n.sinCos(x)
  return n.divide(sin, cos)
}
// (e^x ∓ e^−x) / 2
const sinh: Function1 = (x, n) => n.multiply(complex(HALF), n.subtract(n.exp(x), n.divide(one, n.exp(x))))
const cosh: Function1 = (x, n) => n.multiply(complex(HALF), n.add(n.exp(x), n.divide(one, n.exp(x))))
const tanh: Function1 = (x, n) => n.divide(sinh(x, n), cosh(x, n))
// arcsin x = arctan(x / √(1 − x²))
const arcsin: Function1 = (x, n) => {
  const rest = n.subtract(one, n.multiply(x, x))
  if (n.zero(rest) !== false) return n.multiply(x, n.divide(n.pi(), whole(2)))
  if (!isReal(x) || n.sign(rest.re) <= 0) throw new Undefined('an arc sine')
  return n.atan(n.divide(x, n.sqrt(rest)))
}
const arccos: Function1 = (x, n) => n.subtract(n.divide(n.pi(), whole(2)), arcsin(x, n))
const arctan: Function1 = (x, n) => n.atan(x)
const arccot: Function1 = (x, n) => n.subtract(n.divide(n.pi(), whole(2)), n.atan(x))
const arsinh: Function1 = (x, n) => n.log(n.add(x, n.sqrt(n.add(n.multiply(x, x), one))))
const arcosh: Function1 = (x, n) => n.log(n.add(x, n.sqrt(n.subtract(n.multiply(x, x), one))))
const artanh: Function1 = (x, n) =>
  n.multiply(complex(HALF), n.log(n.divide(n.add(one, x), n.subtract(one, x))))

const FUNCTIONS: Record<string, Function1> = {
  sin,
  cos,
  tan,
  cot: inverse(tan),
  sec: inverse(cos),
  csc: inverse(sin),
  sinh,
  cosh,
  tanh,
  coth: inverse(tanh),
  arcsin,
  arccos,
  arctan,
  arccot,
  arcsec: (x, n) => arccos(n.divide(one, x), n),
  arccsc: (x, n) => arcsin(n.divide(one, x), n),
  arsinh,
  arcosh,
  artanh,
  // cis x = cos x + i sin x
  cis: (x, n) => n.add(cos(x, n), n.multiply(i, sin(x, n))),
  ln: (x, n) => n.log(x),
  sqrt: (x, n) => n.sqrt(x),
  cbrt: (x, n) => n.power(x, complex({ n: 1n, d: 3n })),
  abs: (x, n) => n.abs(x),
  sgn: (x, n) => whole(n.sign(x.re)),
  Re: (x) => complex(x.re),
  Im: (x) => complex(x.im),
  arg: (x, n) => complex(n.argument(x)),
  floor: (x, n) => n.floor(x),
  ceil: (x, n) => n.negative(n.floor(n.negative(x))),
  factorial: (x, n) => whole(factorial(natural(x), 1n, n)),
  'double factorial': (x, n) => whole(factorial(natural(x), 2n, n)),
}

function call({ name, args }: Call, n: Numerics, values: Values): Complex {
  if (name === 'det') return determinant(args[0], n, values)
  if (name === 'base') return inBase(args)
  const xs = args.map((x) => evaluate(x, n, values))
  const [x, y] = xs
  if (!x || (!y && (name === 'root' || name === 'binom')))
    throw new NotNumber(`a ${name} without enough arguments`)
  if (name === 'log') return y ? n.divide(n.log(x), n.log(y)) : n.log(x)
  if (name === 'root') return n.power(x, n.divide(one, y!))
  if (name === 'binom') return binomial(x, y!, n)
  if (name === 'gcd' || name === 'lcm')
    return whole(xs.map(integer).reduce((a, b) => (name === 'gcd' ? gcd(a, b, n) : lcm(a, b, n))))
  if (name === 'max' || name === 'min') {
    const sign = name === 'max' ? 1 : -1
    return xs.reduce((a, b) => (n.sign(n.subtract(a, b).re) === sign ? a : b))
  }
  const f = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (f && xs.length === 1) return f(x, n)
  if (name === 'ratio' || f) throw new NotNumber(`a ${name}`)
  return opaque(name, xs)
}

/** A pseudorandom value that depends only on a name and the values of its parts. */
function opaque(name: string, parts: readonly Complex[]): Complex {
  let hash = 0x811c9dc5
  const text = [name, ...parts.flatMap(({ re, im }) => [spell(re), spell(im)])].join('|')
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return complex(rational(BigInt((hash >>> 0) | 1), 1n << 31n))
}

/** The leading digits of a number. */
function spell(x: Complex['re']): string {
  if ('n' in x) return `${x.n.toString(16)}/${x.d.toString(16)}`
  const size = x.m.toString(2).length
  const m = size > 60 ? (x.m >> BigInt(size - 60)) + 1n : x.m
  return `${m >> 1n}e${x.e + Math.max(0, size - 60)}`
}

function integer(x: Complex): bigint {
  const k = wholeOf(x)
  if (k === null) throw new Undefined('a function of a number that is not whole')
  return k
}
function natural(x: Complex): bigint {
  const k = integer(x)
  if (k < 0n || k > MAX_FACTORIAL) throw new Undefined('a factorial or binomial out of range')
  return k
}
function factorial(k: bigint, step: bigint, n: Numerics): bigint {
  // The product has about k log₂ k bits, and every factor takes time in proportion to them.
  const size = Number(k) / Number(step)
  n.budget.spend(1 + Math.ceil((size * size * Math.log2(size + 2)) / 64 / 200))
  let product = 1n
  for (let j = k; j > 1n; j -= step) product *= j
  return product
}
/** C(x, k) = x (x − 1) … (x − k + 1) / k! */
function binomial(x: Complex, below: Complex, n: Numerics): Complex {
  const [top, lower] = [wholeOf(x), integer(below)]
  // C(n, k) = C(n, n − k)
  const k = natural(whole(top !== null && lower <= top && 2n * lower > top ? top - lower : lower))
  if (top !== null) return whole(wholeBinomial(top, k, n))
  let result = one
  for (let j = 0n; j < k; j++) {
    result = n.divide(n.multiply(result, n.subtract(x, whole(j))), whole(j + 1n))
  }
  return result
}
function wholeBinomial(top: bigint, k: bigint, n: Numerics): bigint {
  let result = 1n
  for (let j = 0n; j < k; j++) {
    n.budget.spend(5 * productWork(result, top))
    result = (result * (top - j)) / (j + 1n)
  }
  return result
}

/** The factors of a product, in nested products as well. */
const factorsOf = (e: Expression): readonly Expression[] =>
  e.kind === 'product' ? e.factors.flatMap(factorsOf) : [e]
const isFactorial = (e: Expression): e is Call => e.kind === 'call' && e.name === 'factorial'

/** A quotient of factorials, of which a!/b! = (b + 1) … a is not computed from a! and b!; `null` for any other quotient. */
function factorialQuotient(
  { top, bottom }: Extract<Expression, { kind: 'quotient' }>,
  n: Numerics,
  values: Values,
): Complex | null {
  const sides = [factorsOf(top), factorsOf(bottom)].map((factors) => ({
    factorials: factors
      .filter(isFactorial)
      .map((x) => wholeOf(evaluate(x.args[0]!, n, values)) ?? -1n)
      .sort((a, b) => (a < b ? 1 : -1)),
    rest: factors.filter((x) => !isFactorial(x)).map((x) => evaluate(x, n, values)),
  })) as [{ factorials: bigint[]; rest: Complex[] }, { factorials: bigint[]; rest: Complex[] }]
  const [above, below] = sides
  const pairs = Math.min(above.factorials.length, below.factorials.length)
  if (pairs === 0 || sides.some(({ factorials }) => factorials.some((k) => k < 0n))) return null
  for (let k = 0; k < pairs; k++) {
    const [a, b] = [above.factorials[k]!, below.factorials[k]!]
    ;(a > b ? above : below).rest.push(whole(risingProduct(a < b ? a : b, a < b ? b : a, n)))
  }
  const value = ({ factorials, rest }: (typeof sides)[0]) =>
    [...factorials.slice(pairs).map((k) => whole(factorial(natural(whole(k)), 1n, n))), ...rest].reduce(
      (x, y) => n.multiply(x, y),
      one,
    )
  return n.divide(value(above), value(below))
}

/** (a + 1) (a + 2) … b */
function risingProduct(a: bigint, b: bigint, n: Numerics): bigint {
  natural(whole(b - a))
  let product = 1n
  for (let k = a + 1n; k <= b; k++) {
    n.budget.spend(productWork(product, k))
    product *= k
  }
  return product
}

function gcd(a: bigint, b: bigint, n: Numerics): bigint {
  n.budget.spend(gcdWork(a, b))
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y) [x, y] = [y, x % y]
  return x
}
function lcm(a: bigint, b: bigint, n: Numerics): bigint {
  const by = gcd(a, b, n)
  if (by === 0n) return 0n
  n.budget.spend(productWork(a, b))
  return (a / by) * b
}

const BASES = new Map(
  'two three four five six seven eight nine ten eleven twelve'.split(' ').map((name, k) => [name, k + 2]),
)

/** A number in another base: 1011_2, 1011_{two}. */
function inBase(args: readonly Expression[]): Complex {
  const [x, base] = args
  if (
    x?.kind !== 'number' ||
    base?.kind !== 'symbol' ||
    !(BASES.has(base.name) || /^\d{1,2}$/.test(base.name)) ||
    x.literal.decimals > 0
  )
    throw new NotNumber('a number with a subscript')
  const b = BigInt(BASES.get(base.name) ?? base.name)
  let value = 0n
  for (const digit of x.literal.digits) {
    if (BigInt(digit) >= b) throw new Undefined(`the digit ${digit} in base ${b}`)
    value = value * b + BigInt(digit)
  }
  return whole(value)
}

function determinant(matrix: Expression | undefined, n: Numerics, values: Values): Complex {
  if (matrix?.kind !== 'matrix') throw new NotNumber('a determinant')
  const rows = matrix.rows.map((row) => row.map((x) => evaluate(x, n, values)))
  if (rows.some((row) => row.length !== rows.length)) throw new Undefined('a determinant')
  let product = one
  for (let column = 0; column < rows.length; column++) {
    const at = rows.findIndex((row, r) => r >= column && n.zero(row[column]!) === false)
    if (at < 0) return whole(0)
    if (at !== column) {
      ;[rows[at], rows[column]] = [rows[column]!, rows[at]!]
      product = n.negative(product)
    }
    const pivot = rows[column]!
    product = n.multiply(product, pivot[column]!)
    for (const row of rows.slice(column + 1)) {
      const by = n.divide(row[column]!, pivot[column]!)
      for (let k = column; k < rows.length; k++) row[k] = n.subtract(row[k]!, n.multiply(by, pivot[k]!))
    }
  }
  return product
}

/** Σ and Π between whole bounds are computed; everything else gets an opaque value. */
function big(e: Extract<Expression, { kind: 'big' }>, n: Numerics, values: Values): Complex {
  const { name, below, above, body } = e
  const variable =
    below?.kind === 'relation' && below.sides[0]?.kind === 'symbol' ? below.sides[0].name : null
  const from = below?.kind === 'relation' ? below.sides.at(-1)! : below
  const bound = (x: Expression | null): Complex | null => {
    try {
      return x && evaluate(x, n, values)
    } catch (error) {
      if (error instanceof Undefined) return opaque('infinity', [])
      throw error
    }
  }
  const [lo, hi] = [bound(from), bound(above)]
  const [a, b] = [lo && wholeOf(lo), hi && wholeOf(hi)]
  if ((name === 'sum' || name === 'prod') && variable && a !== null && b !== null) {
    if (b - a > MAX_TERMS) throw new Undefined('a long sum')
    let result = whole(name === 'sum' ? 0 : 1)
    const inside = new Map(values)
    for (let k = a; k <= b; k++) {
      const x = evaluate(body, n, inside.set(variable, whole(k)))
      result = name === 'sum' ? n.add(result, x) : n.multiply(result, x)
    }
    return result
  }
  // Bound variables get fixed values.
  const inside = new Map(values)
  let k = 0
  for (const symbol of [...symbolsOf(body)].sort())
    if (symbol === variable || !values.has(symbol)) inside.set(symbol, opaque(`variable ${k++}`, []))
  return opaque(name, [lo ?? whole(0), hi ?? whole(0), evaluate(body, n, inside)])
}
