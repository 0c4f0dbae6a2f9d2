import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { klPenalty } from '../../algorithms/kl.ts'
import type { PolicyObjective } from '../../algorithms/objectives.ts'
import { overlongPunishment } from '../../algorithms/overlong.ts'
import { UserError } from '../../common/errors.ts'
import type { Datum, Engine, Trainer } from '../../engines/contract.ts'
import { withPolicy } from '../../engines/policy.ts'
import { accuracy } from '../../rewards/accuracy.ts'
import type { WeightedReward } from '../../rewards/compose.ts'
import { format } from '../../rewards/format.ts'
import type { Reward } from '../../rewards/reward.ts'
import { Interrupted } from '../../runs/interrupted.ts'
import { RunStore } from '../../runs/store.ts'
import { withRun } from '../../runs/with-run.ts'
import { type RlPreset, rlPreset } from '../../settings/presets.ts'
import type { Task } from '../../tasks/task.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../../testing/fake-engine.ts'
import { evaluate } from '../evaluate/evaluate.ts'
import type { Stop } from '../watch/alarm.ts'
import type { Reinforcement } from './job.ts'
import { reinforce } from './reinforce.ts'
import type { Teacher } from './teacher.ts'

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

const stores: RunStore[] = []
afterEach(() => {
  for (const store of stores.splice(0)) store.close()
})

interface Options {
  readonly task?: Task
  readonly engine?: Engine
  readonly rl?: Partial<RlPreset>
  readonly rewards?: readonly WeightedReward[]
  readonly shuffle?: boolean
  readonly teacher?: Teacher
  readonly steps?: number
  readonly alarm?: 'warn' | 'stop'
  readonly whenNothingToLearn?: 'stop' | 'continue'
  readonly signal?: AbortSignal
  readonly evaluate?: Reinforcement['evaluate']
  readonly onStep?: Reinforcement['onStep']
  readonly onWarning?: Reinforcement['onWarning'] | undefined
}

interface Reinforced {
  readonly stop: Stop | null
  /** The run, open for reading. */
  readonly store: RunStore
  readonly engine: Engine
  readonly trainer: Trainer
  /** The datums of every call of `forwardBackward`. */
  readonly datums: readonly (readonly Datum[])[]
}

/** Starts the run `name`, or continues it from its last checkpoint if it exists. */
async function run(name: string, options: Options = {}): Promise<Reinforced> {
  const out = join(root, name)
  const engine = options.engine ?? fakeEngine()
  const datums: (readonly Datum[])[] = []
  let trainer: Trainer | undefined
  const place = existsSync(out) ? { resume: out } : { recipe: 'zero', seed: 1, settings: {}, out }
  const { stop } = await withRun(place, { signal: options.signal }, async (run) => {
    const inner = run.stoppable(engine, await engine.trainer())
    trainer = {
      ...inner,
      forwardBackward: (batch, objective) => {
        datums.push(batch)
        return inner.forwardBackward(batch, objective)
      },
    }
    await run.restore((folder) => trainer!.load(folder))
    const stop = await reinforce({
      run,
      engine,
      trainer,
      renderer: fakeRenderer,
      task: options.task ?? fakeTask,
      rewards: options.rewards ?? [
        { reward: accuracy, weight: 1 },
        { reward: format(), weight: 0.1 },
      ],
      teacher: options.teacher,
      settings: {
        rl: { ...rl, ...options.rl },
        seed: 1,
        steps: options.steps ?? 30,
        shuffleRewards: options.shuffle ?? false,
        checkpointEvery: 5,
        checkpointSeconds: null,
        alarm: options.alarm ?? 'warn',
        whenNothingToLearn: options.whenNothingToLearn ?? 'stop',
      },
      evaluate: options.evaluate,
      onStep: options.onStep,
      onWarning: 'onWarning' in options ? options.onWarning : () => {},
    })
    return run.finish({ stop }, (folder) => inner.save(folder))
  })
  return { stop, store: opened(name), engine, trainer: trainer!, datums }
}

/** A run, open for reading until the test ends. */
function opened(name: string): RunStore {
  const store = RunStore.open(join(root, name))
  stores.push(store)
  return store
}

const passAt1 = (policy: { engine: Engine; trainer: Trainer }): Promise<number> =>
  withPolicy(policy, async (sampler) => {
    const options = { questions: 200, samples: 1, temperature: 1, maxTokens: 20, seed: 1 }
    return (await evaluate(sampler, fakeRenderer, fakeTask, options)).evaluation.passAt1
  })

