import { expect, test } from 'vitest'
import type { Generator } from '../../providers/generator.ts'
import { Account } from '../../providers/spending.ts'
import { type Answers, winRate } from './win-rate.ts'

/** Prefers more exclamation marks; if answers have a question mark, it prefers whichever is shown first. */
function judge(): Generator & { calls: number } {
  const generator = {
    identity: 'test',
    calls: 0,
    generate: async (messages: readonly { content: unknown }[]) => {
      generator.calls++
      const form = String(messages[1]!.content)
      const [, a, mark, b] =
        /=== ANSWER A \w+ ===\n([\s\S]*?)\n=== END OF ANSWER A (\w+) ===[\s\S]*=== ANSWER B \w+ ===\n([\s\S]*?)\n=== END/.exec(
          form,
        )!
      const score = (text: string) => text.split('!').length
      const degree = a!.includes('?') ? 1 : Math.sign(score(a!) - score(b!))
      const text = `Hm.\nVERDICT ${mark}: ${degree > 0 ? 'A>B' : degree < 0 ? 'B>A' : 'A=B'}`
      return { text, reasoning: null, finishReason: 'stop' as const, usage: null }
    },
    spent: () => new Account(null).spent(),
    close: async () => {},
  }
  return generator
}

const answersOf = (texts: Readonly<Record<string, string | null>>): Answers =>
  Object.fromEntries(
    Object.entries(texts).map(([kind, answer]) => [kind, { question: `${kind}?`, kind, answer }]),
  )

test('wins plus half of the ties, over the decided comparisons', async () => {
  const generator = judge()
  const now = answersOf({
    'talk/en': 'Hi!',
    'fact/en': 'Paris!!',
    'fact/zh': 'Yes.',
    'write/en': null,
    'talk/zh': 'Oh?',
    'harmful/en': 'No!',
  })
  const before = answersOf({
    'talk/en': null,
    'fact/en': 'Paris.',
    'fact/zh': 'No.',
    'write/en': 'A line!',
    'talk/zh': 'Ah?',
    'harmful/en': 'Yes.',
  })
  const result = await winRate(generator, now, before)
  // scores 1, 1, ½, 0: mean 0.625, Σ (x − mean)² = 0.6875
  expect(result).toEqual({
    rate: 0.625,
    standardError: Math.sqrt(0.6875 / 3 / 4),
    win: 2,
    tie: 1,
    loss: 1,
    unknown: 1,
  })
  expect(generator.calls).toBe(5 * 4)
})

test.each([
  [answersOf({ 'talk/en': 'Oh?' }), answersOf({ 'talk/en': 'Ah?' }), { rate: null, unknown: 1 }],
  [answersOf({ 'talk/en': 'Hi.' }), answersOf({ 'talk/en': 'Hi.' }), { rate: 0.5, tie: 1 }],
  [answersOf({ 'talk/en': null }), answersOf({ 'talk/en': null }), { rate: 0.5, tie: 1 }],
  [answersOf({}), answersOf({}), { rate: null }],
])('few comparisons: %j against %j', async (now, before, expected) => {
  const none = { standardError: null, win: 0, tie: 0, loss: 0, unknown: 0 }
  expect(await winRate(judge(), now, before)).toEqual({ ...none, ...expected })
})

test('answers to other questions cannot be compared', async () => {
  await expect(
    winRate(judge(), answersOf({ 'talk/en': 'Hi.' }), answersOf({ 'talk/zh': 'Hi.' })),
  ).rejects.toThrow(/did not answer "talk\/en\?"/)
})
