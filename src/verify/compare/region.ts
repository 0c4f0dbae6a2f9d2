import { type Expression, exactNumber, type Relation } from '../terms/expression.ts'
import * as rational from '../terms/rational.ts'
import { spell } from './relation.ts'

/** A set of real numbers. A bound of `null` is infinity. */
export type Region =
  | {
      readonly kind: 'interval'
      readonly lo: Expression | null
      readonly hi: Expression | null
      readonly loOpen: boolean
      readonly hiOpen: boolean
    }
  /** `loose`: the intersection or, if that is empty, the union ("x < 1 and x > 3"). */
  | { readonly kind: 'union' | 'intersection' | 'loose'; readonly parts: readonly Region[] }
  | { readonly kind: 'complement'; readonly of: Region }

type Group = Extract<Expression, { kind: 'group' }>

const ZERO = exactNumber(rational.ZERO)
const span = (lo: Expression | null, hi: Expression | null, loOpen = true, hiOpen = true): Region => ({
  kind: 'interval',
  lo,
  hi,
  loOpen,
  hiOpen,
})
const ALL = span(null, null)
const point = (x: Expression): Region => span(x, x, false, false)
const union = (parts: readonly Region[]): Region => ({ kind: 'union', parts })
const complement = (of: Region): Region => ({ kind: 'complement', of })

const FLIPPED: Partial<Record<Relation, Relation>> = {
  '<': '>',
  '>': '<',
  '<=': '>=',
  '>=': '<=',
  '=': '=',
  '!=': '!=',
}

/** −1 or 1 for −∞ or ∞, else 0. */
export function infinite(e: Expression): number {
  if (e.kind === 'constant') return e.name === 'infinity' ? 1 : 0
  return e.kind === 'negative' ? -infinite(e.x) : 0
}

/** Whether an inequality can be solved for it: x, f(x). */
const isUnknown = (e: Expression) => e.kind === 'symbol' || (e.kind === 'call' && e.name.startsWith('?'))
const isSize = (e: Expression) => e.kind === 'call' && e.name === 'abs' && isUnknown(e.args[0]!)
/** The unknowns of an inequality: x in 1 < x < 2 and in |x| < 1. */
export const unknownsOf = ({ sides }: Extract<Expression, { kind: 'relation' }>): Expression[] =>
  sides.filter((x) => isUnknown(x) || isSize(x)).map((x) => (isSize(x) && x.kind === 'call' ? x.args[0]! : x))

const isSetLike = (e: Expression) =>
  /^(?:group|list|sets|relation|builder|numbers|matrix|text|either)$/.test(e.kind)

/** x ∈ ℝ, which excludes nothing. */
const isAnyReal = (e: Expression) =>
  e.kind === 'relation' &&
  e.relations[0] === 'in' &&
  e.sides[1]!.kind === 'numbers' &&
  e.sides[1]!.name === 'R'

/** The set of real numbers that an expression describes, as a set or by inequalities; `null` if it does not clearly describe one. */
export function regionOf(e: Expression): Region | null {
  switch (e.kind) {
    case 'group':
      return e.open === '{' ? (e.items.some(isSetLike) ? null : union(e.items.map(point))) : interval(e)
    case 'numbers':
      return e.name === 'R'
        ? ALL
        : e.name === 'R+'
          ? span(ZERO, null)
          : e.name === 'R-'
            ? span(null, ZERO)
            : null
    case 'sets': {
      const parts = every(e.items.map(regionOf))
      if (!parts) return null
      if (e.operation === 'cup') return union(parts)
      return {
        kind: 'intersection',
        parts: e.operation === 'cap' ? parts : [parts[0]!, ...parts.slice(1).map(complement)],
      }
    }
    case 'relation':
      return isAnyReal(e) ? ALL : solved(e)
    case 'list':
      return combined(e)
    case 'builder': {
      const own = e.item.kind === 'relation' ? regionOf(e.item) : isUnknown(e.item) ? ALL : null
      const conditions = every(e.conditions.map(regionOf))
      return own && conditions && { kind: 'intersection', parts: [own, ...conditions] }
    }
    case 'text':
      return /^(?:all )?(?:real numbers|reals)$/.test(e.words) ? ALL : null
    default:
      return null
  }
}

/** The list, or `null` if any item is `null`. */
function every<T>(items: readonly (T | null)[]): T[] | null {
  return items.every((x) => x !== null) ? (items as T[]) : null
}

function interval({ open, close, items }: Group): Region | null {
  const [lo, hi] = items
  if (!lo || !hi || items.length !== 2 || open === '<' || isSetLike(lo) || isSetLike(hi)) return null
  const [a, b] = [infinite(lo), infinite(hi)]
  if (a > 0 || b < 0) return null
  // No interval contains infinity itself, whatever its brackets.
  return span(a ? null : lo, b ? null : hi, a !== 0 || open === '(', b !== 0 || close === ')')
}

/** A list of intervals as their union; `null` if it is not one. (0, 3) is read as an interval. */
export function listedUnion(e: Expression): Expression | null {
  if (e.kind !== 'list' || !e.items.every((x) => x.kind === 'group' && interval(x) !== null)) return null
  return { kind: 'sets', operation: 'cup', items: e.items }
}

/** Whether it is certainly an interval and not a pair. */
const isInterval = (e: Expression) =>
  e.kind === 'group' &&
  interval(e) !== null &&
  (e.open !== '(' || e.close !== ')' || e.items.some((x) => infinite(x) !== 0))

