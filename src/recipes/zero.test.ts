import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../engines/contract.ts'
import { Renderer } from '../renderer/renderer.ts'
import type { OwnReward } from '../rewards/compose.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import type { ZeroOptions } from '../settings/zero-options.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../testing/fakes/fake-engine.ts'
import { resumeZero, zero } from './zero.ts'

vi.mock('../engines/open.ts', async (original) => ({
  ...(await original<typeof import('../engines/open.ts')>()),
  withEngine: (_: unknown, work: (engine: Engine) => unknown) => work(openFake()),
}))

/** Opens the engine of a run. */
let openFake: () => Engine = fakeEngine

let root: string
beforeEach(() => {
  openFake = fakeEngine
  vi.spyOn(Renderer, 'load').mockReturnValue(fakeRenderer)
  root = mkdtempSync(join(tmpdir(), 'ruminate-zero-'))
  writeFileSync(join(root, 'config.json'), '{}')
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(root, { recursive: true, force: true })
})

const options = (out: string): ZeroOptions => ({
  model: root,
  task: fakeTask,
  steps: 12,
  out: join(root, out),
  rl: { questionsPerStep: 4, learningRate: 10, maxTokens: 20 },
  eval: { questions: 50, every: 4 },
  checkpointEvery: 5,
})

describe('zero', () => {
  test('evaluates before, during and after, and learns', async () => {
    const result = await zero(options('a'))
    expect(result.after.passAt1).toBeGreaterThan(result.before.passAt1 + 0.2)
    const store = RunStore.open(result.run)
    expect(store.metric('eval/pass@1').map(({ step }) => step)).toEqual([0, 4, 8, 12])
    expect(store.rollouts({ split: 'eval-before' })).toHaveLength(50)
    expect(store.rollouts({ split: 'eval-after' })).toHaveLength(50)
    expect(store.info()).toMatchObject({ status: 'done', result: JSON.parse(JSON.stringify(result)) })
    expect(existsSync(join(result.model, 'model.safetensors'))).toBe(true)
    store.close()
  })

  test('learns from a custom reward', async () => {
    const wordy = {
      name: 'wordy',
      weight: 1,
      score: async ({ thinking }: { thinking: string | null }) => thinking?.length ?? 0,
    }
    const { before, after } = await zero({ ...options('a'), rewards: [wordy] })
    expect(after.reflectionPerResponse).toBeGreaterThan(before.reflectionPerResponse)
  })

  test('every named reward is recorded by its name, for each rollout and as a metric', async () => {
    const rewards = { summary: 0.1, boxed: 0, repetition: 0.2, overlong: 0.3, cosine: 0.4 }
    const { run } = await zero({ ...options('a'), steps: 1, rewards })
    const names = ['accuracy', 'format', 'language', ...Object.keys(rewards)]
    const store = RunStore.open(run)
    for (const row of store.rollouts({ split: 'train' })) {
      expect(Object.keys(row.rewards)).toEqual(names)
      const { accuracy, format, summary, repetition, overlong, cosine } = row.rewards as Record<
        string,
        number
      >
      expect(row.total).toBeCloseTo(
        accuracy! + 0.1 * format! + 0.1 * summary! + 0.2 * repetition! + 0.3 * overlong! + 0.4 * cosine!,
        12,
      )
    }
    for (const name of names) expect(store.metric(`reward/${name}`), name).toHaveLength(1)
    store.close()
  })

  test('by default only the rewards of R1-Zero are used', async () => {
    const { run } = await zero({ ...options('a'), steps: 1 })
    const store = RunStore.open(run)
    expect(Object.keys(store.rollouts({ split: 'train' })[0]!.rewards)).toEqual([
      'accuracy',
      'format',
      'language',
    ])
    store.close()
  })

  test('an interrupted and resumed run gives the same weights', async () => {
    const whole = await zero(options('whole'))
    const stop = new AbortController()
    const stopped = zero({
      ...options('parts'),
      signal: stop.signal,
      onStep: ({ step }) => {
        if (step === 7) stop.abort()
      },
    })
    await expect(stopped).rejects.toThrow(Interrupted)
    await expect(resumeZero(join(root, 'parts'))).rejects.toThrow(/with its own task/)
    const parts = await resumeZero(join(root, 'parts'), { task: fakeTask })
    expect(parts.sha256).toBe(whole.sha256)
    expect({ before: parts.before, after: parts.after }).toEqual({ before: whole.before, after: whole.after })
  })

  test('a run stopped by the alarm ends with a model; resumed, with the same model', async () => {
    const pleasing: OwnReward = {
      name: 'pleasing',
      weight: 1,
      learned: true,
      score: ({ response }) => (response.split('</think>')[1] ?? '').split('wait ').length - 1,
    }
    const hacked: ZeroOptions = {
      ...options('whole'),
      steps: 40,
      seed: 1,
      rewards: [pleasing],
      alarm: 'stop',
      rl: { questionsPerStep: 4, learningRate: 14, maxTokens: 30 },
    }
    const { stoppedBy, steps, after, ...whole } = await zero(hacked)
    expect(stoppedBy!.reason).toMatch(/reward hacking: one phrase has spread/)
    expect(steps).toBe(stoppedBy!.step)
    expect(steps).toBeLessThan(40)
    expect(after.questions).toBe(50)
    expect(existsSync(join(whole.model, 'model.safetensors'))).toBe(true)

    const stop = new AbortController()
    const onStep = ({ step }: { step: number }) => void (step === steps - 2 && stop.abort())
    const stopped = zero({ ...hacked, out: join(root, 'parts'), signal: stop.signal, onStep })
    await expect(stopped).rejects.toThrow(Interrupted)
    const own = { task: fakeTask, rewards: [pleasing] }
    expect(await resumeZero(join(root, 'parts'), own)).toMatchObject({
      stoppedBy,
      after,
      sha256: whole.sha256,
    })
    expect(await resumeZero(join(root, 'parts'), own)).toMatchObject({
      stoppedBy,
      after,
      sha256: whole.sha256,
    })
  })

  test('an engine that fails in the middle of a step: its message, a failed run, and the same end once resumed', async () => {
    const whole = await zero(options('whole'))
    openFake = () => {
      const inner = fakeEngine()
      let calls = 0
      return {
        ...inner,
        async trainer() {
          const trainer = await inner.trainer()
          return {
            ...trainer,
            forwardBackward: (datums, objective) =>
              ++calls === 8
                ? Promise.reject(new Error('the runtime failed'))
                : trainer.forwardBackward(datums, objective),
          }
        },
      }
    }
    await expect(zero(options('failed'))).rejects.toThrow('the runtime failed')
    const store = RunStore.open(join(root, 'failed'))
    expect(store.info()).toMatchObject({ status: 'failed', step: 7 })
    store.close()
    openFake = fakeEngine
    const resumed = await resumeZero(join(root, 'failed'), { task: fakeTask })
    expect(resumed.sha256).toBe(whole.sha256)
    expect(resumed.after).toEqual(whole.after)
  })

  test.each([
    ['total', ['total'], 'total'],
    ['two equal names', ['brief', 'brief'], 'brief'],
    ['an empty name', [''], ''],
  ])('rewards whose metrics would collide are refused before there is a run: %s', async (_, names, name) => {
    const rewards = names.map((name): OwnReward => ({ name, weight: 1, score: () => 0 }))
    await expect(zero({ ...options('refused'), rewards })).rejects.toThrow(`a reward is called "${name}"`)
    expect(existsSync(join(root, 'refused'))).toBe(false)
  })

  describe('nothing to learn from', () => {
    const heard = async (given: ZeroOptions): Promise<{ warnings: string[]; error: unknown }> => {
      const warnings: string[] = []
      const error = await zero({ ...options('a'), ...given, onWarning: (one) => warnings.push(one) }).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      return { warnings, error }
    }

    test('a reward that throws on every rollout: onWarning hears of it after the first step, and the run fails', async () => {
      const mine: OwnReward = {
        name: 'mine',
        weight: 1,
        score: () => {
          throw new Error('no network')
        },
      }
      const { warnings, error } = await heard({ rewards: [mine] })
      expect(warnings).toEqual([expect.stringMatching(/^at step 1: a reward fails.*mine: no network/)])
      expect(error).toMatchObject({
        name: 'UserError',
        exitCode: 1,
        message: expect.stringMatching(/nothing to learn from in any of the first 3 steps.*mine: no network/),
      })
      await expect(
        resumeZero(join(root, 'a'), { task: fakeTask, rewards: [mine], onWarning: () => {} }),
      ).rejects.toThrow(String((error as Error).message))
      expect(await heard({ out: join(root, 'on'), rewards: [mine], whenNothingToLearn: 'continue' })).toEqual(
        {
          warnings,
          error: null,
        },
      )
    })

    test('a check that never knows: pass@1 is unknown, and no reward is known', async () => {
      const task = { ...fakeTask, check: () => ({ correct: null, reason: 'no gold' }) }
      const { warnings, error } = await heard({ task })
      expect(warnings).toEqual([
        expect.stringMatching(
          /^pass@1 is unknown, since no held-out answer can be checked\. The first: no gold$/,
        ),
        expect.stringMatching(
          /^at step 1: no rollout has a known reward.*: accuracy cannot be computed.*no gold/,
        ),
      ])
      expect(error).toMatchObject({ message: expect.stringMatching(/accuracy cannot be computed/) })
    })

    test('one training question only', async () => {
      const one = fakeTask.training({ seed: 0, step: 1, count: 1 })[0]!
      const task = { ...fakeTask, training: ({ count }: { count: number }) => Array(count).fill(one) }
      const { warnings, error } = await heard({ task })
      expect(warnings).toEqual([
        expect.stringMatching(/^letter: only 1 training question in each step, asked again and again/),
      ])
      expect(error).toBeNull()
    })

    test.each<[string, ZeroOptions]>([
      ['named', { rewards: { accuracy: 0, format: 0 } }],
      ['of a program', { rewards: [{ name: 'mine', weight: 0, score: () => 1 }] }],
    ])('no weight, rewards %s: refused before there is a run', async (_, given) => {
      const { error } = await heard(given)
      expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(/^no reward has a weight/) })
      expect(existsSync(join(root, 'a'))).toBe(false)
      for (const more of [{ steps: 0 }, { whenNothingToLearn: 'continue' as const, steps: 1 }])
        expect((await heard({ ...given, ...more, out: join(root, `on ${more.steps}`) })).error).toBeNull()
    })
  })

  test('a task without a training question is refused before there is a run', async () => {
    const task = { ...fakeTask, training: () => [] }
    await expect(zero({ ...options('empty'), task })).rejects.toThrow(/letter has no training question/)
    expect(existsSync(join(root, 'empty'))).toBe(false)
  })

  describe('questions longer than the model takes', () => {
    // every character is a token
    const table = (lengths: readonly number[]): string => {
      const file = join(root, 'questions.jsonl')
      const rows = lengths.map((length, i) => ({ question: `${i}${'.'.repeat(length)}`, answer: 'a' }))
      writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      return file
    }
    const lengths = Array.from({ length: 40 }, (_, i) => (i % 13 === 5 ? 900 : 10))
    beforeEach(() => {
      openFake = () => ({ ...fakeEngine(), can: { ...fakeEngine().can, maxTokens: 600 } })
    })

    test('are left out with a warning; stopped and resumed, the run is the same', async () => {
      const warnings: string[] = []
      const given = {
        ...options('whole'),
        task: table(lengths),
        onWarning: (message: string) => void warnings.push(message),
      }
      const whole = await zero(given)
      expect(warnings.join('\n')).toMatch(
        /\d of \d+ training questions cannot be asked.*questions\.jsonl:\d+: its/,
      )
      const store = RunStore.open(whole.run)
      expect(store.rollouts().every(({ prompt }) => prompt.length < 600)).toBe(true)
      store.close()

      const stop = new AbortController()
      const onStep = ({ step }: { step: number }) => void (step === 7 && stop.abort())
      const stopped = zero({ ...given, out: join(root, 'parts'), signal: stop.signal, onStep })
      await expect(stopped).rejects.toThrow(Interrupted)
      const parts = await resumeZero(join(root, 'parts'), { onWarning: () => {} })
      expect(parts.sha256).toBe(whole.sha256)
      expect(parts.after).toEqual(whole.after)
    })

    test.each([
      ['none is left', lengths.map(() => 900)],
      ['too few are left', lengths.map((_, i) => (i < 2 ? 10 : 900))],
    ])('refused before there is a run if %s', async (_, all) => {
      const given = { ...options('refused'), task: table(all), onWarning: () => {} }
      await expect(zero(given)).rejects.toThrow(
        /cannot be asked\. The first is questions\.jsonl:.*(None is left|Only 1 of them)/,
      )
      expect(existsSync(join(root, 'refused'))).toBe(false)
    })

    test('from a program: replaced, in every step', async () => {
      const training: typeof fakeTask.training = ({ seed, step, count }) =>
        fakeTask
          .training({ seed, step, count })
          .map((question, i) => (i === step % 4 ? { ...question, prompt: '.'.repeat(900) } : question))
      const warnings: string[] = []
      const onWarning = (message: string) => void warnings.push(message)
      const { run } = await zero({ ...options('own'), task: { ...fakeTask, training }, steps: 4, onWarning })
      const store = RunStore.open(run)
      const rows = store.rollouts({ split: 'train' })
      expect(rows).toHaveLength(4 * 4 * 8)
      expect(rows.every(({ prompt }) => prompt.length < 600)).toBe(true)
      store.close()
      expect(warnings).toEqual([expect.stringMatching(/^letter: a training question .* is replaced/)])
    })
  })

  test.each([
    [
      'a KL term in the loss, which the engine does not have',
      { klInLoss: false },
      /no KL term in its loss.*kl\.beta=0/,
    ],
    [
      'policy objectives that it has not',
      { objectives: ['cross_entropy'] as const },
      /cannot train with policy/,
    ],
    ['a response that is too long for the model', { maxTokens: 20 }, /at most 20 tokens.*allow 21/],
  ])('%s: refused before there is a run', async (_, can, message) => {
    openFake = () => ({ ...fakeEngine(), can: { ...fakeEngine().can, ...can } })
    await expect(zero(options('refused'))).rejects.toThrow(message)
    expect(existsSync(join(root, 'refused'))).toBe(false)
  })

  test('an error marks the run as failed', async () => {
    const task = {
      ...fakeTask,
      training: (options: { seed: number; step: number; count: number }) => {
        if (options.step > 1) throw new Error('no questions')
        return fakeTask.training(options)
      },
    }
    await expect(zero({ ...options('a'), task })).rejects.toThrow('no questions')
    const store = RunStore.open(join(root, 'a'))
    expect(store.info().status).toBe('failed')
    store.close()
  })
})
