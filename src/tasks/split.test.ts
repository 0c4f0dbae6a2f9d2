import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import { Random } from '../common/random.ts'
import { Renderer } from '../renderer/renderer.ts'
import { type DemonstrationColumns, readDemonstrations } from './examples/demonstrations.ts'
import { readPreferences } from './examples/preferences.ts'
import { readSolutions } from './examples/solutions.ts'
import { loadTable, loadTask } from './index.ts'
import { HELD_OUT_SHARE, questionIn, questionKey, Split } from './split.ts'
import type { Columns } from './table/columns.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-split-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const renderer = Renderer.load(join(packageRoot(), 'models', 'miniature-base'), { template: 'r1-zero' })
const quiet = { warn: () => {}, progress: () => {} }

describe('Split', () => {
  const keys = (n: number) => Array.from({ length: n }, (_, i) => `question ${i}`)
  const heldOut = (share: number, all: readonly string[]): string[] => {
    const split = new Split(share)
    const hashes = all.map((key) => split.add(key))
    return all.filter((_, i) => split.isHeldOut(hashes[i]!))
  }

  test('holds out about the share, the same ones whatever the order and the other questions', () => {
    const some = heldOut(0.1, keys(2000))
    expect(some.length).toBeGreaterThan(150)
    expect(some.length).toBeLessThan(250)
    expect(heldOut(0.1, keys(2000).reverse()).sort()).toEqual([...some].sort())
    expect(heldOut(0.1, keys(4000)).slice(0, some.length)).toEqual(some)
    expect(heldOut(0.2, keys(2000))).toEqual(expect.arrayContaining(some))
  })

  test.each([1e-9, 0.1, 0.5, 1 - 1e-9])(
    'of two or more, one is held out and one is not: share %d',
    (share) => {
      for (let n = 2; n < 12; n++) {
        const { length } = heldOut(share, keys(n))
        expect([length > 0, length < n]).toEqual([true, true])
      }
    },
  )

  test('a single question is held out, and with a share of 0 none is', () => {
    expect([heldOut(0.1, ['a']), heldOut(0.9, ['a']), heldOut(0, keys(9))]).toEqual([['a'], ['a'], []])
  })
})

test.each<[cell: unknown, question: string | null]>([
  [' Why?\n', 'Why?'],
  [5, '5'],
  [5n, '5'],
  ['', null],
  [null, null],
  [{ text: 'Why?' }, null],
  [
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why?' },
    ],
    'Why?',
  ],
  ['[{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]', 'Why?'],
  [
    [
      { role: 'user', content: 'Why?' },
      { role: 'assistant', content: 'So.' },
      { role: 'user', content: 'So?' },
    ],
    'Why?',
  ],
  [[{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }], 'Why?'],
  [[{ role: 'assistant', content: 'So.' }], null],
])('the question in a cell (%#)', (cell, question) => expect(questionIn(cell)).toBe(question))

test('letter case, white space and composed characters make no difference', () => {
  expect(questionKey(' What  IS\n1?')).toBe(questionKey('what is 1?'))
  expect(questionKey('caf\u00e9')).toBe(questionKey('cafe\u0301'))
  expect(questionKey('what is 1?')).not.toBe(questionKey('what is 2?'))
})

/** The questions on both sides, as a command reads a file. */
interface Sides {
  readonly training: readonly string[]
  readonly heldOut: readonly string[]
}

/** Every way in which a command reads the questions of a table. */
const COMMANDS: Readonly<Record<string, (file: string, heldOutShare: number) => Promise<Sides>>> = {
  'zero, eval': (file, share) => table(file, share, {}),
  'zero on multiple choice': (file, share) => table(file, share, { choices: 'choices', answer: 'right' }),
  'zero without gold': (file, share) => table(file, share, { answer: null }),
  'zero on chats': (file, share) => table(file, share, { question: 'chat' }),
  'sft --data': (file, share) => data(file, share, { prompt: 'question', completion: 'answer' }),
  'sft --data, chats': (file, share) => data(file, share, { messages: 'messages' }),
  'sft --task': async (file, heldOutShare) => {
    const task = await loadTask(file, { ...quiet, heldOutShare, solutions: true })
    const { training, heldOut } = await readSolutions(task, { renderer, seed: 0, count: null, ...quiet })
    const asked = (rows: typeof training) =>
      rows.map(({ demonstration }) => {
        const prompt = 'prompt' in demonstration ? demonstration.prompt : ''
        return / User: (.*?)\.? Assistant:$/s.exec(prompt)![1]!
      })
    return { training: asked(training), heldOut: asked(heldOut) }
  },
  reward: async (file, heldOutShare) => {
    const columns = { prompt: 'question' }
    const { training, heldOut } = await readPreferences(file, { columns, heldOutShare, ...quiet })
    const asked = (rows: typeof training) =>
      rows.map(({ example }) => ('chosen' in example ? questionOf(example.chosen) : ''))
    return { training: asked(training), heldOut: asked(heldOut) }
  },
}

const questionOf = (scored: object): string => ('text' in scored ? String(scored.text).split(' → ')[0]! : '')

