import { elementType } from './encode.ts'
import type { Graph, Operator, Value } from './graph.ts'
import {
  axisOf,
  broadcast,
  type Dim,
  type DType,
  product,
  type Shape,
  sameShape,
  showShape,
  sum,
} from './shape.ts'

/** An operand: a tensor, or a number that broadcasts. */
export type Operand = Value | number

function operands(op: string, a: Operand, b: Operand): [Value, Value] {
  if (typeof a === 'number') {
    if (typeof b === 'number') throw new Error(`${op}: at least one operand must be a tensor`)
    return [b.graph.scalar(a, b.dtype), b]
  }
  const y = typeof b === 'number' ? a.graph.scalar(b, a.dtype) : b
  if (a.dtype !== y.dtype) throw new Error(`${op}: ${a} and ${y} have different element types`)
  return [a, y]
}

function require(op: string, x: Value, dtype: DType): void {
  if (x.dtype !== dtype) throw new Error(`${op}: expects ${dtype}, got ${x}`)
}

const binary =
  (op: Operator) =>
  (a: Operand, b: Operand): Value => {
    const [x, y] = operands(op, a, b)
    return x.graph.emit(op, [x, y], x.dtype, broadcast(op, x.shape, y.shape))
  }
const comparison =
  (op: Operator) =>
  (a: Operand, b: Operand): Value => {
    const [x, y] = operands(op, a, b)
    return x.graph.emit(op, [x, y], 'bool', broadcast(op, x.shape, y.shape))
  }
const unary =
  (op: Operator) =>
  (x: Value): Value => {
    require(op, x, 'float32')
    return x.graph.emit(op, [x], 'float32', x.shape)
  }

export const add = binary('Add')
export const sub = binary('Sub')
export const mul = binary('Mul')
export const div = binary('Div')
export const min = binary('Min')
export const max = binary('Max')
export const less = comparison('Less')
export const greater = comparison('Greater')
export const greaterOrEqual = comparison('GreaterOrEqual')
export const and = comparison('And')
export const neg = unary('Neg')
export const exp = unary('Exp')
export const sqrt = unary('Sqrt')
export const reciprocal = unary('Reciprocal')
export const sigmoid = unary('Sigmoid')

/** x·σ(x), also called SiLU. */
export function swish(x: Value): Value {
  require('Swish', x, 'float32')
  return x.graph.emit(
    'Swish',
    [x],
    'float32',
    x.shape,
    { alpha: { float: 1 } },
    { type: 'QuickGelu', domain: 'com.microsoft' },
  )
}

/** GELU in its approximation with tanh, x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))   (Hendrycks & Gimpel 2016, § 2). */
export function gelu(x: Value): Value {
  require('Gelu', x, 'float32')
  return x.graph.emit('Gelu', [x], 'float32', x.shape, {}, { type: 'FastGelu', domain: 'com.microsoft' })
}

/** x limited to lo … hi; the gradient is 0 outside. */
export const clip = (x: Value, lo: number, hi: number): Value => min(max(x, lo), hi)

/** a where the condition holds, b elsewhere; all three broadcast. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  require('Where', condition, 'bool')
  const [x, y] =
    typeof a === 'number' && typeof b === 'number'
      ? [condition.graph.scalar(a), condition.graph.scalar(b)]
      : operands('Where', a, b)
  const shape = broadcast('Where', condition.shape, broadcast('Where', x.shape, y.shape))
  return condition.graph.emit('Where', [condition, x, y], x.dtype, shape)
}

/** x converted to another element type. */
export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : x.graph.emit('Cast', [x], dtype, x.shape, { to: elementType[dtype] })
}

/** x, but no gradient flows through it. */
export const stopGradient = (x: Value): Value =>
  x.graph.emit('StopGradient', [x], x.dtype, x.shape, {}, { type: 'Identity' })

export interface MatMulOptions {
  readonly transA?: boolean
  readonly transB?: boolean
  readonly alpha?: number
}

