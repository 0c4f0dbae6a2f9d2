import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RunStore } from '../../runs/store.ts'
import { readDemonstrations } from '../../tasks/examples/demonstrations.ts'
import { fakeRenderer, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { toDemonstration, toRolloutRows, writeJsonLines, writeText } from './files.ts'
import { type DataRow, givenRow, toDataRow, writtenCandidate } from './rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-data-'))
const [first, second] = fakeTask.heldOut({ count: 2 })

const simple = givenRow(fakeRenderer, fakeTask, first!, { source: 'given', thinking: null, summary: 'a' })
const thought = givenRow(fakeRenderer, fakeTask, second!, {
  source: 'given',
  thinking: 'wait ',
  summary: 'a',
})

test('fine-tuning can read the written rows, with and without a chain', async () => {
  const file = join(folder, 'new', 'data.jsonl')
  writeJsonLines(file, [toDemonstration(simple)])
  writeJsonLines(file, [simple, thought].map(toDemonstration))
  expect(readdirSync(join(folder, 'new'))).toEqual(['data.jsonl'])
  const { training, heldOut } = await readDemonstrations(file, {
    heldOutShare: 0.5,
    splitBy: 'key',
    warn: () => {},
    progress: () => {},
  })
  const read = [...training, ...heldOut].sort((a, b) => (a.where < b.where ? -1 : 1))
  expect(read.map(({ demonstration }) => demonstration)).toEqual([
    {
      messages: [
        { role: 'user', content: 'Which letter?' },
        { role: 'assistant', content: 'a' },
      ],
    },
    {
      messages: [
        { role: 'user', content: 'Which letter?' },
        { role: 'assistant', content: '<think>\nwait \n</think>\na' },
      ],
    },
  ])
})

test('a disk that fails', () => {
  expect(() => writeText('/dev/null/card.md', 'a')).toThrow(
    /^cannot create \/dev\/null: a file with that name/,
  )
})

test('rows in a run: kept, rejected, and before they were rewritten', () => {
  const wrong = toDataRow(
    writtenCandidate(fakeRenderer, fakeTask, first!, { prompt: 'p', thinking: 'b', summary: '\\boxed{b}' }),
    { source: 'direct', correct: false, rejected: 'wrong' },
  )
  const right: DataRow = { ...wrong, correct: true, rejected: null }
  const rewritten: DataRow = { ...right, response: 'new', original: right }
  const store = RunStore.create({ recipe: 'r1', seed: 1, settings: {}, out: join(folder, 'run') })
  store.record(1, { rollouts: [wrong, rewritten].flatMap((row) => toRolloutRows(row, 'cold-start')) })
  const rows = store.rollouts().reverse()
  store.close()
  expect(rows.map(({ split, text, rewards, correct }) => ({ split, text, rewards, correct }))).toEqual([
    { split: 'cold-start/direct', text: wrong.response, rewards: { kept: 0, wrong: 1 }, correct: false },
    { split: 'cold-start/direct', text: wrong.response, rewards: { kept: 1 }, correct: true },
    { split: 'cold-start/direct/rewritten', text: 'new', rewards: { kept: 1 }, correct: true },
  ])
  expect(rows[0]).toMatchObject({
    step: 1,
    prompt: 'p',
    thinking: 'b',
    answer: 'b',
    gold: 'a',
    question: 'h0',
    tokens: wrong.tokens,
    length: wrong.tokens.length,
  })
  expect(rows[0]!.logprobs.every(Number.isNaN)).toBe(true)
})
