import { describe, expect, test, vi } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { accuracy } from '../../rewards/accuracy.ts'
import type { Reward } from '../../rewards/reward.ts'
import { Interrupted } from '../../runs/interrupted.ts'
import { fakeTask } from '../../testing/fakes/fake-engine.ts'
import { type RunOptions, reinforcementRuns } from '../../testing/reinforcement.ts'

const { run, opened } = reinforcementRuns()

describe('nothing to learn from', () => {
  const fails: Reward = {
    name: 'fails',
    score: () => {
      throw new Error('no network')
    },
  }
  const of = (score: Reward['score']): RunOptions => ({
    rewards: [{ reward: { name: 'mine', score }, weight: 1 }],
  })
  /** Is the same for all responses to a question: 0, 1, 2 or 3. */
  const ofTheQuestion: Reward['score'] = ({ question }) => Number(question.id.at(-1))
  /** Rewards what never occurs. */
  const never = of(() => 0)

  test.each<[string, RunOptions, step: number, RegExp]>([
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
    ['no reward with a weight', { rewards: [{ reward: accuracy, weight: 0 }] }, 30, /no reward has a weight/],
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
      const [warning, failure] = store.events().slice(-2)
      expect(failure).toMatchObject({ level: 'error', message: (error as UserError).message })
      expect((error as UserError).message).toBe(
        `${warning!.message}. To go on regardless, set whenNothingToLearn=continue`,
      )
      expect(warnings.length, name).toBeGreaterThan(0)

      // once more from the last checkpoint
      await expect(run('a', options)).rejects.toThrow((error as UserError).message)
      expect(store.info()).toMatchObject({ status: 'failed', step })
    },
  )

  test.each<[string, RunOptions]>([
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
    const options: RunOptions = {
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
