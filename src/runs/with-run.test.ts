import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import type { Engine } from '../engines/contract.ts'
import { fakeEngine } from '../testing/fakes/fake-engine.ts'
import { Interrupted } from './interrupted.ts'
import { checkpointsWritten, openRuns } from './open-runs.ts'
import type { RunInfo } from './rows.ts'
import { TIME } from './rows.ts'
import { RunStore, readRun } from './store.ts'
import { type Place, type Run, type RunOptions, storedSettings, withRun } from './with-run.ts'

let root: string
let place: Place
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-run-'))
  place = { recipe: 'zero', seed: 7, settings: { steps: 3 }, out: join(root, 'a') }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const resume = (): Place => ({ resume: join(root, 'a') })
const info = (): RunInfo => {
  const store = RunStore.open(join(root, 'a'))
  try {
    return store.info()
  } finally {
    store.close()
  }
}
const weights = async (folder: string) => writeFileSync(join(folder, 'model.safetensors'), 'weights')
const full = async () => {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
}
const inRun = (work: (run: Run) => Promise<void>, options: RunOptions = {}, where = place) =>
  withRun(where, options, async (run) => {
    await run.restore(async () => {})
    await work(run)
    return run.finish({ outcome: 1 }, weights)
  })
const step = (run: Run, number: number, last = false) => {
  run.complete(number, { metrics: { loss: number } }, weights)
  return run.endStep({ due: number % 2 === 0, seconds: null, last, score: null })
}

