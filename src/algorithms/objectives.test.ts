import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import { gradients } from '../onnx/gradient.ts'
import { Graph } from '../onnx/graph.ts'
import { Session, type Tensor } from '../onnx/session.ts'
import { covarianceSelection } from './covariance.ts'
import { buildObjective, type Objective, type PolicyObjective } from './objectives.ts'
import { type Normalisation, tokenWeights } from './weights.ts'

interface Tokens {
  readonly lengths: readonly number[]
  readonly logprob: readonly number[]
  readonly old?: readonly number[]
  readonly reference?: readonly number[]
  /** One per sequence. */
  readonly advantages?: readonly number[]
  /** One per token, instead of one per sequence. */
  readonly perToken?: readonly number[]
  readonly marked?: readonly number[]
  /** One per token; 1 if not given. */
  readonly weight?: readonly number[]
}

/** Loss, ∂loss/∂logprob and clip flags, computed by ONNX Runtime. */
function evaluate(objective: Objective, tokens: Tokens) {
  const graph = new Graph()
  const perToken = (name: string) => graph.input(name, 'float32', ['M'])
  const logprob = perToken('logprob')
  const sequence = graph.input('sequence', 'int64', ['M'])
  const sequences = graph.input('sequences', 'float32', ['N']).shape[0]!
  const { loss, clipped } = buildObjective(objective, {
    logprob,
    old: perToken('old'),
    reference: perToken('reference'),
    advantage: perToken('advantage'),
    weight: perToken('weight'),
    ...(tokens.marked && { marked: perToken('marked') }),
    sequence,
    sequences,
  })
  graph.output('loss', loss)
  graph.output('clipped', clipped)
  graph.output('gradient', gradients(loss, [logprob])[0]!)
  const session = new Session(graph, { threads: 1 })
  const { lengths } = tokens
  const each = (xs: readonly number[]) => lengths.flatMap((length, i) => Array<number>(length).fill(xs[i]!))
  const floats = (xs: readonly number[]): Tensor => ({ data: Float32Array.from(xs), dims: [xs.length] })
  const index = BigInt64Array.from(each([...lengths.keys()]), BigInt)
  const out = session.run({
    logprob: floats(tokens.logprob),
    old: floats(tokens.old ?? tokens.logprob),
    reference: floats(tokens.reference ?? tokens.logprob),
    advantage: floats(tokens.perToken ?? each(tokens.advantages ?? lengths.map(() => 1))),
    ...(tokens.marked && { marked: floats(tokens.marked) }),
    weight: floats(tokens.weight ?? tokens.logprob.map(() => 1)),
    sequence: { data: index, dims: [index.length] },
    sequences: floats(lengths),
  })
  session.dispose()
  const numbers = (name: string) => Array.from(out[name]!.data, Number)
  return { loss: numbers('loss')[0]!, gradient: numbers('gradient'), clipped: numbers('clipped') }
}

const ppo: PolicyObjective = {
  kind: 'policy',
  ratio: 'token',
  surrogate: 'clip',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0, estimator: 'k3' },
}

