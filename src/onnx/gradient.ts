import type { Node, Operator, Value } from './graph.ts'
import {
  add,
  cast,
  concat,
  div,
  exp,
  expand,
  gather,
  greaterOrEqual,
  inverseRms,
  matmul,
  mul,
  neg,
  pad,
  placeRows,
  reduceMax,
  reduceSum,
  reshape,
  rotary,
  scatterAdd,
  sigmoid,
  sizeOf,
  slice,
  sub,
  sumTo,
  transpose,
  where,
} from './ops.ts'
import { type Dim, product, sum } from './shape.ts'

/** Gradients of a node's inputs, given the gradient `dy` of its output; `null` for an input that has none. */
type Rule = (dy: Value, node: Node) => readonly (Value | null)[]

const a = (n: Node): Value => n.inputs[0]!
const b = (n: Node): Value => n.inputs[1]!
const none: Rule = () => []
const attribute = (n: Node, name: string): number => {
  const value = n.onnx.attributes[name]
  return typeof value === 'object' && 'float' in value ? value.float : Number(value ?? 0)
}
/** The gradient of a reduction's output, expanded to the shape of its input. */
const unreduce = (dy: Value, n: Node): Value => {
  const axes = reducedAxes(n)
  return expand(
    reshape(
      dy,
      a(n).shape.map((d, i) => (axes.has(i) ? 1 : d)),
    ),
    a(n).shape,
  )
}
const reducedAxes = (n: Node): Set<number> =>
  new Set(
    Array.from(n.output.graph.initializers.find((i) => i.value === b(n))!.data as BigInt64Array, Number),
  )

