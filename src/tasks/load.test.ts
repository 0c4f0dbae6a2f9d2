import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { FakeHub } from '../testing/fake-hub.ts'
import { BENCHMARKS, type LoadOptions, loadTable, loadTask, TASKS } from './index.ts'
import type { Issue } from './table/issues.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-tasks-'))
afterAll(() => rmSync(root, { recursive: true }))

let made = 0
/** A folder with these files. */
function folder(files: Readonly<Record<string, string>>): string {
  const place = join(root, `${made++}`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true })
    writeFileSync(join(place, name), text)
  }
  return place
}
const file = (name: string, text: string): string => join(folder({ [name]: text }), name)
const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const sums = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    question: `What is ${from + i} + 1?`,
    answer: `${from + i + 1}`,
  }))

async function load(place: string, options: LoadOptions = {}) {
  const issues: Issue[] = []
  const warnings: string[] = []
  const table = await loadTable(place, {
    warn: (message) => warnings.push(message),
    onIssue: (issue) => issues.push(issue),
    ...options,
  })
  const heldOut = table.size.heldOut > 0 ? table.heldOut({ count: 1e6 }) : []
  const training =
    table.size.training > 0 ? table.training({ seed: 0, step: 0, count: table.size.training }) : []
  return { table, issues, warnings, heldOut, training }
}

describe('splits', () => {
  test('a tenth of a single file is held out, by the question alone', async () => {
    const { table, heldOut, training, issues } = await load(file('sums.jsonl', jsonl(sums(0, 1000))))
    expect(table).toMatchObject({ name: 'sums', size: { rows: 1000 } })
    expect(heldOut.length).toBeGreaterThan(70)
    expect(heldOut.length).toBeLessThan(130)
    expect(new Set([...heldOut, ...training].map(({ prompt }) => prompt)).size).toBe(1000)
    expect(issues).toEqual([])
    // Other rows around it, another order, other white space: a question keeps its side.
    const moved = sums(0, 1000).map((row) => ({ ...row, question: row.question.replace('is', ' IS \n') }))
    const again = await load(file('other.jsonl', jsonl([...sums(2000, 50), ...moved.reverse()])))
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
    const read = await load(place)
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
      const { table } = await load(place)
      expect(table.size.heldOut).toBeGreaterThan(5)
      expect(table.size.training + table.size.heldOut).toBe(180)
    }
  })

  test('one of a few questions is held out; of a single one, none is left to train on', async () => {
    for (let n = 2; n < 9; n++)
      expect((await load(file('few.jsonl', jsonl(sums(0, n))))).table.size.heldOut).toBeGreaterThan(0)
    const { table } = await load(file('one.jsonl', jsonl(sums(1, 1))))
    expect(table.size).toEqual({ rows: 1, training: 0, heldOut: 1 })
    expect(() => table.training({ seed: 0, step: 1, count: 1 })).toThrow(
      'one has no training questions: its only one is held out, and training needs others',
    )
  })
})

