import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadTask } from '../../tasks/index.ts'
import type { Task } from '../../tasks/task.ts'
import { fakeRenderer, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { reusedAnswers } from './reused.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-reused-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const context = { general: fakeTask, seed: 5, warn: () => {}, progress: () => {} }
const file = (rows: readonly object[]): string => {
  const path = join(folder, 'rows.jsonl')
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return path
}
const conversation = (...contents: string[]) => ({
  messages: contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
})

const reused = (given: object | null, general: Task = fakeTask, count = 9) =>
  reusedAnswers({ ...context, general }, { renderer: fakeRenderer, file: given && file([given]), count })

test("a task's own demonstrations", async () => {
  const general = await loadTask('miniature/general')
  const rows = await reused(null, general, 20)
  expect(rows).toHaveLength(20)
  for (const { source, question, summary, rejected } of rows) {
    expect([source, rejected]).toEqual(['reused', null])
    expect(question.prompt.length * summary!.length).toBeGreaterThan(0)
  }
  expect(await reused(null, general, 20)).toEqual(rows)
})

test('answers of a file, with the thinking in its own field; longer conversations are left out', async () => {
  const path = file([
    conversation('Hi', '<think>\nwait \n</think>\na'),
    conversation('Hi', 'a', 'And?', 'b'),
    conversation('Bye', 'b'),
    conversation('Why?', 'a'),
  ])
  const rows = await reusedAnswers(context, { renderer: fakeRenderer, file: path, count: 3 })
  expect(rows.map(({ question, thinking, summary }) => [question.prompt, thinking, summary])).toEqual([
    ['Hi', 'wait', 'a'],
    ['Bye', null, 'b'],
  ])
})

test.each([
  [null, 'fine-tuning data for letter is needed: set generalData'],
  [{ prompt: 'Hi', completion: 'a' }, 'rows.jsonl:1: general data must be conversations'],
])('no usable data: %j', async (row, message) => {
  await expect(reused(row)).rejects.toThrow(message)
})
