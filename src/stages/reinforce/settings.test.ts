import { describe, expect, test } from 'vitest'
import { klPenalty } from '../../algorithms/kl.ts'
import type { PolicyObjective } from '../../algorithms/objectives.ts'
import { overlongPunishment } from '../../algorithms/overlong.ts'
import type { Engine } from '../../engines/contract.ts'
import { Interrupted } from '../../runs/interrupted.ts'
import type { Task } from '../../tasks/task.ts'
import { fakeEngine, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { metricsOf, passAt1, reinforcementRuns, rl, weightsOf } from '../../testing/reinforcement.ts'
import type { Teacher } from './teacher.ts'

const { run } = reinforcementRuns()

describe('the effect of settings', () => {
  test('minibatches and epochs: each epoch trains on every rollout once', async () => {
    const over = { minibatches: 2, questionsPerStep: 2, epochs: 2 }
    const { datums, store } = await run('a', { rl: over, steps: 1 })
    expect(datums.map((part) => part.length)).toEqual([8, 8, 8, 8])
    const keys = datums.map((part) => part.map(({ tokens }) => tokens.join()))
    const all = store.rollouts({ split: 'train' })
    for (const epoch of [keys.slice(0, 2), keys.slice(2)])
      expect(epoch.flat().sort()).toEqual([...keys.slice(0, 2).flat()].sort())
    expect(keys[0]).not.toEqual(keys[2])
    expect(all).toHaveLength(16)
    // after the first update the policy is no longer the one that was sampled
    expect(store.metricsAt(1)['ratio/max']).toBeGreaterThan(1.01)
    expect(store.metricsAt(1)['mismatch/max']).toBeLessThan(1e-6)
  })

  test('dynamic sampling: groups with equal rewards are dropped and replaced', async () => {
    const { store, datums } = await run('a', { rl: { dynamicSampling: true }, steps: 4 })
    let dropped = 0
    for (const step of [1, 2, 3, 4]) {
      const groups = new Map<string, (typeof rows)[number][]>()
      const rows = store.rollouts({ split: 'train', step })
      for (const row of rows) groups.set(row.question, [...(groups.get(row.question) ?? []), row])
      const used = [...groups.values()].filter((group) => group.some(({ advantage }) => advantage !== null))
      expect(used).toHaveLength(rl.questionsPerStep)
      for (const group of used) expect(new Set(group.map(({ total }) => total)).size).toBeGreaterThan(1)
      for (const group of groups.values())
        if (!used.includes(group)) expect(new Set(group.map(({ total }) => total)).size).toBe(1)
      dropped += groups.size - used.length
      expect(datums[step - 1]).toHaveLength(rl.questionsPerStep * rl.groupSize)
    }
    expect(dropped).toBeGreaterThan(0)
  })

  test('zero-variance filtering: groups with equal rewards are left out and not replaced', async () => {
    const { store, datums } = await run('a', { rl: { dropZeroVariance: true }, steps: 4 })
    let dropped = 0
    for (const step of [1, 2, 3, 4]) {
      const rows = store.rollouts({ split: 'train', step })
      expect(rows).toHaveLength(rl.questionsPerStep * rl.groupSize)
      const used = rows.filter(({ advantage }) => advantage !== null)
      dropped += rows.length - used.length
      expect(datums[step - 1] ?? []).toHaveLength(used.length)
      for (const row of rows) {
        const totals = rows.filter(({ question }) => question === row.question).map(({ total }) => total)
        expect(new Set(totals).size > 1).toBe(row.advantage !== null)
      }
    }
    expect(dropped).toBeGreaterThan(0)
  })

  test('Clip-Cov takes the advantage of tokens with a large covariance; all others keep theirs', async () => {
    const plain = await run('plain', { steps: 1 })
    const covariance = { kind: 'clip', share: 0.1, from: 0, to: 9 } as const
    const { datums } = await run('a', { rl: { covariance }, steps: 1 })
    let taken = 0
    let tokens = 0
    for (const [i, { weights, advantages }] of datums[0]!.entries())
      for (const [t, weight] of weights.entries()) {
        if (weight === 0) continue
        tokens++
        const expected = plain.datums[0]![i]!.advantages![t]!
        if (advantages![t] !== expected) {
          expect(advantages![t]).toBe(0)
          taken++
        }
      }
    // some of the selected tokens had the advantage 0 before
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThanOrEqual(Math.floor(0.1 * tokens))
  })

  test('KL-Cov marks the tokens with the largest covariance', async () => {
    const inner = fakeEngine()
    const marked: number[] = []
    const engine: Engine = {
      ...inner,
      async trainer(options) {
        const trainer = await inner.trainer(options)
        return {
          ...trainer,
          forwardBackward: (datums, objective) => {
            expect(objective).toMatchObject({ klCov: 0.5 })
            const all = datums.flatMap(({ weights, marked }) =>
              [...weights.keys()].filter((t) => weights[t] !== 0).map((t) => marked![t]!),
            )
            marked.push(all.reduce((sum, mark) => sum + mark, 0) / Math.floor(0.2 * all.length))
            const { klCov: _, ...plain } = objective as PolicyObjective
            return trainer.forwardBackward(datums, plain)
          },
        }
      },
    }
    const covariance = { kind: 'kl', share: 0.2, beta: 0.5 } as const
    await run('a', { engine, rl: { covariance, minibatches: 2 }, steps: 1 })
    expect(marked).toEqual([1, 1])
  })

  test('a curriculum: solved questions are not drawn again, also after the run was resumed', async () => {
    const few: Task = {
      ...fakeTask,
      training: ({ seed, step, count }) =>
        Array.from({ length: count }, (_, i) => {
          const id = `${(Math.abs(seed) + step * count + i) % 60}`
          return { id, prompt: 'Which letter?', gold: 'a', kind: 'letter' }
        }),
    }
    const options = {
      task: few,
      steps: 12,
      rl: { curriculum: { solved: 0.7, unsolvable: null, draws: 1, rest: null } },
    }
    const { store } = await run('whole', options)
    const solved = new Set<string>()
    for (let step = 1; step <= 12; step++) {
      const rows = store.rollouts({ split: 'train', step })
      for (const { question } of rows) expect(solved).not.toContain(question)
      for (const { step: at, question, share } of store.shares('train'))
        if (at === step && share >= 0.7) solved.add(question)
      expect(store.metricsAt(step)).toMatchObject({ 'questions/dropped': solved.size })
    }
    expect(solved.size).toBeGreaterThan(5)

    const aborting = new AbortController()
    const onStep = ({ step }: { step: number }) => void (step === 7 && aborting.abort())
    await expect(run('parts', { ...options, signal: aborting.signal, onStep })).rejects.toThrow(Interrupted)
    const { store: parts } = await run('parts', options)
    expect(metricsOf(parts)).toEqual(metricsOf(store))
    expect(weightsOf(parts)).toEqual(weightsOf(store))
  })

  test('interrupted thinking: what was put in has no loss, and counts for no average', async () => {
    const rl = {
      interruption: { after: 3, phrase: 'x' },
      maxTokens: 40,
      normalisation: 'token_mean',
    } as const
    const { store, datums } = await run('a', { rl, steps: 1 })
    expect(store.metricsAt(1)['length/interrupted']).toBeGreaterThan(0)
    const learned = datums[0]!.flatMap(({ weights }) => [...weights].filter((weight) => weight !== 0))
    expect(learned.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5)
    const lengths = store.rollouts({ split: 'train' }).reduce((sum, { length }) => sum + length, 0)
    expect(learned.length).toBeLessThan(lengths)
    // the other metrics of tokens are known, so nothing was computed from what was put in
    for (const name of ['kl', 'entropy', 'mismatch/max', 'loss'])
      expect(store.metricsAt(1)[name]).toBeTypeOf('number')
  })

  test('the KL penalty in the reward leaves out what was put in', async () => {
    const rl = {
      interruption: { after: 3, phrase: 'x' },
      maxTokens: 40,
      klInReward: { beta: 1, estimator: 'k1' },
    } as const
    const { store } = await run('a', { rl, steps: 2 })
    for (const { total } of store.rollouts({ split: 'train' })) expect(Number.isFinite(total)).toBe(true)
  })

  test('a teacher teaches without rewards: the policy comes closer to it, and the run goes on', async () => {
    // the base with "a" (token 5) and "b" (token 6) exchanged
    const base = fakeEngine()
    const scorer = await base.scorer(base.base)
    const swap = (ids: Int32Array) => ids.map((id) => (id === 5 ? 6 : id === 6 ? 5 : id))
    const logprobs: Teacher['logprobs'] = (datums, temperature) =>
      scorer.logprobs(
        datums.map((datum) => ({ ...datum, tokens: swap(datum.tokens), targets: swap(datum.targets) })),
        { temperature },
      )
    const teacher: Teacher = { weight: 0.5, limited: (can) => can, warnOfPrompts: () => {}, logprobs }
    const warnings: string[] = []
    const options = {
      teacher,
      rewards: [],
      steps: 12,
      onWarning: (line: string) => void warnings.push(line),
    }
    const { store, datums } = await run('a', options)
    const [first] = datums[0]!
    const [scored] = await teacher.logprobs([first!], 1)
    for (const [t, weight] of first!.weights.entries())
      if (weight !== 0)
        expect(first!.advantages![t]).toBeCloseTo(0.5 * (scored![t]! - first!.logprobs![t]!), 5)
    expect(store.metricsAt(12)['teacher/kl']).toBeLessThan(store.metricsAt(1)['teacher/kl']!)
    expect(store.metricsAt(12).accuracy).toBeGreaterThan(store.metricsAt(1).accuracy! + 0.2)
    expect(warnings.join()).not.toMatch(/reward/)
  })

  test('the importance cap: π_old is the trainer’s, and advantages are weighted by min(π_old/π_sampler, cap)', async () => {
    // a sampler that reports log-probs that are lower than the trainer's
    const lower = (by: number): Engine => {
      const inner = fakeEngine()
      return {
        ...inner,
        async sampler(weights) {
          const sampler = await inner.sampler(weights)
          return {
            ...sampler,
            sample: async (prompt, options) =>
              (await sampler.sample(prompt, options)).map((sequence) => ({
                ...sequence,
                logprobs: sequence.logprobs.map((logprob) => logprob - by),
              })),
          }
        },
      }
    }
    const plain = await run('plain', { steps: 1 })
    for (const [by, weight] of [
      [0.2, Math.exp(0.2)],
      [2, 3],
    ] as const) {
      const { datums } = await run(`by ${by}`, { engine: lower(by), rl: { importanceCap: 3 }, steps: 1 })
      for (const [i, datum] of datums[0]!.entries()) {
        const expected = plain.datums[0]![i]!
        for (const [t, w] of datum.weights.entries()) {
          if (w === 0) continue
          expect(datum.logprobs![t]).toBeCloseTo(expected.logprobs![t]!, 5)
          expect(datum.advantages![t]).toBeCloseTo(weight * expected.advantages![t]!, 4)
        }
      }
    }
  })

  test.each([0.6, 1.3])(
    'temperature %d: of what is sampled, of the ratio, of the KL and of the entropy',
    async (temperature) => {
      const engine = fakeEngine()
      const { store, datums } = await run('a', { engine, rl: { temperature }, steps: 1 })
      expect(store.metricsAt(1)['mismatch/max']).toBeLessThan(1e-6)
      expect(store.metricsAt(1)['ratio/max']).toBeCloseTo(1, 6)
      expect(store.metricsAt(1)['ratio/mean']).toBeCloseTo(1, 6)
      expect(store.metricsAt(1).kl).toBeLessThan(1e-9)
      const scorer = await engine.scorer(engine.base)
      const scored = await scorer.logprobs(datums[0]!, { temperature })
      const plain = await run('plain', { steps: 1 })
      expect(Math.abs(store.metricsAt(1).entropy! - plain.store.metricsAt(1).entropy!)).toBeGreaterThan(0.1)
      for (const [i, { weights, logprobs, reference }] of datums[0]!.entries())
        for (const [t, w] of weights.entries()) {
          if (w === 0) continue
          expect(logprobs![t]).toBeCloseTo(scored[i]![t]!, 6)
          expect(reference![t]).toBeCloseTo(scored[i]![t]!, 6)
        }
      const learned = await run('b', { rl: { temperature, importanceCap: 2 } })
      expect(await passAt1(learned)).toBeGreaterThan(0.8)
    },
  )

  test.each([
    ['no cap', null, Math.exp(-0.4)],
    ['a cap', 0.5, 0.5],
  ])('truncated sampling: advantages are weighted by π_old / q, with %s', async (_, cap, weight) => {
    // a sampler that reports that it drew from tokens with less mass than it really did
    const inner = fakeEngine()
    const engine: Engine = {
      ...inner,
      async sampler(weights) {
        const sampler = await inner.sampler(weights)
        return {
          ...sampler,
          sample: async (prompt, options) => {
            expect(options).toMatchObject({ topK: 0, topP: 0.999999, minP: 0.001 })
            return (await sampler.sample(prompt, options)).map((sequence) => ({
              ...sequence,
              samplingLogprobs: sequence.logprobs.map((logprob) => logprob + 0.4),
            }))
          },
        }
      },
    }
    const plain = await run('plain', { steps: 1 })
    const { datums } = await run('truncated', {
      engine,
      rl: { topP: 0.999999, minP: 0.001, importanceCap: cap },
      steps: 1,
    })
    for (const [i, datum] of datums[0]!.entries()) {
      const expected = plain.datums[0]![i]!
      for (const [t, w] of datum.weights.entries()) {
        if (w === 0) continue
        expect(datum.logprobs![t]).toBeCloseTo(expected.logprobs![t]!, 5)
        expect(datum.advantages![t]).toBeCloseTo(weight * expected.advantages![t]!, 5)
      }
    }
  })

  test('truncated sampling learns, and its ratio is that of the untruncated policy', async () => {
    const truncation = { topK: 4, topP: 0.95, minP: 0.02 }
    const trained = await run('a', { rl: { ...truncation, temperature: 0.8 } })
    expect(trained.store.metricsAt(1)['ratio/max']).toBeCloseTo(1, 6)
    const weighted = trained.datums[0]!.flatMap(({ advantages, weights }) =>
      [...advantages!].filter((_, t) => weights[t] !== 0).map(Math.abs),
    )
    expect(new Set(weighted.map((a) => a.toFixed(4))).size).toBeGreaterThan(5)
    expect(trained.store.metricsAt(30).accuracy).toBeGreaterThan(0.9)
  })

  test('KL in the reward: a rollout’s total is its rewards minus β·KL', async () => {
    const klInReward = { beta: 0.05, estimator: 'k1' } as const
    const { store, datums } = await run('a', { rl: { klInReward, learningRate: 2 }, steps: 3 })
    const rows = store.rollouts({ split: 'train', step: 3 }).reverse()
    let largest = 0
    for (const [i, { total, rewards, logprobs }] of rows.entries()) {
      const { reference, weights } = datums[2]![i]!
      const penalty = klPenalty(
        logprobs,
        reference!.filter((_, t) => weights[t] !== 0),
        klInReward,
      )
      expect(total).toBeCloseTo(rewards.accuracy! + 0.1 * rewards.format! - penalty, 5)
      largest = Math.max(largest, Math.abs(penalty))
    }
    expect(largest).toBeGreaterThan(0.001)
  })

  test('overlong punishment, and truncated responses left out of the loss', async () => {
    const over = { overlong: { buffer: 5 }, maskTruncated: true, maxTokens: 8 }
    const { store, datums } = await run('a', { rl: over, steps: 1 })
    const rows = store.rollouts({ split: 'train' }).reverse()
    const kinds = new Set<string>()
    for (const [i, { total, rewards, length, stopReason }] of rows.entries()) {
      const punishment = overlongPunishment(length, 8, 5)
      expect(total).toBeCloseTo(rewards.accuracy! + 0.1 * rewards.format! + punishment, 6)
      const weight = datums[0]![i]!.weights.reduce((sum, w) => sum + w, 0)
      // each response counts 1/N in the mean over sequences, truncated ones included in N
      expect(weight).toBeCloseTo(stopReason === 'length' ? 0 : 1 / rows.length, 6)
      kinds.add(stopReason)
    }
    expect([...kinds].sort()).toEqual(['length', 'stop'])
  })

  test('after a refresh, the KL to the reference is zero', async () => {
    const kl = async (name: string, referenceRefresh: number | null): Promise<number> =>
      (await run(name, { rl: { referenceRefresh }, steps: 3 })).store.metricsAt(3).kl!
    expect(await kl('kept', null)).toBeGreaterThan(1e-6)
    expect(await kl('refreshed', 1)).toBeLessThan(1e-9)
  })
})
