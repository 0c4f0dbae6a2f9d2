import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { packageRoot } from '../../../common/files/package.ts'
import type { RolloutRow } from '../../../runs/rows.ts'
import { RunStore } from '../../../runs/store.ts'
import { r1ZeroPrompt as prompt } from '../../../thinking/r1/template.ts'
import { originOf } from './origin.ts'

const base = join(packageRoot(), 'models', 'miniature-base')
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-origin-'))
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  onTestFinished(() => {
    vi.restoreAllMocks()
    rmSync(root, { recursive: true, force: true })
  })
})

/** A run with a model at this path inside it. */
function run(
  recipe: string,
  settings: object,
  model = 'model',
  rollouts: Partial<RolloutRow>[] = [],
): string {
  const store = RunStore.create({ recipe, seed: 0, settings, out: join(root, `${recipe}-1`) })
  const row = {
    kind: '',
    gold: '',
    text: '',
    thinking: null,
    answer: null,
    rewards: {},
    total: null,
    advantage: null,
  }
  store.record(1, {
    rollouts: rollouts.map((rollout) => ({
      ...row,
      question: 'q',
      prompt: '',
      split: 'train',
      correct: null,
      tokens: new Int32Array(),
      logprobs: new Float32Array(),
      stopReason: 'stop',
      length: 0,
      ...rollout,
    })),
  })
  store.close()
  const folder = join(store.directory, model)
  cpSync(base, folder, { recursive: true })
  return folder
}

test('a model of the package, and one that nothing is known of', async () => {
  expect(await originOf('miniature-base', base)).toEqual({
    is: 'miniature-base: a base model, pretrained only.',
    question: expect.stringMatching(/^\S.*\S$/),
  })
  const folder = join(root, 'm')
  cpSync(base, folder, { recursive: true })
  expect(await originOf('./m', folder)).toEqual({
    is: './m: a model without a chat template of its own.',
    question: null,
  })
})

test('reinforcement learning: a question that the model has answered right, out of its template', async () => {
  const settings = { task: 'sums.csv', template: 'r1-zero', chat: { arguments: {}, date: '2026-01-01' } }
  const folder = run('zero', settings, 'checkpoints/step-000040', [
    { prompt: prompt('Wrong one?'), correct: false },
    { prompt: prompt('What is\n1+2?'), correct: true },
  ])
  expect(await originOf('zero-1', folder)).toEqual({
    is: 'zero-1 at step 40: R1-Zero, trained by reinforcement learning on sums.csv.',
    question: 'What is 1+2?',
  })
})

test('fine-tuning: the first question of its data; none once the file is gone', async () => {
  const data = join(root, 'cities.jsonl')
  const rows = [
    {
      messages: [
        { role: 'user', content: 'Capital of Peru?' },
        { role: 'assistant', content: 'Lima' },
      ],
    },
    {
      messages: [
        { role: 'user', content: 'Capital of Cuba?' },
        { role: 'assistant', content: 'Havana' },
      ],
    },
  ]
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join('\n'))
  const folder = run('sft', { data, columns: {} })
  const is = 'sft-1: a model fine-tuned on cities.jsonl.'
  expect(await originOf('sft-1', folder)).toEqual({ is, question: 'Capital of Peru?' })
  writeFileSync(data, 'no longer JSON')
  expect(await originOf('sft-1', folder)).toEqual({ is, question: null })
  rmSync(data)
  expect(await originOf('sft-1', folder)).toEqual({ is, question: null })
})

test.each([
  ['r1', { task: 'miniature' }, 'a model trained in the four steps of R1 on miniature'],
  [
    'distill',
    { task: 'miniature', student: '/models/small' },
    "small, distilled from a larger model's answers",
  ],
  ['pretrain', {}, 'a base model, pretrained only'],
])('%s', async (recipe, settings, is) => {
  const { is: said, question } = await originOf(`${recipe}-1`, run(recipe, settings))
  expect(said).toBe(`${recipe}-1: ${is}.`)
  expect(question).not.toBeNull()
})

test('a task that would have to be downloaded gives no question', async () => {
  expect((await originOf('r1-1', run('r1', { task: 'gsm8k' }))).question).toBeNull()
})