/** The region of a solved relation: x > 1, 1 < x ≤ 2, |x| < 3, x ≠ 4, x ∈ (5, 6). */
function solved({ sides, relations }: Extract<Expression, { kind: 'relation' }>): Region | null {
  const only = relations.length === 1 ? relations[0]! : null
  if (only === 'in' || only === 'notin') {
    const region = isUnknown(sides[0]!) ? regionOf(sides[1]!) : null
    return region && (only === 'in' ? region : complement(region))
  }
  const at = sides.findIndex((side) => isUnknown(side) || isSize(side))
  if (at < 0 || sides.length > 3 || (sides.length === 3 && at !== 1)) return null
  const parts = every(
    relations.map((relation, k) => {
      const [bound, op] = k < at ? [sides[k]!, FLIPPED[relation]] : [sides[k + 1]!, relation]
      return op && !isSetLike(bound) && !isUnknown(bound) ? ray(op, bound) : null
    }),
  )
  if (!parts) return null
  const region: Region = { kind: 'intersection', parts }
  if (isUnknown(sides[at]!)) return region
  // |x| is in the region if x ≥ 0 and x is in it, or x ≤ 0 and −x is.
  const right: Region = { kind: 'intersection', parts: [region, span(ZERO, null, false)] }
  return union([right, mirrored(right)])
}

function ray(op: Relation, x: Expression): Region | null {
  const sign = infinite(x)
  if (sign !== 0) return (sign > 0 && op === '<') || (sign < 0 && op === '>') ? ALL : null
  switch (op) {
    case '<':
    case '<=':
      return span(null, x, true, op === '<')
    case '>':
    case '>=':
      return span(x, null, op === '>')
    case '=':
      return point(x)
    case '!=':
      return complement(point(x))
    default:
      return null
  }
}

function mirrored(r: Region): Region {
  if (r.kind === 'complement') return complement(mirrored(r.of))
  if (r.kind !== 'interval') return { ...r, parts: r.parts.map(mirrored) }
  const minus = (x: Expression | null): Expression | null => x && { kind: 'negative', x }
  return span(minus(r.hi), minus(r.lo), r.hiOpen, r.loOpen)
}

/** "x < 1 or x > 3", "x > 1 and x ≠ 2": inequalities in one unknown, or expressions that are certainly intervals. */
function combined({ items, joiner }: Extract<Expression, { kind: 'list' }>): Region | null {
  const inequality = (e: Expression) =>
    e.kind === 'relation' && e.relations.some((r) => r !== '=' && r !== 'approx' && r !== 'equiv')
  const allIntervals = items.every((x) => isInterval(x) || x.kind === 'sets')
  if (!allIntervals && !items.some(inequality)) return null
  if (items.some((x) => x.kind !== 'relation' && x.kind !== 'group' && x.kind !== 'sets')) return null
  const names = items.flatMap((x) =>
    x.kind === 'relation' ? x.sides.filter((s) => isUnknown(s) || isSize(s)) : [],
  )
  const named = new Set(names.map((x) => spell(isSize(x) && x.kind === 'call' ? x.args[0]! : x)))
  const parts = named.size <= 1 ? every(items.map(regionOf)) : null
  return parts && { kind: joiner === 'or' || allIntervals ? 'union' : 'loose', parts }
}

/** Whether an expression certainly describes a set of real numbers. */
export function isSurelyRegion(e: Expression): boolean {
  if (e.kind === 'relation') return !e.relations.every((r) => r === '=' || r === 'approx' || r === 'equiv')
  if (e.kind === 'list') return e.items.some(isSurelyRegion)
  return e.kind === 'sets' || e.kind === 'numbers' || e.kind === 'builder' || isInterval(e)
}

/** All intervals of a region. */
export function intervalsOf(r: Region): Extract<Region, { kind: 'interval' }>[] {
  if (r.kind === 'complement') return intervalsOf(r.of)
  return r.kind === 'interval' ? [r] : r.parts.flatMap(intervalsOf)
}

/** All finite bounds of a region. */
export function boundsOf(r: Region): Expression[] {
  return intervalsOf(r).flatMap(({ lo, hi }) => [lo, hi].filter((x) => x !== null))
}

/**
 * The cells of the real line that belong to a region. The n sorted bounds divide the line into 2n + 1 cells: a gap, a
 * bound, a gap, … `at` gives the index of a bound among them.
 */
export function cellsOf(r: Region, n: number, at: (bound: Expression) => number): boolean[] {
  if (r.kind === 'complement') return cellsOf(r.of, n, at).map((x) => !x)
  if (r.kind !== 'interval') {
    const parts = r.parts.map((part) => cellsOf(part, n, at))
    const cells = (join: (cell: number) => boolean) =>
      Array.from({ length: 2 * n + 1 }, (_, cell) => join(cell))
    const any = cells((cell) => parts.some((part) => part[cell]))
    const both = cells((cell) => parts.every((part) => part[cell]))
    return r.kind === 'union' || (r.kind === 'loose' && !both.includes(true)) ? any : both
  }
  const lo = r.lo ? 2 * at(r.lo) + (r.loOpen ? 2 : 1) : 0
  const hi = r.hi ? 2 * at(r.hi) + (r.hiOpen ? 0 : 1) : 2 * n
  return Array.from({ length: 2 * n + 1 }, (_, cell) => cell >= lo && cell <= hi)
}