/** α·op(a)·op(b) over the last two axes; leading axes broadcast. */
export function matmul(
  a: Value,
  b: Value,
  { transA = false, transB = false, alpha = 1 }: MatMulOptions = {},
): Value {
  require('MatMul', a, 'float32')
  require('MatMul', b, 'float32')
  const fail = (why: string) =>
    new Error(
      `MatMul: ${showShape(a.shape)}${transA ? 'ᵀ' : ''} times ${showShape(b.shape)}${transB ? 'ᵀ' : ''}: ${why}`,
    )
  if (a.shape.length < 2 || b.shape.length < 2) throw fail('both need at least two axes')
  const [m, k] = lastTwo(a.shape, transA)
  const [k2, n] = lastTwo(b.shape, transB)
  if (k !== k2) throw fail(`inner dimensions ${k} and ${k2} differ`)
  const shape = [...broadcast('MatMul', a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n]
  if (!transA && !transB && alpha === 1) return a.graph.emit('MatMul', [a, b], 'float32', shape)
  const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } }
  return a.graph.emit('MatMul', [a, b], 'float32', shape, attributes, {
    type: 'FusedMatMul',
    domain: 'com.microsoft',
  })
}

const lastTwo = (shape: Shape, swap: boolean): [Dim, Dim] =>
  swap ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!]

/** x with its axes in the order `perm`. */
export function transpose(x: Value, perm: readonly number[]): Value {
  if (perm.length !== x.shape.length || new Set(perm).size !== perm.length)
    throw new Error(`Transpose: permutation [${perm}] does not fit ${x}`)
  const shape = perm.map((p) => x.shape[axisOf('Transpose', p, x.shape)]!)
  return x.graph.emit('Transpose', [x], x.dtype, shape, { perm })
}

/** x with another shape of the same number of elements; `mayBeEmpty` allows dimensions of 0. */
export function reshape(x: Value, shape: Shape, { mayBeEmpty = false } = {}): Value {
  if (product(x.shape) !== product(shape))
    throw new Error(`Reshape: ${showShape(x.shape)} cannot become ${showShape(shape)}`)
  if (sameShape(x.shape, shape)) return x
  // One symbolic dimension follows from the others.
  const symbolic = shape.filter((d) => typeof d !== 'number').length
  const target = symbolic === 1 ? shape.map((d) => (typeof d === 'number' ? d : -1)) : shape
  const attributes: Record<string, number> = mayBeEmpty ? { allowzero: 1 } : {}
  return x.graph.emit('Reshape', [x, x.graph.shapeTensor(target)], x.dtype, shape, attributes)
}

/** x broadcast to a larger shape. */
export function expand(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x
  if (!sameShape(broadcast('Expand', x.shape, shape), shape))
    throw new Error(`Expand: ${showShape(x.shape)} cannot become ${showShape(shape)}`)
  return x.graph.emit('Expand', [x, x.graph.shapeTensor(shape)], x.dtype, shape)
}

/** Tensors joined along an axis; all other dimensions must be the same. */
export function concat(values: readonly Value[], axis: number): Value {
  const first = values[0]
  if (!first) throw new Error('Concat: no tensors')
  const a = axisOf('Concat', axis, first.shape)
  for (const v of values)
    if (
      v.dtype !== first.dtype ||
      v.shape.length !== first.shape.length ||
      v.shape.some((d, i) => i !== a && d !== first.shape[i])
    )
      throw new Error(`Concat: ${v} does not fit ${first} along axis ${a}`)
  const shape = first.shape.map((d, i) =>
    i === a ? values.slice(1).reduce((n, v) => sum(n, v.shape[a]!), d) : d,
  )
  return first.graph.emit('Concat', values, first.dtype, shape, { axis: a })
}

/** x[start : start + size] along an axis. `after` is the size of the rest, which the gradient needs. */
export function slice(x: Value, axis: number, start: Dim, size: Dim, after: Dim): Value {
  const a = axisOf('Slice', axis, x.shape)
  if (sum(sum(start, size), after) !== x.shape[a])
    throw new Error(`Slice: ${start} + ${size} + ${after} is not axis ${a} of ${x}`)
  const g = x.graph
  const shape = x.shape.map((d, i) => (i === a ? size : d))
  const inputs = [x, g.dim(start), g.dim(sum(start, size)), g.constant([a], 'int64', [1])]
  return g.emit('Slice', inputs, x.dtype, shape, {}, { window: { axis: a, before: start, size, after } })
}

/** x with zeros added before and after it along an axis. */
export function pad(x: Value, axis: number, before: Dim, after: Dim): Value {
  const a = axisOf('Pad', axis, x.shape)
  const g = x.graph
  const pads = g.emit('Concat', [g.dim(before), g.dim(after)], 'int64', [2], { axis: 0 })
  const shape = x.shape.map((d, i) => (i === a ? sum(sum(before, d), after) : d))
  const window = { axis: a, before, size: x.shape[a]!, after }
  return g.emit('Pad', [x, pads, g.scalar(0), g.constant([a], 'int64', [1])], x.dtype, shape, {}, { window })
}

