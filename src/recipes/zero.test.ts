import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import { FakeTrainer, fakeCodec, fakeTask } from '../testing/fake-engine.ts'
import { type OwnReward, resumeZero, type ZeroOptions, zero } from './zero.ts'

vi.mock('../engines/local/index.ts', () => ({ openLocalTrainer: async () => new FakeTrainer() }))
vi.mock('../models/tokenizer.ts', () => ({ Tokenizer: { load: () => fakeCodec } }))

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-zero-'))
  writeFileSync(join(root, 'config.json'), '{}')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

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

  test("learns what a reward of one's own asks for", async () => {
    const wordy = {
      name: 'wordy',
      weight: 1,
      score: async ({ thinking }: { thinking: string | null }) => thinking?.length ?? 0,
    }
    const { before, after } = await zero({ ...options('a'), rewards: [wordy] })
    expect(after.reflectionPerResponse).toBeGreaterThan(before.reflectionPerResponse)
  })

  test('every named reward is kept by its name, for each rollout and as a metric', async () => {
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

  test('by default only the rewards of R1-Zero run', async () => {
    const { run } = await zero({ ...options('a'), steps: 1 })
    const store = RunStore.open(run)
    expect(Object.keys(store.rollouts({ split: 'train' })[0]!.rewards)).toEqual([
      'accuracy',
      'format',
      'language',
    ])
    store.close()
  })

  test('interrupted and resumed, it gives the same weights', async () => {
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

  test('stopped by the alarm, it ends with a model; resumed, with the same', async () => {
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
    expect(stoppedBy!.reason).toMatch(/reward hacking: one phrase takes over/)
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

  test('an error marks the run as failed', async () => {
    const task = {
      ...fakeTask,
      training: (asked: { seed: number; step: number; count: number }) => {
        if (asked.step > 1) throw new Error('no questions')
        return fakeTask.training(asked)
      },
    }
    await expect(zero({ ...options('a'), task })).rejects.toThrow('no questions')
    const store = RunStore.open(join(root, 'a'))
    expect(store.info().status).toBe('failed')
    store.close()
  })
})
