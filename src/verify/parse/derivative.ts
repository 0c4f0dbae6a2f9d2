import type { Expression } from '../terms/expression.ts'

const isD = (e: Expression | undefined): e is Extract<Expression, { kind: 'symbol' }> =>
  e?.kind === 'symbol' && (e.name === 'd' || e.name === '\\partial')

/** The order of a differential: 1 for d, n for d^n, 0 if it is not one. */
function orderOf(e: Expression | undefined): number {
  if (isD(e)) return 1
  if (e?.kind !== 'power' || !isD(e.base) || e.exponent.kind !== 'number') return 0
  return Number(e.exponent.literal.value.n)
}

/** dy/dx, d²y/dx², ∂f/∂x or the operator d/dx as an unknown function of its operand; `null` for any other quotient. */
export function derivative(top: Expression, bottom: Expression): Expression | null {
  if (bottom.kind !== 'product' || !isD(bottom.factors[0]) || bottom.factors.length < 2) return null
  const [first, ...operand] = top.kind === 'product' ? top.factors : [top]
  const order = orderOf(first)
  // ∂x∂y, dx²
  let below = 0
  const by: string[] = []
  for (const x of bottom.factors) {
    if (isD(x)) continue
    const base = x.kind === 'power' ? x.base : x
    const times = x.kind === 'power' && x.exponent.kind === 'number' ? Number(x.exponent.literal.value.n) : 1
    if (base.kind !== 'symbol') return null
    below += times
    by.push(`${base.name}${times}`)
  }
  if (order === 0 || order !== below) return null
  const name = `d/d${by.join(' ')}`
  if (operand.length === 0) return { kind: 'symbol', name }
  const [x] = operand
  return {
    kind: 'call',
    name: `?${name}`,
    args: [operand.length === 1 ? x! : { kind: 'product', factors: operand }],
  }
}
