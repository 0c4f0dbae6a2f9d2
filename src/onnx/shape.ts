/** The element types of tensors. `float16` and `uint8` are those of stored weights: nothing is computed in them. */
export type DType = 'float32' | 'int64' | 'int32' | 'bool' | 'float16' | 'uint8'

/** A dimension: a number, or an expression of symbols known at run time, such as `B`, `2*B*T` or `(P+T)`. */
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

/** The product of dimensions, in a normal form: equal products are equal strings. */
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

/** The terms of a dimension: `(P+S+1)` has three; anything that is not a sum has one. */
export function termsOf(dim: Dim): Dim[] {
  if (typeof dim === 'number' || !dim.startsWith('(')) return [dim]
  const terms: string[] = ['']
  let depth = 0
  for (const c of dim.slice(1)) {
    if (c === ')' && depth === 0) break
    if (c === '(') depth++
    if (c === ')') depth--
    if (c === '+' && depth === 0) terms.push('')
    else terms.push(terms.pop() + c)
  }
  // the sum in parentheses is only a factor of the dimension
  if (`(${terms.join('+')})` !== dim) return [dim]
  return terms.map((term) => (/^\d+$/.test(term) ? Number(term) : term))
}

/** The sum of two dimensions, in a normal form: equal sums are equal strings. */
export function sum(a: Dim, b: Dim): Dim {
  const terms = [...termsOf(a), ...termsOf(b)]
  const symbols = terms.filter((t) => typeof t === 'string').sort()
  const constant = terms.filter((t) => typeof t === 'number').reduce((x, y) => x + y, 0)
  if (symbols.length === 0) return constant
  const all = constant === 0 ? symbols : [...symbols, constant]
  return all.length === 1 ? all[0]! : `(${all.join('+')})`
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

/** The axis as a non-negative number. @throws Error, naming the operator, if the shape has no such axis. */
export function axisOf(op: string, axis: number, shape: Shape): number {
  const a = axis < 0 ? axis + shape.length : axis
  if (a < 0 || a >= shape.length)
    throw new Error(`${op}: axis ${axis} is outside of shape ${showShape(shape)}`)
  return a
}
