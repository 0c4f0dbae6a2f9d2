import { describe, expect, test } from 'vitest'
import { gradients } from '../onnx/gradient.ts'
import { Graph } from '../onnx/graph.ts'
import { Session } from '../onnx/session.ts'
import { buildObjective } from './objectives.ts'
import { preferenceQuality, type ScoredComparison } from './preference.ts'

/** The loss of comparisons and ∂loss/∂reward, computed by ONNX Runtime. */
function evaluate(texts: readonly { reward: number; sign: number; weight: number; comparison: number }[]) {
  const graph = new Graph()
  const input = (name: string) => graph.input(name, 'float32', ['M'])
  const reward = input('reward')
  const { loss } = buildObjective(
    { kind: 'preference' },
    {
      logprob: reward,
      old: reward,
      reference: reward,
      advantage: input('sign'),
      weight: input('weight'),
      sequence: graph.input('comparison', 'int64', ['M']),
      sequences: graph.input('rows', 'float32', ['N']).shape[0]!,
    },
  )
  graph.output('loss', loss)
  graph.output('gradient', gradients(loss, [reward])[0]!)
  const dims = [texts.length]
  const column = (name: 'reward' | 'sign' | 'weight') => ({
    data: Float32Array.from(texts, (text) => text[name]),
    dims,
  })
  const out = new Session(graph, { threads: 1 }).run({
    reward: column('reward'),
    sign: column('sign'),
    weight: column('weight'),
    comparison: { data: BigInt64Array.from(texts, ({ comparison }) => BigInt(comparison)), dims },
    rows: { data: new Float32Array(texts.length), dims },
  })
  return { loss: Number(out.loss!.data[0]), gradient: Array.from(out.gradient!.data as Float32Array) }
}

const pair = (better: number, worse: number, comparison = 0, weight = 1) => [
  { reward: better, sign: 1, weight: weight / 2, comparison },
  { reward: worse, sign: -1, weight: weight / 2, comparison },
]
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

describe('−log σ(z) and its gradient, −σ(−z) s', () => {
  test.each([0, 0.3, -0.3, 5, -5, 80, -80])('of a pair with z = %d', (z) => {
    const { loss, gradient } = evaluate(pair(z + 1, 1))
    expect(loss).toBeCloseTo(softplus(-z), 4)
    expect(gradient[0]).toBeCloseTo(-sigmoid(-z), 5)
    expect(gradient[1]).toBeCloseTo(sigmoid(-z), 5)
  })

  test.each([
    [2, 1],
    [2, -1],
    [-90, 1],
    [0, -1],
  ])('of one text with reward %d and sign %d: binary cross-entropy', (reward, sign) => {
    const { loss, gradient } = evaluate([{ reward, sign, weight: 1, comparison: 0 }])
    expect(loss).toBeCloseTo(softplus(-sign * reward), 4)
    expect(gradient[0]).toBeCloseTo(-sign * sigmoid(-sign * reward), 5)
  })

  test('of several comparisons whose texts are interleaved, against numeric gradients', () => {
    const [a, b] = [pair(0.2, 0.9, 0, 0.5), pair(1.5, -0.4, 2, 0.25)] as const
    const texts = [a[1]!, b[0]!, { reward: -0.7, sign: -1, weight: 0.25, comparison: 1 }, b[1]!, a[0]!]
    const { loss, gradient } = evaluate(texts)
    expect(loss).toBeCloseTo(0.5 * softplus(0.7) + 0.25 * softplus(-1.9) + 0.25 * softplus(-0.7), 5)
    for (const [i, text] of texts.entries()) {
      const step = 1e-2
      const moved = (by: number) => evaluate(texts.with(i, { ...text, reward: text.reward + by })).loss
      expect(gradient[i]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 4)
    }
  })
})

describe('quality on held-out comparisons', () => {
  const compared = (rewards: [number, number], lengths: [number, number]): ScoredComparison => ({
    rewards,
    lengths,
    good: null,
  })
  test('of pairs', () => {
    const quality = preferenceQuality([
      compared([2, 1], [10, 5]),
      compared([0, 3], [8, 9]),
      compared([-1, -6], [4, 4]),
      compared([1, 1], [3, 7]),
    ])
    expect(quality).toMatchObject({ comparisons: 4, accuracy: 0.5, margin: 0.75 })
    expect(quality.loss).toBeCloseTo((softplus(-1) + softplus(3) + softplus(-5) + softplus(0)) / 4, 10)
    // the pair of equal length does not count; equal rewards are a win for neither
    expect(quality.longerWins).toEqual({ gold: 1 / 3, model: 2 / 3 })
    expect(quality.lengthCorrelation.gold).toBeNaN()
    const { edges, counts } = quality.histogram
    expect(counts).toHaveLength(edges.length + 1)
    const of = (edge: number) => counts[edges.indexOf(edge) + 1]
    expect([of(-3), of(0), of(1), of(4)]).toEqual([1, 1, 1, 1])
  })

  test('of labelled texts', () => {
    const labelled = (reward: number, length: number, good: boolean): ScoredComparison => ({
      rewards: [reward],
      lengths: [length],
      good,
    })
    const quality = preferenceQuality([
      labelled(1, 10, true),
      labelled(-1, 20, false),
      labelled(3, 30, false),
    ])
    expect(quality.accuracy).toBeCloseTo(2 / 3, 12)
    expect(quality.margin).toBeCloseTo(-1 / 3, 12)
    expect(quality.longerWins.model).toBeNaN()
    expect(quality.lengthCorrelation.model).toBeCloseTo(0.5, 12)
    expect(quality.lengthCorrelation.gold).toBeCloseTo(-Math.sqrt(3) / 2, 12)
  })

  test('a constant has no correlation', () => {
    expect(preferenceQuality([compared([1, 0], [5, 5])]).lengthCorrelation.model).toBeNaN()
  })
})
