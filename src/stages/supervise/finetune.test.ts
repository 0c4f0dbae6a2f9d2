import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine, Trainer } from '../../engines/contract.ts'
import { RunStore } from '../../runs/store.ts'
import { withRun } from '../../runs/with-run.ts'
import { fakeEngine } from '../../testing/fakes/fake-engine.ts'
import type { EpochSettings } from './epochs.ts'
import { type FinetuneStep, finetune } from './finetune.ts'
import type { Sequence } from './learn.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-finetune-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const sequence = (...tokens: number[]): Sequence => ({
  tokens: Int32Array.from(tokens),
  learned: Uint8Array.from(tokens, (_, t) => Number(t > 0)),
})
const settings: EpochSettings = {
  seed: 0,
  epochs: 4,
  batchSize: 4,
  learningRate: 1,
  schedule: { kind: 'cosine', warmup: 2, final: 0.1 },
  betas: [0.9, 0.999],
  weightDecay: 0,
  gradClip: 1,
  evalEvery: null,
  checkpointEvery: 100,
  checkpointSeconds: null,
}

async function run(
  heldOut: Sequence,
  changes: Partial<EpochSettings> = {},
  engine = fakeEngine(),
  { name = 'run', signal }: { name?: string; signal?: AbortSignal } = {},
) {
  const steps: FinetuneStep[] = []
  const warnings: string[] = []
  const out = join(root, name)
  const place = existsSync(out) ? { resume: out } : { recipe: 'sft', seed: 0, settings: {}, out }
  const tuned = await withRun(place, { signal }, async (run) => {
    const trainer = run.stoppable(engine, await engine.trainer())
    await run.restore((folder) => trainer.load(folder))
    const outcome = await finetune({
      run,
      engine,
      trainer,
      training: Array.from({ length: 10 }, () => sequence(5, 6)),
      heldOut: [heldOut],
      settings: { ...settings, ...changes },
      onStep: (step) => steps.push(step),
      onWarning: (warning) => warnings.push(warning),
    })
    return run.finish(outcome, (folder) => trainer.save(folder))
  })
  const store = RunStore.open(tuned.run)
  try {
    const checkpoints = store.checkpoints().map(({ step }) => step)
    return {
      ...tuned,
      steps,
      warnings,
      events: store.events(),
      checkpoints,
      rates: store.metric('learning_rate').map(({ value }) => value),
    }
  } finally {
    store.close()
  }
}

test('evaluates once per epoch, with a checkpoint, and at the end', async () => {
  const { steps, checkpoints, best, before, after } = await run(sequence(5, 6))
  expect(steps.map(({ heldOut }) => heldOut !== null)).toEqual(
    Array.from({ length: 12 }, (_, i) => (i + 1) % 3 === 0),
  )
  expect(steps.map(({ epoch }) => epoch)).toEqual(steps.map(({ step }) => step / 3))
  expect(after.loss).toBeLessThan(before.loss)
  expect([best.step, best.loss]).toEqual([12, after.loss])
  expect(checkpoints).toEqual([9, 12])
})

test('keeps the checkpoint that was best on held-out sequences, also if later training makes the loss worse', async () => {
  const { best, before, after, checkpoints } = await run(sequence(5, 7), { evalEvery: 1 })
  expect(best.step).toBe(2)
  expect(best.loss).toBeLessThan(after.loss)
  expect(after.loss).toBeGreaterThan(before.loss)
  expect(checkpoints).toEqual([2, 11, 12])
  expect(existsSync(best.checkpoint)).toBe(true)
})

test.each<[string, Partial<EpochSettings>, number[]]>([
  ['cosine', {}, [0.5, 1, 1, 0.55, 0.1]],
  ['constant', { schedule: { kind: 'constant', warmup: 4 } }, [0.25, 0.5, 0.75, 1, 1]],
])('the learning rate: %s', async (_, changes, expected) => {
  const { rates } = await run(sequence(5, 6), { ...changes, epochs: 5, batchSize: 10 })
  expect(rates.map((rate) => Number(rate.toFixed(9)))).toEqual(expected)
})

test('divergence is an error that says what to do', async () => {
  const engine = fakeEngine()
  const trainer = await engine.trainer()
  const forwardBackward: Trainer['forwardBackward'] = async (...batch) => ({
    ...(await trainer.forwardBackward(...batch)),
    loss: Number.NaN,
  })
  const diverging = { ...engine, trainer: async () => ({ ...trainer, forwardBackward }) }
  await expect(run(sequence(5, 6), {}, diverging)).rejects.toThrow(
    /training has diverged at step 1 \(loss NaN\); lower learningRate/,
  )
})

test('a model whose held-out loss is not a number is refused, not reported as perfect', async () => {
  const inner = fakeEngine()
  const engine: Engine = {
    ...inner,
    async scorer(weights) {
      const scorer = await inner.scorer(weights)
      const broken = weights.kind === 'snapshot' && weights.name !== 'step 0'
      return {
        ...scorer,
        logprobs: async (datums) =>
          (await scorer.logprobs(datums)).map((values) => (broken ? values.fill(Number.NaN) : values)),
      }
    },
  }
  await expect(run(sequence(5, 6), { epochs: 1, batchSize: 10 }, engine)).rejects.toThrow(
    /training has diverged at step 1 \(loss NaN\); lower learningRate/,
  )
})

test('warnings are given and recorded: before training what is too little, after it a loss that rose', async () => {
  const { warnings, events } = await run(sequence(5, 7), { epochs: 5, batchSize: 5 })
  expect(warnings).toEqual([
    expect.stringMatching(/^the held-out loss is that of 1 row/),
    expect.stringMatching(/^the held-out loss has risen since step 2/),
  ])
  expect(events).toEqual([
    { step: 0, level: 'warning', message: warnings[0] },
    { step: 10, level: 'warning', message: warnings[1] },
  ])
})

test('a run that is stopped during an evaluation does it first when it goes on, with the same result', async () => {
  const [heldOut, changes] = [sequence(5, 6, 5), { epochs: 2, batchSize: 4, evalEvery: 2 }]
  // warnings are given once, and recorded
  const {
    run: _run,
    model: _model,
    seconds: _seconds,
    steps: _steps,
    warnings: _warnings,
    ...whole
  } = await run(heldOut, changes)
  for (const at of [2, 6]) {
    const stop = new AbortController()
    const inner = fakeEngine()
    const engine: Engine = {
      ...inner,
      scorer: async (weights) => {
        if (weights.name === `step ${at}`) stop.abort()
        return inner.scorer(weights)
      },
    }
    const name = `stopped-${at}`
    await expect(run(heldOut, changes, engine, { name, signal: stop.signal })).rejects.toThrow(
      `interrupted at step ${at}`,
    )
    const resumed = await run(heldOut, changes, fakeEngine(), { name })
    const checkpoint = whole.best.checkpoint.replace('/run/', `/${name}/`)
    expect(resumed).toMatchObject({ ...whole, best: { ...whole.best, checkpoint } })
    expect(resumed.steps.map(({ step }) => step)).toEqual([3, 4, 5, 6].filter((step) => step > at))
  }
})

test('a checkpoint is also written once so many seconds have passed', async () => {
  const changes = { epochs: 1, batchSize: 2, evalEvery: 5 }
  expect((await run(sequence(5, 6), changes)).checkpoints).toEqual([5])
  const often = await run(sequence(5, 6), { ...changes, checkpointSeconds: 0 }, fakeEngine(), {
    name: 'often',
  })
  // the last two; the first is of a step that depends on how long writing takes
  expect(often.checkpoints).toEqual([expect.any(Number), 5])
})
