import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { main } from '../cli/app.ts'
import { RunStore, readInfo } from '../runs/store.ts'
import { captured } from '../testing/captured.ts'
import { measured, runUntilKilled } from '../testing/runs.ts'
import { pretrain, resumePretrain } from './pretrain.ts'
import { resumeZero, zero } from './zero.ts'

const written = captured()
const folder = mkdtempSync(join(tmpdir(), 'ruminate-resume-'))
const base = join(folder, 'base')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const small = {
  model: join(base, 'model'),
  steps: 6,
  seed: 3,
  threads: 1,
  checkpointEvery: 2,
  eval: { questions: 6, every: 0 },
  // The base model is too small to be right: it learns from the overlong punishment, which differs within a group.
  rl: { groupSize: 4, questionsPerStep: 4, maxTokens: 32, overlong: { buffer: 32 } },
} as const

const pretraining = {
  tokens: 20_000,
  threads: 1,
  tokenizerDocuments: 200,
  model: { hiddenSize: 32, intermediateSize: 48, numLayers: 2 },
}

let baseHash: string
let whole: Awaited<ReturnType<typeof zero>>
beforeAll(async () => {
  baseHash = (await pretrain(pretraining, { out: base })).sha256
  whole = await zero({ ...small, out: join(folder, 'whole') })
})

test('the same seed gives the same metrics and weights; another seed does not', async () => {
  const again = await zero({ ...small, out: join(folder, 'again') })
  expect(again.sha256).toBe(whole.sha256)
  expect(measured(again.run)).toEqual(measured(whole.run))
  const other = await zero({ ...small, seed: 4, out: join(folder, 'other') })
  expect(other.sha256).not.toBe(whole.sha256)
})

/** The steps of a run's checkpoints. */
function checkpoints(run: string): number[] {
  const store = RunStore.open(run)
  try {
    return store.checkpoints().map(({ step }) => step)
  } finally {
    store.close()
  }
}

test('when checkpoints are written does not change the result', async () => {
  const often = { checkpointEvery: 1000, checkpointSeconds: 0 }
  const other = await zero({ ...small, ...often, out: join(folder, 'often') })
  // the last two; the first is of a step that depends on how long writing takes
  expect(checkpoints(other.run)).toEqual([expect.any(Number), 6])
  expect(other.sha256).toBe(whole.sha256)
  expect(measured(other.run)).toEqual(measured(whole.run))
  const made = await pretrain({ ...pretraining, ...often }, { out: join(folder, 'base-often') })
  expect(checkpoints(base)).toEqual([])
  expect(checkpoints(made.run)).not.toEqual([])
  expect(made.sha256).toBe(baseHash)
})

test('Ctrl-C and resume: equals an uninterrupted run', async () => {
  const stop = new AbortController()
  const out = join(folder, 'interrupted')
  const interrupted = zero({
    ...small,
    out,
    signal: stop.signal,
    onStep: ({ step }) => void (step === 3 && stop.abort()),
  })
  await expect(interrupted).rejects.toThrow(/resume/)
  expect((await resumeZero(out)).sha256).toBe(whole.sha256)
  expect(measured(out)).toEqual(measured(whole.run))
})

test.each([
  ['all weights', null],
  ['adapters', { rank: 2 }],
])('the model was moved: --model says where it is, if its weights are the same; %s', async (name, lora) => {
  const at = (what: string): string => join(folder, `${what} of ${name}`)
  const [out, model, moved] = [at('moved-model'), at('a model'), at('elsewhere')]
  const right = await zero({ ...small, lora, out: at('whole') })
  cpSync(small.model, model, { recursive: true })
  const stop = new AbortController()
  const onStep = ({ step }: { step: number }) => void (step === 3 && stop.abort())
  await expect(zero({ ...small, lora, model, out, signal: stop.signal, onStep })).rejects.toThrow(/resume/)
  renameSync(model, moved)

  const resume = async (...words: string[]) => {
    const code = await main(['resume', out, '--quiet', ...words])
    return [code, written.err.trim().split('\n').at(-1)]
  }
  expect(await resume()).toEqual([
    1,
    expect.stringMatching(
      /^error: the model .*a model of .* is no longer there: .*, or name where it is now: `ruminate resume .*moved-model .* --model DIR`$/,
    ),
  ])
  expect(await resume('--model', 'miniature-base')).toEqual([
    1,
    expect.stringMatching(
      /^error: .*moved-model .* cannot go on with .*miniature-base: its weights are not those of .*a model of/,
    ),
  ])
  expect((await resume('--model', moved))[0]).toBe(0)
  const { settings, result } = readInfo(out)
  expect(settings).toMatchObject({ model: moved })
  expect(result).toMatchObject({ sha256: right.sha256 })
  expect(measured(out)).toEqual(measured(right.run))
})

test('--model is refused for a run that trains no model of others', async () => {
  const stop = new AbortController()
  const out = join(folder, 'base-stopped')
  const onStep = () => stop.abort()
  await expect(pretrain(pretraining, { out, signal: stop.signal, onStep })).rejects.toThrow(/interrupted/)
  expect(await main(['resume', out, '--model', 'miniature-base'])).toBe(2)
  expect(written.err).toMatch(
    /error: --model is for runs that store which model they train, and .*base-stopped/,
  )
})

test('Ctrl-C while pretraining leaves a checkpoint of the last step, and resume gives the same result', async () => {
  const stop = new AbortController()
  const out = join(folder, 'base-interrupted')
  const interrupted = pretrain(pretraining, {
    out,
    signal: stop.signal,
    onStep: ({ step }) => void (step === 3 && stop.abort()),
  })
  await expect(interrupted).rejects.toThrow('interrupted at step 3; ')
  expect(checkpoints(out)).toEqual([3])
  expect((await resumePretrain(out)).sha256).toBe(baseHash)
})

test('kill -9 at several moments and resume: equals an uninterrupted run', async () => {
  const out = join(folder, 'killed')
  const { checkpointEvery, eval: evaluation, rl } = small
  const sets = Object.entries({ checkpointEvery, eval: evaluation, rl }).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  )
  const start = [
    'zero',
    '--model',
    small.model,
    '--steps',
    '6',
    '--seed',
    '3',
    '--threads',
    '1',
    '--out',
    out,
  ]
  const first = [...start, ...sets.flatMap((s) => ['--set', s])]
  for (const lines of [1, 3, 5]) {
    const args = existsSync(join(out, 'run.sqlite')) ? ['resume', out] : first
    await runUntilKilled(args, lines)
  }
  expect((await resumeZero(out)).sha256).toBe(whole.sha256)
  expect(measured(out)).toEqual(measured(whole.run))
})
