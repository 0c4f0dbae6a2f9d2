import { describe, expect, test } from 'vitest'
import type { Engine } from '../../engines/contract.ts'
import type { Reward } from '../../rewards/reward.ts'
import { Interrupted } from '../../runs/interrupted.ts'
import { RunStore } from '../../runs/store.ts'
import { type RlPreset, rlPreset } from '../../settings/presets.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { metricsOf, passAt1, reinforcementRuns, weightsOf } from '../../testing/reinforcement.ts'
import { evaluate } from '../evaluate/evaluate.ts'

const { run, folderOf } = reinforcementRuns()

describe('reinforce', () => {
  test('raises accuracy; with shuffled rewards it does not', async () => {
    const engine = fakeEngine()
    const base = await engine.sampler(engine.base)
    const options = { questions: 200, samples: 1, temperature: 1, maxTokens: 20, seed: 1 }
    expect((await evaluate(base, fakeRenderer, fakeTask, options)).evaluation.passAt1).toBeLessThan(0.4)
    expect(await passAt1(await run('a'))).toBeGreaterThan(0.85)
    expect(await passAt1(await run('b', { shuffle: true }))).toBeLessThan(0.5)
  })

  test('a stopped and resumed run equals an uninterrupted one', async () => {
    const whole = await run('whole', { steps: 13 })
    const stop = new AbortController()
    const onStep = ({ step }: { step: number }) => void (step === 8 && stop.abort())
    await expect(run('parts', { steps: 13, signal: stop.signal, onStep })).rejects.toThrow(Interrupted)
    const parts = RunStore.open(folderOf('parts'), { write: true })
    expect(parts.info().status).toBe('interrupted')
    expect(parts.info().step).toBe(8)
    // as after a kill: steps after the last checkpoint are recorded, and must be repeated
    parts.record(9, { metrics: { accuracy: 0.123 } })
    parts.close()
    const resumed = await run('parts', { steps: 13 })

    expect(metricsOf(resumed.store)).toEqual(metricsOf(whole.store))
    expect(weightsOf(resumed.store)).toBe(weightsOf(whole.store))
    expect(resumed.store.rollouts()).toEqual(whole.store.rollouts())
  })

  test('a refreshed reference is restored on resume', async () => {
    const refreshed = { steps: 13, rl: { referenceRefresh: 4 } }
    const whole = await run('whole', refreshed)
    const stop = new AbortController()
    const onStep = ({ step }: { step: number }) => void (step === 6 && stop.abort())
    await expect(run('parts', { ...refreshed, signal: stop.signal, onStep })).rejects.toThrow(Interrupted)
    const resumed = await run('parts', refreshed)
    expect(metricsOf(resumed.store)).toEqual(metricsOf(whole.store))
    expect(weightsOf(resumed.store)).toBe(weightsOf(whole.store))
  })

  test('a run that is stopped during the evaluation after a step does that evaluation first when it goes on', async () => {
    const evaluated: number[] = []
    const evaluate = async (step: number, last: boolean) => {
      if (step % 4 !== 0 && !last) return {}
      evaluated.push(step)
      return { metrics: { 'eval/pass@1': 1 / step } }
    }
    const whole = await run('whole', { evaluate, steps: 9 })
    expect(evaluated.splice(0)).toEqual([4, 8, 9])
    for (const [at, ...later] of [
      [4, 8, 9],
      [9, 4, 8],
    ]) {
      const stop = new AbortController()
      const stopping = async (step: number, last: boolean) => {
        if (step === at) stop.abort()
        stop.signal.throwIfAborted()
        return evaluate(step, last)
      }
      const name = `stopped-${at}`
      const stopped = run(name, { evaluate: stopping, steps: 9, signal: stop.signal })
      await expect(stopped).rejects.toThrow(`interrupted at step ${at}`)
      const resumed = await run(name, { evaluate, steps: 9 })
      expect(evaluated.splice(0).sort()).toEqual([at, ...later].sort())
      expect(metricsOf(resumed.store)).toEqual(metricsOf(whole.store))
      expect(weightsOf(resumed.store)).toBe(weightsOf(whole.store))
      expect(resumed.store.checkpoints().at(-1)).toMatchObject({ step: 9, score: 1 / 9 })
    }
  })

  test('rewards are computed while the reference policy scores', async () => {
    const order: string[] = []
    let begun = () => {}
    const rewarding = new Promise<void>((resolve) => {
      begun = resolve
    })
    const inner = fakeEngine()
    const engine: Engine = {
      ...inner,
      async scorer(weights) {
        const scorer = await inner.scorer(weights)
        return {
          ...scorer,
          async logprobs(datums) {
            order.push('reference begins')
            await rewarding
            order.push('reference ends')
            return scorer.logprobs(datums)
          },
        }
      },
    }
    const watched: Reward = {
      name: 'watched',
      score: () => {
        if (order.length === 1) order.push('reward')
        begun()
        return 0
      },
    }
    await run('a', { engine, steps: 1, rewards: [{ reward: watched, weight: 1 }] })
    expect(order.slice(0, 3)).toEqual(['reference begins', 'reward', 'reference ends'])
  })

  test('a reference policy that nothing reads is not opened, and the KL to it is unknown', async () => {
    const kl = { beta: 0, estimator: 'k3' } as const
    const objective = { ...rlPreset('miniature').objective, kl }
    const opened = async (name: string, rl: Partial<RlPreset>) => {
      const inner = fakeEngine()
      let scorers = 0
      const engine: Engine = {
        ...inner,
        scorer(weights) {
          scorers++
          return inner.scorer(weights)
        },
      }
      const { store } = await run(name, { engine, rl: { objective, ...rl }, steps: 2 })
      return { scorers, kl: store.metricsAt(2).kl }
    }
    expect(await opened('without', { referenceRefresh: 3 })).toEqual({ scorers: 0, kl: undefined })
    const klInReward = { beta: 0.1, estimator: 'k1' } as const
    expect(await opened('in the reward', { klInReward })).toEqual({ scorers: 1, kl: expect.any(Number) })
  })

  test('records every rollout and metric of a step', async () => {
    const { store } = await run('a', { steps: 1 })
    const rollouts = store.rollouts({ split: 'train' })
    expect(rollouts).toHaveLength(4 * 8)
    for (const rollout of rollouts) {
      expect(rollout.tokens).toHaveLength(rollout.length)
      expect(rollout.logprobs).toHaveLength(rollout.length)
      expect(rollout.total).toBeCloseTo(rollout.rewards.accuracy! + 0.1 * rollout.rewards.format!)
    }
    const names = [
      'accuracy',
      'clip/high',
      'clip/low',
      'entropy',
      'format',
      'grad_norm',
      'groups/zero_variance',
      'kl',
      'language/mixed',
      'learning_rate',
      'length/cut',
      'length/max',
      'length/mean',
      'loss',
      'mismatch/max',
      'mismatch/mean',
      'ratio/max',
      'ratio/mean',
      'reflection/per_1000',
      'reflection/per_response',
      'repetition/mean',
      'reward/accuracy',
      'reward/format',
      'reward/total',
      'rewards/errors',
      'speed/sampling',
      'speed/training',
      'time/sampling',
      'time/total',
      'time/training',
      'total/checked',
      'total/differing',
      'total/flops',
      'total/rewarded',
      'total/right',
      'total/rollouts',
      'total/tokens',
    ]
    expect(store.metricNames()).toEqual(names)
    // one update on what was sampled: sampler and trainer agree, the ratio is 1
    expect(store.metricsAt(1)['mismatch/max']).toBeLessThan(1e-6)
    expect(store.metricsAt(1)['ratio/max']).toBeCloseTo(1, 6)
  })

  test('values that an engine does not report are left out of the metrics', async () => {
    const inner = fakeEngine()
    const engine: Engine = {
      ...inner,
      async trainer() {
        const trainer = await inner.trainer()
        return {
          ...trainer,
          forwardBackward: async (datums, objective) => ({
            ...(await trainer.forwardBackward(datums, objective)),
            entropies: null,
            clipped: null,
            flops: null,
          }),
          optimStep: async (adam) => {
            await trainer.optimStep(adam)
            return { gradNorm: null }
          },
        }
      },
    }
    const { store } = await run('a', { engine, steps: 2 })
    const names = Object.keys((await run('b', { steps: 2 })).store.metricsAt(2))
    const unknown = ['clip/high', 'clip/low', 'entropy', 'grad_norm', 'total/flops']
    expect(Object.keys(store.metricsAt(2)).sort()).toEqual(names.filter((n) => !unknown.includes(n)).sort())
    expect(store.rollouts().filter(({ entropies }) => entropies !== undefined)).toEqual([])
  })

  test('each rollout that is trained on has the entropy at its tokens; their mean is the metric', async () => {
    const { store } = await run('a', { steps: 2 })
    const rows = store.rollouts({ step: 2, split: 'train' })
    const entropies = rows.flatMap(({ entropies, tokens }) => {
      expect(entropies).toHaveLength(tokens.length)
      return [...entropies!]
    })
    const mean = entropies.reduce((sum, nats) => sum + nats, 0) / entropies.length
    expect(mean).toBeCloseTo(store.metricsAt(2).entropy!, 3)
  })

  test('rollouts whose reward throws are left out, and counted', async () => {
    const broken: Reward = {
      name: 'broken',
      score: ({ answer }) => {
        if (answer === 'a') throw new Error('no network')
        return 1
      },
    }
    const { store, stop } = await run('a', { steps: 1, rewards: [{ reward: broken, weight: 1 }] })
    expect(stop).toBeNull()
    const rollouts = store.rollouts()
    const failed = rollouts.filter(({ answer }) => answer === 'a')
    expect(failed.length).toBeGreaterThan(0)
    for (const rollout of failed)
      expect(rollout).toMatchObject({ total: null, advantage: null, rewards: { broken: null } })
    expect(store.metricsAt(1)['rewards/errors']).toBe(failed.length)
    expect(store.events().map(({ message }) => message)).toContainEqual(
      expect.stringContaining('broken: no network'),
    )
  })
})
