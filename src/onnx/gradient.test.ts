import { describe, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import { gradients } from './gradient.ts'
import { Graph, type Value } from './graph.ts'
import * as ops from './ops.ts'
import { Session } from './session.ts'

type Build = (inputs: Value[]) => Value
interface Case {
  name: string
  shapes: number[][]
  build: Build
  positive?: boolean
}

const ids = (g: Graph, values: number[]) => g.constant(values, 'int64', [values.length])

const cases: Case[] = [
  { name: 'Add', shapes: [[3, 4], [4]], build: ([a, b]) => ops.add(a!, b!) },
  {
    name: 'Sub',
    shapes: [
      [3, 1],
      [2, 1, 4],
    ],
    build: ([a, b]) => ops.sub(a!, b!),
  },
  {
    name: 'Mul',
    shapes: [
      [3, 4],
      [3, 1],
    ],
    build: ([a, b]) => ops.mul(a!, b!),
  },
  { name: 'Mul of a tensor with itself', shapes: [[3, 4]], build: ([a]) => ops.mul(a!, a!) },
  { name: 'Div', shapes: [[3, 4], [4]], build: ([a, b]) => ops.div(a!, b!), positive: true },
  { name: 'Min', shapes: [[3, 4], [4]], build: ([a, b]) => ops.min(a!, b!) },
  { name: 'Max', shapes: [[3, 4], [4]], build: ([a, b]) => ops.max(a!, b!) },
  { name: 'clip', shapes: [[3, 4]], build: ([a]) => ops.clip(a!, -0.5, 0.5) },
  { name: 'Neg', shapes: [[5]], build: ([a]) => ops.neg(a!) },
  { name: 'Exp', shapes: [[5]], build: ([a]) => ops.exp(a!) },
  { name: 'Sqrt', shapes: [[5]], build: ([a]) => ops.sqrt(a!), positive: true },
  { name: 'Reciprocal', shapes: [[5]], build: ([a]) => ops.reciprocal(a!), positive: true },
  { name: 'Sigmoid', shapes: [[5]], build: ([a]) => ops.sigmoid(a!) },
  { name: 'Swish', shapes: [[5]], build: ([a]) => ops.swish(a!) },
  { name: 'Gelu', shapes: [[7]], build: ([a]) => ops.gelu(a!) },
  {
    name: 'Where',
    shapes: [[3, 4], [4]],
    build: ([a, b]) => ops.where(ops.greater(a!, 0), ops.mul(a!, 2), b!),
  },
  { name: 'Cast', shapes: [[4]], build: ([a]) => ops.mul(a!, ops.cast(ops.less(a!, 0), 'float32')) },
  {
    name: 'MatMul',
    shapes: [
      [3, 4],
      [4, 2],
    ],
    build: ([a, b]) => ops.matmul(a!, b!),
  },
  {
    name: 'MatMul, broadcast batch',
    shapes: [
      [2, 3, 4],
      [4, 2],
    ],
    build: ([a, b]) => ops.matmul(a!, b!),
  },
  {
    name: 'MatMul, A transposed',
    shapes: [
      [4, 3],
      [4, 2],
    ],
    build: ([a, b]) => ops.matmul(a!, b!, { transA: true, alpha: 0.3 }),
  },
  {
    name: 'MatMul, B transposed',
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
    ],
    build: ([a, b]) => ops.matmul(a!, b!, { transB: true }),
  },
  {
    name: 'MatMul, both transposed',
    shapes: [
      [4, 3],
      [2, 4],
    ],
    build: ([a, b]) => ops.matmul(a!, b!, { transA: true, transB: true, alpha: 2 }),
  },
  { name: 'Transpose', shapes: [[2, 3, 4]], build: ([a]) => ops.transpose(a!, [2, 0, 1]) },
  { name: 'Reshape', shapes: [[2, 6]], build: ([a]) => ops.reshape(a!, [3, 4]) },
  { name: 'Expand', shapes: [[3, 1]], build: ([a]) => ops.expand(a!, [2, 3, 4]) },
  {
    name: 'Concat',
    shapes: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    build: (v) => ops.concat(v, 1),
  },
  { name: 'Slice', shapes: [[2, 6]], build: ([a]) => ops.slice(a!, 1, 1, 3, 2) },
  { name: 'Pad', shapes: [[2, 3]], build: ([a]) => ops.pad(a!, 1, 1, 2) },
  {
    name: 'Gather, no index twice',
    shapes: [[4, 3]],
    build: ([a]) => ops.gather(a!, ids(a!.graph, [2, 0]), { distinct: true }),
  },
  { name: 'placeRows', shapes: [[2, 3]], build: ([a]) => ops.placeRows(a!, ids(a!.graph, [3, 1]), 4) },
  { name: 'Gather', shapes: [[4, 3]], build: ([a]) => ops.gather(a!, ids(a!.graph, [2, 0, 2])) },
  {
    name: 'Gather of many classes',
    shapes: [[1030, 2]],
    build: ([a]) => ops.gather(a!, ids(a!.graph, [1029, 0, 1029])),
  },
  {
    name: 'GatherElements',
    shapes: [[3, 4]],
    build: ([a]) => ops.pickElements(a!, ids(a!.graph, [2, 0, 3])),
  },
  {
    name: 'ScatterElements',
    shapes: [[4]],
    build: ([a]) => ops.scatterAdd(a!, ids(a!.graph, [1, 1, 0, 2]), 3),
  },
  { name: 'ReduceSum', shapes: [[2, 3, 4]], build: ([a]) => ops.reduceSum(a!, [0, 2]) },
  { name: 'ReduceMean', shapes: [[2, 3, 4]], build: ([a]) => ops.reduceMean(a!, [1], true) },
  { name: 'StopGradient', shapes: [[2, 3]], build: ([a]) => ops.sub(a!, ops.stopGradient(ops.mul(a!, 3))) },
  { name: 'Softmax', shapes: [[3, 4]], build: ([a]) => ops.softmax(a!) },
  {
    name: 'Attention, two query heads per key/value head',
    shapes: [
      [2, 4, 3, 5],
      [2, 2, 6, 5],
      [2, 2, 6, 5],
      [2, 1, 3, 6],
    ],
    build: ([q, k, v, mask]) => ops.attention(q!, k!, v!, mask!, 0.4),
  },
  {
    name: 'Attention, one mask for all',
    shapes: [
      [2, 2, 3, 5],
      [2, 2, 3, 5],
      [2, 2, 3, 5],
      [1, 1, 3, 3],
    ],
    build: ([q, k, v, mask]) => ops.attention(q!, k!, v!, mask!, 1),
  },
  { name: 'LogSoftmax', shapes: [[3, 4]], build: ([a]) => ops.logSoftmax(a!) },
  {
    name: 'LogSoftmax',
    shapes: [[3, 4]],
    build: ([a]) => ops.pickElements(ops.logSoftmax(a!), ids(a!.graph, [2, 0, 3])),
  },
  { name: 'RmsNorm', shapes: [[2, 3, 8], [8]], build: ([a, w]) => ops.rmsNorm(a!, w!, 1e-6) },
  {
    name: 'Rotary',
    shapes: [[2, 2, 3, 4]],
    build: ([x]) => {
      const g = x!.graph
      const angles = Array.from({ length: 10 }, (_, i) => 0.7 * i)
      const table = (f: (a: number) => number) => g.constant(angles.map(f), 'float32', [5, 2])
      return ops.rotary(x!, g.constant([0, 1, 2, 2, 3, 4], 'int64', [2, 3]), table(Math.cos), table(Math.sin))
    },
  },
]

