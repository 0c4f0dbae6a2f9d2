import type { NumberLiteral } from './number-literal.ts'
import type { Rational } from './rational.ts'
import type { Unit } from './units.ts'

export type Relation =
  | '='
  | '<'
  | '>'
  | '<='
  | '>='
  | '!='
  | 'approx'
  | 'in'
  | 'notin'
  | 'equiv'
  | 'subset'
  | 'to'

/** A parsed formula, as it was written. */
export type Expression =
  | { readonly kind: 'number'; readonly literal: NumberLiteral }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'constant'; readonly name: 'pi' | 'e' | 'i' | 'infinity' }
  | { readonly kind: 'sum'; readonly terms: readonly Expression[] }
  | { readonly kind: 'product'; readonly factors: readonly Expression[] }
  | { readonly kind: 'quotient'; readonly top: Expression; readonly bottom: Expression }
  | { readonly kind: 'power'; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: 'negative'; readonly x: Expression }
  /** ±x, or ∓x. */
  | { readonly kind: 'either'; readonly x: Expression; readonly lower: boolean }
  | { readonly kind: 'percent' | 'degree'; readonly x: Expression }
  /** A function of its arguments: `sin`, `sqrt`, `log` with its base, or an unknown one such as `f`. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: 'relation'
      readonly sides: readonly Expression[]
      readonly relations: readonly Relation[]
    }
  /** Items without brackets. */
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly joiner: ',' | 'and' | 'or' }
  /** Items in brackets: a tuple, an interval or a set (`{`). */
  | {
      readonly kind: 'group'
      readonly open: '(' | '[' | '{' | '<'
      readonly close: ')' | ']' | '}' | '>'
      readonly items: readonly Expression[]
    }
  /** { item | condition } */
  | { readonly kind: 'builder'; readonly item: Expression; readonly conditions: readonly Expression[] }
  | {
      readonly kind: 'sets'
      readonly operation: 'cup' | 'cap' | 'minus'
      readonly items: readonly Expression[]
    }
  | { readonly kind: 'numbers'; readonly name: string }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Expression[])[] }
  /** A function that has the k-th value where the k-th condition holds; a text is a condition in words. */
  | {
      readonly kind: 'piecewise'
      readonly values: readonly Expression[]
      readonly conditions: readonly Expression[]
    }
  | { readonly kind: 'quantity'; readonly x: Expression; readonly unit: Unit }
  | { readonly kind: 'modulo'; readonly x: Expression; readonly modulus: Expression }
  | { readonly kind: 'text'; readonly words: string }
  /** Σ, Π, ∫ or lim: its variable and bounds as written. */
  | {
      readonly kind: 'big'
      readonly name: string
      readonly below: Expression | null
      readonly above: Expression | null
      readonly body: Expression
    }

/** A number that is not written as digits in the text, such as the scale of a unit or the value of a word. */
export const exactNumber = (value: Rational): Expression => ({
  kind: 'number',
  literal: { value, decimals: 0, significant: 0, digits: value.d === 1n ? String(value.n) : '' },
})

/** The direct parts of an expression. */
export function children(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case 'number':
    case 'symbol':
    case 'constant':
    case 'numbers':
    case 'text':
      return []
    case 'sum':
      return e.terms
    case 'product':
      return e.factors
    case 'quotient':
      return [e.top, e.bottom]
    case 'power':
      return [e.base, e.exponent]
    case 'negative':
    case 'either':
    case 'percent':
    case 'degree':
    case 'quantity':
      return [e.x]
    case 'call':
      return e.args
    case 'relation':
      return e.sides
    case 'list':
    case 'group':
    case 'sets':
      return e.items
    case 'builder':
      return [e.item, ...e.conditions]
    case 'matrix':
      return e.rows.flat()
    case 'piecewise':
      return [...e.values, ...e.conditions]
    case 'modulo':
      return [e.x, e.modulus]
    case 'big':
      return [e.below, e.above, e.body].filter((x) => x !== null)
  }
}

/** The expression with every direct part x replaced by f(x). */
export function mapChildren(e: Expression, f: (x: Expression) => Expression): Expression {
  switch (e.kind) {
    case 'number':
    case 'symbol':
    case 'constant':
    case 'numbers':
    case 'text':
      return e
    case 'sum':
      return { ...e, terms: e.terms.map(f) }
    case 'product':
      return { ...e, factors: e.factors.map(f) }
    case 'quotient':
      return { ...e, top: f(e.top), bottom: f(e.bottom) }
    case 'power':
      return { ...e, base: f(e.base), exponent: f(e.exponent) }
    case 'negative':
    case 'either':
    case 'percent':
    case 'degree':
    case 'quantity':
      return { ...e, x: f(e.x) }
    case 'call':
      return { ...e, args: e.args.map(f) }
    case 'relation':
      return { ...e, sides: e.sides.map(f) }
    case 'list':
    case 'group':
    case 'sets':
      return { ...e, items: e.items.map(f) }
    case 'builder':
      return { ...e, item: f(e.item), conditions: e.conditions.map(f) }
    case 'matrix':
      return { ...e, rows: e.rows.map((row) => row.map(f)) }
    case 'piecewise':
      return { ...e, values: e.values.map(f), conditions: e.conditions.map(f) }
    case 'modulo':
      return { ...e, x: f(e.x), modulus: f(e.modulus) }
    case 'big':
      return { ...e, below: e.below && f(e.below), above: e.above && f(e.above), body: f(e.body) }
  }
}

/** Whether the expression or any part of it satisfies the condition. */
export function some(e: Expression, condition: (x: Expression) => boolean): boolean {
  return condition(e) || children(e).some((x) => some(x, condition))
}

/** The names of the variables and unknown functions in an expression. */
export function symbolsOf(e: Expression, found = new Set<string>()): Set<string> {
  if (e.kind === 'symbol') found.add(e.name)
  if (e.kind === 'call' && e.name.startsWith('?')) found.add(e.name)
  for (const x of children(e)) symbolsOf(x, found)
  return found
}
