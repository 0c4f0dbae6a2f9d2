import { expect, test } from 'vitest'
import { compare, type Side } from './compare.ts'
import type { CellResult, QuestionValues } from './results.ts'
import { rowsOf } from './rows.ts'

const around = (mean: number) => ({ mean, low: mean, high: mean })

/** A model that answers these questions with these shares right; with 4 votes, whenever the share is above a half. */
function side(
  name: string,
  rights: Readonly<Record<string, number>>,
  changes: Partial<CellResult> = {},
): Side {
  const values = Object.entries(rights).map(
    ([id, right]): QuestionValues => ({
      key: `key of ${id}`,
      id,
      kind: '',
      passAt1: right,
      pass: [right, 1],
      cons: [right, Number(right > 0.5)],
      thinkingTokens: 1,
      completionTokens: 2,
    }),
  )
  const cell = {
    strategy: 'vote',
    budget: null,
    effort: null,
    model: name,
    task: 'sums',
    questions: values.length,
    seeds: [0],
    responses: 1,
    passAt1: around(0.5),
    thinkingTokens: around(1),
    atK: [1, 4].map((k) => ({ k, pass: around(0.5), cons: around(0.5) })),
    values,
    ...changes,
  } as unknown as CellResult
  return { name, rows: rowsOf([cell]) }
}

const a = side('a', { q1: 0.25, q2: 0.25, q3: 1, q4: 0.75 })
const b = side('b', { q1: 0.75, q2: 0.25, q3: 0, q4: 1 })

test('lines that were measured in the same way are compared, question by question', () => {
  const [one, votes, ...more] = compare(a, b)
  expect(more).toEqual([])
  expect([one!.a.measure, votes!.a.measure]).toEqual(['pass@1', 'cons@4'])
  expect(one!.paired.test).toBe('permutation')
  expect(one!.paired.difference.mean).toBeCloseTo(-0.0625, 12)
  expect(one!.changed).toEqual([
    { id: 'q3', a: 1, b: 0 },
    { id: 'q1', a: 0.25, b: 0.75 },
    { id: 'q4', a: 0.75, b: 1 },
  ])
  expect(votes!.paired).toMatchObject({ test: 'mcnemar', p: 1, better: 1, worse: 1 })
})

test('one line of each is compared even if they were measured in other ways', () => {
  const votes = { name: 'a:2', rows: a.rows.slice(1) }
  const single = { name: 'a:1', rows: a.rows.slice(0, 1) }
  expect(compare(single, votes)[0]!.paired.difference.mean).toBeCloseTo(0.5 - 0.5625, 12)
})

test.each<[string, Side, RegExp]>([
  [
    'more questions',
    side('c', { q1: 1, q2: 1, q3: 1, q4: 1, q5: 1 }),
    /^c was asked 1 question that a was not, such as q5, so they cannot be compared/,
  ],
  ['other questions', side('c', { p1: 1 }), /^a and c were asked different questions/],
  [
    'other ways',
    side('c', { q1: 1 }, { budget: 16 }),
    /no line that was measured in the same way.*a:1 and c:1/,
  ],
  [
    'two models',
    { name: 'c', rows: [...a.rows, ...b.rows.map((row) => ({ ...row, number: row.number + 2 }))] },
    /lines 1 and 3 of c differ only in the model: choose one, as in c:3/,
  ],
])('%s is an error', (_, other, message) => expect(() => compare(a, other)).toThrow(message))