/**
 * x[indices]: the first axis is replaced by the axes of `indices`. Two promises make the gradient faster: `distinct`, that
 * no index occurs twice, or `inverse` [rows of x], that the gradient of row i of x is that of row `inverse[i]` of the
 * result (its axes of `indices` flattened), since every other row with this index has the gradient 0.
 */
export function gather(
  x: Value,
  indices: Value,
  { distinct = false, inverse }: { distinct?: boolean; inverse?: Value } = {},
): Value {
  require('Gather', indices, 'int64')
  if (inverse) require('Gather', inverse, 'int64')
  const shape = [...indices.shape, ...x.shape.slice(1)]
  return x.graph.emit('Gather', [x, indices], x.dtype, shape, { axis: 0 }, { distinct, inverse })
}

/** The element at `indices` [M] of each row of x [M, V]: [M]. */
export function pickElements(x: Value, indices: Value): Value {
  require('GatherElements', indices, 'int64')
  if (x.shape.length !== 2 || indices.shape.length !== 1 || x.shape[0] !== indices.shape[0])
    throw new Error(`GatherElements: ${x} and ${indices} are not [M, V] and [M]`)
  const column = reshape(indices, [...indices.shape, 1])
  const picked = x.graph.emit('GatherElements', [x, column], x.dtype, column.shape, { axis: 1 })
  return reshape(picked, indices.shape)
}

/** Adds `updates` [M, …] to the rows `indices` [M] of a zero tensor of `size` rows, in order and so reproducibly. */
export function scatterAdd(updates: Value, indices: Value, size: Dim): Value {
  require('ScatterElements', indices, 'int64')
  if (indices.shape.length !== 1 || indices.shape[0] !== updates.shape[0])
    throw new Error(`ScatterElements: ${updates} and ${indices} differ in their first axis`)
  const zeros = expand(updates.graph.scalar(0), [size, ...updates.shape.slice(1)])
  const full = expand(
    reshape(indices, [indices.shape[0]!, ...updates.shape.slice(1).map(() => 1)]),
    updates.shape,
  )
  return updates.graph.emit('ScatterElements', [zeros, full, updates], updates.dtype, zeros.shape, {
    axis: 0,
    reduction: 'add',
  })
}

/** A zero tensor of `size` rows with its rows `indices` [M], no two the same, replaced by `updates` [M, …]. */
export function placeRows(updates: Value, indices: Value, size: Dim): Value {
  require('ScatterND', indices, 'int64')
  if (indices.shape.length !== 1 || indices.shape[0] !== updates.shape[0])
    throw new Error(`ScatterND: ${updates} and ${indices} differ in their first axis`)
  const zeros = expand(updates.graph.scalar(0), [size, ...updates.shape.slice(1)])
  const column = reshape(indices, [indices.shape[0]!, 1])
  return updates.graph.emit('ScatterND', [zeros, column, updates], updates.dtype, zeros.shape)
}

function reduce(op: Operator, x: Value, axes: readonly number[] | undefined, keepdims: boolean): Value {
  const reduced = (axes ?? x.shape.map((_, i) => i)).map((a) => axisOf(op, a, x.shape))
  if (reduced.length === 0) return x
  const shape = x.shape.flatMap((d, i) => (reduced.includes(i) ? (keepdims ? [1] : []) : [d]))
  const inputs = [x, x.graph.constant(reduced, 'int64', [reduced.length])]
  return x.graph.emit(op, inputs, x.dtype, shape, { keepdims: Number(keepdims) })
}
/** Sum over the given axes, or over all. */
export const reduceSum = (x: Value, axes?: readonly number[], keepdims = false): Value =>
  reduce('ReduceSum', x, axes, keepdims)
/** Mean over the given axes, or over all. */
export const reduceMean = (x: Value, axes?: readonly number[], keepdims = false): Value =>
  reduce('ReduceMean', x, axes, keepdims)

/** Maximum over the given axes, or over all; it has no gradient rule. */
export const reduceMax = (x: Value, axes?: readonly number[], keepdims = false): Value =>
  reduce('ReduceMax', x, axes, keepdims)

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  require('Softmax', x, 'float32')
  return x.graph.emit('Softmax', [x], 'float32', x.shape, { axis: -1 })
}
/** Logarithm of the softmax over the last axis. */
export function logSoftmax(x: Value): Value {
  require('LogSoftmax', x, 'float32')
  return x.graph.emit('LogSoftmax', [x], 'float32', x.shape, { axis: -1 })
}

