import { NotNumber } from '../compute/evaluate.ts'
import { Undefined } from '../terms/budget.ts'
import { type Expression, exactNumber, mapChildren, some } from '../terms/expression.ts'
import { rational } from '../terms/rational.ts'
import type { Rows } from './matrix.ts'
import type { Scalars } from './scalar.ts'

const whole = (k: number): Expression => exactNumber(rational(BigInt(k)))

/** The index of a unit vector: i, j, k, bold or with a hat or not; −1 for anything else. */
function unitIndex(e: Expression): number {
  if (e.kind === 'constant') return e.name === 'i' ? 0 : -1
  return e.kind === 'symbol' ? ['vec i', 'j', 'k'].indexOf(e.name) : -1
}

const withUnits = (e: Expression, values: readonly number[]): Expression => {
  const at = unitIndex(e)
  return at >= 0 ? whole(values[at]!) : mapChildren(e, (x) => withUnits(x, values))
}

/** The column of a vector that is a sum of multiples of i, j and k, with 2 or 3 entries; `null` if it is not such a sum. */
export function unitColumn(e: Expression, size: number, scalars: Scalars): Rows | null {
  if (!/^(?:sum|product|negative|quotient|symbol|constant)$/.test(e.kind) || (size !== 2 && size !== 3))
    return null
  if (!some(e, (x) => unitIndex(x) >= 0) || (size === 2 && some(e, (x) => unitIndex(x) === 2))) return null
  const entries = [0, 1, 2].map((k) =>
    withUnits(
      e,
      [0, 1, 2].map((j) => (j === k ? 1 : 0)),
    ),
  )
  const at = (values: readonly number[]): Expression => ({
    kind: 'sum',
    terms: entries.map((entry, k) => ({ kind: 'product', factors: [entry, whole(values[k]!)] })),
  })
  try {
    // linear, without a constant term
    const linear = [
      [0, 0, 0],
      [2, 3, 5],
      [-1, 4, 7],
    ].every((values) => scalars.same(withUnits(e, values), at(values)) === true)
    return linear ? entries.slice(0, size).map((x) => [x]) : null
  } catch (error) {
    if (error instanceof NotNumber || error instanceof Undefined) return null
    throw error
  }
}