test('training goes through all questions once an epoch, a pure function of seed and step', async () => {
  const { table } = await load(file('sums.jsonl', jsonl(sums(0, 100))))
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
  const { table } = await load(file('levels.jsonl', jsonl(rows)), { columns: { kind: 'level' } })
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
    const { issues, table, warnings } = await load(file('d.jsonl', jsonl(rows)))
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
    const { issues, training, heldOut } = await load(file('u.jsonl', jsonl([...sums(0, 2), cells])))
    expect(issues).toEqual([
      { kind: 'unreadable', where: 'u.jsonl:3', reason: expect.stringMatching(reason) },
    ])
    expect([...training, ...heldOut].map(({ id }) => id)).not.toContain('u.jsonl:3')
  })

  test('a table without any usable row is an error with the first reason', async () => {
    const rows = [{ question: 'Q?', answer: '' }]
    await expect(load(file('none.jsonl', jsonl(rows)))).rejects.toThrow(
      /none\.jsonl: no usable question; the first: none\.jsonl:1: "answer" is empty/,
    )
    await expect(load(file('empty.csv', ''))).rejects.toThrow(/there is no row in empty\.csv/)
  })

  test('an incomplete last line', async () => {
    const { table, warnings } = await load(file('torn.jsonl', `${jsonl(sums(0, 5))}{"question": "Wh`))
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
    const { issues, training, warnings, table } = await load(place)
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
  const { issues } = await load(
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
  const chosen = await load(place(choose('Who', 'a'), choose('What', 'b')), { columns: choices })
  expect(chosen.training[0]!.prompt).toMatch(/Answer with the letter/)
  expect(chosen.issues).toEqual([])
  const programs = await load(place(program('How'), program('Why')), {
    columns: { question: 'q', tests: 'tests' },
  })
  expect(programs.issues).toEqual([])
  const long = await load(place(program(`How ${end}`), program(`Why ${end}`)), {
    columns: { question: 'q', tests: 'tests' },
  })
  expect(long.issues).toMatchObject([{ kind: 'overlap', words: 24 }])
})

describe('columns', () => {
  const rows = [
    { problem: 'P?', solution: 'so\n#### 4', level: 3, deep: { gold: { value: 7 } } },
    { problem: 'R?', solution: 'thus #### 1,234', level: 4, deep: { gold: { value: 0.5 } } },
  ]
  const path = file('c.jsonl', jsonl(rows))
  test('are named by options', async () => {
    const { training, heldOut } = await load(path, {
      columns: { question: 'problem', answer: 'solution', kind: 'level' },
    })
    const all = [...training, ...heldOut].sort((a, b) => a.id.localeCompare(b.id))
    expect(all).toEqual([
      { id: 'c.jsonl:1', prompt: 'P?', gold: '4', kind: 'c/3' },
      { id: 'c.jsonl:2', prompt: 'R?', gold: '1,234', kind: 'c/4' },
    ])
  })
  test('may be fields of a column, and chats', async () => {
    const chat = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'Q1' },
      { role: 'assistant', content: 'A' },
      { role: 'user', content: 'Q2' },
    ]
    const { training, heldOut } = await load(
      file(
        'chat.jsonl',
        jsonl([
          { chat, deep: { gold: 7n.toString() } },
          { chat: [chat[1]], deep: { gold: 8 } },
        ]),
      ),
      {
        columns: { question: 'chat', answer: 'deep.gold' },
      },
    )
    expect([...training, ...heldOut].map(({ prompt, gold }) => [prompt, gold]).sort()).toEqual([
      ['Q1', '8'],
      ['Q2', '7'],
    ])
  })
  test('a chat keeps the messages before the question; one message of the user is a question alone', async () => {
    const [system, user, assistant] = ['system', 'user', 'assistant'].map((role) => (content: string) => ({
      role,
      content,
    })) as [S, S, S]
    type S = (content: string) => { role: string; content: string }
    const history = [system('S'), user('Q1'), assistant('A')]
    const rows = [
      { question: [user('Q')], answer: '1' },
      { question: [...history, user(' Q2 ')], answer: '2' },
      { question: [...history, user('Q3'), assistant('the answer')], answer: '3' },
      {
        question: [
          { from: 'system', value: 'S' },
          { from: 'human', value: 'Q4' },
        ],
        answer: '4',
      },
      { question: JSON.stringify([system('S'), user('Q5')]), answer: '5' },
    ]
    const { training, heldOut, issues } = await load(file('chats.jsonl', jsonl(rows)))
    const all = [...training, ...heldOut].sort((a, b) => a.id.localeCompare(b.id))
    const base = (n: number, prompt: string) => ({
      id: `chats.jsonl:${n}`,
      prompt,
      gold: `${n}`,
      kind: 'chats',
    })
    expect(all).toEqual([
      base(1, 'Q'),
      { ...base(2, 'Q2'), messages: [...history, user('Q2')] },
      { ...base(3, 'Q3'), messages: [...history, user('Q3')] },
      { ...base(4, 'Q4'), messages: [system('S'), user('Q4')] },
      { ...base(5, 'Q5'), messages: [system('S'), user('Q5')] },
    ])
    expect(issues).toEqual([])
  })
  test('chats with the same last message are different questions if the messages before it differ', async () => {
    const chat = (...contents: string[]) =>
      contents.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }))
    const rows = [
      { question: chat('a', 'b', 'And twice that?'), answer: '1' },
      { question: chat('c', 'd', 'And twice that?'), answer: '2' },
      { question: chat('a', 'b', 'And twice that?'), answer: '1' },
      { question: 'And twice that?', answer: '3' },
    ]
    const { training, heldOut, issues } = await load(file('same.jsonl', jsonl(rows)))
    expect([...training, ...heldOut].map(({ gold }) => gold).sort()).toEqual(['1', '2', '3'])
    expect(issues).toEqual([{ kind: 'duplicate', where: 'same.jsonl:3', of: 'same.jsonl:1', sameGold: true }])
  })
  test('the choices of a question are part of the last message', async () => {
    const question = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'Q?' },
    ]
    const rows = ['x', 'y'].map((one) => ({ question, choices: [one, 'z'], answer: 'z' }))
    const { training, heldOut } = await load(file('choices.jsonl', jsonl(rows)), {
      columns: { choices: 'choices' },
    })
    for (const { prompt, messages } of [...training, ...heldOut]) {
      expect(prompt).toMatch(/Q\?\n\nA\) /)
      expect(messages).toEqual([question[0], { role: 'user', content: prompt }])
    }
  })
  test.each<[name: string, question: unknown, reason: RegExp]>([
    ['no message of the user', [{ role: 'system', content: 'S' }], /"question" has no message from the user/],
    [
      'a result of a tool at the end',
      [
        { role: 'user', content: 'Q' },
        { role: 'tool', content: '1' },
      ],
      /"question" ends with a message of the role tool/,
    ],
    [
      'an image',
      [{ role: 'user', content: [{ type: 'image', image: 'x' }] }],
      /message 1: part 1 of its "content" is of type "image"; only text/,
    ],
  ])('a chat that cannot be asked: %s', async (_, question, reason) => {
    const rows = [...sums(0, 2), { question, answer: '1' }]
    const { issues } = await load(file('bad-chat.jsonl', jsonl(rows)))
    expect(issues).toEqual([
      { kind: 'unreadable', where: 'bad-chat.jsonl:3', reason: expect.stringMatching(reason) },
    ])
  })
  test("a table with verl's columns needs none to be named", async () => {
    const prompt = (content: string) => [{ role: 'user', content }]
    const truth = (ground_truth: string) => ({ style: 'rule', ground_truth })
    const rows = [1, 2, 3].map((n) => ({
      data_source: 'x',
      prompt: prompt(`Q${n}`),
      reward_model: truth(`${n}`),
    }))
    const csv = `prompt,reward_model\n${rows.map((row) => [row.prompt, row.reward_model].map((cell) => `"${JSON.stringify(cell).replaceAll('"', '""')}"`).join()).join('\n')}\n`
    for (const path of [file('verl.jsonl', jsonl(rows)), file('verl.csv', csv)]) {
      const { training, heldOut } = await load(path)
      expect([...training, ...heldOut].map(({ prompt, gold }) => prompt + gold).sort()).toEqual([
        'Q11',
        'Q22',
        'Q33',
      ])
    }
    const named = await load(file('verl.jsonl', jsonl(rows)), { columns: { answer: 'data_source' } })
    expect([...named.training, ...named.heldOut].map(({ gold }) => gold)).toEqual(['x', 'x', 'x'])
  })
  test.each<[columns: NonNullable<LoadOptions['columns']>, message: RegExp]>([
    [
      {},
      /c\.jsonl has no columns "question" and "answer"; its columns are "problem", "solution", "level", "deep"\. If "problem" and "solution" are meant: --columns question=problem,answer=solution$/,
    ],
    [
      { question: 'problm', answer: 'solution' },
      /no column "problm".*If "problem" is meant: --columns question=problem/,
    ],
    [{ question: 'problem' }, /no column "answer".*If "solution" is meant: --columns answer=solution/],
    [
      { question: 'problem', answer: 'solution', kind: 'zzz' },
      /Say which one holds the kind: --columns kind=NAME/,
    ],
    [{ question: 'problem', answer: 'solution', kind: 'levle' }, /If "level" is meant: --columns kind=level/],
    [
      { question: 'problme', kind: 'zzz' },
      /no columns "problme" and "answer" and "zzz".*which ones hold the question and the answer and the kind: --columns question=problem,answer=solution,kind=NAME$/,
    ],
    [
      { question: 'problem', answer: 'levl', choices: ['levels', 'solutoin', 'zzz', 'deep'] },
      /no columns "levl" and "levels" and "solutoin" and "zzz".*: --columns 'answer=level,choices=\[NAME,solution,NAME,deep\]'$/,
    ],
    [{ question: 'problem', answer: 'problm.x' }, /no column "problm\.x".*--columns answer=solution$/],
  ])('a wrong name is an error with the right one: %j', async (columns, message) => {
    const failed = load(path, { columns })
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toMatchObject({ exitCode: 2 })
  })
  test('without gold, whether an answer is correct is unknown', async () => {
    const { table, training } = await load(path, { columns: { question: 'problem', answer: null } })
    expect(table.check(training[0]!, 'anything')).toMatchObject({ correct: null })
    expect(table.lengths.gold).toBeNull()
  })
})