const rules: { readonly [O in Operator]: Rule } = {
  // d(a + b) = da + db
  Add: (dy, n) => [sumTo(dy, a(n).shape), sumTo(dy, b(n).shape)],
  // d(a − b) = da − db
  Sub: (dy, n) => [sumTo(dy, a(n).shape), neg(sumTo(dy, b(n).shape))],
  // d(ab) = b da + a db
  Mul: (dy, n) => [sumTo(mul(dy, b(n)), a(n).shape), sumTo(mul(dy, a(n)), b(n).shape)],
  // d(a/b) = da/b − (a/b) db/b
  Div: (dy, n) => {
    const da = div(dy, b(n))
    return [sumTo(da, a(n).shape), neg(sumTo(mul(da, n.output), b(n).shape))]
  },
  // d min = da where a ≤ b, db elsewhere
  Min: (dy, n) => choose(dy, n, greaterOrEqual(b(n), a(n))),
  // d max = da where a ≥ b, db elsewhere
  Max: (dy, n) => choose(dy, n, greaterOrEqual(a(n), b(n))),
  // d(−x) = −dx
  Neg: (dy) => [neg(dy)],
  // d eˣ = eˣ dx
  Exp: (dy, n) => [mul(dy, n.output)],
  // d √x = dx / 2√x
  Sqrt: (dy, n) => [div(mul(dy, 0.5), n.output)],
  // d(1/x) = −dx/x²
  Reciprocal: (dy, n) => [neg(mul(dy, mul(n.output, n.output)))],
  // dσ = σ(1 − σ) dx
  Sigmoid: (dy, n) => [mul(dy, mul(n.output, sub(1, n.output)))],
  // d(xσ) = (σ + y(1 − σ)) dx
  Swish: (dy, n) => {
    const s = sigmoid(a(n))
    return [mul(dy, add(s, mul(n.output, sub(1, s))))]
  },
  // y = xσ(2u) with 2u = c(x + 0.044715 x³) and c = 2√(2/π), hence dy = (σ + y(1 − σ) c(1 + 3·0.044715 x²)) dx
  Gelu: (dy, n) => {
    const c = 2 * Math.sqrt(2 / Math.PI)
    const x2 = mul(a(n), a(n))
    const s = sigmoid(mul(a(n), add(mul(x2, 0.044715 * c), c)))
    return [mul(dy, add(s, mul(mul(n.output, sub(1, s)), add(mul(x2, 3 * 0.044715 * c), c))))]
  },
  Where: (dy, n) => [
    null,
    sumTo(where(a(n), dy, 0), b(n).shape),
    sumTo(where(a(n), 0, dy), n.inputs[2]!.shape),
  ],
  // dA = α dy op(B)ᵀ, dB = α op(A)ᵀ dy, each transposed back
  MatMul: (dy, n) => {
    const [transA, transB] = [attribute(n, 'transA') === 1, attribute(n, 'transB') === 1]
    const alpha = n.onnx.type === 'FusedMatMul' ? attribute(n, 'alpha') : 1
    const da = transA
      ? matmul(b(n), dy, { transA: transB, transB: true, alpha })
      : matmul(dy, b(n), { transB: !transB, alpha })
    const db = transB
      ? transposedProduct(dy, a(n), transA, alpha)
      : transA
        ? matmul(a(n), dy, { alpha })
        : transposedProduct(a(n), dy, false, alpha)
    return [sumTo(da, a(n).shape), sumTo(db, b(n).shape)]
  },
  Transpose: (dy, n) => {
    const perm = n.onnx.attributes.perm as readonly number[]
    return [
      transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ]
  },
  Reshape: (dy, n) => [reshape(dy, a(n).shape)],
  Expand: (dy, n) => [sumTo(dy, a(n).shape)],
  Concat: (dy, n) => {
    const axis = attribute(n, 'axis')
    const sizes = n.inputs.map((v) => v.shape[axis]!)
    return n.inputs.map((_, i) =>
      slice(dy, axis, total(sizes.slice(0, i)), sizes[i]!, total(sizes.slice(i + 1))),
    )
  },
  Slice: (dy, n) => [pad(dy, n.window!.axis, n.window!.before, n.window!.after)],
  Pad: (dy, n) => [slice(dy, n.window!.axis, n.window!.before, n.window!.size, n.window!.after)],
  // d x[i] adds dy at i
  Gather: (dy, n) => {
    const x = a(n)
    const rows = reshape(b(n), [product(b(n).shape)])
    if (n.inverse) return [gather(reshape(dy, [rows.shape[0]!, ...x.shape.slice(1)]), n.inverse)]
    const place = n.distinct ? placeRows : scatterAdd
    return [place(reshape(dy, [rows.shape[0]!, ...x.shape.slice(1)]), rows, x.shape[0]!)]
  },
  GatherElements: (dy, n) => [scatterOnePerRow(expand(dy.graph.scalar(0), a(n).shape), b(n), dy, 'none')],
  // y = Σ updates at indices, so each update receives dy at its index
  ScatterElements: (dy, n) => {
    if (n.onnx.attributes.reduction !== 'add') return unsupported('ScatterElements without addition')
    const [base, index, updates] = n.inputs as [Value, Value, Value]
    const picked = dy.graph.emit('GatherElements', [dy, index], 'float32', updates.shape, { axis: 0 })
    return [sumTo(dy, base.shape), null, picked]
  },
  // y is 0 except in the rows that were placed
  ScatterND: (dy, n) => [null, null, gather(dy, reshape(n.inputs[1]!, [n.inputs[1]!.shape[0]!]))],
  ReduceSum: (dy, n) => [unreduce(dy, n)],
  ReduceMean: (dy, n) => {
    const axes = reducedAxes(n)
    const count = sizeOf(
      dy,
      a(n).shape.filter((_, i) => axes.has(i)),
    )
    return [unreduce(div(dy, count), n)]
  },
  ReduceMax: () => unsupported('ReduceMax'),
  CachedAttention: () => unsupported('CachedAttention'),
  // dx = y (dy − Σ dy y)
  Softmax: (dy, n) => {
    const weighted = mul(dy, n.output)
    return [sub(weighted, mul(n.output, reduceSum(weighted, [-1], true)))]
  },
  // dx = dy − eʸ Σ dy; if dy is d at one element per row and 0 elsewhere, Σ dy = d
  LogSoftmax: (dy, n) => {
    if (dy.node?.op === 'ScatterElements' && dy.node.onnx.attributes.reduction === 'none') {
      const [, index, d] = dy.node.inputs as [Value, Value, Value]
      return [scatterOnePerRow(mul(exp(n.output), neg(d)), index, d, 'add')]
    }
    return [sub(dy, mul(exp(n.output), reduceSum(dy, [-1], true)))]
  },
  // With P the softmax, D = Σ dy ∘ y of each query, and dS = P ∘ (dy vᵀ − D):  dq = s dS k, dk = s dSᵀ q, dv = Pᵀ dy
  // (Dao et al. 2022, appendix B.4). All queries of a key/value head are multiplied at once, with D as an extra column.
  Attention: (dy, n) => {
    const [q, k, v, mask] = n.inputs as [Value, Value, Value, Value]
    const shares = n.saved!.value
    const scale = attribute(n, 'scale')
    const [batch, heads, length] = q.shape as [Dim, number, Dim]
    const kvHeads = k.shape[1] as number
    const rows = product([heads / kvHeads, length])
    const together = (x: Value): Value => reshape(x, [batch, kvHeads, rows, x.shape[3]!])
    const p = together(shares)
    const d = reduceSum(mul(dy, n.output), [-1], true)
    const ones = expand(dy.graph.scalar(-1), [...v.shape.slice(0, 3), 1])
    const dyvD = matmul(together(concat([dy, d], 3)), concat([v, ones], 3), { transB: true })
    const ds = mul(p, dyvD)
    return [
      reshape(matmul(ds, k, { alpha: scale }), q.shape),
      transposedProduct(ds, together(q), false, scale),
      transposedProduct(p, together(dy), false, 1),
      sumTo(reshape(ds, shares.shape), mask.shape),
    ]
  },
  // with r = 1/rms and p = dy·x:  dx = r dy w − x r³ (p·w)/D,  dw = pᵀ r
  RmsNorm: (dy, n) => {
    const [x, w] = [a(n), b(n)]
    const width = w.shape[0] as number
    const rows: Dim = product(x.shape.slice(0, -1))
    const [x2, dy2] = [reshape(x, [rows, width]), reshape(dy, [rows, width])]
    const r = inverseRms(x2, attribute(n, 'epsilon'))
    const p = mul(dy2, x2)
    const along = matmul(p, reshape(w, [width, 1]), { alpha: 1 / width })
    const dx = sub(mul(mul(dy2, w), r), mul(x2, mul(mul(r, mul(r, r)), along)))
    return [reshape(dx, x.shape), reshape(matmul(p, r, { transA: true }), [width])]
  },
  // a rotation's transpose is the rotation by the opposite angle
  Rotary: (dy, n) => {
    const [, positions, cos, sin] = n.inputs as [Value, Value, Value, Value]
    return [rotary(dy, positions, cos, neg(sin)), null, null, null]
  },
  Squeeze: (dy, n) => [reshape(dy, a(n).shape)],
  Cast: (dy, n) => [a(n).dtype === 'float32' ? cast(dy, 'float32') : null],
  StopGradient: none,
  Less: none,
  Greater: none,
  GreaterOrEqual: none,
  And: none,
  Shape: none,
  Range: none,
}

