import { negative, over, plus, type Rational, rational, times, ZERO } from '../../verify/terms/rational.ts'

/** The value of an expression and the numbers in it, in order; or what is wrong with it. */
export type Evaluation =
  | { readonly value: Rational; readonly numbers: readonly number[] }
  | { readonly error: string }

/** Longer expressions are refused: this bounds the depth of the parser, and keeps every fraction small enough to be exact. */
const MAX_LENGTH = 500

/** Evaluates `+ - * /` and parentheses over whole numbers exactly, with the usual precedence. Never throws. */
export function evaluateExpression(text: string): Evaluation {
  if (text.length > MAX_LENGTH) return { error: `longer than ${MAX_LENGTH} characters` }
  const plain = text.replace(/[×·]/g, '*').replace(/÷/g, '/').replace(/[−–]/g, '-')
  const tokens = plain.match(/\d+|\S/g) ?? []
  const numbers: number[] = []
  let at = 0
  let error: string | null = null
  const fail = (message: string): Rational => {
    error ??= message
    at = tokens.length
    return ZERO
  }

  // sum = product (('+' | '-') product)*;  product = atom (('*' | '/') atom)*;  atom = number | '(' sum ')'
  const sum = (): Rational => {
    let value = product()
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? plus(value, product()) : plus(value, negative(product()))
    return value
  }
  const product = (): Rational => {
    let value = atom()
    while (tokens[at] === '*' || tokens[at] === '/')
      value = tokens[at++] === '*' ? times(value, atom()) : quotient(value, atom())
    return value
  }
  const quotient = (a: Rational, b: Rational): Rational =>
    b.n === 0n ? fail('division by zero') : over(a, b)
  const atom = (): Rational => {
    const token = tokens[at++]
    if (token === undefined) return fail('it ends too early')
    if (/^\d+$/.test(token)) {
      numbers.push(Number(token))
      return rational(BigInt(token))
    }
    if (token !== '(') return fail(`unexpected "${token}"`)
    const value = sum()
    return tokens[at++] === ')' ? value : fail('a parenthesis is not closed')
  }

  const value = sum()
  if (at < tokens.length) fail(`unexpected "${tokens[at]}"`)
  return error === null ? { value, numbers } : { error }
}