describe('multiple choice', () => {
  const ask = async (cells: object, columns: LoadOptions['columns']) => {
    const { training, heldOut, issues } = await load(
      file('mc.jsonl', jsonl([cells, { ...cells, q: 'Other?' }])),
      { columns: { question: 'q', ...columns } },
    )
    return { asked: [...training, ...heldOut].find(({ id }) => id === 'mc.jsonl:1'), issues }
  }
  const form = 'Q?\n\nA) x\nB) y\nC) z\n\nAnswer with the letter of the right choice.'
  const cases: [cells: object, columns: NonNullable<LoadOptions['columns']>, gold: string | null][] = [
    [{ c: ['x', 'y', 'z'], answer: 2 }, { choices: 'c' }, 'C'],
    [{ c: ['x', 'y', 'z'], answer: 'B' }, { choices: 'c' }, 'B'],
    [{ c: ['x', 'y', 'z'], answer: ' y ' }, { choices: 'c' }, 'B'],
    [{ c: { text: ['x', 'y', 'z'], label: ['A', 'B', 'C'] }, answer: 'A' }, { choices: 'c' }, 'A'],
    [{ A: 'x', B: 'y', C: 'z', answer: 'c' }, { choices: ['A', 'B', 'C'] }, 'C'],
    [{ c: ['x', 'y', 'z'], answer: 3 }, { choices: 'c' }, null],
    [{ c: ['x', 'y', 'z'], answer: 'D' }, { choices: 'c' }, null],
    [{ c: ['x'], answer: 0 }, { choices: 'c' }, null],
  ]
  test.each(cases)('%j %j: %s', async (cells, columns, gold) => {
    if (gold === null) await expect(ask({ q: 'Q?', ...cells }, columns)).rejects.toThrow(/no usable question/)
    else expect((await ask({ q: 'Q?', ...cells }, columns)).asked).toMatchObject({ prompt: form, gold })
  })
  test('a right answer with its own column can be any of the choices', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      q: `Q${i}?`,
      right: `r${i}`,
      a: 'a',
      b: 'b',
      c: 'c',
    }))
    const { training, heldOut } = await load(file('gpqa.jsonl', jsonl(rows)), {
      columns: { question: 'q', answer: 'right', choices: ['right', 'a', 'b', 'c'] },
    })
    const golds = [...training, ...heldOut].map(({ prompt, gold }) => {
      expect(prompt).toMatch(new RegExp(`${gold}\\) r\\d+`))
      return gold
    })
    for (const letter of 'ABCD') expect(golds.filter((gold) => gold === letter).length).toBeGreaterThan(5)
  })
})

