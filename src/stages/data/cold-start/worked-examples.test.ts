import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadTask } from '../../../tasks/index.ts'
import { fakeTask } from '../../../testing/fakes/fake-engine.ts'
import { workedExamples } from './worked-examples.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-worked-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const context = { reasoning: fakeTask, seed: 5, warn: () => {}, progress: () => {} }
const file = (rows: readonly object[]): string => {
  const path = join(folder, 'rows.jsonl')
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return path
}
const conversation = (...contents: string[]) => ({
  messages: contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
})

test("the task's own example, the same for the same seed", async () => {
  const reasoning = await loadTask('miniature')
  const examples = await workedExamples({ ...context, reasoning }, null)
  expect(examples).toEqual([
    {
      question: expect.stringMatching(/\d/),
      response: expect.stringMatching(/^<think>\n[\s\S]+\n<\/think>\nThe answer is \\boxed\{\d+\}\.$/),
    },
  ])
  expect(await workedExamples({ ...context, reasoning }, null)).toEqual(examples)
  expect(await workedExamples({ ...context, reasoning, seed: 6 }, null)).not.toEqual(examples)
})

test('examples from a file', async () => {
  expect(
    await workedExamples(context, file([conversation('Why?', 'So.'), conversation('How?', 'Thus.')])),
  ).toEqual([
    { question: 'Why?', response: 'So.' },
    { question: 'How?', response: 'Thus.' },
  ])
  expect(await workedExamples(context, file([{ prompt: 'Why?', completion: 'So.' }]))).toEqual([
    { question: 'Why?', response: 'So.' },
  ])
})

test.each([
  [null, 'few-shot prompts need examples of letter: set coldStart.examples'],
  [{ messages: [{ role: 'assistant', content: 'So.' }] }, 'rows.jsonl:1: an example needs a user message'],
])('no usable example: %j', async (row, message) => {
  await expect(workedExamples(context, row && file([row]))).rejects.toThrow(message)
})
