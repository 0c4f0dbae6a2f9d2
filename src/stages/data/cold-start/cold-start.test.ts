import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cachedGenerator } from '../../../providers/cache.ts'
import type { Generator } from '../../../providers/generator.ts'
import { fakeEngine, fakeRenderer, fakeTask } from '../../../testing/fakes/fake-engine.ts'
import { fakeGenerator } from '../../../testing/fakes/fake-generator.ts'
import {
  type ChatRequest,
  deltas,
  FakeProvider,
  send,
  stream,
  type Trick,
} from '../../../testing/servers/fake-provider.ts'
import { providerGenerator } from '../../../testing/servers/provider-generator.ts'
import { isKept } from '../rows.ts'
import { type ColdStart, coldStart, direct, fewShot, ownOutputs, ownSolutions } from './cold-start.ts'

const examples = [{ question: 'Which is first?', response: '<think>\nwait a\n</think>\n\\boxed{a}' }]
const engine = await fakeEngine()
const sampler = await engine.sampler(engine.base)

/** Replies of the prompted model and of the rewriter. Every third answer is wrong. */
function answer(messages: readonly { role: string; content: string }[], seed: number): string {
  const user = messages.at(-1)!.content
  const chain = /=== CHAIN ===\n([\s\S]*)\n=== ANSWER/.exec(user)?.[1]
  if (chain) return `<think>\nI say: ${chain}\n</think>\nThe letter is \\boxed{a}.`
  return `<think>\nwait ${seed}\n</think>\n\\boxed{${seed % 3 === 0 ? 'b' : 'a'}}`
}

/** A reply with its thinking in a field of its own, as providers return it. */
const parsed = (reply: string) => {
  const [, reasoning, text] = /^<think>([\s\S]*)<\/think>([\s\S]*)$/.exec(reply)!
  return { reasoning: reasoning!.trim(), text: text!.trim() }
}
const model = (): Generator => {
  const plain = fakeGenerator(answer)
  return {
    ...plain,
    generate: async (messages, options) => {
      const reply = await plain.generate(messages, options)
      return { ...reply, ...parsed(reply.text) }
    },
  }
}

const job = (generator: Generator, changes: Partial<ColdStart> = {}): ColdStart => ({
  task: fakeTask,
  renderer: fakeRenderer,
  rows: 40,
  batch: 4,
  rounds: 20,
  perQuestion: 1,
  attempts: 2,
  seed: 1,
  judge: null,
  rewriter: generator,
  limits: { maxTokens: 100, maxParagraph: 100, maxRepetition: 0.1, minLanguage: 1 },
  sources: [
    fewShot({ share: 1, generator, renderer: fakeRenderer, samples: 2, examples }),
    direct({ share: 1, generator, renderer: fakeRenderer, samples: 2 }),
    ownOutputs({ share: 2, sampler, renderer: fakeRenderer, samples: 32, maxTokens: 16, temperature: 1 }),
  ],
  ...changes,
})

test("every source contributes its share; kept rows are right and have a new summary, and R1-Zero's are rewritten", async () => {
  const { rows, sources } = await coldStart(job(model()))
  expect(sources.map(({ source, wanted, kept }) => [source, wanted, kept])).toEqual([
    ['few-shot', 10, 10],
    ['direct', 10, 10],
    ['r1-zero', 20, 20],
  ])
  const reasons = new Set(rows.map(({ rejected }) => rejected))
  expect([...reasons]).toEqual(expect.arrayContaining([null, 'wrong', 'beyond the cap', 'ill-formed']))
  for (const { source, sampled } of sources)
    expect(rows.filter((row) => row.source === source)).toHaveLength(sampled)
  for (const row of rows.filter(isKept)) {
    expect(row).toMatchObject({ answer: 'a', correct: true, summary: 'The letter is \\boxed{a}.' })
    const { thinking, summary } = row.original!
    const rewritten = row.source === 'r1-zero'
    expect(summary).toBe(rewritten ? 'a' : '\\boxed{a}')
    expect(row.thinking).toBe(rewritten ? `I say: ${thinking}` : thinking)
  }
  for (const row of rows.filter(({ rejected }) => rejected === 'beyond the share'))
    expect(row.original).toBeNull()
})

test('the same seed gives the same rows, whatever the other sources', async () => {
  const whole = await coldStart(job(model()))
  expect(await coldStart(job(model()))).toEqual(whole)
  const alone = await coldStart(job(model(), { rows: 10, sources: [job(model()).sources[1]!] }))
  expect(alone.rows).toEqual(whole.rows.filter(({ source }) => source === 'direct'))
  expect((await coldStart(job(model(), { seed: 2 }))).rows).not.toEqual(whole.rows)
})

