import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { gsm8k } from './gsm8k.ts'
import { loadTask, TASKS } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'gsm8k-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const rows = Array.from({ length: 200 }, (_, i) =>
  JSON.stringify({
    question: `What is ${i} + 1000?`,
    answer: `Add them.\n#### ${i + 1000}`.replace('#### 1', '#### 1,'),
  }),
)
const path = file('rows.jsonl', `${rows.join('\n')}\n\n${rows[0]}\n`)

describe('questions', () => {
  const task = gsm8k(path)
  const heldOut = task.heldOut({ count: 1000 })
  const epoch = task.training({ seed: 1, step: 0, count: 200 - heldOut.length })

  test('gold answers lose their thousands commas', () => {
    for (const q of heldOut) expect(q.gold).toBe(String(Number(q.prompt.match(/\d+/)![0]) + 1000))
  })

  test('about a tenth is held out; an epoch of training has every other question once', () => {
    expect(heldOut.length).toBeGreaterThan(8)
    expect(heldOut.length).toBeLessThan(34)
    const all = [...heldOut, ...epoch]
    expect(new Set(all.map((q) => q.prompt)).size).toBe(200)
    expect(new Set(all.map((q) => q.id)).size).toBe(200)
    expect(task.heldOut({ count: 5 })).toEqual(heldOut.slice(0, 5))
  })

  test('training is a pure function of seed and step, and steps follow one another', () => {
    const fresh = gsm8k(path)
    const second = fresh.training({ seed: 1, step: 1, count: 10 })
    expect([...fresh.training({ seed: 1, step: 0, count: 10 }), ...second]).toEqual(epoch.slice(0, 20))
    expect(fresh.training({ seed: 2, step: 0, count: 10 })).not.toEqual(epoch.slice(0, 10))
  })
})

test.each([
  ['1234', '1234', true],
  ['1234', '$1,234.00', true],
  ['1234', '$1,234.00.', true],
  ['1234', ' 1234 dollars', true],
  ['1234', 'She has $1,234 left', true],
  ['1234', '\\boxed{1234}', true],
  ['1234', '+1234.0', true],
  ['1234', '1,23,4', false],
  ['1234', '12345', false],
  ['1234', '1233 + 1', false],
  ['1234', '1 1234', false],
  ['1234', 'x1234', false],
  ['1234', '1234e2', false],
  ['-5', '−5', true],
  ['-5', '5', false],
  ['5', '10/2', true],
  ['5', '5/0', false],
  ['0.5', '1/2', true],
  ['0.1', '.1', true],
  ['0.3', '0.30000000000000004', false],
  ['12345678901234567891', '12,345,678,901,234,567,891', true],
  ['12345678901234567891', '12345678901234567892', false],
  ['50', '50%', true],
  ['5', 'five', false],
  ['5', '', false],
  ['5', null, false],
  ['five', '5', null],
])('gold %s, answer %j: %o', async (gold, answer, correct) => {
  const task = gsm8k(path)
  expect((await task.check({ id: '', prompt: '', kind: 'gsm8k', gold }, answer)).correct).toBe(correct)
})

test.each([
  ['bad.jsonl', `${rows[0]}\n{"question": `, /bad\.jsonl, line 2: not JSON/],
  [
    'column.jsonl',
    `${rows[0]}\n\n{"question": "a"}`,
    /column\.jsonl, line 3: the column "answer" is missing/,
  ],
  ['type.jsonl', '{"question": 1, "answer": "1"}', /line 1: the column "question" is missing or not text/],
  ['null.jsonl', 'null', /line 1: the column "question"/],
  ['gold.jsonl', '{"question": "a", "answer": "so ####  "}', /line 1: the answer is empty/],
  ['empty.jsonl', '\n', /holds no questions/],
])('%s is refused', (name, text, message) => {
  const bad = file(name, text)
  expect(() => gsm8k(bad)).toThrow(UserError)
  expect(() => gsm8k(bad)).toThrow(message)
})

test('an answer without #### is the gold itself', () => {
  const plain = gsm8k(
    file(
      'plain.jsonl',
      rows.map((_, i) => JSON.stringify({ question: `q ${i}`, answer: `${i}` })).join('\n'),
    ),
  )
  expect(plain.heldOut({ count: 99 }).every((q) => q.prompt === `q ${q.gold}`)).toBe(true)
})

describe('loadTask', () => {
  test.each(TASKS.map((t) => t.name))('knows %s', (name) => expect(loadTask(name).name).toBe(name))
  test.each([`gsm8k:${path}`, path])('reads %s', (name) => expect(loadTask(name).name).toBe('gsm8k'))
  test('reads gsm8k with a file', () => expect(loadTask('gsm8k', { file: path }).name).toBe('gsm8k'))
  test.each([
    ['chess', 2, /Unknown task "chess"\. Tasks: miniature, .*countdown, gsm8k:FILE/],
    ['gsm8k', 2, /needs a file/],
    ['gsm8k:', 2, /needs a file/],
    ['missing.jsonl', 1, /Cannot read the questions in missing\.jsonl/],
  ])('refuses %s', (name, exitCode, message) => {
    expect(() => loadTask(name)).toThrow(message)
    expect(() => loadTask(name)).toThrow(expect.objectContaining({ exitCode }))
  })
})