describe('every rule agrees with a central difference', () => {
  test.each(cases)('$name', ({ name, shapes, build, positive }) => {
    const random = new Random(7, name)
    const g = new Graph()
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, 'float32', shape))
    const y = build(inputs)
    const size = y.shape.reduce<number>((n, d) => n * (d as number), 1)
    const direction = g.constant(
      Array.from({ length: size }, () => random.normal()),
      'float32',
      y.shape as number[],
    )
    // A weighted sum of y is smooth in x, except at the kinks of min, max, clip and where.
    const loss = ops.reduceSum(ops.mul(y, direction))
    g.output('loss', loss)
    const expectStopped = name === 'StopGradient'
    for (const [i, dx] of gradients(loss, inputs).entries()) g.output(`d${i}`, dx)
    const session = new Session(g, { threads: 1 })
    // Inputs stay at least 3h away from each other and from the kinks of min, max, clip and where.
    const off = (i: number) => Math.round(random.normal() * 5) / 5 + 0.03 + 0.1 * i
    const data = shapes.map((s, i) =>
      Float32Array.from({ length: s.reduce((a, b) => a * b, 1) }, () =>
        positive ? 0.5 + random.uniform() : off(i),
      ),
    )
    const run = () =>
      session.run(Object.fromEntries(data.map((d, i) => [`x${i}`, { data: d, dims: shapes[i]! }])))
    const analytic = run()
    const h = 1e-2
    for (const [i, d] of data.entries())
      for (let j = 0; j < Math.min(d.length, 24); j++) {
        const x = d[j]!
        d[j] = x + h
        const up = Number(run().loss!.data[0])
        d[j] = x - h
        const down = Number(run().loss!.data[0])
        d[j] = x
        const numeric = (up - down) / (2 * h)
        // The analytic gradient of x − stop(3x) ignores the stopped part: +1 instead of −2.
        const expected = expectStopped ? numeric / -2 : numeric
        expect(Math.abs(Number(analytic[`d${i}`]!.data[j]) - expected)).toBeLessThan(
          5e-3 * Math.max(1, Math.abs(expected)),
        )
      }
    session.dispose()
  })
})

