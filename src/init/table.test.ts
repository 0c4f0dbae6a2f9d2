import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { heldOutShare, isProse, surveyTable } from './table.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-survey-'))
afterAll(() => rmSync(root, { recursive: true }))

function written(name: string, text: string): string {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), text)
  return join(root, name)
}
const rowsOf = (count: number, row: (i: number) => string): string =>
  `${Array.from({ length: count }, (_, i) => row(i)).join('\n')}\n`
const read = (file: string, columns = {}) => surveyTable(file, { columns, progress: () => {} })

test('a small table: columns by other names, a quarter held out, problems counted', async () => {
  const rows = rowsOf(58, (i) => `${i},What is ${i} + ${i}?,${i} twice,${2 * i}`)
  const file = written(
    'small.csv',
    `id,problem,solution,result\n${rows}58,What is 1 + 1?,x,2\n59,What is 3?,x,\n`,
  )
  const { report, solved } = await read(file)
  expect(report).toMatchObject({
    columns: { question: 'problem', answer: 'result', thinking: 'solution' },
    unused: ['id'],
    rows: 60,
    issues: { duplicate: 1, unreadable: 1, overlap: 0 },
    answers: true,
    conversations: false,
    solutions: 1,
    prose: 0,
  })
  expect(report.problems).toHaveLength(2)
  expect(report.training + report.heldOut).toBe(58)
  // 14 or 15 are meant
  expect(Math.abs(report.heldOut - 0.25 * 58)).toBeLessThanOrEqual(2.5)
  expect(solved).toHaveLength(report.training)
})

test.each([
  [4, 0.25],
  [60, 0.25],
  [120, 0.25],
  [200, 0.15],
  [300, 0.1],
  [2000, 0.1],
])('of %i questions, the share %f is held out', (questions, share) => {
  expect(heldOutShare(questions)).toBe(share)
})

test('where chance would hold out far more or fewer of a small table, the nearest number is found', async () => {
  const chat = (i: number): string =>
    JSON.stringify({ prompt: [{ role: 'user', content: `Hi ${i}` }], answer: i })
  for (const count of [19, 21, 25, 40]) {
    const { report } = await read(written(`hi${count}.jsonl`, rowsOf(count, chat)))
    expect(Math.abs(report.heldOut - 0.25 * count), `of ${count}`).toBeLessThanOrEqual(2)
  }
})

test("verl's columns are used", async () => {
  const row = (i: number): string =>
    JSON.stringify({
      data_source: 'x',
      prompt: [{ role: 'user', content: `What is ${i}?` }],
      reward_model: { ground_truth: `${i}` },
    })
  const { report } = await read(written('verl.jsonl', rowsOf(20, row)))
  expect(report.unused).toEqual(['data_source'])
})

test('the names of the files decide', async () => {
  const row = (i: number): string => JSON.stringify({ question: `${i}?`, answer: `${i}` })
  written('sides/train.jsonl', rowsOf(20, row))
  written(
    'sides/test.jsonl',
    rowsOf(5, (i) => row(100 + i)),
  )
  expect((await read(join(root, 'sides'))).report).toMatchObject({ share: null, training: 20, heldOut: 5 })
})

test('conversations have no gold', async () => {
  const chat = (i: number): string =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `Say ${i}` },
        { role: 'assistant', content: `${i}` },
      ],
    })
  const { report, solved } = await read(written('chats.jsonl', rowsOf(20, chat)))
  expect(report).toMatchObject({
    conversations: true,
    answers: false,
    columns: { question: 'messages', answer: null },
  })
  expect(solved).toEqual([])
})

const errors: [string, () => string, RegExp][] = [
  ['a task that makes its questions', () => 'countdown', /makes its own questions/],
  [
    'unknown columns',
    () => written('x.csv', 'x,y\n1,2\n'),
    /no columns "question" and "answer"; its columns are "x", "y"/,
  ],
  [
    'one question',
    () => written('one.csv', 'question,answer\n1?,1\n'),
    /only one question|no training questions/,
  ],
  ['nothing at all', () => written('none.csv', 'question,answer\n'), /there is no row/],
  ['no such file', () => join(root, 'no.csv'), /there is no file/],
]
test.each(errors)('%s', async (_, file, message) => {
  await expect(read(file())).rejects.toThrow(message)
})

test.each([
  ['35', false],
  ['3 May 2020 at noon', false],
  ['New York City', false],
  ['\\frac{1}{2} \\text{ of the whole of the cake}', false],
  ['the sum is x = a + b where a is the first', false],
  ['It was warm because the sun was shining.', true],
  ['因为太阳照在水面上所以很暖和', true],
])('is %j a sentence? %s', (gold, expected) => {
  expect(isProse(gold)).toBe(expected)
})

test('the line of the right choice is not taken for a worked solution', async () => {
  const text = `question,A,B,why,answer\n${rowsOf(30, (i) => `Twice ${i}?,${2 * i},${2 * i + 1},${i} + ${i},A`)}`
  const file = written('choices.csv', text)
  const choices = ['A', 'B']
  expect((await read(file, { choices, thinking: null })).report.solutions).toBe(0)
  expect((await read(file, { choices, thinking: 'why' })).report.solutions).toBe(1)
})