async function table(file: string, heldOutShare: number, columns: Columns): Promise<Sides> {
  const task = await loadTask(file, { columns, heldOutShare, ...quiet })
  const first = ({
    prompt,
    messages,
  }: {
    prompt: string
    messages?: readonly { role: string; content: string }[]
  }) => messages?.find(({ role }) => role === 'user')?.content ?? prompt.split('\n\nA)')[0]!
  const { size } = task as unknown as { size: { training: number; heldOut: number } }
  return {
    training: size.training === 0 ? [] : task.training({ seed: 0, step: 0, count: size.training }).map(first),
    heldOut: size.heldOut === 0 ? [] : task.heldOut({ count: size.heldOut }).map(first),
  }
}

async function data(file: string, heldOutShare: number, columns: DemonstrationColumns): Promise<Sides> {
  const { training, heldOut } = await readDemonstrations(file, { columns, heldOutShare, ...quiet })
  const asked = (rows: typeof training) =>
    rows.map(({ demonstration }) =>
      'prompt' in demonstration
        ? demonstration.prompt
        : demonstration.messages.find(({ role }) => role === 'user')!.content,
    )
  return { training: asked(training), heldOut: asked(heldOut) }
}

/** A row with a question for every command, which some of them cannot use. */
function row(random: Random, i: number): Record<string, unknown> {
  const spelled = (text: string): string =>
    random.pick([text, text.toUpperCase(), ` ${text} `, text.replaceAll(' ', '  ')])
  const question = spelled(`what is ${i} + ${random.int(0, 3)}?`)
  const missing = (value: unknown): unknown => (random.int(0, 9) === 0 ? null : value)
  return {
    question,
    answer: missing(`${i}`),
    right: missing('b'),
    choices: missing(['a', 'b', `c${i}`]),
    chat: [
      { role: 'user', content: question },
      { role: 'assistant', content: 'Do you mean it?' },
      { role: 'user', content: missing(`Yes ${random.int(0, 99)}.`) },
    ],
    messages: [
      { role: 'system', content: `Be brief ${random.int(0, 9)}.` },
      { role: 'user', content: question },
      { role: 'assistant', content: missing(`${random.int(0, 99)}`) },
    ],
    chosen: missing(` → ${random.int(0, 9)}`),
    rejected: ' → no',
  }
}

const lines = (rows: readonly unknown[]): string => rows.map((one) => `${JSON.stringify(one)}\n`).join('')

describe('no question is on both sides of any two commands', () => {
  const random = new Random(0, 'tables')
  const cases = Array.from({ length: 40 }, (_, i) => {
    const rows = Array.from({ length: random.pick([2, 3, 5, 8, 20, 60]) }, (_, n) => row(random, n))
    // some questions several times
    const repeated = rows.flatMap((one) =>
      random.int(0, 5) === 0 ? [one, row(random, random.int(0, 9))] : [one],
    )
    return [i, repeated, random.pick([HELD_OUT_SHARE, 1e-6, 0.3, 0.9])] as const
  })
  test.each(cases)('table %i', async (i, rows, share) => {
    const file = join(folder, `${i}.jsonl`)
    writeFileSync(file, lines(rows))
    await expectApart(file, share)
  })

  test('where the files say which are held out', async () => {
    const rows = Array.from({ length: 40 }, (_, n) => row(random, n))
    const place = join(folder, 'named')
    mkdirSync(place)
    writeFileSync(join(place, 'train.jsonl'), lines(rows))
    // some commands cannot use some of the held-out rows
    const held = rows.slice(0, 12).map((one, i) => ({
      ...one,
      answer: i % 2 === 0 ? null : '7',
      chosen: i % 3 === 0 ? null : ' → 7',
    }))
    writeFileSync(join(place, 'test.jsonl'), lines(held))
    await expectApart(place, HELD_OUT_SHARE)
  })
})

/** Every command that can read the place must train on no question that another one holds out. */
async function expectApart(place: string, share: number): Promise<void> {
  const read: [string, Sides][] = []
  for (const [name, sides] of Object.entries(COMMANDS)) {
    // too few usable rows on one side are an error, which is no leak
    const found = await sides(place, share).catch((error: Error) => error.message)
    if (typeof found === 'string')
      expect(found).toMatch(/both are needed|no usable|no held-out|no training|none of/)
    else read.push([name, found])
  }
  expect(read.length).toBeGreaterThan(2)
  for (const [trains, { training }] of read)
    for (const [holdsOut, { heldOut }] of read) {
      const held = new Set(heldOut.map(questionKey))
      expect([trains, holdsOut, training.filter((question) => held.has(questionKey(question)))]).toEqual([
        trains,
        holdsOut,
        [],
      ])
    }
}

test.each<[form: string, row: (question: string, side: string) => object, columns: Columns]>([
  [
    'another system prompt',
    (content, side) => ({
      prompt: [
        { role: 'system', content: side },
        { role: 'user', content },
      ],
      answer: '1',
    }),
    { question: 'prompt' },
  ],
  [
    'another order of the choices',
    (question, side) => ({ question, choices: side === 'train' ? ['0', '1'] : ['1', '0'], answer: '1' }),
    { choices: 'choices' },
  ],
])('a question of a test file is not learned with %s', async (form, row, columns) => {
  const place = join(folder, form)
  mkdirSync(place)
  const lines = (side: string, from: number): string =>
    Array.from({ length: 10 }, (_, i) => JSON.stringify(row(`What is ${from + i}?`, side))).join('\n')
  writeFileSync(join(place, 'train.jsonl'), lines('train', 0))
  writeFileSync(join(place, 'test.jsonl'), lines('test', 8))
  const { training, heldOut } = (await loadTable(place, { columns, warn: () => {} })).size
  expect([training, heldOut]).toEqual([8, 10])
})
