import { Graph, type Value } from '../../../../onnx/graph.ts'
import * as ops from '../../../../onnx/ops.ts'
import { Session, type Tensor } from '../../../../onnx/session.ts'
import type { AdamSettings } from '../../../contract.ts'
import { factors, type Slot, type Update } from './adam.ts'

/** A sum in float32 has at most this many terms, so that its rounding error stays small. */
const ROW = 2 ** 10
/** Tensors are updated in parts of this many elements, for which all operands fit into the processor's cache. */
const PART = 2 ** 18

/**
 * AdamW as programs of elementwise operators, which the runtime's threads share: about twice as fast as the loop in
 * `adam.ts` on two threads, for so many parameters that starting the programs costs little. Everything is computed in
 * float32, so the result differs from the loop's by rounding.
 */
export class AdamPrograms implements Update {
  readonly #squares: Session
  readonly #step: Session

  constructor(threads: number) {
    this.#squares = new Session(squaresProgram(), { threads })
    this.#step = new Session(stepProgram(), { threads })
  }

  norm(slots: Iterable<Slot>): number {
    let sum = 0
    for (const { gradient } of slots)
      for (const { data } of parts(gradient))
        for (const g of rows(data)) {
          const squares = this.#squares.run({ g }).squares!.data as Float32Array
          for (const square of squares) sum += square
        }
    return Math.sqrt(sum)
  }

  step(slots: Iterable<Slot>, t: number, norm: number, settings: AdamSettings): void {
    const { scale, beta1, beta2, stepSize, epsilon, keep } = factors(t, norm, settings)
    // The gradient is clipped before it is squared: its square alone, or that of the factor, may not fit float32.
    const [gain1, gain2] = [(1 - beta1) * scale, Math.sqrt(1 - beta2) * scale]
    const scalars = scalarFeeds({ beta1, gain1, beta2, gain2, stepSize, epsilon })
    for (const { weights, gradient, m, v, decays } of slots) {
      const feeds = { ...scalars, ...scalarFeeds({ keep: decays ? keep : 1 }) }
      const [g, ms, vs] = [parts(gradient), parts(m), parts(v)]
      for (const [i, w] of parts(weights).entries())
        this.#step.runInto(
          { ...feeds, w, g: g[i]!, m: ms[i]!, v: vs[i]! },
          { newW: w, newM: ms[i]!, newV: vs[i]! },
        )
    }
  }
}

/** Σ g² of each row. */
function squaresProgram(): Graph {
  const graph = new Graph()
  const g = graph.input('g', 'float32', ['R', 'N'])
  graph.output('squares', ops.reduceSum(ops.mul(g, g), [1]))
  return graph
}

/** The same formulas as in `adamLoop`, where gain1·g = (1 − β₁) g and (gain2·g)² = (1 − β₂) g² of the clipped gradient. */
function stepProgram(): Graph {
  const graph = new Graph()
  const vector = (name: string): Value => graph.input(name, 'float32', ['N'])
  const scalar = (name: string): Value => graph.input(name, 'float32', [])
  const [w, g, m, v] = [vector('w'), vector('g'), vector('m'), vector('v')]
  const newM = ops.add(ops.mul(m, scalar('beta1')), ops.mul(g, scalar('gain1')))
  const root = ops.mul(g, scalar('gain2'))
  const newV = ops.add(ops.mul(v, scalar('beta2')), ops.mul(root, root))
  const step = ops.div(ops.mul(newM, scalar('stepSize')), ops.add(ops.sqrt(newV), scalar('epsilon')))
  graph.output('newM', newM)
  graph.output('newV', newV)
  graph.output('newW', ops.sub(ops.mul(w, scalar('keep')), step))
  return graph
}

const scalarFeeds = (values: Readonly<Record<string, number>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { data: Float32Array.of(value), dims: [] }]),
  )

const parts = (values: Float32Array): { data: Float32Array; dims: number[] }[] =>
  Array.from({ length: Math.ceil(values.length / PART) }, (_, i) => {
    const data = values.subarray(i * PART, (i + 1) * PART)
    return { data, dims: [data.length] }
  })

/** The values as rows of `ROW`, and what is left as one more row. */
function rows(values: Float32Array): Tensor[] {
  const count = Math.floor(values.length / ROW)
  const [whole, rest] = [values.subarray(0, count * ROW), values.subarray(count * ROW)]
  return [
    { data: whole, dims: [count, ROW] },
    { data: rest, dims: [1, rest.length] },
  ].filter(({ data }) => data.length > 0)
}
