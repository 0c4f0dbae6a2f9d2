import { describe, expect, test } from 'vitest'
import { gradients } from '../onnx/gradient.ts'
import { Graph } from '../onnx/graph.ts'
import { Session } from '../onnx/session.ts'
import { type DpoObjective, dpoLoss } from './dpo.ts'
import { buildObjective } from './objectives.ts'
import { minusLogSigma } from './preference.ts'

const dpo: DpoObjective = {
  kind: 'dpo',
  loss: 'sigmoid',
  beta: 0.5,
  labelSmoothing: 0,
  margin: 0,
  lengthNormalised: false,
  referenceFree: false,
}

const variants: [string, Partial<DpoObjective>][] = [
  ['dpo', {}],
  ['conservative dpo', { labelSmoothing: 0.2 }],
  ['simpo', { beta: 2, margin: 0.5, lengthNormalised: true, referenceFree: true }],
  ['ipo', { loss: 'ipo', beta: 0.3, lengthNormalised: true }],
]

/** Two pairs; answers of 2, 1, 3 and 2 tokens. */
const lengths = [2, 1, 3, 2]
const logprobs = [-0.5, -1.2, -0.9, -2, -0.1, -0.4, -1.5, -0.7]
const reference = [-0.6, -1, -0.8, -1.5, -0.3, -0.4, -1.1, -1.3]

function evaluate(objective: DpoObjective, logprob: readonly number[]) {
  const graph = new Graph()
  const perToken = (name: string) => graph.input(name, 'float32', ['M'])
  const input = perToken('logprob')
  const sequence = graph.input('sequence', 'int64', ['M'])
  const sequences = graph.input('sequences', 'float32', ['N']).shape[0]!
  const { loss } = buildObjective(objective, {
    logprob: input,
    old: input,
    reference: perToken('reference'),
    advantage: perToken('advantage'),
    weight: perToken('weight'),
    sequence,
    sequences,
  })
  graph.output('loss', loss)
  graph.output('gradient', gradients(loss, [input])[0]!)
  const session = new Session(graph, { threads: 1 })
  const floats = (xs: readonly number[]) => ({ data: Float32Array.from(xs), dims: [xs.length] })
  const each = (of: (i: number) => number): number[] =>
    lengths.flatMap((length, i) => Array<number>(length).fill(of(i)))
  const pairLength = (i: number) => lengths[i - (i % 2)]! + lengths[i - (i % 2) + 1]!
  const out = session.run({
    logprob: floats(logprob),
    reference: floats(reference),
    advantage: floats(each((i) => (i % 2 === 0 ? 1 : -1) / (objective.lengthNormalised ? lengths[i]! : 1))),
    weight: floats(each((i) => 0.5 / pairLength(i))),
    // as the pairs are computed: by the number of their first row
    sequence: {
      data: BigInt64Array.from(
        each((i) => i - (i % 2)),
        BigInt,
      ),
      dims: [logprob.length],
    },
    sequences: floats(lengths),
  })
  session.dispose()
  return { loss: Number(out.loss!.data[0]), gradient: Array.from(out.gradient!.data, Number) }
}

/** The mean loss of the two pairs, in numbers. */
function expectedLoss(objective: DpoObjective, logprob: readonly number[]): number {
  let at = 0
  const h = lengths.map((length) => {
    const terms = Array.from({ length }, () => {
      const ratio = logprob[at]! - (objective.referenceFree ? 0 : reference[at]!)
      at++
      return ratio
    })
    return terms.reduce((a, b) => a + b, 0) / (objective.lengthNormalised ? length : 1)
  })
  return (dpoLoss(objective, h[0]! - h[1]!) + dpoLoss(objective, h[2]! - h[3]!)) / 2
}

describe.each(variants)('%s', (_, change) => {
  const objective = { ...dpo, ...change }

  test('the program and the formula have the same loss', () => {
    expect(evaluate(objective, logprobs).loss).toBeCloseTo(expectedLoss(objective, logprobs), 5)
  })

  test('the gradient is that of the formula, numerically', () => {
    const { gradient } = evaluate(objective, logprobs)
    const step = 1e-5
    for (const [t, analytic] of gradient.entries()) {
      const moved = (by: number) => logprobs.map((value, i) => (i === t ? value + by : value))
      const numeric =
        (expectedLoss(objective, moved(step)) - expectedLoss(objective, moved(-step))) / (2 * step)
      expect(analytic).toBeCloseTo(numeric, 4)
    }
  })
})

test('−log σ does not overflow', () => {
  expect(minusLogSigma(0)).toBeCloseTo(Math.LN2, 12)
  expect(minusLogSigma(-1000)).toBe(1000)
  expect(minusLogSigma(1000)).toBe(0)
})
