import { Random } from '../src/common/random.ts'
import { Graph } from '../src/onnx/graph.ts'
import * as ops from '../src/onnx/ops.ts'
import { Session } from '../src/onnx/session.ts'
import { compare, THREADS, timed } from './compare.ts'

const SIZE = 2048
/** Products per repetition. */
const TIMES = 10

/**
 * One large float32 product, [2048, 2048] × [2048, 2048], in the runtime and in PyTorch: what the arithmetic of either side can
 * reach on this processor at best. The other ratios are to be read against it.
 */
export async function product(repetitions = 7): Promise<void> {
  const graph = new Graph()
  const a = graph.input('a', 'float32', [SIZE, SIZE])
  const b = graph.input('b', 'float32', [SIZE, SIZE])
  graph.output('c', ops.matmul(a, b))
  const session = new Session(graph, { threads: THREADS })
  const random = new Random('bench', 'product')
  const matrix = () => ({
    dims: [SIZE, SIZE],
    data: Float32Array.from({ length: SIZE * SIZE }, () => random.uniform()),
  })
  const [feeds, results] = [{ a: matrix(), b: matrix() }, { c: matrix() }]
  await compare({
    name: 'product',
    work: [`${TIMES} × [${SIZE}, ${SIZE}] × [${SIZE}, ${SIZE}] in float32, ${THREADS} threads`],
    ours: async () => {
      const { seconds } = await timed(async () => {
        for (let i = 0; i < TIMES; i++) session.runInto(feeds, results)
      })
      return { seconds }
    },
    peer: { script: 'product.py', setup: { size: SIZE, times: TIMES } },
    repetitions,
    amount: { count: (TIMES * 2 * SIZE ** 3) / 1e9, unit: 'GFLOP' },
  })
}
