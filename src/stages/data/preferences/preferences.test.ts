import { expect, test } from 'vitest'
import { fakeTask } from '../../../testing/fakes/fake-engine.ts'
import { fakeGenerator } from '../../../testing/fakes/fake-generator.ts'
import type { SampledRollout } from '../../sample/rollouts.ts'
import { preferencePairs, safetyLabels } from './preferences.ts'

/** A rollout with this summary. By default each prompt has its own kind. */
const answered = (prompt: string, summary: string | null, kind = prompt): SampledRollout => ({
  question: { id: prompt, prompt, gold: '', kind },
  task: fakeTask,
  verdict: () => ({ correct: null, reason: '' }),
  prompt,
  response: summary ?? '<think>',
  thinking: null,
  answer: summary,
  summary,
  wellFormed: true,
  tokens: 1,
  stopReason: 'stop',
  opened: false,
  promptTokens: new Int32Array(1),
  sequence: {
    tokens: new Int32Array(1),
    logprobs: new Float32Array(1),
    samplingLogprobs: new Float32Array(1),
    stopReason: 'stop',
  },
})

/** A judge that reads the marked sections and replies with a verdict. */
const judging = (decide: (section: (title: string) => string, seed: number) => string) =>
  fakeGenerator((messages, seed) => {
    const [system, user] = messages.map(({ content }) => content) as [string, string]
    const mark = /carry the mark (\w+)/.exec(system)![1]!
    const section = (title: string) =>
      new RegExp(`=== ${title} ${mark} ===\\n([\\s\\S]*?)\\n=== END`).exec(user)![1]!
    return `VERDICT ${mark}: ${decide(section, seed)}`
  })

/** Prefers the answer with the higher number, strongly if the numbers differ by more than one. */
const byNumber = judging((section) => {
  const [a, b] = ['ANSWER A', 'ANSWER B'].map((title) => Number(/\d+/.exec(section(title))![0])) as [
    number,
    number,
  ]
  return a === b ? 'A=B' : `${a > b ? 'A' : 'B'}${Math.abs(a - b) > 1 ? '>>' : '>'}${a > b ? 'B' : 'A'}`
})
const options = { judge: byNumber, seed: 0, times: 4, minMargin: 1, perQuestion: 9 }

test('pairs with a clear margin are kept, the better one first', async () => {
  const data = await preferencePairs(
    [[answered('p', 'a1'), answered('p', 'b2'), answered('p', 'c4'), answered('p', 'c4')]],
    options,
  )
  expect(data).toMatchObject({ judged: 3, unknown: 0, close: 1, unbalanced: 0 })
  expect(data.pairs.map(({ chosen, rejected, margin }) => [chosen, rejected, margin]).sort()).toEqual([
    ['c4', 'a1', 2],
    ['c4', 'b2', 2],
  ])
})

test.each([
  // chosen longer, chosen shorter, pairs kept
  [['long 9', '1'], ['long 9', '1'], ['9', 'long 1'], 2],
  [['9', 'long 1'], ['9', 'long 1'], ['9', 'long 1'], 0],
  [['9', '1'], ['9', '1'], ['9', '1'], 3],
] as const)(
  'the chosen answer is the longer one in half of the pairs: %j %j %j → %d',
  async (a, b, c, kept) => {
    const groups = [a, b, c].map((answers, p) => answers.map((answer) => answered(`p${p}`, answer)))
    const data = await preferencePairs(groups, options)
    expect(data.pairs).toHaveLength(kept)
    expect(data.unbalanced).toBe(3 - kept)
  },
)

test('undecided comparisons and missing summaries give no pair', async () => {
  const torn = judging((_, seed) => (seed % 2 === 0 ? 'A>>B' : 'B>>A'))
  const form = fakeGenerator(() => 'both are fine')
  const group = [answered('p', 'a1'), answered('p', 'b5'), answered('p', null)]
  expect(await preferencePairs([group], { ...options, judge: form })).toMatchObject({
    pairs: [],
    judged: 1,
    unknown: 1,
  })
  expect((await preferencePairs([group], { ...options, judge: torn })).pairs.length).toBeLessThanOrEqual(1)
})

test('at most perQuestion pairs per question', async () => {
  const group = Array.from({ length: 8 }, (_, i) => answered('p', `a${2 * i}`))
  const drawn = async (seed: number) =>
    (await preferencePairs([group], { ...options, seed, perQuestion: 3 })).judged
  expect([await drawn(0), await drawn(1)]).toEqual([3, 3])
})

test('labels: equally many safe and unsafe responses, each response once', async () => {
  const judge = judging((section) =>
    section('ANSWER').startsWith('no') ? 'SAFE' : section('ANSWER') === 'eh' ? 'PERHAPS' : 'UNSAFE',
  )
  const rollouts = ['no 1', 'no 2', 'no 2', 'no 3', 'yes', 'eh', ''].map((text) => answered('p', text))
  const { labels, ...left } = await safetyLabels(rollouts, { judge, seed: 0, times: 2 })
  expect(left).toEqual({ judged: 6, unknown: 1, unbalanced: 3 })
  expect(labels.map(({ safe }) => safe).sort()).toEqual([false, true])
})

test('an equal number of pairs have an answer to another question of the same kind', async () => {
  const relevance = judging((section) => {
    const question = section('QUESTION')
    return section('ANSWER A').startsWith(question) ? 'A>>B' : 'B>>A'
  })
  const groups = ['p', 'q', 'r'].map((prompt) => [answered(prompt, `${prompt} is so`, 'talk/en')])
  const judgedOf = async (perQuestion: number) =>
    (await preferencePairs(groups, { ...options, judge: relevance, perQuestion })).judged
  expect([await judgedOf(1), await judgedOf(2), await judgedOf(3)]).toEqual([3, 6, 6])
  const { pairs } = await preferencePairs(groups, { ...options, judge: relevance })
  for (const { question, chosen, rejected } of pairs) {
    expect(chosen).toBe(`${question.prompt} is so`)
    expect(rejected).not.toBe(chosen)
  }
})
