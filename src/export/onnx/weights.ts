import { float32ToFloat16 } from '../../models/checkpoint/half.ts'
import type { Graph, Node, Value } from '../../onnx/graph.ts'
import * as ops from '../../onnx/ops.ts'

/** How weight matrices are stored: as float32, as float16, or in 4 bits. */
export const WEIGHT_TYPES = ['f32', 'f16', 'q4'] as const
export type WeightType = (typeof WEIGHT_TYPES)[number]

/**
 * Declares a parameter. Matrices of `f16` and `q4` are stored as float16 and computed with as float32; where a matrix is
 * multiplied with, `withProducts` may store it in another form.
 */
export function declareWeight(
  graph: Graph,
  name: string,
  data: Float32Array,
  shape: readonly number[],
  type: WeightType,
): Value {
  if (type === 'f32' || shape.length < 2) return graph.parameter(name, data, shape)
  const half = new Uint16Array(data.length)
  float32ToFloat16(data, half)
  return ops.cast(graph.parameter(`${name}.half`, half, shape, 'float16'), 'float32')
}

/**
 * Replaces products x Wᵀ with weight matrices by operators that every build of the runtime has: Gemm, or for 4 bits
 * MatMulNBits, which reads the matrix in blocks.
 */
export function withProducts(
  graph: Graph,
  weights: ReadonlyMap<Value, Float32Array>,
  type: WeightType,
): void {
  const packed = new Map<Value, readonly [Value, Value]>()
  for (const [i, node] of graph.nodes.entries()) {
    const [x, w] = node.inputs as [Value, Value]
    const data = node.op === 'MatMul' ? weights.get(w) : undefined
    if (data === undefined) continue
    const [rows, width] = w.shape as [number, number]
    if (type !== 'q4') {
      graph.nodes[i] = replaced(node, [x, w], 'Gemm', '', { transB: 1 })
      continue
    }
    const name = `${w.node?.inputs[0]?.name ?? w.name}.q4`
    const parts = packed.get(w) ?? declarePacked(graph, name, data, rows, width)
    packed.set(w, parts)
    graph.nodes[i] = replaced(node, [x, ...parts], 'MatMulNBits', 'com.microsoft', {
      K: width,
      N: rows,
      bits: 4,
      block_size: BLOCK,
      accuracy_level: INT8,
    })
  }
}

/** x is rounded to 8 bits in the products, as by the runtime's own tools on a CPU. */
const INT8 = 4
const BLOCK = 32

const replaced = (
  node: Node,
  inputs: readonly Value[],
  type: string,
  domain: string,
  attributes: Node['onnx']['attributes'],
): Node => ({ ...node, inputs, onnx: { type, domain, attributes } })

function declarePacked(
  graph: Graph,
  name: string,
  data: Float32Array,
  rows: number,
  width: number,
): readonly [Value, Value] {
  const { levels, scales, blocks } = packQ4(data, rows, width)
  return [
    graph.parameter(name, levels, [rows, blocks, BLOCK / 2], 'uint8'),
    graph.parameter(`${name}.scales`, scales, [rows * blocks]),
  ]
}

/**
 * A matrix in blocks of 32 along its rows, the last one filled with zeros: x ≈ scale · (level − 8) with levels of 4 bits, two
 * in a byte, and scale = x / −8 for the x of the largest magnitude.
 */
export function packQ4(
  data: Float32Array,
  rows: number,
  width: number,
): { levels: Uint8Array; scales: Float32Array; blocks: number } {
  const blocks = Math.ceil(width / BLOCK)
  const levels = new Uint8Array((rows * blocks * BLOCK) / 2)
  const scales = new Float32Array(rows * blocks)
  for (let row = 0; row < rows; row++)
    for (let block = 0; block < blocks; block++) {
      const from = row * width + block * BLOCK
      const count = Math.min(BLOCK, width - block * BLOCK)
      let largest = 0
      for (let i = from; i < from + count; i++) if (Math.abs(data[i]!) > Math.abs(largest)) largest = data[i]!
      const at = row * blocks + block
      scales[at] = largest / -8
      for (let i = 0; i < BLOCK; i++) {
        const x = i < count && largest !== 0 ? data[from + i]! / scales[at]! : 0
        const level = Math.max(0, Math.min(15, Math.round(x) + 8))
        levels[(at * BLOCK + i) >> 1]! |= level << (4 * (i & 1))
      }
    }
  return { levels, scales, blocks }
}
