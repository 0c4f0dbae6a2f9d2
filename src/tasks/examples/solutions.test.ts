import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { type PromptTemplate, Renderer } from '../../renderer/renderer.ts'
import { loadTask } from '../index.ts'
import type { Columns } from '../table/columns.ts'
import { readSolutions } from './solutions.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-solutions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const model = join(packageRoot(), 'models', 'miniature-base')

async function read(text: string, columns: Columns = {}, template: PromptTemplate = 'r1-zero') {
  const file = join(folder, 'table.jsonl')
  writeFileSync(file, text)
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const task = await loadTask(file, { columns, heldOutShare: 0.5, solutions: true, warn })
  const renderer = Renderer.load(model, { template })
  const rows = await readSolutions(task, { renderer, seed: 0, count: null, warn })
  const all = [...rows.training, ...rows.heldOut].sort((a, b) => a.where.localeCompare(b.where))
  return { ...rows, all: all.map(({ demonstration }) => demonstration), warnings }
}
const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

describe('the thinking of a demonstration is', () => {
  const other = { question: 'What is 5?', answer: '5' }
  const cases: [what: string, row: object, thinking: string, columns?: Columns][] = [
    ['the answer, where nothing else is known', {}, '8'],
    ['in the one column with such a name', { solution: '4 and 4.' }, '4 and 4.'],
    ['in such a column in other letters', { Rationale: '4 and 4.' }, '4 and 4.'],
    ['in the named column', { solution: 'no', why: '4 and 4.' }, '4 and 4.', { thinking: 'why' }],
    ['without the tags that it has already', { reasoning: '<think>\n4 and 4.\n</think>\n8' }, '4 and 4.'],
    ['before the marks of GSM8K', { answer: 'It is 4+4=<<4+4=8>>8.\n#### 8' }, 'It is 4+4=8.'],
    ['the whole of a solution with a box', { answer: 'So \\boxed{8}.' }, 'So \\boxed{8}.'],
    ['the answer, where the column is empty', { solution: ' ' }, '8'],
    [
      'the answer, if no column is wanted',
      { answer: 'It is 4+4. #### 8', solution: 'no' },
      '8',
      { thinking: null },
    ],
    ['the right choice', { choices: ['7', '8'], answer: 'B' }, 'B) 8', { choices: 'choices' }],
  ]
  test.each(cases)('%s', async (_, row, thinking, columns = {}) => {
    const choices = 'choices' in columns ? { choices: ['5', '6'], answer: 'A' } : {}
    const text = lines({ question: 'What is 4 + 4?', answer: '8', ...row }, { ...other, ...choices })
    const { all, warnings } = await read(text, columns)
    const answer = 'choices' in columns ? 'B' : '8'
    expect(all[0]).toMatchObject({
      completion: ` <think>\n${thinking}\n</think>\n<answer>${answer}</answer>`,
    })
    expect(warnings).toEqual([])
  })
})

test('in a chat template, a message with thinking and a summary with the answer in a box', async () => {
  const system = { role: 'system', content: 'Be brief.' }
  const user = { role: 'user', content: 'What is 4 + 4?' }
  const text = lines(
    { question: [system, user], answer: '8', solution: '4 and 4.' },
    { question: 'What is 5?', answer: '5' },
  )
  const { all } = await read(text, {}, 'chat')
  expect(all[0]).toEqual({
    messages: [
      system,
      user,
      { role: 'assistant', content: 'The answer is \\boxed{8}.', reasoning_content: '4 and 4.' },
    ],
  })
})

test('a row whose demonstration the rewards would not accept is left out, with the reason', async () => {
  const rows = Array.from({ length: 9 }, (_, i) => ({
    question: `What is ${i}?`,
    answer: `${i}`,
    solution: null,
  }))
  const turns = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hi' },
    { role: 'user', content: '9?' },
  ]
  const { all, unusable, warnings } = await read(
    lines(
      ...rows,
      { question: 'a?', answer: '1', solution: 'It ends with </think>.' },
      { question: turns, answer: '9' },
    ),
  )
  expect([all.length, unusable]).toEqual([9, 2])
  expect(warnings.join()).toMatch(/table\.jsonl:10: .*not in the format/)
  expect(warnings.join()).toMatch(/table\.jsonl:11: .*no place for those before the last/)
})

describe('an error', () => {
  const cases: [what: string, rows: object[], columns: Columns, message: RegExp][] = [
    ['without gold', [{ question: 'a' }, { question: 'b' }], { answer: null }, /no gold answers.*--data/],
    [
      'for several columns that may hold the thinking',
      [{ question: 'a', answer: 'b', solution: 'c', rationale: 'd' }],
      {},
      /"solution" and "rationale".* --columns thinking=solution, or --columns thinking=null/,
    ],
    ['for a missing column', [{ question: 'a', answer: 'b', why: 'c' }], { thinking: 'wyh' }, /thinking=why/],
    ['for one row', [{ question: 'a', answer: 'b' }], {}, /no training questions: its only one is held out/],
    [
      'if no row can be used',
      [
        { question: 'a', answer: '1', solution: '<answer>' },
        { question: 'b', answer: '1', solution: '<answer>' },
      ],
      {},
      /0 questions to train on and 0 to hold out; .*table\.jsonl:[12]: its demonstration is not in the format/,
    ],
  ]
  test.each(cases)('%s', async (_, rows, columns, message) => {
    await expect(read(lines(...rows), columns)).rejects.toThrow(message)
  })

  test('for a task without gold answers', async () => {
    const renderer = Renderer.load(model)
    const task = await loadTask('miniature/general')
    const reading = readSolutions(task, { renderer, seed: 0, count: null, warn: () => {} })
    await expect(reading).rejects.toThrow('miniature/general has no gold answers to learn from')
  })
})

test('the columns of solutions are not read where nobody asks for them', async () => {
  const file = join(folder, 'both.jsonl')
  writeFileSync(
    file,
    lines({ question: 'a', answer: '1', solution: 'c', rationale: 'd' }, { question: 'b', answer: '1' }),
  )
  const task = await loadTask(file)
  expect([task.solved, task.heldOut({ count: 9 }).length]).toEqual([undefined, 1])
})

test.each(['miniature', 'countdown'])('%s makes as many as are wanted, held out or not', async (name) => {
  const task = await loadTask(name)
  const ids = (side: 'training' | 'held-out', count?: number) =>
    task.solved!({ side, seed: 1, count }).map(({ question }) => question.id.split(' = ')[0])
  expect([ids('training').length, ids('held-out').length, ids('training', 7).length]).toEqual([1000, 100, 7])
  expect(ids('training')).toEqual(ids('training'))
  const trained = new Set(ids('training'))
  expect(ids('held-out').filter((id) => trained.has(id))).toEqual([])
})
