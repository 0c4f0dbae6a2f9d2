import type { Value } from '../onnx/graph.ts'
import * as ops from '../onnx/ops.ts'

/** How many rows are multiplied by a weight, which decides how it is done fastest. */
export type Rows = 'few' | 'many'

/** `rows` rows that are multiplied by the vocabulary's matrix: of more, transposing the logits takes too long. */
export const rowsOfLogits = (rows: number): Rows => (rows <= 40 ? 'few' : 'many')

/** A weight with fewer elements is multiplied in the same way by any number of rows. */
const LARGE_WEIGHT = 2 ** 16

/**
 * x Wᵀ, for x [rows, in] and W [out, in]. The runtime rearranges the second factor of a product before it multiplies. If
 * that is a large W and the rows are few, this takes as long as the product, and (W xᵀ)ᵀ is up to twice as fast.
 */
export function times(x: Value, weight: Value, rows: Rows): Value {
  const [outputs, inputs] = weight.shape as [number, number]
  return rows === 'many' || outputs * inputs < LARGE_WEIGHT
    ? ops.matmul(x, weight, { transB: true })
    : ops.transpose(ops.matmul(weight, x, { transB: true }), [1, 0])
}
