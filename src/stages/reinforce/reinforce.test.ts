import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accuracy } from '../../rewards/accuracy.ts'
import { format } from '../../rewards/format.ts'
import type { Reward } from '../../rewards/reward.ts'
import { Interrupted } from '../../runs/interrupted.ts'
import { RunStore } from '../../runs/store.ts'
import { type RlPreset, rlPreset } from '../../settings/presets.ts'
import { FakeTrainer, fakeCodec, fakeTask } from '../../testing/fake-engine.ts'
import { evaluate } from '../evaluate/evaluate.ts'
import { type Reinforcement, reinforce } from './reinforce.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-reinforce-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const rl: RlPreset = {
  ...rlPreset('miniature'),
  questionsPerStep: 4,
  learningRate: 10,
  maxTokens: 20,
  schedule: { kind: 'constant', warmup: 0 },
}

const newStore = (name: string): RunStore =>
  RunStore.create({ recipe: 'zero', seed: 1, settings: {}, out: join(root, name) })

function job(
  store: RunStore,
  trainer: FakeTrainer,
  over: { rl?: Partial<RlPreset>; shuffle?: boolean; steps?: number; alarm?: 'warn' | 'stop' } = {},
): Reinforcement {
  return {
    trainer,
    codec: fakeCodec,
    task: fakeTask,
    rewards: [
      { reward: accuracy, weight: 1 },
      { reward: format(), weight: 0.1 },
    ],
    settings: {
      rl: { ...rl, ...over.rl },
      seed: 1,
      steps: over.steps ?? 30,
      shuffleRewards: over.shuffle ?? false,
      checkpointEvery: 5,
      alarm: over.alarm ?? 'warn',
    },
    store,
  }
}

const passAt1 = async (trainer: FakeTrainer): Promise<number> => {
  const options = { questions: 200, samples: 1, temperature: 1, maxTokens: 20, seed: 1 }
  return (await evaluate(await trainer.sampler(), fakeCodec, fakeTask, options)).evaluation.passAt1
}

