/** Element types that the programs use. */
export type DType = 'float32' | 'int64' | 'int32' | 'bool'

/** A dimension: a number, or an expression in symbols such as `B`, `2*B*T` or `(P+T)`, known when the program runs. */
export type Dim = number | string
export type Shape = readonly Dim[]

export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** A dimension as coefficient × sorted symbols; `(a+b)` counts as one symbol. */
function factors(dim: Dim): { coefficient: number; symbols: string[] } {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] }
  let coefficient = 1
  const symbols: string[] = []
  let depth = 0
  let part = ''
  for (const c of `${dim}*`) {
    if (c === '(') depth++
    if (c === ')') depth--
    if (c !== '*' || depth > 0) {
      part += c
      continue
    }
    if (/^\d+$/.test(part)) coefficient *= Number(part)
    else symbols.push(part)
    part = ''
  }
  return { coefficient, symbols: symbols.sort() }
}

export const symbolsOf = (dim: Dim): string[] => factors(dim).symbols
export const coefficientOf = (dim: Dim): number => factors(dim).coefficient

export function product(dims: Shape): Dim {
  let coefficient = 1
  const symbols: string[] = []
  for (const d of dims) {
    const f = factors(d)
    coefficient *= f.coefficient
    symbols.push(...f.symbols)
  }
  if (symbols.length === 0 || coefficient === 0) return coefficient
  symbols.sort()
  return (coefficient === 1 ? symbols : [coefficient, ...symbols]).join('*')
}

export function sum(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a === 0) return b
  if (b === 0) return a
  return `(${a}+${b})`
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

/** The shape of an elementwise operation under NumPy's broadcasting rule. */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x === y || y === 1) return x
    if (x === 1) return y
    throw new Error(`${op}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast (${x} against ${y})`)
  })
}

/** A non-negative axis, or an error that names the operator. */
export function axisOf(op: string, axis: number, shape: Shape): number {
  const a = axis < 0 ? axis + shape.length : axis
  if (a < 0 || a >= shape.length)
    throw new Error(`${op}: axis ${axis} is outside of shape ${showShape(shape)}`)
  return a
}
