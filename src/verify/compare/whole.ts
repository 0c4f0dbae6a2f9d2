import { children, type Expression, some, symbolsOf } from '../terms/expression.ts'

/** Letters that stand for whole numbers by convention, where the formula suits whole numbers. */
const USUAL = /^[jklmnKMN](?:_\w+)?$/
const TRIGONOMETRIC = /^(?:sin|cos|tan|cot|sec|csc|cis)$/

const isPi = (e: Expression) => e.kind === 'constant' && e.name === 'pi'
const isImaginary = (e: Expression) => e.kind === 'constant' && e.name === 'i'
const isNegative = (e: Expression) => e.kind === 'negative' || (e.kind === 'sum' && e.terms.every(isNegative))

/**
 * The variables that can only be whole numbers: a bound of a sum or product, n in n!, and letters such as n in ⌊n/2⌋,
 * sin nπ, (−1)^n and e^(2πin).
 */
export function wholeSymbols(e: Expression, found = new Set<string>()): Set<string> {
  const add = (x: Expression | null, usual: boolean) => {
    if (x) for (const name of symbolsOf(x)) if (!usual || USUAL.test(name)) found.add(name)
  }
  if (e.kind === 'big' && /^(?:sum|prod)$/.test(e.name)) {
    add(e.above, false)
    if (e.below?.kind === 'relation') add(e.below.sides.at(-1)!, false)
  }
  if (e.kind === 'call') {
    if (/^(?:factorial|double factorial|binom|gcd|lcm)$/.test(e.name)) for (const x of e.args) add(x, false)
    const steps =
      /^(?:floor|ceil)$/.test(e.name) || (TRIGONOMETRIC.test(e.name) && e.args.some((x) => some(x, isPi)))
    if (steps) for (const x of e.args) add(x, true)
  }
  if (e.kind === 'power') {
    const turns =
      e.base.kind === 'constant' &&
      e.base.name === 'e' &&
      some(e.exponent, isPi) &&
      some(e.exponent, isImaginary)
    if (turns || isNegative(e.base) || isImaginary(e.base)) add(e.exponent, true)
  }
  for (const x of children(e)) wholeSymbols(x, found)
  return found
}