const expectClose = (actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void => {
  expect(actual).toHaveLength(expected.length)
  for (const [i, x] of expected.entries()) expect(Math.abs(actual[i]! - x)).toBeLessThan(tolerance)
}

describe('one token, worked out by hand', () => {
  interface Row {
    name: string
    change: Partial<PolicyObjective>
    /** π_θ / π_old */
    rho: number
    advantage: number
    loss: number
    gradient: number
    clipped: number
  }
  // π_θ = 1/2 throughout: log π_θ = −0.693147.
  const rows: Row[] = [
    { name: 'inside', change: {}, rho: 1.1, advantage: 2, loss: -2.2, gradient: -2.2, clipped: 0 },
    { name: 'above, A > 0', change: {}, rho: 1.5, advantage: 2, loss: -2.4, gradient: 0, clipped: 1 },
    { name: 'below, A > 0', change: {}, rho: 0.5, advantage: 2, loss: -1, gradient: -1, clipped: 0 },
    { name: 'above, A < 0', change: {}, rho: 1.5, advantage: -2, loss: 3, gradient: 3, clipped: 0 },
    { name: 'below, A < 0', change: {}, rho: 0.5, advantage: -2, loss: 1.6, gradient: 0, clipped: -1 },
    {
      name: 'clip-higher',
      change: { clipHigh: 0.6 },
      rho: 1.5,
      advantage: 2,
      loss: -3,
      gradient: -3,
      clipped: 0,
    },
    {
      name: 'ε = 10 has no lower bound',
      change: { clipLow: 10, clipHigh: 10 },
      rho: 0.01,
      advantage: -2,
      loss: 0.02,
      gradient: 0.02,
      clipped: 0,
    },
    {
      name: 'dual clip, A < 0',
      change: { dualClip: 3 },
      rho: 4,
      advantage: -2,
      loss: 6,
      gradient: 0,
      clipped: 1,
    },
    {
      name: 'dual clip, A > 0',
      change: { dualClip: 3 },
      rho: 4,
      advantage: 2,
      loss: -2.4,
      gradient: 0,
      clipped: 1,
    },
    {
      name: 'importance',
      change: { surrogate: 'importance' },
      rho: 4,
      advantage: 2,
      loss: -8,
      gradient: -8,
      clipped: 0,
    },
    {
      name: 'reinforce',
      change: { surrogate: 'reinforce' },
      rho: 4,
      advantage: 2,
      loss: 1.386294,
      gradient: -2,
      clipped: 0,
    },
    {
      // (4/1) σ(0) = 2 and its slope is 1: on-policy, the gradient is that of ρA
      name: 'sapo, on-policy',
      change: { surrogate: 'sapo' },
      rho: 1,
      advantage: 2,
      loss: -4,
      gradient: -2,
      clipped: 0,
    },
    {
      // 4 σ(3) = 3.810296; its slope 4 σ(3)(1 − σ(3)) ρ = 0.722827
      name: 'sapo, far above: the gradient fades',
      change: { surrogate: 'sapo' },
      rho: 4,
      advantage: 2,
      loss: -7.620593,
      gradient: -1.445653,
      clipped: 0,
    },
    {
      // τ = 2 where A < 0: (4/2) σ(−1) = 0.537883; its slope 4 σ(−1)(1 − σ(−1)) ρ = 0.393224
      name: 'sapo, A < 0 has its own temperature',
      change: { surrogate: 'sapo', gate: { positive: 1, negative: 2 } },
      rho: 0.5,
      advantage: -2,
      loss: 1.075766,
      gradient: 0.786448,
      clipped: 0,
    },
    {
      name: 'cispo, above: the gradient is kept',
      change: { surrogate: 'cispo' },
      rho: 4,
      advantage: 2,
      loss: 1.663553,
      gradient: -2.4,
      clipped: 1,
    },
    {
      name: 'cispo, below, A < 0',
      change: { surrogate: 'cispo' },
      rho: 0.5,
      advantage: -2,
      loss: -1.109035,
      gradient: 1.6,
      clipped: -1,
    },
  ]
  test.each(rows)('$name', ({ change, rho, advantage, loss, gradient, clipped }) => {
    const logprob = Math.log(0.5)
    const out = evaluate(
      { ...ppo, ...change },
      { lengths: [1], logprob: [logprob], old: [logprob - Math.log(rho)], advantages: [advantage] },
    )
    expectClose([out.loss], [loss])
    expectClose(out.gradient, [gradient])
    expect(out.clipped).toEqual([clipped])
  })
})

describe('KL in the loss', () => {
  // A = 0, π_θ = 1/2, π_ref = 1/4: log r = −ln 2, and β = 2.
  test.each([
    ['k1', 1.386294, 2],
    ['k2', 0.480453, 1.386294],
    ['k3', 0.386294, 1],
  ] as const)('%s', (estimator, loss, gradient) => {
    const out = evaluate(
      { ...ppo, kl: { beta: 2, estimator } },
      { lengths: [1], logprob: [Math.log(0.5)], reference: [Math.log(0.25)], advantages: [0] },
    )
    expectClose([out.loss], [loss])
    expectClose(out.gradient, [gradient])
  })
})

test('cross entropy is −Σ w log π', () => {
  const out = evaluate(
    { kind: 'cross_entropy' },
    { lengths: [2, 1], logprob: [-1, -2, -3], weight: [1, 0, 0.5] },
  )
  expectClose([out.loss], [2.5])
  expectClose(out.gradient, [-1, 0, -0.5])
  expect(out.clipped).toEqual([0, 0, 0])
})

describe('sequence ratio', () => {
  const gspo: PolicyObjective = { ...ppo, ratio: 'sequence' }

  test('is the geometric mean over the tokens, and its gradient is shared among them', () => {
    // sequence 0: mean log ρ = (.1 + 0)/2 = .05, inside; sequence 1: .5, above
    const out = evaluate(gspo, { lengths: [2, 1], logprob: [-1, -1, -1], old: [-1.1, -1, -1.5] })
    const s = Math.exp(0.05)
    expectClose([out.loss], [-2 * s - 1.2])
    expectClose(out.gradient, [-s, -s, 0])
    expect(out.clipped).toEqual([0, 0, 1])
  })

  test('leaves out tokens of weight 0, whatever their values', () => {
    const padded = evaluate(gspo, {
      lengths: [3],
      logprob: [-1, -1, -9],
      old: [-1.1, -1, Number.NaN],
      weight: [1, 1, 0],
    })
    expectClose(padded.gradient, [-Math.exp(0.05), -Math.exp(0.05), 0])
  })
})

interface Golden {
  loss_type: 'grpo' | 'dr_grpo' | 'dapo' | 'cispo' | 'sapo'
  level: 'token' | 'sequence'
  epsilon_low: number
  epsilon_high: number
  beta: number
  delta: number | null
  max_tokens: number
  lengths: number[]
  advantages: number[]
  logprobs: number[]
  old: number[]
  reference: number[]
  loss: number
  gradient: number[]
  clipped_low: number | null
  /** SAPO's temperatures. */
  gate?: [number, number]
  clipped_high: number | null
}

const normalisations: { readonly [L in Golden['loss_type']]: Normalisation } = {
  grpo: 'sequence_mean',
  dr_grpo: 'fixed_length',
  dapo: 'token_mean',
  cispo: 'token_mean',
  sapo: 'sequence_mean',
}

describe("TRL's loss, gradient and clip shares (tools/golden/trl_losses.py)", () => {
  const fixture = new URL('fixtures/trl-losses.json', import.meta.url)
  const golden = JSON.parse(readFileSync(fixture, 'utf8')) as Golden[]
  test.each(golden)(
    '$loss_type, $level ratio, ε $epsilon_low $epsilon_high, β $beta, δ $delta',
    (g: Golden) => {
      const cispo = g.loss_type === 'cispo'
      const objective: PolicyObjective = {
        kind: 'policy',
        ratio: g.level,
        surrogate: g.loss_type === 'cispo' || g.loss_type === 'sapo' ? g.loss_type : 'clip',
        ...(g.gate && { gate: { positive: g.gate[0], negative: g.gate[1] } }),
        // TRL's CISPO has no lower bound, and its epsilon_high is the upper bound itself.
        clipLow: cispo ? 1 : g.epsilon_low,
        clipHigh: cispo ? g.epsilon_high - 1 : g.epsilon_high,
        dualClip: g.delta,
        kl: { beta: g.beta, estimator: 'k3' },
      }
      const weights = tokenWeights(normalisations[g.loss_type], g.lengths, g.max_tokens)
      const out = evaluate(objective, {
        lengths: g.lengths,
        logprob: g.logprobs,
        old: g.old,
        reference: g.reference,
        advantages: g.advantages,
        weight: g.lengths.flatMap((length, i) => Array<number>(length).fill(weights[i]!)),
      })
      expectClose([out.loss], [g.loss])
      expectClose(out.gradient, g.gradient)
      if (g.clipped_low === null || g.clipped_high === null) return
      const rows = g.lengths.flatMap((length, i) => {
        const start = g.lengths.slice(0, i).reduce((a, b) => a + b, 0)
        const flags = out.clipped.slice(start, start + (g.level === 'token' ? length : 1))
        return flags.map((flag) => ({ flag, advantage: g.advantages[i]! }))
      })
      const share = (flag: number) =>
        rows.filter((r) => r.flag === flag && r.flag * r.advantage > 0).length / rows.length
      expectClose([share(-1), share(1)], [g.clipped_low, g.clipped_high])
    },
  )
})

interface CovarianceGolden {
  kind: 'clip' | 'kl'
  share: number
  from: number
  to: number
  beta: number
  lengths: number[]
  advantages: number[]
  logprobs: number[]
  old: number[]
  loss: number
  gradient: number[]
}

describe("verl's Clip-Cov and KL-Cov (tools/golden/verl_covariance.py)", () => {
  const fixture = new URL('fixtures/verl-covariance.json', import.meta.url)
  const golden = JSON.parse(readFileSync(fixture, 'utf8')) as CovarianceGolden[]
  test.each(golden)('$kind, share $share, $from … $to, β $beta', (g) => {
    const advantages = g.lengths.flatMap((length, i) => Array<number>(length).fill(g.advantages[i]!))
    const selected = new Set(covarianceSelection(g, g.logprobs, advantages, new Random(0)))
    const isClip = g.kind === 'clip'
    const out = evaluate(
      { ...ppo, ...(isClip ? { clipLow: 10, clipHigh: 1e3 } : { surrogate: 'importance', klCov: g.beta }) },
      {
        lengths: g.lengths,
        logprob: g.logprobs,
        old: g.old,
        perToken: advantages.map((a, t) => (isClip && selected.has(t) ? 0 : a)),
        ...(!isClip && { marked: advantages.map((_, t) => Number(selected.has(t))) }),
        weight: advantages.map(() => 1 / advantages.length),
      },
    )
    expectClose([out.loss], [g.loss])
    expectClose(out.gradient, g.gradient)
  })
})
