import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import type { Question, Task } from '../tasks/task.ts'
import { fakeTextModel } from '../testing/fakes/fake-text-model.ts'
import type { TextModel } from '../thinking/model.ts'
import { keptQuestion } from './ask.ts'
import { evaluateGrid, type Grid, type Subject } from './evaluate.ts'
import { readResults } from './results.ts'
import { AnswerStore } from './store/store.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-evaluation-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newFolder = (): string => join(root, `evaluation-${++folders}`)

const questions: Question[] = Array.from({ length: 6 }, (_, i) => ({
  id: `q${i}`,
  prompt: `${i} + ${i}?`,
  gold: String(2 * i),
  kind: i < 3 ? 'easy' : 'hard',
}))
const task: Task = {
  name: 'sums',
  description: 'sums',
  language: 'en',
  training: () => [],
  heldOut: ({ count }) => questions.slice(0, count),
  check: ({ gold }, answer) =>
    answer === null
      ? { correct: false, reason: 'no answer' }
      : { correct: answer === gold, reason: answer === gold ? 'equal' : `not ${gold}` },
}

/** Right in about 70 of 100 responses to easy questions and 40 to hard ones, with a wrong answer of three otherwise. */
function adder(options: Parameters<typeof fakeTextModel>[1] = {}) {
  return fakeTextModel(({ messages, seed, sample }) => {
    const question = questions.find(({ prompt }) => prompt === messages[0]!.content)!
    const random = new Random(seed, sample ?? 0)
    const right = random.uniform() < (question.kind === 'easy' ? 0.7 : 0.4)
    const answer = right ? question.gold : String(100 + random.int(0, 2))
    return {
      thinking: question.kind === 'easy' ? ['a'] : ['a', 'b', 'c'],
      answer: [`It is \\boxed{${answer}}.`],
    }
  }, options)
}

const subject = (model: TextModel): Subject => ({
  name: 'adder',
  task,
  taskName: 'sums',
  questions,
  options: { temperature: 1, maxTokens: 20 },
  remote: false,
  training: null,
  open: async () => model,
})

const grid = (model: TextModel, out: string | null, changes: Partial<Grid> = {}): Grid => ({
  subjects: [subject(model)],
  conditions: [{ strategy: 'vote', budget: null, effort: null }],
  samples: [1, 4, 16],
  seeds: [0],
  recorded: [],
  out,
  progress: () => {},
  warn: (message) => expect.fail(message),
  ...changes,
})

test('accuracy with votes, its interval, and tokens and accuracy by difficulty', async () => {
  const out = newFolder()
  const results = await evaluateGrid(grid(adder(), out))
  const [cell] = results.cells
  expect(cell).toMatchObject({ model: 'adder', task: 'sums', questions: 6, samples: 16, unknown: 0 })
  const [one, four, sixteen] = cell!.atK
  expect(one!.cons.mean).toBeCloseTo(cell!.passAt1.mean, 12)
  expect(sixteen!.cons.mean).toBeGreaterThan(four!.cons.mean)
  expect(four!.cons.mean).toBeGreaterThan(one!.cons.mean)
  expect(cell!.passAt1.low).toBeLessThan(cell!.passAt1.mean)
  expect(cell!.thinkingTokens.mean).toBeCloseTo(2, 12)
  expect(cell!.difficulties.map(({ name, thinkingTokens }) => [name, thinkingTokens.mean])).toEqual([
    ['easy', 1],
    ['hard', 3],
  ])
  expect(readResults(out)).toEqual(results)
})

test('a larger k, another seed and a repeated command ask only for what is missing', async () => {
  const out = newFolder()
  const model = adder()
  await evaluateGrid(grid(model, out, { samples: [1, 4] }))
  expect(model.requests.length).toBe(6 * 4)
  const first = await evaluateGrid(grid(model, out, { samples: [1, 4, 10] }))
  expect(model.requests.length).toBe(6 * 10)
  const again = await evaluateGrid(grid(model, out, { samples: [1, 4, 10] }))
  expect(model.requests.length).toBe(6 * 10)
  expect(again.cells).toEqual(first.cells)
  await evaluateGrid(grid(model, out, { samples: [1, 4, 10], seeds: [0, 1] }))
  expect(model.requests.length).toBe(2 * 6 * 10)
  await evaluateGrid(grid(model, out, { conditions: [{ strategy: 'sample', budget: null, effort: null }] }))
  // 16 samples
  expect(model.requests.length).toBe(2 * 6 * 10 + 6 * 6)
})

