import { expect, test } from 'vitest'
import type { Capabilities } from '../engines/contract.ts'
import type { Solved, Task } from '../tasks/task.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../testing/fakes/fake-engine.ts'
import { surveyModel } from './model.ts'
import { type VerdictKind, verdictOf } from './verdict.ts'

interface Case {
  /** The right answer; null: nothing can be checked. */
  readonly right: string | null
  /** The answer of the rows. */
  readonly shown?: string
  readonly can?: Partial<Capabilities>
  readonly parameters?: number
}

/** Asks the fake model, which mostly answers "b" and sometimes "a", and decides what will work. */
async function survey({ right, shown = right ?? 'a', can, parameters = 1000 }: Case) {
  const task: Task = {
    ...fakeTask,
    check: (_, answer) => ({ correct: right === null ? null : answer?.trim() === right.trim(), reason: '' }),
  }
  const solved = Array.from({ length: 40 }, (_, i): Solved => {
    const [question] = task.training({ seed: i, step: 0, count: 1 })
    return { question: question!, thinking: 'a', answer: shown }
  })
  const engine = fakeEngine({ can: can ?? {} })
  const reported: unknown[] = []
  const found = await surveyModel(engine, fakeRenderer, {
    task,
    questions: solved.slice(0, 20).map(({ question }) => question),
    solved,
    parameters,
    lora: null,
    learningRate: 5,
    seed: 0,
    onAnswers: (answers) => void reported.push(answers),
    progress: () => {},
  })
  await engine.close()
  expect(reported).toEqual([found.answers])
  const verdict = verdictOf({
    training: solved.length,
    answers: right !== null,
    solutions: true,
    unused: [],
    prose: 0,
    unfit: found.answers.unfit,
    score: found.answers.score,
    bitsPerCharacter: found.answers.bitsPerCharacter,
    trial: found.trial,
  })
  return { found, verdict }
}

const cases: [string, Case, VerdictKind][] = [
  ['sometimes right', { right: 'a' }, 'reinforce'],
  ['never right, and fine-tuning teaches it', { right: 'wait ' }, 'fine-tune'],
  [
    'too large for a trial, and a language that it does not know',
    { right: 'wait ', parameters: 1e9 },
    'other-base',
  ],
  ['nothing can be checked', { right: null }, 'unreadable-answers'],
  ['prompts that leave no room', { right: 'a', can: { maxTokens: 100 } }, 'other-base'],
]
test.each(cases)('%s', async (_, given, kind) => {
  const { found, verdict } = await survey(given)
  expect(verdict.kind).toBe(kind)
  expect(found.trial !== null).toBe(given.right === 'wait ' && given.parameters === undefined)
})

test('the trial is measured on questions that it does not learn', async () => {
  const { found } = await survey({ right: 'wait ' })
  expect(found.trial).toMatchObject({
    rows: 30,
    before: { questions: 10 },
    after: { questions: 10 },
  })
  expect(found.trial!.before.passAt1).toBeLessThan(0.05)
  expect(found.trial!.after.passAt1).toBeGreaterThan(0.5)
})

test('speeds, lengths and examples are reported', async () => {
  const { found } = await survey({ right: 'a' })
  expect(found.speeds!.sampling).toBeGreaterThan(0)
  expect(found.speeds!.training).toBeGreaterThan(0)
  expect(found.speeds!.memory).toBeGreaterThan(1e7)
  expect(found.tokens.solutions!.response).toBeGreaterThan(5)
  // a right response first, then wrong ones to other questions
  expect(found.answers.examples.map(({ correct }) => correct)).toEqual([true, false, false])
  expect(found.answers.bitsPerCharacter).toBeGreaterThan(0)
})

test('what is timed is what the settings file will train', async () => {
  for (const lora of [null, { rank: 16, alpha: 32, targets: 'all-linear' } as const]) {
    const engine = fakeEngine()
    const open = engine.trainer.bind(engine)
    const asked: unknown[] = []
    engine.trainer = (options) => {
      asked.push(options?.trainable ?? 'all')
      return open()
    }
    await surveyModel(engine, fakeRenderer, {
      task: fakeTask,
      questions: fakeTask.training({ seed: 0, step: 0, count: 4 }),
      solved: [],
      parameters: 1e8,
      lora,
      learningRate: 1e-4,
      seed: 3,
      onAnswers: () => {},
      progress: () => {},
    })
    await engine.close()
    expect(asked).toEqual([lora === null ? 'all' : { lora: { ...lora, seed: 3 } }])
  }
})

test('the same seed gives the same answers', async () => {
  const [one, other] = [await survey({ right: 'a' }), await survey({ right: 'a' })]
  expect(one.found.answers).toEqual(other.found.answers)
})
