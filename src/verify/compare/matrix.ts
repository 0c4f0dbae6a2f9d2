import { Budget } from '../terms/budget.ts'
import { children, type Expression } from '../terms/expression.ts'

export type Rows = readonly (readonly Expression[])[]

const MAX_SIZE = 12
/** The number of parts that all entries of a result may have together. */
const MAX_PARTS = 8000

/** The entries of a matrix, or of a sum, product, multiple or power of matrices; `null` if it is not a matrix. */
export function rowsOf(e: Expression): Rows | null {
  switch (e.kind) {
    case 'matrix':
      return e.rows.length <= MAX_SIZE && e.rows.every((row) => row.length <= MAX_SIZE) ? e.rows : null
    case 'negative': {
      const rows = rowsOf(e.x)
      return rows && mapEntries(rows, (x) => ({ kind: 'negative', x }))
    }
    case 'sum':
      return fold(e.terms, add)
    case 'product':
      return fold(e.factors, multiply)
    case 'quotient': {
      const rows = rowsOf(e.top)
      return rows && mapEntries(rows, (top) => ({ kind: 'quotient', top, bottom: e.bottom }))
    }
    case 'power': {
      const transposed = e.exponent.kind === 'symbol' && e.exponent.name === 'T'
      // (1, 2, 3)^T
      if (transposed && e.base.kind === 'group' && e.base.open !== '{' && e.base.items.length > 1)
        return e.base.items.map((x) => [x])
      const rows = rowsOf(e.base)
      if (!rows) return null
      if (transposed && isFull(rows)) return rows[0]!.map((_, column) => rows.map((row) => row[column]!))
      const k = e.exponent.kind === 'number' ? Number(e.exponent.literal.value.n) : 0
      if (!(k >= 1 && k <= 4) || rows.length > 3) return null
      return fold(
        Array.from({ length: k }, () => e.base),
        multiply,
      )
    }
    // a matrix in parentheses or brackets
    case 'group': {
      if (e.items.length === 1) return rowsOf(e.items[0]!)
      // [[1, 2], [3, 4]]
      const rows = e.items.map((x) =>
        x.kind === 'group' && x.open === '[' && x.close === ']' ? x.items : null,
      )
      return e.open === '[' && rows.every((row) => row !== null) && isFull(rows) ? rows : null
    }
    default:
      return null
  }
}

const mapEntries = (rows: Rows, f: (x: Expression) => Expression): Rows => rows.map((row) => row.map(f))

function fold(
  parts: readonly Expression[],
  join: (a: Rows | Expression, b: Rows | Expression) => Rows | Expression | null,
): Rows | null {
  const rows = parts.map(rowsOf)
  if (rows.every((x) => x === null) || !rows.every((x) => x === null || isFull(x))) return null
  let result: Rows | Expression | null = null
  for (const [k, part] of parts.entries()) {
    const next = rows[k] ?? part
    result = k === 0 ? next : result && join(result, next)
    if (result && isRows(result)) {
      // Each product of matrices multiplies the size of the entries.
      const budget = new Budget(MAX_PARTS)
      for (const row of result) for (const entry of row) count(entry, budget)
    }
  }
  return result && isRows(result) ? result : null
}

function count(e: Expression, budget: Budget): void {
  budget.spend()
  for (const x of children(e)) count(x, budget)
}

/** Whether all rows have the same length. */
const isFull = (rows: Rows) => rows.every((row) => row.length === rows[0]!.length)

const isRows = (x: Rows | Expression): x is Rows => Array.isArray(x)

function add(a: Rows | Expression, b: Rows | Expression): Rows | null {
  if (!isRows(a) || !isRows(b) || a.length !== b.length || a[0]!.length !== b[0]!.length) return null
  return a.map((row, r) => row.map((x, k) => ({ kind: 'sum', terms: [x, b[r]![k]!] })))
}

function multiply(a: Rows | Expression, b: Rows | Expression): Rows | Expression | null {
  if (isRows(a) && isRows(b)) {
    if (a[0]!.length !== b.length) return null
    return a.map((row) =>
      b[0]!.map((_, k) => ({
        kind: 'sum',
        terms: row.map((x, r) => ({ kind: 'product', factors: [x, b[r]![k]!] })),
      })),
    )
  }
  if (isRows(a)) return mapEntries(a, (x) => ({ kind: 'product', factors: [b as Expression, x] }))
  if (isRows(b)) return mapEntries(b, (x) => ({ kind: 'product', factors: [a, x] }))
  return { kind: 'product', factors: [a, b] }
}