test("the task's own solutions are rows as they are; the others are passed over", async () => {
  const questions = fakeTask.training({ seed: 1, step: 0, count: 3 })
  const solve = (i: number, thinking: string | null, answer = 'a') => ({
    question: { ...questions[0]!, id: `q${i}` },
    thinking,
    answer,
  })
  const all = [solve(0, 'First a.'), solve(1, null), solve(2, 'First b.', 'b')]
  const task = { ...fakeTask, training: () => all.map(({ question }) => question), solved: () => all }
  const refusing = fakeGenerator(() => {
    throw new Error('no model is asked')
  })
  const source = ownSolutions({ share: 1, task, renderer: fakeRenderer, seed: 1 })
  const { rows, sources } = await coldStart(job(refusing, { task, rows: 5, rounds: 2, sources: [source] }))
  expect(sources).toEqual([{ source: 'solutions', wanted: 5, kept: 1, sampled: 4, rounds: 2 }])
  expect(rows.map(({ rejected }) => rejected)).toEqual([null, 'wrong', 'repeated', 'wrong'])
  expect(rows[0]).toMatchObject({
    thinking: 'First a.',
    summary: 'The answer is \\boxed{a}.',
    original: null,
  })
  const none = { ...fakeTask, solved: () => [solve(0, null)] }
  expect(() => ownSolutions({ share: 1, task: none, renderer: fakeRenderer, seed: 1 })).toThrow(
    /no written solutions.*coldStart\.solutions=0/,
  )
})

test('a source with too few rows ends after its last round', async () => {
  const generator = fakeGenerator(() => 'a')
  const { rows, sources } = await coldStart(
    job(generator, {
      rounds: 3,
      sources: [direct({ share: 1, generator, renderer: fakeRenderer, samples: 2 })],
    }),
  )
  expect(sources).toEqual([{ source: 'direct', wanted: 40, kept: 0, sampled: 24, rounds: 3 }])
  // right, but without a chain
  expect(new Set(rows.map(({ rejected }) => rejected))).toEqual(new Set(['ill-formed']))
})

test('no source is an error', async () => {
  await expect(coldStart(job(model(), { sources: [] }))).rejects.toThrow(/no source with a share/)
})

test('the prompts: examples as turns, or reflection and verification', async () => {
  const prompts: string[][] = []
  const generator = fakeGenerator((messages, seed) => {
    prompts.push(messages.map(({ role, content }) => `${role} ${content}`))
    return answer(messages, seed)
  })
  const questions = fakeTask.heldOut({ count: 1 })
  const all = job(generator).sources.slice(0, 2)
  for (const source of all) await source.sample(fakeTask, questions, [1])
  expect(prompts[0]!.slice(1)).toEqual([
    'user Which is first?',
    `assistant ${examples[0]!.response}`,
    'user Which letter?',
  ])
  expect(prompts[2]![0]).toMatch(/^system .*step by step.*verify.*mistake.*<think>.*boxed/s)
  expect(prompts[2]!.slice(1)).toEqual(['user Which letter?'])
})

describe('with a provider that fails', () => {
  const busy =
    (status: number, headers = {}): Trick =>
    (r) =>
      send(r, status, { error: { message: 'busy' } }, headers)
  const TRICKS: Trick[] = [
    () => {},
    busy(429, { 'retry-after': '0' }),
    busy(500),
    (r) => stream(r, deltas('<think>\nwait'), null),
    (r) => send(r, 200, '{"choices": [{"message": {"content": "<think>'),
    (r) => r.destroy(),
  ]
  const open = (provider: FakeProvider, folder: string, { tries = 4, concurrency = 4 } = {}) =>
    cachedGenerator(
      providerGenerator(provider, {
        temperature: 0.7,
        limits: { whole: 1.5 },
        concurrency,
        retry: { tries, firstWait: 0.01, patience: 1 },
      }),
      join(folder, 'replies.sqlite'),
    )
  const prompting = (generator: Generator) =>
    job(generator, { rows: 12, sources: job(generator).sources.slice(0, 2) })
  /** The rows of a provider that never fails. */
  const expected = async () => (await coldStart(prompting(model()))).rows

  test('failures change nothing, and nothing is requested twice', async () => {
    const provider = await FakeProvider.start()
    provider.reply = ({ messages, seed }: ChatRequest) => ({ content: answer(messages, seed) })
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-cold-start-'))
    try {
      provider.tricks = [...TRICKS]
      const first = open(provider, folder)
      const { rows } = await coldStart(prompting(first))
      expect(rows).toEqual(await expected())
      expect(first.spent().failed).toBeGreaterThanOrEqual(TRICKS.length)
      await first.close()

      provider.log.length = 0
      const again = open(provider, folder)
      expect((await coldStart(prompting(again))).rows).toEqual(rows)
      expect(provider.log).toEqual([])
      expect(again.spent()).toMatchObject({ calls: 0, failed: 0 })
      await again.close()
    } finally {
      await provider.stop()
    }
  })

  test('after a failed run, the next run continues where it stopped', async () => {
    const provider = await FakeProvider.start()
    let left = 9
    const replied: string[] = []
    provider.reply = ({ messages, seed }: ChatRequest) => {
      replied.push(JSON.stringify([messages, seed]))
      if (--left === 0) provider.tricks = Array.from({ length: 50 }, () => busy(503))
      return { content: answer(messages, seed) }
    }
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-cold-start-'))
    try {
      // one request at a time, so none is pending when it gives up
      const first = open(provider, folder, { tries: 2, concurrency: 1 })
      await expect(coldStart(prompting(first))).rejects.toThrow(/no reply from 127\.0\.0\.1/)
      await first.close()
      provider.tricks = []
      const again = open(provider, folder)
      expect((await coldStart(prompting(again))).rows).toEqual(await expected())
      expect(new Set(replied).size).toBe(replied.length)
      await again.close()
    } finally {
      await provider.stop()
    }
  })
})
