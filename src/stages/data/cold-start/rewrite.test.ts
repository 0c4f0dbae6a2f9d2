import { describe, expect, test } from 'vitest'
import type { Generation } from '../../../providers/generator.ts'
import { fakeRenderer, fakeTask } from '../../../testing/fakes/fake-engine.ts'
import { fakeGenerator } from '../../../testing/fakes/fake-generator.ts'
import { isKept, toDataRow, writtenCandidate } from '../rows.ts'
import { readRewriting, rewrite, rewriteRequest } from './rewrite.ts'

const reply = (text: string, of: Partial<Generation> = {}): Generation => ({
  text,
  reasoning: null,
  finishReason: 'stop',
  usage: null,
  ...of,
})
const GOOD = '<think>\nI wait a moment.\n</think>\nThe letter is \\boxed{a}.'
const READ = { thinking: 'I wait a moment.', summary: 'The letter is \\boxed{a}.' }

test.each<[string, Generation, typeof READ | null]>([
  ['in one text', reply(GOOD), READ],
  ['split by a provider', reply(READ.summary, { reasoning: READ.thinking }), READ],
  ['after the model’s own thoughts', reply(GOOD, { reasoning: 'The original chain is short.' }), READ],
  [
    'the model’s own thoughts, and no chain',
    reply(READ.summary, { reasoning: 'I keep each step of the original chain.' }),
    null,
  ],
  ['no chain', reply('The letter is \\boxed{a}.'), null],
  ['an empty chain', reply('<think>\n</think>\nThe letter is \\boxed{a}.'), null],
  ['no summary', reply('<think>\na\n</think>\n'), null],
  ['a chain that does not end', reply('<think>\na'), null],
  ['two chains', reply(`${GOOD}\n<think>b</think>`), null],
  ['words before the chain', reply(`Here you are: ${GOOD}`), null],
  ['sections repeated', reply('<think>=== CHAIN ===\na</think>\nb'), null],
  ['cut off', reply(GOOD, { finishReason: 'length' }), null],
  ['withheld', reply(GOOD, { finishReason: 'content_filter' }), null],
])('a reply: %s', (_, generation, expected) => {
  expect(readRewriting(generation)).toEqual(expected)
})

test('the request', () => {
  const [system, user] = rewriteRequest({ question: 'Which?', chain: 'b\na', answer: 'a' })
  expect(system!.content).toMatch(/^Rewrite a chain of thought/)
  expect(user).toEqual({
    role: 'user',
    content: '=== QUESTION ===\nWhich?\n=== CHAIN ===\nb\na\n=== ANSWER ===\na\n=== END ===',
  })
})

describe('rewriting a row', () => {
  const question = fakeTask.heldOut({ count: 1 })[0]!
  const candidate = writtenCandidate(fakeRenderer, fakeTask, question, {
    prompt: 'p',
    thinking: 'wait a',
    summary: '\\boxed{a}',
  })
  const row = toDataRow(candidate, { source: 'direct', correct: true, rejected: null })
  const limits = { maxTokens: 200, maxParagraph: 100, maxRepetition: 0.1, minLanguage: 1 }
  const run = async (replies: readonly string[]) => {
    const seeds: number[] = []
    const rewriter = fakeGenerator((_, seed) => {
      seeds.push(seed)
      return replies[seeds.length - 1]!
    })
    const [written] = await rewrite([row], {
      rewriter,
      renderer: fakeRenderer,
      task: fakeTask,
      limits,
      attempts: 2,
      stream: [1],
    })
    return { written: written!, seeds }
  }
  const OTHER = '<think>I see b.</think>It is \\boxed{b}.'
  const MIXED = '<think>I 等 see a letter.</think>It is \\boxed{a}.'

  test.each<[string, string[], ReturnType<typeof isKept>, string | null, number]>([
    ['in the first reply', [GOOD], true, null, 1],
    ['in the second reply', ['I cannot.', GOOD], true, null, 2],
    ['with spaces in the answer', [GOOD.replace('{a}', '{ a }')], true, null, 1],
    ['never in the requested format', ['I cannot.', 'No.'], false, 'rewriting ill-formed', 2],
    ['with another answer', [OTHER, OTHER], false, 'rewriting changed the answer', 2],
    ['without a box', [GOOD.replace('\\boxed{a}', 'a'), OTHER], false, 'rewriting changed the answer', 2],
    ['in two languages', [MIXED, MIXED], false, 'rewriting unreadable', 2],
  ])('%s', async (_, replies, kept, rejected, attempts) => {
    const { written, seeds } = await run(replies)
    expect(isKept(written)).toBe(kept)
    expect(written.rejected).toBe(rejected)
    expect(new Set(seeds).size).toBe(attempts)
    expect(seeds.every((seed) => seed >= 0 && seed < 2 ** 31)).toBe(true)
    if (kept) {
      expect(written).toMatchObject({
        ...row,
        ...READ,
        summary: expect.stringMatching(/^The letter is \\boxed\{ ?a ?\}\.$/),
        answer: expect.stringMatching(/a/),
        original: row,
        response: expect.stringContaining('I wait'),
        tokens: expect.any(Int32Array),
        logprobs: expect.any(Float32Array),
      })
      expect(written.tokens).toEqual(fakeRenderer.encode(written.response))
    } else expect(written).toEqual({ ...row, rejected })
  })
})