/**
 * α·xᵀ·op(y). The runtime is faster if the narrower operand is the transposed one, so for a wide x the product is computed
 * as (op(y)ᵀ·x)ᵀ.
 */
function transposedProduct(x: Value, y: Value, transY: boolean, alpha: number): Value {
  const width = (d: Dim | undefined): number => (typeof d === 'number' ? d : Number.POSITIVE_INFINITY)
  if (transY || width(x.shape.at(-1)) <= width(y.shape.at(-1)))
    return matmul(x, y, { transA: true, transB: transY, alpha })
  const turned = matmul(y, x, { transA: true, alpha })
  const rank = turned.shape.length
  return transpose(turned, [...Array(rank - 2).keys(), rank - 1, rank - 2])
}

/** x [M, V] where, in each row, `values` [M, 1] replaces the element at `index` [M, 1] or is added to it. */
const scatterOnePerRow = (x: Value, index: Value, values: Value, reduction: 'none' | 'add'): Value =>
  x.graph.emit('ScatterElements', [x, index, values], 'float32', x.shape, { axis: 1, reduction })

function choose(dy: Value, n: Node, takeA: Value): Value[] {
  return [sumTo(where(takeA, dy, 0), a(n).shape), sumTo(where(takeA, 0, dy), b(n).shape)]
}
function unsupported(what: string): never {
  throw new Error(`gradient: ${what} has no rule; write the program without it or stop the gradient there`)
}
const total = (sizes: readonly Dim[]): Dim => sizes.reduce(sum, 0)