/** All metrics except those that measure time. */
function metricsOf(store: RunStore): Record<string, unknown> {
  const names = store.metricNames().filter((name) => !/^(speed|time)\//.test(name))
  return Object.fromEntries(names.map((name) => [name, store.metric(name)]))
}
const weights = (store: RunStore): string =>
  readFileSync(join(store.checkpoints().at(-1)!.path, 'model.safetensors'), 'utf8')

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
    const parts = RunStore.open(join(root, 'parts'), { write: true })
    expect(parts.info().status).toBe('interrupted')
    expect(parts.info().step).toBe(8)
    // as after a kill: steps after the last checkpoint are recorded, and must be repeated
    parts.record(9, { metrics: { accuracy: 0.123 } })
    parts.close()
    const resumed = await run('parts', { steps: 13 })

    expect(metricsOf(resumed.store)).toEqual(metricsOf(whole.store))
    expect(weights(resumed.store)).toBe(weights(whole.store))
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
    expect(weights(resumed.store)).toBe(weights(whole.store))
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
      expect(weights(resumed.store)).toBe(weights(whole.store))
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

  describe('nothing to learn from', () => {
    const fails: Reward = {
      name: 'fails',
      score: () => {
        throw new Error('no network')
      },
    }
    const of = (score: Reward['score']): Options => ({
      rewards: [{ reward: { name: 'mine', score }, weight: 1 }],
    })
    /** Is the same for all responses to a question: 0, 1, 2 or 3. */
    const ofTheQuestion: Reward['score'] = ({ question }) => Number(question.id.at(-1))
    /** Rewards what never occurs. */
    const never = of(() => 0)

    test.each<[string, Options, step: number, RegExp]>([
      [
        'a reward that fails on every rollout',
        { rewards: [{ reward: fails, weight: 1 }] },
        3,
        /fails: no network/,
      ],
      ['a reward that is always unknown', of(() => null), 3, /mine is null \(unknown\) for every response/],
      ['the same number for every response', of(() => 0.5), 7, /gets the same reward, 0\.5.*correct mine/],
      [
        'a reward that differs only between questions',
        { ...of(ofTheQuestion), steps: 60 },
        47,
        /the same \(mine\)/,
      ],
      ['0 for every response', { ...never, steps: 60 }, 47, /gets the same reward, 0,/],
      ['0 for every response, to the end', { ...never, steps: 6 }, 6, /the first 6 steps/],
      [
        'no reward with a weight',
        { rewards: [{ reward: accuracy, weight: 0 }] },
        30,
        /no reward has a weight/,
      ],
      [
        'only the KL penalty differs',
        { ...never, steps: 6, rl: { klInReward: { beta: 0.05, estimator: 'k1' } } },
        6,
        /gets the same reward, 0,/,
      ],
      [
        'dynamic sampling finds no group',
        { ...never, steps: 20, rl: { dynamicSampling: true } },
        12,
        /gets the same reward, 0,/,
      ],
      [
        'all members of a group are the same',
        { rl: { temperature: 0.01 }, steps: 5 },
        5,
        /(none of \d+ answers is right|all responses to a question are the same text)/,
      ],
      [
        'every response is cut off',
        { rl: { maxTokens: 1 }, steps: 5 },
        5,
        /9\d % of the responses are cut off.*rl\.maxTokens/,
      ],
    ])(
      '%s: the run fails, readable, with what to do; resumed, it fails in the same way',
      async (name, options, step, message) => {
        const warnings: string[] = []
        const onWarning = (warning: string) => void warnings.push(warning)
        const error = await run('a', { ...options, onWarning }).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(UserError)
        expect((error as UserError).message).toMatch(message)
        const store = opened('a')
        expect(store.info()).toMatchObject({ status: 'failed', step })
        expect(store.rollouts({ split: 'train', step })).not.toEqual([])
        expect((error as UserError).message).toBe(
          `${store.events().at(-1)!.message}. To go on regardless, set whenNothingToLearn=continue`,
        )
        expect(warnings.length, name).toBeGreaterThan(0)

        // once more from the last checkpoint
        await expect(run('a', options)).rejects.toThrow((error as UserError).message)
        expect(store.info()).toMatchObject({ status: 'failed', step })
      },
    )

    test.each<[string, Options]>([
      ['told to go on', { ...never, whenNothingToLearn: 'continue' }],
      ['a control with shuffled rewards', { ...never, shuffle: true }],
      ['a control with the learning rate 0', { ...never, rl: { learningRate: 0 } }],
      [
        'rewards that differ within the step count where advantages ignore groups',
        { ...of(ofTheQuestion), rl: { advantage: 'batch_normalised' } },
      ],
      [
        'only one group in all steps differs',
        of(({ question, tokens }) => (question.id === 't1.1.0' ? tokens : 0)),
      ],
      ['only the length is punished', { ...never, rl: { overlong: { buffer: 15 } } }],
    ])('the run goes on: %s', async (_, options) => {
      const { store } = await run('a', { steps: 12, ...options })
      expect(store.info()).toMatchObject({ status: 'done', step: 12 })
    })

    test('warnings reach onWarning at once, each once; a resumed run does not repeat them', async () => {
      const warnings: string[] = []
      const stop = new AbortController()
      const options: Options = {
        ...never,
        whenNothingToLearn: 'continue',
        steps: 9,
        onWarning: (warning) => void warnings.push(warning),
      }
      const onStep = ({ step }: { step: number }) => void (step === 6 && stop.abort())
      await expect(run('a', { ...options, signal: stop.signal, onStep })).rejects.toThrow(Interrupted)
      expect(warnings).toEqual([expect.stringMatching(/^at step 2: every response gets the same reward, 0/)])
      await run('a', options)
      expect(warnings).toHaveLength(1)
    })

    test('without a callback, warnings are warnings of Node, on standard error', async () => {
      const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      await run('a', { ...never, whenNothingToLearn: 'continue', steps: 3, onWarning: undefined })
      expect(emit.mock.calls.map(([message]) => message)).toEqual([
        expect.stringMatching(/^at step 2: every response gets the same reward/),
      ])
      emit.mockRestore()
    })

    test('an answer that is never right, while the format differs: a warning with an example, and the run goes on', async () => {
      const warnings: string[] = []
      const task = { ...fakeTask, check: () => ({ correct: false, reason: 'not c' }) }
      const { store } = await run('a', {
        task,
        rl: { learningRate: 0.1 },
        steps: 12,
        onWarning: (warning) => void warnings.push(warning),
      })
      expect(store.info().status).toBe('done')
      expect(warnings).toEqual([
        expect.stringMatching(
          /^at step 7: none of the first 224 answers is right, so only format can be learned.*ruminate sft.*For example: "Which letter\?" got the answer ".*" instead of "a"$/,
        ),
      ])
    })
  })

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
      expect(weights(parts)).toEqual(weights(store))
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

  describe('with a learned reward that pays for a phrase', () => {
    /** Pays for every "wait " after the thinking. */
    const phrase = {
      name: 'pleasing',
      learned: true as const,
      score: ({ response }: { response: string }) =>
        (response.split('</think>')[1] ?? '').split('wait ').length - 1,
    }
    const hackedRun = (
      name: string,
      { reward = phrase, weight = 1, ...options }: Options & { reward?: Reward; weight?: number } = {},
    ): Promise<Reinforced> =>
      run(name, {
        steps: 35,
        rl: { learningRate: 14, maxTokens: 30 },
        rewards: [
          { reward, weight },
          { reward: accuracy, weight: 0 },
        ],
        ...options,
      })
    const alarms = (store: RunStore) =>
      store.events().filter(({ message }) => message.includes('reward hacking'))

    test('the alarm warns once for each sign, with samples', async () => {
      const { store, stop } = await hackedRun('a')
      expect(stop).toBeNull()
      expect(store.info().step).toBe(35)
      const phraseAlarms = alarms(store).filter(({ message }) =>
        /one phrase has spread from \d+ % to 5\d %/.test(message),
      )
      expect(phraseAlarms).toHaveLength(1)
      expect(phraseAlarms[0]!.message).toMatch(/For example: "wait wait wait" \| ".*wait.*" \| ".*wait.*"$/)
      expect(store.metricsAt(35)['alarm/phrase']).toBeGreaterThan(0.5)
      expect(store.metricsAt(35)['alarm/signs']).toBeGreaterThan(0)
      expect(store.metricsAt(19)['alarm/signs']).toBe(0)
    })

    test.each<[string, { reward?: Reward; weight?: number }]>([
      ['a rule pays for it', { reward: { name: phrase.name, score: phrase.score } }],
      ['the learned reward only measures', { weight: 0 }],
      ['the learned reward never applies', { reward: { ...phrase, applies: () => false } }],
    ])('the alarm is off if %s', async (_, over) => {
      const { store } = await hackedRun('a', { ...over, alarm: 'stop', whenNothingToLearn: 'continue' })
      expect(alarms(store)).toEqual([])
      expect(store.info().step).toBe(35)
      expect(store.metricNames().filter((name) => name.startsWith('alarm/'))).toEqual([])
    })

    test('stops the run as if it had been the last step; a resumed run ends the same way', async () => {
      const evaluated: [number, boolean][] = []
      const evaluate = async (step: number, last: boolean) => {
        evaluated.push([step, last])
        return {}
      }
      const { store: whole, stop } = await hackedRun('whole', { alarm: 'stop', evaluate })
      expect(stop).toEqual({ step: whole.info().step, reason: alarms(whole)[0]!.message })
      expect(stop!.step).toBeGreaterThan(20)
      expect(stop!.step).toBeLessThan(35)
      expect(evaluated.filter(([, last]) => last)).toEqual([[stop!.step, true]])
      expect(evaluated.at(-1)).toEqual([stop!.step, true])
      expect(whole.checkpoints().at(-1)!.step).toBe(stop!.step)

      // killed after its last checkpoint but one, and again after its last
      await hackedRun('parts', { steps: stop!.step - 3, alarm: 'stop' })
      for (let killed = 0; killed < 2; killed++)
        expect((await hackedRun('parts', { alarm: 'stop' })).stop).toEqual(stop)
      const parts = opened('parts')
      expect(metricsOf(parts)).toEqual(metricsOf(whole))
      expect(weights(parts)).toBe(weights(whole))
      expect(parts.events()).toEqual(whole.events())
    })
  })
})
