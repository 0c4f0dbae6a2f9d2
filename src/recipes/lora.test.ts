import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { modelFolder } from '../hub/find-model.ts'
import { loadConfig, loadModel } from '../models/checkpoint/directory.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { baseFolder } from '../models/checkpoint/peft/find-base.ts'
import { Renderer } from '../renderer/renderer.ts'
import { Interrupted } from '../runs/interrupted.ts'
import type { ZeroWatch } from '../settings/zero-options.ts'
import { measured, writeTinyModel } from '../testing/runs.ts'
import { distill } from './distill.ts'
import { r1 } from './r1.ts'
import { reward } from './reward.ts'
import { sft } from './sft.ts'
import { resumeZero, type ZeroResult, zero } from './zero.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-lora-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const model = writeTinyModel(join(folder, 'model'))

const jsonLines = (name: string, rows: readonly object[]): string => {
  const file = join(folder, name)
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return file
}
const numbers = Array.from({ length: 24 }, (_, n) => n)
const demonstrations = jsonLines(
  'rows.jsonl',
  numbers.map((n) => ({
    messages: [
      { role: 'user', content: `What is ${n} + 1?` },
      { role: 'assistant', content: `It is ${n + 1}.` },
    ],
  })),
)
const pairs = jsonLines(
  'pairs.jsonl',
  numbers.map((n) => ({ prompt: `What is ${n} + 1?`, chosen: `It is ${n + 1}.`, rejected: `${n}` })),
)
const tuning = { maxLength: 300, epochs: 1, batchSize: 8, learningRate: 0.01, threads: 1 } as const
const lora = { rank: 2, alpha: 4 } as const

const reinforcement = {
  model,
  steps: 3,
  seed: 3,
  threads: 1,
  lora,
  checkpointEvery: 1,
  eval: { questions: 2, every: 0 },
  whenNothingToLearn: 'continue',
  // an untrained model is never right: it learns from the punishment of length, which differs within a group
  rl: { groupSize: 3, questionsPerStep: 2, maxTokens: 24, overlong: { buffer: 24 }, referenceRefresh: 1 },
} as const
const quiet = { onWarning: () => {} } satisfies ZeroWatch

let whole: ZeroResult
beforeAll(async () => {
  whole = await zero({ ...reinforcement, ...quiet, out: join(folder, 'whole') })
})

test('reinforcement learning trains adapters, which are saved alone, and opened as a model', async () => {
  expect(isPeftFolder(whole.model)).toBe(true)
  expect(existsSync(join(whole.run, 'base'))).toBe(false)
  expect(baseFolder(whole.model)).toBe(model)
  expect(await modelFolder(whole.run)).toBe(whole.model)
  expect(loadConfig(whole.model)).toEqual({ ...loadConfig(model), adapters: undefined })
  expect(Renderer.load(whole.model).stopTokens).toEqual(Renderer.load(model).stopTokens)
  const [before, after] = [loadModel(model), loadModel(whole.model)].map(({ parameters }) => parameters)
  for (const [name, values] of after!)
    expect([name, values.join() === before!.get(name)!.join()]).toEqual([
      name,
      !name.endsWith('_proj.weight'),
    ])
})

test('stopped after a step and resumed, it is the same run bit for bit, with its reference policy', async () => {
  const controller = new AbortController()
  const stopped = zero({
    ...reinforcement,
    ...quiet,
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === 2) controller.abort(new Error('stop'))
    },
    out: join(folder, 'stopped'),
  })
  await expect(stopped).rejects.toThrow(Interrupted)
  const reference = join(folder, 'stopped', 'checkpoints', 'step-000002', 'reference')
  expect(isPeftFolder(reference)).toBe(true)
  // the run may be moved meanwhile
  renameSync(join(folder, 'stopped'), join(folder, 'moved'))
  const resumed = await resumeZero(join(folder, 'moved'), quiet)
  expect(measured(resumed.run)).toEqual(measured(whole.run))
  expect(loadModel(resumed.model)).toEqual(loadModel(whole.model))
  expect(resumed.sha256).toBe(whole.sha256)
})

test('adapters on a PEFT folder are trained on the plain model that it makes, which the run keeps', async () => {
  const tuned = await sft(
    { ...tuning, model: whole.model, data: demonstrations, lora: { ...lora, targets: ['q_proj', 'v_proj'] } },
    { ...quiet, out: join(folder, 'tuned') },
  )
  const base = join(tuned.run, 'base')
  expect(baseFolder(tuned.model)).toBe(base)
  expect(isPeftFolder(base)).toBe(false)
  expect(loadModel(base).parameters).toEqual(loadModel(whole.model).parameters)
  expect(loadModel(tuned.model).parameters).not.toEqual(loadModel(base).parameters)
  const adapters = JSON.parse(readFileSync(join(tuned.model, 'adapter_config.json'), 'utf8'))
  expect(adapters.target_modules).toEqual(['q_proj', 'v_proj'])
  renameSync(tuned.run, join(folder, 'tuned-elsewhere'))
  expect(baseFolder(join(folder, 'tuned-elsewhere', 'model'))).toBe(join(folder, 'tuned-elsewhere', 'base'))
})

test('all weights can be trained on top of a PEFT folder', async () => {
  const tuned = await sft(
    { ...tuning, model: whole.model, data: demonstrations },
    { ...quiet, out: join(folder, 'all') },
  )
  expect(isPeftFolder(tuned.model)).toBe(false)
})

test('a reward model is trained by adapters and its head', async () => {
  const trained = await reward(
    { ...tuning, model, data: pairs, lora },
    { ...quiet, out: join(folder, 'reward') },
  )
  const adapters = JSON.parse(readFileSync(join(trained.model, 'adapter_config.json'), 'utf8'))
  expect(adapters).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['score'] })
  const { config } = loadModel(trained.model)
  expect(config.head).toBe('score')
  expect(config.padTokenId).not.toBeNull()
})

test('targets that the model does not have fail before there is a run', async () => {
  const out = join(folder, 'never')
  await expect(zero({ ...reinforcement, lora: { targets: ['w1'] }, out })).rejects.toThrow(
    /lora.targets names w1/,
  )
  await expect(
    sft({ ...tuning, model, data: demonstrations, lora: { targets: ['w1'] } }, { out }),
  ).rejects.toThrow(/lora.targets names w1/)
  for (const staged of [
    () => r1({ lora: { targets: ['w1'] } }, { out }),
    () => distill({ student: model, data: demonstrations, lora: { targets: ['w1'] } }, { out }),
  ])
    await expect(staged()).rejects.toThrow(/lora.targets names w1/)
  await expect(zero({ ...reinforcement, lora: { dropout: 0.1 as 0 }, out })).rejects.toThrow(
    /without dropout/,
  )
  expect(existsSync(out)).toBe(false)
})
