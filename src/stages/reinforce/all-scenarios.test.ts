import { expect, test } from 'vitest'
import { scoreRollout } from '../../rewards/compose.ts'
import type { Rollout } from '../../rewards/reward.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { fakeRollout } from '../../testing/fakes/fake-rollout.ts'
import { allScenarios, scenarioRewards } from './all-scenarios.ts'

const taskOf = (name: string, kind: string, correct: boolean | null): Task => ({
  name,
  description: name,
  language: 'en',
  training: ({ step, count }) =>
    Array.from({ length: count }, (_, i) => ({ id: `${name} ${step}.${i}`, prompt: name, gold: '1', kind })),
  heldOut: ({ count }) =>
    Array.from({ length: count }, (_, i) => ({ id: `h${i}`, prompt: name, gold: '1', kind })),
  check: () => ({ correct, reason: '' }),
})

const scenarios = (kind = 'talk/en') =>
  allScenarios(taskOf('sums', 'sums', true), taskOf('talk', kind, null), { from: 5, share: 0.5 })
const kindsAt = (step: number) =>
  scenarios()
    .training({ seed: 0, step, count: 5 })
    .map(({ kind }) => kind)

test('general prompts are added to the reasoning questions from a given step', () => {
  expect(kindsAt(4)).toEqual(['sums', 'sums'])
  expect(kindsAt(5)).toEqual(['sums', 'sums', 'talk/en', 'talk/en', 'talk/en'])
  expect(kindsAt(5)).toEqual(kindsAt(5))
})

test('each question is checked by its own task; held-out questions are from the reasoning task', () => {
  const task = scenarios()
  const [first, , last] = task.training({ seed: 0, step: 5, count: 3 }) as [Question, Question, Question]
  expect([first, last].map((question) => task.check(question, '1'))).toEqual([
    { correct: true, reason: '' },
    { correct: null, reason: '' },
  ])
  expect([first, last].map(task.isGeneral)).toEqual([false, true])
  expect(task.heldOut({ count: 1 })[0]!.kind).toBe('sums')
})

const reward = (name: string, value: number) => ({ name, learned: true as const, score: () => value })
const HELPFUL = 0.75
/** σ(5). */
const HARMLESS = 0.9933071490757153
const WEIGHTS = { accuracy: 1, format: 0.1, language: 0.1, helpful: 1, harmless: 1 }
/** The end of a prompt that opens the thinking. */
const OPENED = '<|im_start|>assistant\n<think>\n'
const thought = '<think>One and one.</think>So \\boxed{1}.'
const parts = {
  [thought]: { thinking: 'One and one.', summary: 'So \\boxed{1}.', answer: '1' },
  'Hello there.': { thinking: null, summary: 'Hello there.', answer: 'Hello there.' },
  '<think>Hm': { thinking: 'Hm', summary: null, answer: null },
  你好: { thinking: null, summary: '你好', answer: '你好' },
} as const

test.each([
  // kind of general prompt (null: reasoning), response, judged by a model?, scores that apply
  [null, thought, false, { accuracy: 1, format: 1, language: 1 }],
  [null, 'Hello there.', false, { accuracy: 1, format: 0, language: 1 }],
  ['talk/en', 'Hello there.', false, { format: 1, language: 1, helpful: HELPFUL }],
  ['talk/en', '你好', false, { format: 1, language: 0, helpful: HELPFUL }],
  ['talk/en', thought, false, { format: 1, language: 1, helpful: HELPFUL }],
  ['talk/en', '<think>Hm', false, { format: 0, language: 1, helpful: 0 }],
  ['harmful/en', 'Hello there.', false, { format: 1, language: 1, harmless: HARMLESS }],
  [null, thought, true, { accuracy: 1, format: 1, language: 1, helpful: HELPFUL }],
] as const)('%s, %s, neural on reasoning %s', async (kind, response, neuralOnReasoning, scores) => {
  const task = scenarios(kind ?? undefined)
  const questions = task.training({ seed: 0, step: 5, count: 2 })
  const question = (kind === null ? questions[0] : questions[1])!
  const rollout: Rollout = fakeRollout({ question, task, response, ...parts[response] })
  const rewards = scenarioRewards(
    task,
    { helpful: reward('helpful', HELPFUL), harmless: reward('harmless', 5) },
    WEIGHTS,
    { neuralOnReasoning },
  )
  const { byName, total } = await scoreRollout(
    rewards.map((one) => ({ reward: one, weight: one.weight })),
    rollout,
    { timeoutMs: 60_000 },
  )
  expect(byName).toEqual(scores)
  const counted = Object.entries(scores).map(([name, score]) =>
    name === 'accuracy' && neuralOnReasoning ? 0 : WEIGHTS[name as keyof typeof WEIGHTS] * score,
  )
  expect(total).toBeCloseTo(counted.reduce((a, b) => a + b, 0))
})

test.each<[kind: string | null, response: string, score: number]>([
  [null, 'One and one.</think>So \\boxed{1}.', 1],
  [null, thought, 0],
  [null, 'One and one.', 0],
  ['talk/en', '</think>Hello there.', 1],
  ['talk/en', 'Hm.</think>Hello there.', 1],
  ['talk/en', '<think>Hm.</think>Hello there.', 0],
  ['talk/en', 'Hello there.', 0],
])(
  'the format of a response to a prompt that opened the thinking: %s, %s: %i',
  async (kind, response, score) => {
    const task = scenarios(kind ?? undefined)
    const questions = task.training({ seed: 0, step: 5, count: 2 })
    const rollout = fakeRollout({
      prompt: OPENED,
      question: questions[kind === null ? 0 : 1]!,
      task,
      response,
    })
    const learned = { helpful: reward('helpful', HELPFUL), harmless: reward('harmless', 5) }
    const format = scenarioRewards(task, learned, WEIGHTS, { neuralOnReasoning: false })[1]!
    expect(format.name).toBe('format')
    expect(await format.score(rollout)).toBe(score)
  },
)