/**
 * softmax(scale · q kᵀ + mask) v, for each head (Vaswani et al. 2017, eq. 1). q [B, H, T, d]; k and v [B, K, S, d], where
 * H/K consecutive query heads share a key/value head; mask broadcasts to [B, H, T, S]. Result: [B, H, T, d].
 */
export function attention(q: Value, k: Value, v: Value, mask: Value, scale: number): Value {
  for (const x of [q, k, v, mask]) require('Attention', x, 'float32')
  const fail = (why: string) => new Error(`Attention: ${q}, ${k}, ${v} and mask ${mask} do not fit: ${why}`)
  if (q.shape.length !== 4 || k.shape.length !== 4) throw fail('queries and keys need four axes')
  const [batch, heads, length, width] = q.shape as [Dim, Dim, Dim, Dim]
  const [, kvHeads, seen] = k.shape as [Dim, Dim, Dim]
  if (!sameShape(k.shape, [batch, kvHeads, seen, width]) || !sameShape(v.shape, k.shape))
    throw fail('keys and values must have the same shape, with the batch and the width of the queries')
  if (typeof heads !== 'number' || typeof kvHeads !== 'number' || heads % kvHeads !== 0)
    throw fail('the query heads must be a multiple of the key/value heads')
  const scores = [batch, heads, length, seen]
  if (!sameShape(broadcast('Attention', mask.shape, scores), scores)) throw fail('the mask is too large')
  return q.graph.emit(
    'Attention',
    [q, k, v, mask],
    'float32',
    q.shape,
    { scale: { float: scale }, qk_matmul_output_mode: AFTER_SOFTMAX },
    { saved: { shape: scores, at: 3 } },
  )
}
const AFTER_SOFTMAX = 3

/** x / sqrt(mean(x²) + ε) · weight over the last axis (Zhang & Sennrich 2019, eq. 4). */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  if (weight.shape.length !== 1 || weight.shape[0] !== x.shape.at(-1))
    throw new Error(`RmsNorm: weight ${weight} does not fit the last axis of ${x}`)
  return x.graph.emit(
    'RmsNorm',
    [x, weight],
    'float32',
    x.shape,
    { axis: -1, epsilon: { float: epsilon } },
    { type: 'SimplifiedLayerNormalization' },
  )
}

/** 1 / sqrt(mean(x²) + ε) over the last axis, which becomes 1. */
export const inverseRms = (x: Value, epsilon: number): Value =>
  reciprocal(sqrt(add(reduceMean(mul(x, x), [-1], true), epsilon)))

/**
 * Rotary position embedding (Su et al. 2021) that pairs the two halves of a head, as in Hugging Face's models.
 * x [B, heads, T, headDim], positions int64 [B, T], cos and sin [maxPositions, headDim/2].
 */
export function rotary(x: Value, positions: Value, cos: Value, sin: Value): Value {
  require('Rotary', positions, 'int64')
  if (
    x.shape.length !== 4 ||
    !sameShape(positions.shape, [x.shape[0]!, x.shape[2]!]) ||
    !sameShape(cos.shape, sin.shape)
  )
    throw new Error(`Rotary: ${x}, positions ${positions}, cos ${cos} and sin ${sin} do not fit`)
  return x.graph.emit(
    'Rotary',
    [x, positions, cos, sin],
    'float32',
    x.shape,
    {},
    { type: 'RotaryEmbedding', domain: 'com.microsoft' },
  )
}

/** 0, 1, …, n − 1 as int64 [n]. */
export function range(g: Graph, n: Dim): Value {
  const limit = g.emit('Squeeze', [g.dim(n)], 'int64', [])
  return g.emit('Range', [g.scalar(0, 'int64'), limit, g.scalar(1, 'int64')], 'int64', [n])
}

/** `x` summed over the axes along which it was broadcast from `shape`. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x
  const lead = x.shape.length - shape.length
  const axes = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []))
  return reshape(reduceSum(x, axes, true), shape)
}

/** The number of elements of a shape as a float32 scalar. */
export function sizeOf(like: Value, shape: Shape): Operand {
  const n = product(shape)
  return typeof n === 'number'
    ? n
    : cast(like.graph.emit('Squeeze', [like.graph.dim(n)], 'int64', []), 'float32')
}
