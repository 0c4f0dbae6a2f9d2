import { describe, expect, test } from 'vitest'
import { jsonl, readAll, sums, tableWriter } from '../../testing/tables.ts'

const { folder, file } = tableWriter()

describe('splits', () => {
  test('a tenth of a single file is held out, by the question alone', async () => {
    const { table, heldOut, training, issues } = await readAll(file('sums.jsonl', jsonl(sums(0, 1000))))
    expect(table).toMatchObject({ name: 'sums', size: { rows: 1000 } })
    expect(heldOut.length).toBeGreaterThan(70)
    expect(heldOut.length).toBeLessThan(130)
    expect(new Set([...heldOut, ...training].map(({ prompt }) => prompt)).size).toBe(1000)
    expect(issues).toEqual([])
    // Other rows around it, another order, other white space: a question keeps its side.
    const moved = sums(0, 1000).map((row) => ({ ...row, question: row.question.replace('is', ' IS \n') }))
    const again = await readAll(file('other.jsonl', jsonl([...sums(2000, 50), ...moved.reverse()])))
    const sides = new Set(again.heldOut.map(({ gold }) => gold))
    for (const { gold } of heldOut) expect(sides.has(gold)).toBe(true)
    for (const { gold } of training) expect(sides.has(gold)).toBe(false)
  })

  const names: [files: string[], training: string[], heldOut: string[], warning: RegExp | null][] = [
    [['train.jsonl', 'test.jsonl'], ['train.jsonl'], ['test.jsonl'], null],
    [
      ['data/train-00000-of-1.jsonl', 'data/test-0.jsonl'],
      ['data/train-00000-of-1.jsonl'],
      ['data/test-0.jsonl'],
      null,
    ],
    [['train/a.jsonl', 'eval/a.jsonl'], ['train/a.jsonl'], ['eval/a.jsonl'], null],
    [['auxiliary_train.jsonl', 'dev.jsonl'], ['auxiliary_train.jsonl'], ['dev.jsonl'], null],
    [['my-test-bench.jsonl'], [], ['my-test-bench.jsonl'], null],
    [
      ['train.jsonl', 'test.jsonl', 'validation.jsonl'],
      ['train.jsonl'],
      ['test.jsonl'],
      /not read.*validation\.jsonl/,
    ],
    [['train.jsonl', 'test.jsonl', 'extra.jsonl'], ['train.jsonl'], ['test.jsonl'], /not read.*extra\.jsonl/],
  ]
  test.each(names)('%j', async (files, training, heldOut, warning) => {
    const place = folder(Object.fromEntries(files.map((name, i) => [name, jsonl(sums(100 * i, 9))])))
    const read = await readAll(place)
    const from = (questions: readonly { id: string }[]) => [
      ...new Set(questions.map(({ id }) => id.split(':')[0])),
    ]
    expect(from(read.training)).toEqual(training)
    expect(from(read.heldOut)).toEqual(heldOut)
    expect(read.warnings).toEqual(warning ? [expect.stringMatching(warning)] : [])
  })

  test('files without a side, or training files alone, are one table', async () => {
    for (const names of [
      ['a.jsonl', 'b.jsonl'],
      ['train-0.jsonl', 'train-1.jsonl'],
    ]) {
      const place = folder({ [names[0]!]: jsonl(sums(0, 90)), [names[1]!]: jsonl(sums(90, 90)) })
      const { table } = await readAll(place)
      expect(table.size.heldOut).toBeGreaterThan(5)
      expect(table.size.training + table.size.heldOut).toBe(180)
    }
  })

  test('one of a few questions is held out; of a single one, none is left to train on', async () => {
    for (let n = 2; n < 9; n++)
      expect((await readAll(file('few.jsonl', jsonl(sums(0, n))))).table.size.heldOut).toBeGreaterThan(0)
    const { table } = await readAll(file('one.jsonl', jsonl(sums(1, 1))))
    expect(table.size).toEqual({ rows: 1, training: 0, heldOut: 1 })
    expect(() => table.training({ seed: 0, step: 1, count: 1 })).toThrow(
      'one has no training questions: its only one is held out, and training needs others',
    )
  })
})

test('training goes through all questions once an epoch, a pure function of seed and step', async () => {
  const { table } = await readAll(file('sums.jsonl', jsonl(sums(0, 100))))
  const n = table.size.training
  const steps = (seed: number, from: number, count: number) =>
    Array.from({ length: count }, (_, step) => table.training({ seed, step: from + step, count: 10 })).flat()
  expect(steps(1, 3, 20)).toEqual(steps(1, 3, 20))
  expect(steps(1, 0, 20)).not.toEqual(steps(2, 0, 20))
  const all = steps(1, 0, 30).map(({ id }) => id)
  expect(new Set(all.slice(0, n)).size).toBe(n)
  expect(new Set(all.slice(n, 2 * n)).size).toBe(n)
  expect(all.slice(0, n)).not.toEqual(all.slice(n, 2 * n))
})

test('held-out questions are balanced over kinds, and the first are the same for any number', async () => {
  const rows = sums(0, 900).map((row, i) => ({ ...row, level: i % 10 === 0 ? 2 : 1 }))
  const { table } = await readAll(file('levels.jsonl', jsonl(rows)), { columns: { kind: 'level' } })
  const first = table.heldOut({ count: 10 })
  expect(first.filter(({ kind }) => kind === 'levels/2')).toHaveLength(5)
  expect(first.filter(({ kind }) => kind === 'levels/1')).toHaveLength(5)
  expect(table.heldOut({ count: 30 }).slice(0, 10)).toEqual(first)
})