test('a run that finishes has its model, its result and its settings', async () => {
  const result = await inRun(async (run) => {
    expect(run.checkpoint).toBeNull()
    await step(run, 1)
  })
  expect(result).toMatchObject({ run: join(root, 'a'), model: join(root, 'a', 'model'), outcome: 1 })
  expect(result.sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(info()).toMatchObject({ status: 'done', seed: 7, result: JSON.parse(JSON.stringify(result)) })
  expect(storedSettings(join(root, 'a'), 'zero')).toEqual({ steps: 3 })
})

test('an error marks the run as failed; it can be resumed from its last checkpoint', async () => {
  const broken = inRun(async (run) => {
    for (const n of [1, 2, 3]) await step(run, n)
    throw new Error('no network')
  })
  await expect(broken).rejects.toThrow('no network')
  expect(info()).toMatchObject({ status: 'failed', step: 3 })
  const errors = () =>
    readRun(join(root, 'a'), (store) => store.events().filter(({ level }) => level === 'error'))
  expect(errors()).toEqual([{ step: 3, level: 'error', message: 'no network' }])
  await inRun(
    async (run) => {
      expect(run.checkpoint?.step).toBe(2)
      expect(run.store.info().step).toBe(2)
    },
    {},
    resume(),
  )
  expect(info().status).toBe('done')
  expect(errors()).toEqual([])
})

describe('stopping', () => {
  test('an aborted signal stops the run after the current step, with a checkpoint', async () => {
    const stop = new AbortController()
    const stopped = inRun(
      async (run) => {
        stop.abort()
        await step(run, 1)
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow(/interrupted at step 1; `ruminate resume .*a` /)
    expect(info().status).toBe('interrupted')
    await inRun(async (run) => expect(run.checkpoint?.step).toBe(1), {}, resume())
  })

  test('a run of several stages says in which stage it was interrupted', async () => {
    const inner = inRun(async () => {
      throw new Interrupted('/inner', 5, 'stage 1, cold start')
    })
    await expect(inner).rejects.toMatchObject({ runDirectory: join(root, 'a'), step: 5 })
    await expect(inner).rejects.toThrow('interrupted in stage 1, cold start, step 5; `ruminate resume ')
  })

  test('a signal that is aborted once the last step has ended does not stop the run', async () => {
    const stop = new AbortController()
    await inRun(
      async (run) => {
        await step(run, 1, true)
        stop.abort()
      },
      { signal: stop.signal },
    )
    expect(info().status).toBe('done')
  })

  /** An engine that samples until it is cancelled, and its trainer. */
  const endless = () => {
    let cancel = (_reason: unknown): void => {}
    const cancelled = new Promise<never>((_, reject) => {
      cancel = reject
    })
    cancelled.catch(() => {})
    const engine: Engine = { ...fakeEngine(), cancel }
    return { engine, sample: () => cancelled }
  }
  const adam = { learningRate: 0, beta1: 0, beta2: 0, eps: 1, weightDecay: 0, gradClipNorm: 0 }
  const steps = (): (number | undefined)[] => {
    const store = RunStore.open(join(root, 'a'))
    try {
      return store.checkpoints().map((checkpoint) => checkpoint.step)
    } finally {
      store.close()
    }
  }

  test('while the engine samples, that is cancelled, and the checkpoint is of the last completed step', async () => {
    const { engine, sample } = endless()
    const stop = new AbortController()
    const stopped = inRun(
      async (run) => {
        run.stoppable(engine, await engine.trainer())
        await step(run, 1)
        setTimeout(() => stop.abort(), 10)
        await sample()
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow('interrupted at step 1')
    expect(info().status).toBe('interrupted')
    expect(steps()).toEqual([1])
  })

  test('while the weights are changed, the checkpoint is of the step that changes them', async () => {
    const { engine, sample } = endless()
    const stop = new AbortController()
    const stopped = inRun(
      async (run) => {
        const trainer = run.stoppable(engine, await engine.trainer())
        await step(run, 1)
        await trainer.optimStep(adam)
        stop.abort()
        await new Promise((resolve) => setTimeout(resolve, 10))
        expect(steps()).toEqual([])
        run.complete(2, { metrics: { loss: 2 } }, weights)
        await sample()
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow('interrupted at step 2')
    expect(steps()).toEqual([2])
  })

  test('after an abort no step changes the weights', async () => {
    const engine = fakeEngine()
    const stop = new AbortController()
    const stopped = inRun(
      async (run) => {
        const trainer = run.stoppable(engine, await engine.trainer())
        stop.abort()
        await trainer.optimStep(adam)
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow('interrupted at step 0')
  })

  test('a checkpoint that cannot be written is the error of the run', async () => {
    const { engine, sample } = endless()
    const stop = new AbortController()
    const stopped = inRun(
      async (run) => {
        run.stoppable(engine, await engine.trainer())
        run.complete(1, {}, full)
        stop.abort()
        await sample()
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow('the disk is full')
    expect(info().status).toBe('failed')
  })

  test('who ends the process by a signal can wait for the checkpoint', async () => {
    const { engine, sample } = endless()
    const stop = new AbortController()
    let written = false
    const order: string[] = []
    expect(openRuns()).toEqual({ any: false, training: false })
    const stopped = inRun(
      async (run) => {
        run.stoppable(engine, await engine.trainer())
        expect(openRuns()).toEqual({ any: true, training: true })
        run.complete(1, {}, async (folder) => {
          await new Promise((resolve) => setTimeout(resolve, 30))
          written = true
          await weights(folder)
        })
        stop.abort()
        checkpointsWritten().then(() => order.push(`waited, written: ${written}`))
        await sample()
      },
      { signal: stop.signal },
    )
    await expect(stopped).rejects.toThrow(Interrupted)
    expect(order).toEqual(['waited, written: true'])
    expect(openRuns().any).toBe(false)
  })

  test('an interrupted inner run, or a request that the signal ended, interrupts the run itself', async () => {
    const inner = inRun(async () => {
      throw new Interrupted('/inner', 5)
    })
    await expect(inner).rejects.toThrow(Interrupted)
    await expect(inner).rejects.toMatchObject({ runDirectory: join(root, 'a') })
    const stop = new AbortController()
    const ended = inRun(
      async () => {
        stop.abort(new Error('stopped'))
        stop.signal.throwIfAborted()
      },
      { signal: stop.signal },
      resume(),
    )
    await expect(ended).rejects.toThrow(Interrupted)
    expect(info().status).toBe('interrupted')
  })
})

describe('checkpoints after a number of seconds', () => {
  /** The steps of the checkpoints of a run of steps that take a second each. */
  const written = async (seconds: number | null, secondsToWrite: number): Promise<number[]> => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    onTestFinished(() => void vi.restoreAllMocks())
    const numbers: number[] = []
    await inRun(async (run) => {
      for (let n = 1; n <= 100; n++) {
        now += 1000
        run.complete(n, {}, async (folder) => {
          now += 1000 * secondsToWrite
          numbers.push(n)
          await weights(folder)
        })
        await run.endStep({ due: n === 50, seconds, last: false, score: null })
      }
    })
    return numbers
  }

  test.each<[seconds: number | null, secondsToWrite: number, steps: number[]]>([
    [20, 0, [20, 40, 50, 70, 90]],
    [60, 0, [50]],
    [null, 0, [50]],
    // at most 5 % of the time is spent on them: 2 s of writing after 40 s, and a step
    [20, 2, [20, 50, 90]],
  ])('%s seconds, where writing takes %s', async (seconds, secondsToWrite, steps) => {
    expect(await written(seconds, secondsToWrite)).toEqual(steps)
  })
})

describe('the baseline', () => {
  test.each([
    ['known', { 'eval/pass@1': 0.5 }],
    ['unknown in part', { 'eval/pass@1': Number.NaN, 'eval/questions': 3 }],
  ])('is measured once, also if the run is resumed: %s', async (_, metrics) => {
    let measured = 0
    const measure = (run: Run) =>
      run.baseline(async () => {
        measured++
        return { metrics }
      })
    let before: unknown
    const first = inRun(async (run) => {
      before = await measure(run)
      expect(await measure(run)).toEqual(before)
      throw new Error('stop')
    })
    await expect(first).rejects.toThrow('stop')
    await inRun(async (run) => expect(await measure(run)).toEqual(before), {}, resume())
    expect(measured).toBe(1)
  })
})

test('the seconds of a resumed run are those of all its sessions', async () => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => void vi.restoreAllMocks())
  const session = (seconds: number, numbers: readonly number[], end?: Error) => async (run: Run) => {
    for (const n of numbers) {
      now += (1000 * seconds) / numbers.length
      await step(run, n)
    }
    if (end) throw end
  }
  await expect(inRun(session(10, [1, 2], new Error('stop')))).rejects.toThrow('stop')
  now += 5000 // a pause
  const stopped = new Interrupted('', 3)
  await expect(inRun(session(30, [3], stopped), {}, resume())).rejects.toThrow(Interrupted)
  now += 5000
  const result = await withRun(resume(), {}, async (run) => {
    await session(2, [3, 4])(run)
    return run.finish({}, weights)
  })
  expect(result.seconds).toBe(42)
  expect(readRun(result.run, (store) => store.metric(TIME).map(({ step, value }) => [step, value]))).toEqual([
    [1, 5],
    [2, 10],
    [3, 41],
    [4, 42],
  ])
})

test('folders that a killed process was writing are removed when the run is resumed', async () => {
  await expect(inRun(() => Promise.reject(new Error('stop')))).rejects.toThrow('stop')
  const left = ['.tmp-1-1', join('checkpoints', '.tmp-1-2')].map((name) => join(root, 'a', name))
  for (const folder of left) mkdirSync(folder)
  await inRun(async () => {}, {}, resume())
  expect(left.filter((folder) => existsSync(folder))).toEqual([])
})

test('a baseline of which nothing is known is not measured again with trained weights', async () => {
  const row = {
    split: 'eval-before',
    question: '1',
    kind: 'sums',
    gold: '4',
    prompt: '2+2',
    tokens: Int32Array.of(1),
    text: '4',
    thinking: null,
    answer: '4',
    logprobs: Float32Array.of(-1),
    rewards: {},
    correct: null,
    total: null,
    advantage: null,
    stopReason: 'stop',
    length: 1,
  } as const
  const calls: string[] = []
  const train = (name: string, steps: readonly number[]) => async (run: Run) => {
    const metrics = await run.baseline(async () => {
      calls.push(name)
      return { metrics: { 'eval/pass@1': Number.NaN }, rollouts: [row] }
    })
    expect(metrics).toEqual({})
    for (const n of steps) await step(run, n)
    throw new Error('stop')
  }
  await expect(inRun(train('begun', [1]))).rejects.toThrow('stop')
  await expect(inRun(train('resumed without a checkpoint', [1, 2]), {}, resume())).rejects.toThrow('stop')
  await expect(inRun(train('resumed from a checkpoint', []), {}, resume())).rejects.toThrow('stop')
  expect(calls).toEqual(['begun', 'resumed without a checkpoint'])
  const store = RunStore.open(join(root, 'a'))
  expect(store.rollouts({ step: 0 })).toHaveLength(1)
  store.close()
})

describe('a failing disk', () => {
  test('while the model is written: one line that says what to do; the run is resumable', async () => {
    const failed = withRun(place, {}, async (run) => {
      for (const n of [1, 2]) await step(run, n)
      return run.finish({ outcome: 1 }, full)
    })
    await expect(failed).rejects.toThrow(UserError)
    await expect(failed).rejects.toThrow(
      /^cannot write \S+model: the disk is full; make space\. `ruminate resume \S+a` [^\n]+$/,
    )
    expect(info()).toMatchObject({ status: 'failed', result: null })
    await inRun(async (run) => expect(run.checkpoint?.step).toBe(2), {}, resume())
    expect(info().status).toBe('done')
  })

  test('while the result is recorded, and again while the run is marked as failed', async () => {
    const failed = withRun(place, {}, async (run) => {
      const broken = () => {
        throw new UserError('cannot write run.sqlite: the disk is full; make space')
      }
      run.store.finish = broken
      run.store.setStatus = broken
      return run.finish({ outcome: 1 }, weights)
    })
    await expect(failed).rejects.toThrow(/^cannot write run\.sqlite: the disk is full/)
    await inRun(async () => {}, {}, resume())
    expect(info().status).toBe('done')
  })

  test('while a checkpoint is written: the previous checkpoint is kept', async () => {
    const failed = inRun(async (run) => {
      for (const n of [1, 2]) await step(run, n)
      run.complete(4, { metrics: { loss: 4 } }, full)
      await run.endStep({ due: true, seconds: null, last: false, score: null })
    })
    await expect(failed).rejects.toThrow(/the disk is full/)
    await inRun(async (run) => expect(run.checkpoint?.step).toBe(2), {}, resume())
  })
})

test('errors of the folder', async () => {
  await expect(inRun(async () => {}, {}, { resume: join(root, 'none') })).rejects.toThrow(/not a run/)
  await inRun(async () => {
    await expect(inRun(async () => {}, {}, resume())).rejects.toThrow(/another process is writing this run/)
  })
  await expect(inRun(async () => {})).rejects.toThrow(/already holds a run/)
})

test('a run of parts, which restores no checkpoint, keeps what its parts recorded', async () => {
  const stopped = withRun(place, {}, async (run) => {
    run.store.record(1, { metrics: { rows: 10 } })
    throw new Interrupted(run.directory, 1)
  })
  await expect(stopped).rejects.toThrow(Interrupted)
  await withRun(resume(), {}, async (run) => {
    expect(run.store.metricsAt(1)).toEqual({ rows: 10 })
    return run.finish({}, weights)
  })
})

test('a checkpoint that cannot be loaded: no steps are deleted, and the one before can be used', async () => {
  const stopped = inRun(async (run) => {
    for (const n of [1, 2, 3, 4, 5]) await step(run, n)
    throw new Interrupted(run.directory, 5)
  })
  await expect(stopped).rejects.toThrow(Interrupted)
  const damaged = withRun(resume(), {}, async (run) => {
    await run.restore(async () => {
      throw new UserError('model.safetensors is damaged')
    })
    return run.finish({}, weights)
  })
  await expect(damaged).rejects.toThrow(
    /^model\.safetensors is damaged\. To continue from step 2 instead, delete \S+step-000004$/,
  )
  expect(info()).toMatchObject({ status: 'failed', step: 5 })
  rmSync(join(root, 'a', 'checkpoints', 'step-000004'), { recursive: true })
  await inRun(
    async (run) => {
      expect(run.checkpoint?.step).toBe(2)
      expect(run.store.info().step).toBe(2)
    },
    {},
    resume(),
  )
})

test('the settings of a run of another recipe are refused', async () => {
  await inRun(async () => {})
  expect(() => storedSettings(join(root, 'a'), 'r1')).toThrow(/is a run of "zero", not of "r1"/)
})
