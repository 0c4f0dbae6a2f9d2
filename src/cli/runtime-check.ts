import { Graph } from '../onnx/graph.ts'
import { matmul } from '../onnx/ops.ts'
import { Session } from '../onnx/session.ts'

/** [1 2 3] · [4 5 6] as a tensor program on ONNX Runtime. */
export function multiplyOnRuntime(): number {
  const graph = new Graph()
  const a = graph.input('a', 'float32', [1, 3])
  const b = graph.input('b', 'float32', [3, 1])
  graph.output('product', matmul(a, b))
  const session = new Session(graph, { threads: 1 })
  try {
    const feeds = {
      a: { data: Float32Array.of(1, 2, 3), dims: [1, 3] },
      b: { data: Float32Array.of(4, 5, 6), dims: [3, 1] },
    }
    return (session.run(feeds).product!.data as Float32Array)[0]!
  } finally {
    session.dispose()
  }
}