describe('symbolic shapes', () => {
  test('a batch size and a length known only at run time', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', ['B', 'T', 6])
    const flat = ops.reshape(x, ['B*T', 6])
    const heads = ops.transpose(ops.reshape(flat, ['B', 'T', 2, 3]), [0, 2, 1, 3])
    const loss = ops.reduceMean(ops.softmax(ops.matmul(heads, heads, { transB: true })))
    g.output('dx', gradients(loss, [x])[0]!)
    const out = new Session(g, { threads: 1 }).run({
      x: { data: new Float32Array(60).fill(0.1), dims: [2, 5, 6] },
    })
    expect(out.dx!.dims).toEqual([2, 5, 6])
  })
})

test('attention is the softmax of the scores times the values', () => {
  const g = new Graph()
  const random = new Random(7)
  const input = (...shape: number[]) =>
    g.constant(
      Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
      'float32',
      shape,
    )
  const [q, k, v, mask] = [input(2, 4, 3, 5), input(2, 2, 6, 5), input(2, 2, 6, 5), input(2, 1, 3, 6)]
  g.output('fused', ops.attention(q, k, v, mask, 0.4))
  // each key/value head serves two query heads
  const grouped = ops.reshape(q, [2, 2, 2, 3, 5])
  const [keys, values] = [k, v].map((x) => ops.reshape(x, [2, 2, 1, 6, 5])) as [Value, Value]
  const scores = ops.matmul(grouped, keys, { transB: true, alpha: 0.4 })
  const shares = ops.softmax(ops.add(scores, ops.reshape(mask, [2, 1, 1, 3, 6])))
  g.output('parts', ops.reshape(ops.matmul(shares, values), [2, 4, 3, 5]))
  const { fused, parts } = new Session(g, { threads: 1 }).run({})
  for (const [i, x] of (fused!.data as Float32Array).entries())
    expect(x).toBeCloseTo(Number(parts!.data[i]), 5)
})

describe('errors at build time name the operator and both shapes', () => {
  const g = new Graph()
  const a = g.input('a', 'float32', ['B', 4])
  const b = g.input('b', 'float32', [3, 'B'])
  const k = g.input('k', 'int64', ['B'])
  const attend = (queries: number[], keys: number[], mask: number[] = []) => {
    const h = new Graph()
    const kv = h.input('k', 'float32', keys)
    return ops.attention(h.input('q', 'float32', queries), kv, kv, h.input('mask', 'float32', mask), 1)
  }
  test.each<[string, () => unknown, RegExp]>([
    ['add', () => ops.add(a, b), /Add: shapes \[B, 4\] and \[3, B\] do not broadcast/],
    ['matmul', () => ops.matmul(a, b), /MatMul: \[B, 4\] times \[3, B\]: inner dimensions 4 and 3 differ/],
    ['dtype', () => ops.add(a, k), /Add: .*float32.* and .*int64.* different element types/],
    ['reshape', () => ops.reshape(a, ['B', 5]), /Reshape: \[B, 4\] cannot become \[B, 5\]/],
    ['rmsNorm', () => ops.rmsNorm(a, g.input('w', 'float32', [5]), 1e-6), /RmsNorm: weight w: float32\[5\]/],
    ['loss', () => gradients(a, [a]), /must be a scalar/],
    ['gather', () => ops.gather(a, a), /Gather: expects int64/],
    [
      'attention, heads',
      () => attend([2, 3, 4, 5], [2, 2, 6, 5]),
      /3, 4, 5\].*2, 6, 5\].* multiple of the key\/value/,
    ],
    [
      'attention, width',
      () => attend([2, 4, 4, 5], [2, 2, 6, 3]),
      /4, 4, 5\].*2, 6, 3\].* width of the queries/,
    ],
    ['attention, mask', () => attend([2, 2, 4, 5], [2, 2, 6, 5], [4, 7]), /Attention: shapes \[4, 7\] and/],
  ])('%s', (_, build, message) => expect(build).toThrow(message))

  test('a feed of the wrong shape', () => {
    const p = new Graph()
    p.output('y', ops.add(p.input('x', 'float32', ['N', 2]), p.input('z', 'float32', ['N', 1])))
    const s = new Session(p, { threads: 1 })
    const x = { data: new Float32Array(4), dims: [2, 2] }
    expect(() => s.run({ x })).toThrow(/input z: float32\[N, 1\] is missing/)
    expect(() => s.run({ x, z: { data: new Float32Array(3), dims: [3, 1] } })).toThrow(
      /axis 0 \(N\) must be 2/,
    )
    expect(() => s.run({ x, z: { data: new BigInt64Array(2), dims: [2, 1] } })).toThrow(/BigInt64Array/)
  })
})
