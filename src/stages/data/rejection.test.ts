import { describe, expect, test } from 'vitest'
import type { Question, Task } from '../../tasks/task.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../../testing/fakes/fake-engine.ts'
import { fakeGenerator } from '../../testing/fakes/fake-generator.ts'
import { fromSampler } from './candidates.ts'
import { checkCandidates, limitPerQuestion, rejectionSample } from './rejection.ts'
import { type Candidate, countRejections, isKept, toDataRow, writtenCandidate } from './rows.ts'

const limits = { maxTokens: 40, maxParagraph: 100, maxRepetition: 0.1, minLanguage: 1 }

describe('rejection sampling from a model', () => {
  const run = async (seed: number, perQuestion = 2) => {
    const engine = await fakeEngine()
    return rejectionSample({
      sample: fromSampler({
        sampler: await engine.sampler(engine.base),
        renderer: fakeRenderer,
        samples: 64,
        maxTokens: 16,
        temperature: 1,
      }),
      task: fakeTask,
      questions: fakeTask.training({ seed: 1, step: 0, count: 20 }),
      stream: [seed, 'test'],
      source: 'r1-zero',
      perQuestion,
      limits,
      judge: null,
    })
  }

  test('kept rows are right and readable; the rest are counted by reason', async () => {
    const { rows, kept, rejected, sampled } = await run(1)
    expect([sampled, rows.length]).toEqual([1280, 1280])
    expect(kept.length).toBeGreaterThan(5)
    expect(kept.length + Object.values(rejected).reduce((a, b) => a + b)).toBe(1280)
    expect(Object.keys(rejected)).toEqual(expect.arrayContaining(['wrong', 'ill-formed', 'cut off']))
    for (const row of kept)
      expect(row).toMatchObject({ answer: 'a', correct: true, source: 'r1-zero', language: 'en' })
    for (const row of rows.filter(({ rejected }) => rejected === 'wrong')) expect(row.answer).not.toBe('a')
    for (const { logprobs, tokens } of rows) expect(logprobs.length).toBe(tokens.length)
  })

  test('at most perQuestion rows per question, all distinct', async () => {
    const { kept } = await run(1, 1)
    const ids = kept.map(({ question }) => question.id)
    expect(new Set(ids).size).toBe(ids.length)
    const more = (await run(1, 8)).kept.map(({ question, response }) => `${question.id} ${response}`)
    expect(new Set(more).size).toBe(more.length)
    expect(more.length).toBeGreaterThan(ids.length)
  })

  test('the same stream gives the same rows', async () => {
    expect(await run(1)).toEqual(await run(1))
    expect((await run(2)).kept).not.toEqual((await run(1)).kept)
  })
})

const question = (id: string): Question => ({
  id,
  prompt: 'Which letter?',
  gold: 'The letter is a.',
  kind: 'k',
})
const written = (task: Task, id: string, summary: string): Candidate =>
  writtenCandidate(fakeRenderer, task, question(id), { prompt: '', thinking: null, summary })

describe('if no rule can check an answer', () => {
  const task: Task = { ...fakeTask, check: () => ({ correct: null, reason: 'free text' }) }
  /** Decides by the letter of the attempt; has no verdict on "?". */
  const judge = () =>
    fakeGenerator((messages) => {
      const [system, user] = messages.map(({ content }) => content) as [string, string]
      const attempt = /=== ATTEMPT \w+ ===\n(.*)\n/.exec(user)![1]!
      const mark = /VERDICT (\w+):/.exec(system)![1]!
      return attempt.includes('?')
        ? 'I cannot say.'
        : `VERDICT ${mark}: ${/\ba\b/.test(attempt) ? 'RIGHT' : 'WRONG'}`
    })
  const through = (summaries: readonly string[], by: ReturnType<typeof judge> | null) =>
    checkCandidates(
      summaries.map((summary) => written(task, '1', summary)),
      { limits, judge: by, source: 's', stream: [1] },
    )

  test.each([
    ['It is a.', true, null],
    ['It is b.', false, 'wrong'],
    ['Is it a?', null, 'unknown'],
  ])('a judge compares %j with the gold', async (summary, correct, rejected) => {
    expect(await through([summary], judge())).toMatchObject([{ correct, rejected }])
  })

  test('without a judge the answer is not kept', async () => {
    expect(await through(['It is a.'], null)).toMatchObject([{ correct: null, rejected: 'unknown' }])
  })

  test('an answer given twice is judged once', async () => {
    const once = judge()
    await through(['It is a.'], once)
    const twice = judge()
    await through(['It is a.', 'It is a.'], twice)
    expect(twice.spent().calls).toBe(once.spent().calls)
  })

  test('an unreadable response is not judged', async () => {
    const by = judge()
    expect(await through(['It is <answer>a</answer>.'], by)).toMatchObject([{ rejected: 'ill-formed' }])
    expect(by.spent().calls).toBe(0)
  })
})

test.each<[string, number, [string, string][], (string | null)[]]>([
  [
    'distinct',
    2,
    [
      ['1', 'a'],
      ['1', 'b'],
    ],
    [null, null],
  ],
  [
    'repeated',
    2,
    [
      ['1', 'a'],
      ['1', 'a'],
      ['1', 'b'],
    ],
    [null, 'repeated', null],
  ],
  [
    'too many',
    1,
    [
      ['1', 'a'],
      ['1', 'b'],
      ['1', 'a'],
    ],
    [null, 'beyond the cap', 'repeated'],
  ],
  [
    'another question',
    1,
    [
      ['1', 'a'],
      ['2', 'a'],
    ],
    [null, null],
  ],
])('rows per question: %s', (_, perQuestion, responses, expected) => {
  const rows = responses.map(([id, text]) =>
    toDataRow(written(fakeTask, id, text), { source: 's', correct: true, rejected: null }),
  )
  expect(limitPerQuestion(rows, perQuestion).map(({ rejected }) => rejected)).toEqual(expected)
  // rewritten rows count as repeated if their originals are equal
  const rewritten = rows.map((row, i) => ({ ...row, response: String(i), original: row }))
  expect(limitPerQuestion(rewritten, perQuestion).map(({ rejected }) => rejected)).toEqual(expected)
  const wrong = rows.map((row) => ({ ...row, rejected: 'wrong' as const }))
  expect(limitPerQuestion(wrong, perQuestion)).toEqual(wrong)
  expect(limitPerQuestion(wrong, perQuestion).filter(isKept)).toEqual([])
  expect(countRejections(wrong)).toEqual({ wrong: rows.length })
})