test('refinement starts from the responses that are there', async () => {
  const out = newFolder()
  const model = adder()
  await evaluateGrid(grid(model, out, { samples: [4] }))
  const results = await evaluateGrid(
    grid(model, out, { samples: [1, 2], conditions: [{ strategy: 'refine', budget: null, effort: null }] }),
  )
  const later = model.requests.slice(6 * 4)
  expect(later.length).toBeGreaterThan(0)
  expect(later.every(({ messages }) => messages.length > 1)).toBe(true)
  expect(results.cells.map(({ responses, samples }) => [responses, samples])).toEqual([
    [1, 1],
    [2, 1],
  ])
})

test('a response that fails under a strategy ends the evaluation', async () => {
  const broken = adder({
    wait: async ({ messages }) => {
      if (messages.length > 1) throw new Error('the provider is gone')
    },
  })
  const asked = grid(broken, null, { conditions: [{ strategy: 'refine', budget: null, effort: null }] })
  await expect(evaluateGrid(asked)).rejects.toThrow('the provider is gone')
})

test('an evaluation that was stopped asks for no answer twice and loses none', async () => {
  const out = newFolder()
  const stop = new AbortController()
  let pieces = 0
  const wait = async (): Promise<void> => {
    if (++pieces === 230) stop.abort(new Error('stopped'))
  }
  const stopped = adder({ wait })
  await expect(evaluateGrid(grid(stopped, out, { signal: stop.signal }))).rejects.toThrow('stopped')
  const store = AnswerStore.read(out)
  const { size } = store
  store.close()
  expect(size).toBeGreaterThan(0)
  expect(size).toBeLessThan(6 * 16)
  const model = adder()
  const results = await evaluateGrid(grid(model, out))
  expect(model.requests.length).toBe(6 * 16 - size)
  const never = await evaluateGrid(grid(adder(), null))
  expect(results.cells).toEqual(never.cells)
})

test('after a failure, the other answers are stored', async () => {
  const out = newFolder()
  const broken = adder({
    wait: async ({ messages, sample }) => {
      if (messages[0]!.content === '2 + 2?' && sample === 3) throw new Error('the provider is gone')
    },
  })
  await expect(evaluateGrid(grid(broken, out))).rejects.toThrow('the provider is gone')
  const model = adder()
  await evaluateGrid(grid(model, out))
  expect(model.requests.length).toBeLessThan(6 * 16)
})

test('every answer is stored with the verdict and its reason', async () => {
  const out = newFolder()
  const results = await evaluateGrid(grid(adder(), out, { samples: [2] }))
  const store = AnswerStore.read(out)
  const all = questions.flatMap((_, i) => store.answers(results.cells[0]!.keys[0]!, keyOf(i)))
  store.close()
  expect(all.length).toBe(12)
  for (const { answer, correct, verdict, response } of all) {
    expect(response.answer).toBe(`It is \\boxed{${answer}}.`)
    expect(verdict).toMatch(correct ? /^equal$/ : /^not /)
  }
})

const keyOf = (i: number): string => keptQuestion(questions[i]!).key

test('a provider that cannot continue a response is refused a budget before anything is asked', async () => {
  const model = adder()
  const other = adder({ can: { prefix: false } })
  const asked = grid(model, null, {
    subjects: [subject(model), { ...subject(other), name: 'other', remote: true }],
    conditions: [{ strategy: 'sample', budget: 16, effort: null }],
  })
  await expect(evaluateGrid(asked)).rejects.toThrow(/cannot continue a response/)
  expect(model.requests).toEqual([])
})