describe('names', () => {
  test.each(TASKS.map(({ name }) => name))('%s', async (name) =>
    expect((await loadTask(name)).name).toBe(name),
  )
  test('benchmarks can be read from local files', async () => {
    const path = file('mine.jsonl', jsonl([{ problem: 'P?', answer: '3' }]))
    expect(await loadTask(`aime:${path}`)).toMatchObject({ name: 'aime', size: { training: 0, heldOut: 1 } })
  })
  test('are unique', () => {
    const names = [...TASKS, ...BENCHMARKS].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
  test.each<[string, number, RegExp]>([
    ['chess', 2, /unknown task "chess"\. Tasks: miniature, .*gsm8k.*a file/],
    ['countdwon', 2, /did you mean countdown\?/],
    ['missing.jsonl', 1, /there is no file or folder missing\.jsonl/],
    ['data/missing.csv', 1, /there is no file or folder data\/missing\.csv/],
    ['gsm8k:nowhere', 1, /there is no file or folder nowhere/],
    [
      file('a.json', '[]'),
      1,
      /a\.json is not a table: .*to convert a JSON array: jq -c '\.\[\]' \S+a\.json > \S+a\.jsonl$/,
    ],
    [file('notes.txt', 'x'), 1, /notes\.txt is not a table: JSONL/],
    [folder({ 'notes.txt': 'x' }), 1, /contains no table/],
  ])('%s is refused', async (name, exitCode, message) => {
    const failed = loadTask(name)
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toMatchObject({ exitCode })
  })
  test('a task that is not a table has no columns', async () => {
    await expect(loadTask('countdown', { columns: { question: 'q' } })).rejects.toThrow(/is not a table/)
  })
})

describe('datasets of the hub', () => {
  let hub: FakeHub
  beforeEach(async () => {
    vi.stubEnv('HF_HUB_CACHE', mkdtempSync(join(root, 'cache-')))
    vi.stubEnv('HF_TOKEN', '')
    vi.stubEnv('HF_ENDPOINT', '')
    hub = await FakeHub.start()
  })
  afterEach(async () => {
    await hub.stop()
    vi.unstubAllEnvs()
  })
  const parquet = (columns: Record<string, unknown[]>) =>
    new Uint8Array(
      parquetWriteBuffer({ columnData: Object.entries(columns).map(([name, data]) => ({ name, data })) }),
    )

  const published: [
    name: string,
    repository: string,
    files: Record<string, string | Uint8Array>,
    gold: string,
  ][] = [
    [
      'gsm8k',
      'openai/gsm8k',
      {
        'main/train-0.parquet': parquet({ question: ['A?', 'B?'], answer: ['#### 1', 'x #### 2'] }),
        'main/test-0.parquet': parquet({ question: ['C?'], answer: ['so\n#### 72'] }),
        'socratic/test-0.parquet': parquet({ question: ['D?'], answer: ['#### 5'] }),
      },
      '72',
    ],
    [
      'math-500',
      'HuggingFaceH4/MATH-500',
      { 'test.jsonl': jsonl([{ problem: 'P', solution: 's', answer: '9', subject: 'Algebra', level: 2 }]) },
      '9',
    ],
    [
      'aime',
      'HuggingFaceH4/aime_2024',
      { 'data/train-0.parquet': parquet({ id: [60], problem: ['P'], solution: ['s'], answer: ['204'] }) },
      '204',
    ],
    [
      'mmlu',
      'cais/mmlu',
      {
        'all/test-0.parquet': parquet({
          question: ['Q'],
          subject: ['law'],
          choices: [['a', 'b', 'c', 'd']],
          answer: [3n],
        }),
        'all/auxiliary_train-0.parquet': parquet({
          question: ['T'],
          subject: [''],
          choices: [['a', 'b', 'c', 'd']],
          answer: [0n],
        }),
        'law/test-0.parquet': 'never read',
      },
      'D',
    ],
    [
      'gpqa',
      'Idavidrein/gpqa',
      {
        'gpqa_diamond.csv':
          'Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3,High-level domain\nQ,r,a,b,c,Physics\n',
        'gpqa_main.csv': 'never read',
      },
      '[A-D]',
    ],
  ]
  test.each(published)('%s', async (name, repository, files, gold) => {
    hub.add(`datasets/${repository}`, files)
    const task = await loadTask(name)
    expect(task.heldOut({ count: 9 }).map((q) => q.gold)).toEqual([
      expect.stringMatching(new RegExp(`^${gold}$`)),
    ])
    await hub.stop()
    expect((await loadTask(name)).heldOut({ count: 9 })).toEqual(task.heldOut({ count: 9 }))
  })

  test('general prompts', async () => {
    hub.add('datasets/HuggingFaceH4/no_robots', {
      'data/train-0.parquet': parquet({ prompt: ['Hi', 'Ho'], category: ['Chat', 'Chat'] }),
    })
    const task = await loadTask('chat')
    expect(task.heldOut({ count: 9 })).toMatchObject([{ kind: 'chat/Chat', gold: '' }])
  })

  test('one part of a dataset of several parts must be chosen', async () => {
    hub.add('datasets/owner/parts', {
      'a/train.jsonl': jsonl(sums(0, 20)),
      'b/train.jsonl': jsonl(sums(50, 20)),
    })
    await expect(loadTask('owner/parts')).rejects.toThrow(
      /has several parts: a, b\. Choose one \(owner\/parts\/a\)/,
    )
    await expect(loadTask('owner/parts/c')).rejects.toThrow(/has no table "c"; it has a, b/)
    expect((await loadTable('owner/parts/b')).size.rows).toBe(20)
    expect((await loadTable('owner/parts/a/train.jsonl')).size.rows).toBe(20)
    expect((await loadTable('owner/parts/*')).size.rows).toBe(40)
  })
  test('a dataset without a table', async () => {
    hub.add('datasets/owner/images', { 'a.png': 'x' })
    await expect(loadTask('owner/images')).rejects.toThrow(UserError)
    await expect(loadTask('owner/images')).rejects.toThrow(/has no table among its 1 file/)
  })
  test('a hub that cannot be reached', async () => {
    await hub.stop()
    await expect(loadTask('gsm8k')).rejects.toThrow(
      /cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\) for the dataset openai\/gsm8k/,
    )
  })
})
