import { NotNumber } from '../compute/evaluate.ts'
import { TooLarge, Undefined } from '../terms/budget.ts'
import { type Expression, exactNumber, mapChildren, symbolsOf } from '../terms/expression.ts'
import { rational } from '../terms/rational.ts'
import { boundsOf, cellsOf, type Region, regionOf } from './region.ts'
import { spell } from './relation.ts'
import type { Scalars } from './scalar.ts'

type Piecewise = Extract<Expression, { kind: 'piecewise' }>
type Same = (g: Expression, a: Expression) => boolean

const MAX_BOUNDS = 20

const isRest = (e: Expression) => e.kind === 'text' && /^(?:otherwise|else|elsewhere)$/.test(e.words)

/** Whether two functions given by cases, or one of them and a formula, are equal. @throws TooLarge, Undefined */
export function samePiecewise(g: Expression, a: Expression, scalars: Scalars, same: Same): boolean {
  if (g.kind === 'piecewise' && a.kind === 'piecewise' && sameBranches(g, a, same)) return true
  const names = new Set([...symbolsOf(g), ...symbolsOf(a)])
  const [name] = names
  return name !== undefined && names.size === 1 && sameOnCells(g, a, name, scalars)
}

/** Whether the branches are the same in any order. */
function sameBranches(g: Piecewise, a: Piecewise, same: Same): boolean {
  const sameCondition = (x: Expression, y: Expression) =>
    x.kind === 'text' || y.kind === 'text'
      ? (isRest(x) && isRest(y)) || (x.kind === y.kind && spell(x) === spell(y))
      : same(x, y)
  const left = a.conditions.map((_, k) => k)
  return (
    g.conditions.length === left.length &&
    g.conditions.every((condition, k) => {
      const at = left.findIndex(
        (j) => sameCondition(condition, a.conditions[j]!) && same(g.values[k]!, a.values[j]!),
      )
      if (at >= 0) left.splice(at, 1)
      return at >= 0
    })
  )
}

/** A value and where the function has it. */
interface Branch {
  readonly value: Expression
  readonly region: Region
}

const ALL: Region = { kind: 'interval', lo: null, hi: null, loOpen: true, hiOpen: true }

/** The branches with the sets of numbers on which they hold; `null` if a condition is not such a set. */
function branchesOf(e: Expression): Branch[] | null {
  if (e.kind !== 'piecewise') return [{ value: e, region: ALL }]
  const branches: Branch[] = []
  for (const [k, condition] of e.conditions.entries()) {
    const region = isRest(condition) ? ALL : regionOf(condition)
    if (!region) return null
    branches.push({ value: e.values[k]!, region })
  }
  return branches
}

/** Whether two functions of one variable agree on every interval between the bounds of their conditions, and at these bounds. */
function sameOnCells(g: Expression, a: Expression, name: string, scalars: Scalars): boolean {
  const [gBranches, aBranches] = [branchesOf(g), branchesOf(a)]
  if (!gBranches || !aBranches) return false
  const bounds = [...gBranches, ...aBranches].flatMap(({ region }) => boundsOf(region))
  if (bounds.length > MAX_BOUNDS) throw new TooLarge('a function by cases')
  const sorted: Expression[] = []
  const at = new Map<Expression, number>()
  for (const bound of bounds) {
    const k = sorted.findIndex((x) => scalars.order(bound, x) <= 0)
    if (k < 0) sorted.push(bound)
    else if (scalars.order(bound, sorted[k]!) !== 0) sorted.splice(k, 0, bound)
  }
  for (const bound of bounds)
    at.set(
      bound,
      sorted.findIndex((x) => scalars.order(bound, x) === 0),
    )
  const cells = (branches: readonly Branch[]) =>
    branches.map(({ region }) => cellsOf(region, sorted.length, (x) => at.get(x)!))
  const [gCells, aCells] = [cells(gBranches), cells(aBranches)]
  for (let cell = 0; cell < 2 * sorted.length + 1; cell++) {
    // The first condition that holds counts.
    const x = gBranches[gCells.findIndex((has) => has[cell])]?.value
    const y = aBranches[aCells.findIndex((has) => has[cell])]?.value
    if (!x || !y) {
      if (x !== y) return false
      continue
    }
    const points = pointsIn(cell, sorted)
    if (!points.every((point) => agree(replaced(x, name, point), replaced(y, name, point), scalars)))
      return false
  }
  return true
}

const number = (n: number, d = 1): Expression => exactNumber(rational(BigInt(n), BigInt(d)))
const sum = (...terms: Expression[]): Expression => ({ kind: 'sum', terms })
const product = (...factors: Expression[]): Expression => ({ kind: 'product', factors })

/** Points of a cell: the bound itself, or points before, between or after bounds. */
function pointsIn(cell: number, sorted: readonly Expression[]): readonly Expression[] {
  if (cell % 2 === 1) return [sorted[(cell - 1) / 2]!]
  const [lo, hi] = [sorted[cell / 2 - 1], sorted[cell / 2]]
  const steps = [number(1, 7), number(11, 23), number(8, 9), number(3, 4)]
  if (lo && hi)
    return steps.map((t) => sum(product(lo, t), product(hi, sum(number(1), { kind: 'negative', x: t }))))
  const far = [number(1, 3), number(5, 2), number(37, 3), number(101)]
  if (lo) return far.map((t) => sum(lo, t))
  return far.map((t) => sum(hi ?? number(0), { kind: 'negative', x: t }))
}

/** Whether two values are the same number, or neither exists. */
function agree(x: Expression, y: Expression, scalars: Scalars): boolean {
  try {
    return scalars.same(x, y) === true
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return false
    throw error
  }
}

function replaced(e: Expression, name: string, by: Expression): Expression {
  return e.kind === 'symbol' && e.name === name ? by : mapChildren(e, (x) => replaced(x, name, by))
}
