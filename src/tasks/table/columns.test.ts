import { describe, expect, test } from 'vitest'
import { jsonl, readAll, sums, tableWriter } from '../../testing/tables.ts'
import type { LoadOptions } from '../index.ts'

const { file } = tableWriter()

describe('columns', () => {
  const rows = [
    { problem: 'P?', solution: 'so\n#### 4', level: 3, deep: { gold: { value: 7 } } },
    { problem: 'R?', solution: 'thus #### 1,234', level: 4, deep: { gold: { value: 0.5 } } },
  ]
  const path = file('c.jsonl', jsonl(rows))
  test('are named by options', async () => {
    const { training, heldOut } = await readAll(path, {
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
    const { training, heldOut } = await readAll(
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
    const { training, heldOut, issues } = await readAll(file('chats.jsonl', jsonl(rows)))
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
    const { training, heldOut, issues } = await readAll(file('same.jsonl', jsonl(rows)))
    expect([...training, ...heldOut].map(({ gold }) => gold).sort()).toEqual(['1', '2', '3'])
    expect(issues).toEqual([{ kind: 'duplicate', where: 'same.jsonl:3', of: 'same.jsonl:1', sameGold: true }])
  })
  test('the choices of a question are part of the last message', async () => {
    const question = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'Q?' },
    ]
    const rows = ['x', 'y'].map((one) => ({ question, choices: [one, 'z'], answer: 'z' }))
    const { training, heldOut } = await readAll(file('choices.jsonl', jsonl(rows)), {
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
    const { issues } = await readAll(file('bad-chat.jsonl', jsonl(rows)))
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
      const { training, heldOut } = await readAll(path)
      expect([...training, ...heldOut].map(({ prompt, gold }) => prompt + gold).sort()).toEqual([
        'Q11',
        'Q22',
        'Q33',
      ])
    }
    const named = await readAll(file('verl.jsonl', jsonl(rows)), { columns: { answer: 'data_source' } })
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
    const failed = readAll(path, { columns })
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toMatchObject({ exitCode: 2 })
  })
  test('without gold, whether an answer is correct is unknown', async () => {
    const { table, training } = await readAll(path, { columns: { question: 'problem', answer: null } })
    expect(table.check(training[0]!, 'anything')).toMatchObject({ correct: null })
    expect(table.lengths.gold).toBeNull()
  })
})

describe('multiple choice', () => {
  const ask = async (cells: object, columns: LoadOptions['columns']) => {
    const { training, heldOut, issues } = await readAll(
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
    const { training, heldOut } = await readAll(file('gpqa.jsonl', jsonl(rows)), {
      columns: { question: 'q', answer: 'right', choices: ['right', 'a', 'b', 'c'] },
    })
    const golds = [...training, ...heldOut].map(({ prompt, gold }) => {
      expect(prompt).toMatch(new RegExp(`${gold}\\) r\\d+`))
      return gold
    })
    for (const letter of 'ABCD') expect(golds.filter((gold) => gold === letter).length).toBeGreaterThan(5)
  })
})
