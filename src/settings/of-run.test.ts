import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'
import { merge, type Tree } from './layers.ts'
import { askedInRun } from './of-run.ts'
import { resolveR1Settings } from './r1.ts'
import { resolveSftSettings } from './sft.ts'
import { resolveZeroSettings } from './zero.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-of-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(recipe: string, settings: unknown): string {
  const out = join(mkdtempSync(join(folder, 'run-')), `${recipe}-1`)
  RunStore.create({ recipe, seed: 0, settings, out }).close()
  return out
}

const columns = { question: 'q', answer: 'a' }
const zero = resolveZeroSettings({
  task: 'f.csv',
  columns,
  template: 'chat',
  seed: 3,
  rl: { maxTokens: 50 },
  eval: { share: 0.2, questions: 9, temperature: 0.5, topP: 0.9, every: 5 },
  chat: { date: '2026-01-01' },
})

/** The settings with which `eval` asks. */
const asked = (folder: string, task?: string): Tree => {
  const { settings } = askedInRun(folder, task)!
  const {
    task: of,
    template,
    seed,
    rl,
    eval: evaluation,
    columns,
    chat,
  } = resolveZeroSettings(merge(settings))
  return { task: of, template, seed, maxTokens: rl.maxTokens, eval: evaluation, columns, date: chat.date }
}

test('a model of zero is asked as in its run, also one of its checkpoints', () => {
  const directory = run('zero', { ...zero, own: { task: false, rewards: null } })
  const expected = {
    task: 'f.csv',
    template: 'chat',
    seed: 3,
    maxTokens: 50,
    columns,
    date: '2026-01-01',
    eval: { share: 0.2, questions: 9, samples: 1, temperature: 0.5, topP: 0.9 },
  }
  for (const model of [join(directory, 'model'), join(directory, 'checkpoints', 'step-000020')])
    expect(asked(model)).toMatchObject(expected)
  expect(asked(join(directory, 'model'), './f.csv')).toMatchObject(expected)
})

test.each<[recipe: string, settings: object, expected: object]>([
  [
    'sft',
    resolveSftSettings({ task: 'f.csv', columns, template: 'chat', seed: 2, eval: { share: 0.3 } }),
    { task: 'f.csv', columns, template: 'chat', seed: 2, eval: { share: 0.3, questions: 300 } },
  ],
  [
    'r1',
    resolveR1Settings({ task: 'f.csv', eval: { share: 0.3, maxTokens: 70 } }),
    {
      task: 'f.csv',
      template: 'chat',
      maxTokens: 70,
      eval: { share: 0.3, questions: 240, samples: 4, temperature: 0.6 },
    },
  ],
])('a model of %s is asked as in its run', (recipe, settings, expected) => {
  expect(asked(join(run(recipe, settings), 'model'))).toMatchObject(expected)
})

test('a model is asked as usual if no run here trained it on the task', () => {
  const trained = join(run('zero', { ...zero, own: { task: false } }), 'model')
  expect(askedInRun(trained, 'g.csv')).toBeNull()
  expect(askedInRun(join(run('sft', resolveSftSettings({ data: 'c.jsonl' })), 'model'))).toBeNull()
  expect(askedInRun(join(folder, 'model'))).toBeNull()
  expect(askedInRun(join(run('r1', {}), 'base'))).toBeNull()
})

test('a run on a task of a program needs another', () => {
  const model = join(run('zero', { ...zero, task: 'doubling', own: { task: true } }), 'model')
  expect(() => askedInRun(model)).toThrow(/trained on doubling, a task of a program: choose one with --task/)
  expect(askedInRun(model, 'miniature')).toBeNull()
})
