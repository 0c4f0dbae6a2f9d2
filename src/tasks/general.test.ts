import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { UserError } from '../common/errors.ts'
import { loadGeneral } from './load.ts'
import { isHarmful } from './task.ts'

const folder = mkdtempSync(join(tmpdir(), 'general-'))
afterAll(() => rmSync(folder, { recursive: true }))

const table = (name: string, rows: readonly object[]): string => {
  const file = join(folder, name)
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return file
}
const load = (file: string, warnings: string[] = []) =>
  loadGeneral(file, { heldOutShare: 0.25, warn: (message) => warnings.push(message) })

test('answers that no rule can check are kept, and are demonstrations; kinds are those of the rows', async () => {
  const rows = Array.from({ length: 40 }, (_, n) => ({
    question: `Say something about number ${n} > 0: of 1 and 2.`,
    answer: `1 > 0: thing ${n}, isn't it?`,
    kind: n % 2 === 0 ? 'harmful' : 'general',
  }))
  const warnings: string[] = []
  const task = await load(table('answered.jsonl', rows), warnings)
  expect(warnings).toEqual([])
  const [asked, heldOut] = [task.training({ seed: 0, step: 0, count: 20 }), task.heldOut({ count: 100 })]
  expect(heldOut.length).toBeGreaterThan(3)
  expect(new Set([...asked, ...heldOut].map(({ kind }) => kind))).toEqual(new Set(['harmful', 'general']))
  expect(heldOut.filter(isHarmful).length).toBeGreaterThan(0)
  const shown = task.demonstrations!({ seed: 0, count: 100 })
  expect(shown).toHaveLength(40 - heldOut.length)
  for (const { question, thinking, summary } of shown) {
    expect({ thinking, summary }).toEqual({ thinking: null, summary: question.gold })
    expect(summary).toMatch(/^1 > 0: thing \d+, isn't it\?$/)
  }
  expect(task.demonstrations!({ seed: 0, count: 3 })).toEqual(shown.slice(0, 3))
  expect(await task.check(asked[0]!, 'anything')).toMatchObject({ correct: null })
})

test('prompts alone, under another name', async () => {
  const rows = Array.from({ length: 12 }, (_, n) => ({ prompt: `Write line ${n}.`, category: 'write' }))
  const task = await load(table('prompts.jsonl', rows))
  expect(task.heldOut({ count: 1 })[0]).toMatchObject({ kind: 'write', gold: '' })
  expect(task.demonstrations!({ seed: 0, count: 5 })).toEqual([])
})

test('a table without prompts, and a name that is none', async () => {
  const file = table('none.jsonl', [{ text: 'a' }])
  await expect(load(file)).rejects.toThrow(UserError)
  await expect(load(file)).rejects.toThrow(/question/)
  await expect(load('generel')).rejects.toThrow(/unknown task/)
})