describe('rows that are left out', () => {
  test('duplicates, with the same or another gold', async () => {
    const rows = [
      ...sums(0, 3),
      { question: '  what is\t0 + 1? ', answer: '1' },
      { question: 'What is 1 + 1?', answer: '3' },
    ]
    const { issues, table, warnings } = await readAll(file('d.jsonl', jsonl(rows)))
    expect(issues).toEqual([
      { kind: 'duplicate', where: 'd.jsonl:4', of: 'd.jsonl:1', sameGold: true },
      { kind: 'duplicate', where: 'd.jsonl:5', of: 'd.jsonl:2', sameGold: false },
    ])
    expect(table.size.training + table.size.heldOut).toBe(3)
    expect(warnings).toEqual([
      expect.stringMatching(
        /d\.jsonl: 2 rows are left out: the question repeats an earlier one\n.*\n.*with another gold answer/,
      ),
    ])
  })

  test.each<[cells: object, reason: RegExp]>([
    [{ question: 'Q?' }, /"answer" is empty or not text/],
    [{ question: 'Q?', answer: null }, /"answer" is empty/],
    [{ question: 'Q?', answer: ' ' }, /"answer" is empty/],
    [{ question: ' ', answer: '1' }, /"question" is empty/],
    [{ question: ['a'], answer: '1' }, /the user/],
    [{ question: 'Q?', answer: 2 ** 70 }, /too large to be exact/],
  ])('%j', async (cells, reason) => {
    const { issues, training, heldOut } = await readAll(file('u.jsonl', jsonl([...sums(0, 2), cells])))
    expect(issues).toEqual([
      { kind: 'unreadable', where: 'u.jsonl:3', reason: expect.stringMatching(reason) },
    ])
    expect([...training, ...heldOut].map(({ id }) => id)).not.toContain('u.jsonl:3')
  })

  test('a table without any usable row is an error with the first reason', async () => {
    const rows = [{ question: 'Q?', answer: '' }]
    await expect(readAll(file('none.jsonl', jsonl(rows)))).rejects.toThrow(
      /none\.jsonl: no usable question; the first: none\.jsonl:1: "answer" is empty/,
    )
    await expect(readAll(file('empty.csv', ''))).rejects.toThrow(/there is no row in empty\.csv/)
  })

  test('an incomplete last line', async () => {
    const { table, warnings } = await readAll(file('torn.jsonl', `${jsonl(sums(0, 5))}{"question": "Wh`))
    expect(table.size.rows).toBe(5)
    expect(warnings).toEqual([expect.stringMatching(/the file is cut off; .*\n {2}torn\.jsonl:6: not JSON/)])
  })
})

describe('overlap of training and held-out questions', () => {
  const story = 'A farmer has twelve sheep and sells five of them on Monday at the market, then buys'
  const place = folder({
    'train.jsonl': jsonl([
      { question: `${story} three. How many now?`, answer: '10' },
      { question: 'what is 7 + 1?', answer: '8' },
      ...sums(100, 5),
    ]),
    'test.jsonl': jsonl([
      { question: `On Sunday: ${story.toLowerCase()} two goats. How many animals?`, answer: '9' },
      ...sums(0, 9),
    ]),
  })
  test('is reported in pairs; a question on both sides is not in training', async () => {
    const { issues, training, warnings, table } = await readAll(place)
    expect(issues).toMatchObject([
      { kind: 'overlap', where: 'train.jsonl:2', of: 'test.jsonl:9', words: null },
      { kind: 'overlap', where: 'train.jsonl:1', of: 'test.jsonl:1', words: 17 },
    ])
    expect(training.map(({ id }) => id)).not.toContain('train.jsonl:2')
    expect(table).toMatchObject({ compared: 10, size: { training: 6, heldOut: 10 } })
    expect(warnings[0]).toMatch(/2 training questions repeat a held-out one, or much of its wording/)
    expect(warnings[0]).toMatch(
      /train\.jsonl:1 and test\.jsonl:1 \(17 words in common\)\n.*A farmer.*\n.*On Sunday/,
    )
  })
})

test('a training question that resembles two held-out ones is reported once, with the closer one', async () => {
  const start = 'A garden that lies behind the old school near the river is'
  const ask = (question: string) => ({ question, answer: '1' })
  const { issues } = await readAll(
    folder({
      'train.jsonl': jsonl([ask(`${start} 4 m wide and 9 m long`)]),
      'test.jsonl': jsonl([ask(`${start} 4 m high`), ask(`${start} 4 m wide and 8 m long`)]),
    }),
  )
  expect(issues).toMatchObject([{ kind: 'overlap', where: 'train.jsonl:1', of: 'test.jsonl:2', words: 16 }])
})

test('instructions of a task are no overlap', async () => {
  const end = 'or is it something else that nobody has thought of so far?'
  const choose = (q: string, a: string) => ({ q: `${q}?`, A: a, B: 'x', C: 'the Higgs boson', answer: 'A' })
  const program = (q: string) => ({ q: `${q} ${end}`, tests: '{"inputs":["1"],"outputs":["2"]}' })
  const place = (one: object, other: object) =>
    folder({ 'train.jsonl': jsonl([one]), 'test.jsonl': jsonl([other]) })
  const choices = { question: 'q', choices: ['A', 'B', 'C'] }
  const chosen = await readAll(place(choose('Who', 'a'), choose('What', 'b')), { columns: choices })
  expect(chosen.training[0]!.prompt).toMatch(/Answer with the letter/)
  expect(chosen.issues).toEqual([])
  const programs = await readAll(place(program('How'), program('Why')), {
    columns: { question: 'q', tests: 'tests' },
  })
  expect(programs.issues).toEqual([])
  const long = await readAll(place(program(`How ${end}`), program(`Why ${end}`)), {
    columns: { question: 'q', tests: 'tests' },
  })
  expect(long.issues).toMatchObject([{ kind: 'overlap', words: 24 }])
})