/**
 * Reverse-mode differentiation: appends the operators that compute ∂loss/∂x, for every x in `wrt`, to the program of the
 * scalar `loss`, and returns these gradients. With `kept`, in the order in which they are computed, the backward pass keeps
 * only these values of the forward pass, and what follows the last of them; it computes the others again from them (Chen
 * et al. 2016, arXiv 1604.06174).
 *
 * @throws Error if `loss` is not a scalar, or if an operator on the way has no rule.
 */
export function gradients(loss: Value, wrt: readonly Value[], kept: readonly Value[] | null = null): Value[] {
  if (loss.shape.length > 0) throw new Error(`gradients: the loss must be a scalar, got ${loss}`)
  const graph = loss.graph
  const nodes = [...graph.nodes]
  const needed = new Set<Value>(wrt)
  for (const n of nodes) if (n.inputs.some((v) => needed.has(v))) needed.add(n.output)
  const again = kept && recomputation(nodes, new Set(kept), needed)
  const adjoint = new Map<Value, Value>([[loss, graph.scalar(1)]])
  for (const n of nodes.reverse()) {
    const dy = adjoint.get(n.output)
    if (!dy || !n.inputs.some((v) => needed.has(v))) continue
    for (const [i, dx] of rules[n.op](dy, again ? again(n, dy) : n).entries()) {
      const x = n.inputs[i]!
      if (!dx || !needed.has(x)) continue
      const soFar = adjoint.get(x)
      adjoint.set(x, soFar ? add(soFar, dx) : dx)
    }
  }
  return wrt.map((x) => adjoint.get(x) ?? expand(graph.scalar(0), x.shape))
}

/**
 * A function that, given a node and the gradient of its output, returns a node that computes the same from kept values.
 * Nodes between two kept values are a segment. A segment is computed again only once the gradient of its end is known: the
 * kept values that it starts from have 0 times this gradient added.
 */
function recomputation(
  nodes: readonly Node[],
  kept: ReadonlySet<Value>,
  needed: ReadonlySet<Value>,
): (n: Node, dy: Value) => Node {
  const segments = new Map<Node, number>()
  let segment = 0
  for (const n of nodes) {
    segments.set(n, segment)
    if (kept.has(n.output)) segment++
  }
  const last = segment
  const copies = Array.from({ length: last }, () => new Map<Value, Value>())
  const nothing: (Value | undefined)[] = []

  const copy = (n: Node, within: number): Node => {
    const known = copies[within]!.get(n.output)
    if (known) return known.node!
    const inputs = n.inputs.map((x) => value(x, within))
    const { output, onnx, window, distinct = false, inverse, saved } = n
    const again = output.graph.emit(n.op, inputs, output.dtype, output.shape, onnx.attributes, {
      ...onnx,
      ...(window && { window }),
      ...(saved && { saved: { shape: saved.value.shape, at: saved.at } }),
      distinct,
      inverse,
    })
    copies[within]!.set(output, again)
    return again.node!
  }
  const value = (x: Value, within: number): Value => {
    if (!x.node || !needed.has(x) || segments.get(x.node) === last) return x
    if (!kept.has(x)) return copy(x.node, within).output
    const known = copies[within]!.get(x) ?? add(x, nothing[within]!)
    copies[within]!.set(x, known)
    return known
  }
  return (n, dy) => {
    const within = segments.get(n)!
    if (within === last) return n
    nothing[within] ??= mul(reduceMax(dy), 0)
    return copy(n, within)
  }
}