/** Metrics but for those that measure time. */
function metricsOf(store: RunStore): Record<string, unknown> {
  const names = store.metricNames().filter((name) => !/^(speed|time)\//.test(name))
  return Object.fromEntries(names.map((name) => [name, store.metric(name)]))
}
const weights = (store: RunStore): string =>
  readFileSync(join(store.checkpoints().at(-1)!.path, 'model.safetensors'), 'utf8')

describe('reinforce', () => {
  test('raises accuracy; with shuffled rewards it does not', async () => {
    const before = await passAt1(new FakeTrainer())
    expect(before).toBeLessThan(0.4)
    const learned = new FakeTrainer()
    await reinforce(job(newStore('a'), learned))
    expect(await passAt1(learned)).toBeGreaterThan(0.85)
    const shuffled = new FakeTrainer()
    await reinforce(job(newStore('b'), shuffled, { shuffle: true }))
    expect(await passAt1(shuffled)).toBeLessThan(0.5)
  })

  test('stopped and resumed, it is the run that was never stopped', async () => {
    const whole = newStore('whole')
    await reinforce(job(whole, new FakeTrainer(), { steps: 13 }))

    const parts = newStore('parts')
    const stop = new AbortController()
    const first = {
      ...job(parts, new FakeTrainer(), { steps: 13 }),
      signal: stop.signal,
      onStep: ({ step }: { step: number }) => step === 8 && stop.abort(),
    } as Reinforcement
    await expect(reinforce(first)).rejects.toThrow(Interrupted)
    expect(parts.info().status).toBe('interrupted')
    expect(parts.info().step).toBe(8)
    // as after a kill: some steps beyond the last checkpoint are there, and are done again
    const last = parts.checkpoints().at(-1)!
    parts.record(9, { metrics: { accuracy: 0.123 } })
    parts.truncateAfter(last.step)
    const trainer = new FakeTrainer()
    await trainer.load(last.path)
    await reinforce(job(parts, trainer, { steps: 13 }))

    expect(metricsOf(parts)).toEqual(metricsOf(whole))
    expect(weights(parts)).toBe(weights(whole))
    expect(parts.rollouts()).toEqual(whole.rollouts())
  })

  test('rewards are computed while the reference model reads', async () => {
    const order: string[] = []
    let begun = () => {}
    const rewarding = new Promise<void>((resolve) => {
      begun = resolve
    })
    class Watched extends FakeTrainer {
      override async forward(...args: Parameters<FakeTrainer['forward']>) {
        order.push('reference begins')
        await rewarding
        order.push('reference ends')
        return super.forward(...args)
      }
    }
    const watched: Reward = {
      name: 'watched',
      score: () => {
        if (order.length === 1) order.push('reward')
        begun()
        return 0
      },
    }
    const watching = job(newStore('a'), new Watched(), { steps: 1 })
    await reinforce({ ...watching, rewards: [...watching.rewards, { reward: watched, weight: 1 }] })
    expect(order.slice(0, 3)).toEqual(['reference begins', 'reward', 'reference ends'])
  })

  test('records every rollout and metric of a step', async () => {
    const store = newStore('a')
    await reinforce(job(store, new FakeTrainer(), { steps: 1 }))
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
      'time/training',
      'total/flops',
      'total/tokens',
    ]
    expect(store.metricNames()).toEqual(names)
    // one update on what was sampled: sampler and trainer agree, the ratio is 1
    expect(store.metricsAt(1)['mismatch/max']).toBeLessThan(1e-6)
    expect(store.metricsAt(1)['ratio/max']).toBeCloseTo(1, 6)
  })

  test('a reward that throws leaves its rollouts out, and is counted', async () => {
    const store = newStore('a')
    const broken = {
      name: 'broken',
      score: () => {
        throw new Error('no network')
      },
    }
    await expect(
      reinforce({
        ...job(store, new FakeTrainer(), { steps: 1 }),
        rewards: [
          { reward: { ...broken, score: (r) => (r.answer === 'a' ? broken.score() : 1) }, weight: 1 },
        ],
      }),
    ).resolves.toBeNull()
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

  const variants: [string, Partial<RlPreset>][] = [
    ['minibatches and epochs', { minibatches: 2, questionsPerStep: 2, epochs: 2 }],
    ['dynamic sampling', { dynamicSampling: true }],
    ['importance weights', { importanceCap: 2 }],
    ['KL in the reward', { klInReward: { beta: 0.01, estimator: 'k1' } }],
    ['overlong punishment, truncated masked', { overlong: { buffer: 5 }, maskTruncated: true, maxTokens: 8 }],
    ['a reference that follows', { referenceRefresh: 2 }],
  ]
  test.each(variants)('runs with %s', async (_, over) => {
    const store = newStore('a')
    await reinforce(job(store, new FakeTrainer(), { rl: over, steps: 4 }))
    expect(store.info().step).toBe(4)
    expect(store.metric('grad_norm').every(({ value }) => value > 0)).toBe(true)
  })

  test('a refreshed reference has no distance from the policy', async () => {
    const kl = async (name: string, referenceRefresh: number | null): Promise<number> => {
      const store = newStore(name)
      await reinforce(job(store, new FakeTrainer(), { rl: { referenceRefresh }, steps: 3 }))
      return store.metricsAt(3).kl!
    }
    expect(await kl('kept', null)).toBeGreaterThan(1e-6)
    expect(await kl('refreshed', 1)).toBeLessThan(1e-9)
  })

  describe('with a learned reward that pays for a phrase', () => {
    /** Pays for every "wait " after the thinking. */
    const phrase = {
      name: 'pleasing',
      learned: true as const,
      score: ({ response }: { response: string }) =>
        (response.split('</think>')[1] ?? '').split('wait ').length - 1,
    }
    const hacked = (
      store: RunStore,
      trainer: FakeTrainer,
      {
        reward = phrase,
        weight = 1,
        steps = 35,
        alarm,
      }: { reward?: Reward; weight?: number; steps?: number; alarm?: 'stop' } = {},
    ): Reinforcement => ({
      ...job(store, trainer, { steps, rl: { learningRate: 14, maxTokens: 30 }, ...(alarm ? { alarm } : {}) }),
      rewards: [
        { reward, weight },
        { reward: accuracy, weight: 0 },
      ],
    })
    const rung = (store: RunStore) =>
      store.events().filter(({ message }) => message.includes('reward hacking'))

    test('the alarm rings once for each sign, with samples', async () => {
      const store = newStore('a')
      expect(await reinforce(hacked(store, new FakeTrainer()))).toBeNull()
      expect(store.info().step).toBe(35)
      const taken = rung(store).filter(({ message }) =>
        /one phrase takes over, from \d+ % to 5\d %/.test(message),
      )
      expect(taken).toHaveLength(1)
      expect(taken[0]!.message).toMatch(/For example: "wait wait wait" \| ".*wait.*" \| ".*wait.*"$/)
      expect(store.metricsAt(35)['alarm/phrase']).toBeGreaterThan(0.5)
      expect(store.metricsAt(35)['alarm/signs']).toBeGreaterThan(0)
      expect(store.metricsAt(19)['alarm/signs']).toBe(0)
    })

    test.each<[string, { reward?: Reward; weight?: number }]>([
      ['a rule pays for it', { reward: { name: phrase.name, score: phrase.score } }],
      ['the learned reward only measures', { weight: 0 }],
      ['the learned reward never applies', { reward: { ...phrase, applies: () => false } }],
    ])('nothing is watched where %s', async (_, over) => {
      const store = newStore('a')
      await reinforce(hacked(store, new FakeTrainer(), { ...over, alarm: 'stop' }))
      expect(rung(store)).toEqual([])
      expect(store.info().step).toBe(35)
      expect(store.metricNames().filter((name) => name.startsWith('alarm/'))).toEqual([])
    })

    test('stops the run, as if it had been the last step; resumed, to the same end', async () => {
      const asked: [number, boolean][] = []
      const evaluate = async (step: number, last: boolean) => {
        asked.push([step, last])
        return {}
      }
      const whole = newStore('whole')
      const stop = await reinforce({ ...hacked(whole, new FakeTrainer(), { alarm: 'stop' }), evaluate })
      expect(stop).toEqual({ step: whole.info().step, reason: rung(whole)[0]!.message })
      expect(stop!.step).toBeGreaterThan(20)
      expect(stop!.step).toBeLessThan(35)
      expect(asked.filter(([, last]) => last)).toEqual([[stop!.step, true]])
      expect(asked.at(-1)).toEqual([stop!.step, true])
      expect(whole.checkpoints().at(-1)!.step).toBe(stop!.step)

      // killed after its last checkpoint but one, and again after its last
      const parts = newStore('parts')
      const from = stop!.step - 3
      await reinforce(hacked(parts, new FakeTrainer(), { steps: from, alarm: 'stop' }))
      for (let killed = 0; killed < 2; killed++) {
        const trainer = new FakeTrainer()
        await trainer.load(parts.checkpoints().at(-1)!.path)
        expect(await reinforce(hacked(parts, trainer, { alarm: 'stop' }))).toEqual(stop)
      }
      expect(metricsOf(parts)).toEqual(metricsOf(whole))
      expect(weights(parts)).toBe(weights(whole))
      expect(parts.events()).toEqual(whole.events())
    })
  })
})
