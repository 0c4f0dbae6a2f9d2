import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../common/random.ts'
import { loadModel } from '../../../models/checkpoint/directory.ts'
import { initParameters } from '../../../models/parameters.ts'
import { tinyConfig } from '../../../testing/models.ts'
import type { SampledSequence, SampleOptions } from '../../contract.ts'
import { CHUNK } from './chunks.ts'
import { BLOCK } from './program.ts'
import { ContinuousSampler } from './sampler.ts'

const { config, parameters } = loadModel(
  fileURLToPath(new URL('../../../../models/miniature-base', import.meta.url)),
)
const open = (threads = 1) =>
  new ContinuousSampler(config, parameters, null, { threads, share: 1, beforeRun: () => {} })

const random = new Random('continuous')
const prompt = (length: number) => Int32Array.from({ length }, () => random.int(0, 500))

interface Outcome {
  sequences?: SampledSequence[]
  error?: unknown
  tokens: number
}
function add(
  sampler: ContinuousSampler,
  tokens: Int32Array,
  options: Partial<SampleOptions> = {},
  aborted = () => false,
): Outcome {
  const outcome: Outcome = { tokens: 0 }
  sampler.add({
    prompt: tokens,
    options: { n: 1, maxTokens: 12, temperature: 0, seed: 1, ...options },
    aborted,
    onToken: () => {
      outcome.tokens++
    },
    onResult: (sequences) => {
      outcome.sequences = sequences
    },
    onError: (error) => {
      outcome.error = error
    },
  })
  return outcome
}
function finish(sampler: ContinuousSampler): void {
  while (sampler.busy) sampler.step()
}
function sample(sampler: ContinuousSampler, tokens: Int32Array, options?: Partial<SampleOptions>) {
  const outcome = add(sampler, tokens, options)
  finish(sampler)
  return outcome.sequences!
}
/** The tokens and the bits of the log-probs. */
const contents = (sequences: readonly SampledSequence[]) =>
  sequences.map(({ tokens, logprobs, samplingLogprobs }) => [tokens, logprobs, samplingLogprobs].map(String))

describe('a request alone and among 63 others', () => {
  const requests = Array.from({ length: 64 }, (_, i) => ({
    tokens: prompt(1 + ((i * 11) % 90)),
    options: {
      maxTokens: 1 + ((i * 7) % 40),
      seed: i,
      temperature: [0, 1, 0.6][i % 3]!,
      ...(i % 4 === 1 ? { topP: 0.9, topK: 20 } : {}),
    },
  }))
  const alone = requests.map(({ tokens, options }) => contents(sample(open(), tokens, options)))

  test('has the same tokens and log-probs to the last bit, greedy or not, whenever the others come', () => {
    const sampler = open()
    // Some come at once, others while earlier ones are being sampled.
    const outcomes = requests.map(({ tokens, options }, i) => {
      if (i >= 20) for (let k = 0; k < (i * 5) % 4; k++) sampler.step()
      return add(sampler, tokens, options)
    })
    finish(sampler)
    expect(outcomes.map(({ sequences }) => contents(sequences!))).toEqual(alone)
    // now their beginnings are known
    const again = requests.map(({ tokens, options }) => add(sampler, tokens, options))
    finish(sampler)
    expect(again.map(({ sequences }) => contents(sequences!))).toEqual(alone)
    const cached = again.map(({ sequences }) => sequences![0]!.cachedTokens)
    expect(cached).toEqual(requests.map(({ tokens }) => Math.floor((tokens.length - 1) / BLOCK) * BLOCK))
  })
})

test('with more threads than sequences too, a request has the same log-probs to the last bit', () => {
  const threads = 8
  const requests = Array.from({ length: 12 }, () => ({ tokens: prompt(100), options: { maxTokens: 12 } }))
  const sampler = open(threads)
  const outcomes = requests.map(({ tokens, options }) => add(sampler, tokens, options))
  finish(sampler)
  const alone = requests.slice(0, 2).map(({ tokens, options }) => sample(open(threads), tokens, options))
  expect(outcomes.slice(0, 2).map(({ sequences }) => contents(sequences!))).toEqual(alone.map(contents))
})

describe('the beginning of a prompt', () => {
  test('is computed once for equal prompts that come together, and for all sequences of a request', () => {
    const sampler = open()
    const tokens = prompt(10 * BLOCK)
    const outcomes = Array.from({ length: 6 }, (_, seed) =>
      add(sampler, tokens, { n: 3, temperature: 1, seed }),
    )
    finish(sampler)
    expect(sampler.load.promptTokens).toBeLessThan(10 * BLOCK + 6 * BLOCK + 6 * CHUNK)
    expect(sampler.load.promptTokens + sampler.load.cachedTokens).toBe(6 * 10 * BLOCK)
    for (const { sequences } of outcomes)
      expect(new Set(sequences!.map(({ cachedTokens }) => cachedTokens)).size).toBe(1)
  })

  test('includes earlier responses: a conversation computes only what is new, and reads the same numbers', () => {
    const sampler = open()
    let conversation = prompt(30)
    for (let turn = 0; turn < 4; turn++) {
      const [answer] = sample(sampler, conversation, { maxTokens: 25 })
      const [fresh] = sample(open(), conversation, { maxTokens: 25 })
      expect(fresh!.cachedTokens).toBe(0)
      expect(answer!.tokens).toEqual(fresh!.tokens)
      for (const [t, logprob] of answer!.logprobs.entries())
        expect(Math.abs(logprob - fresh!.logprobs[t]!)).toBeLessThan(1e-4)
      // the question of the turn before, its answer without the last token, and the blocks they fill
      const known = turn === 0 ? 0 : Math.floor((conversation.length - 11) / BLOCK) * BLOCK
      expect(answer!.cachedTokens).toBe(known)
      conversation = Int32Array.of(...conversation, ...answer!.tokens, ...prompt(10))
    }
  })
})

test('a long prompt is computed in parts, while others are sampled; a short prompt does not wait for its end', () => {
  const sampler = open()
  const running = add(sampler, prompt(5), { maxTokens: 100 })
  sampler.step()
  const long = add(sampler, prompt(900))
  const short = add(sampler, prompt(20))
  let steps = 0
  while (long.tokens === 0) {
    const { promptTokens } = sampler.load
    const { tokens } = running
    sampler.step()
    steps++
    expect(sampler.load.promptTokens - promptTokens).toBeLessThanOrEqual(CHUNK)
    expect(running.tokens).toBe(tokens + 1)
    if (steps === 2) expect(short.tokens).toBeGreaterThan(0)
  }
  // the short prompt's step has room for two blocks of the long one
  expect(steps).toBe(1 + Math.ceil((900 - 2 * BLOCK) / CHUNK))
  finish(sampler)
  expect(contents(long.sequences!)).toHaveLength(1)
})

test('a step computes several short prompts together', () => {
  const sampler = open()
  const outcomes = Array.from({ length: 8 }, () => add(sampler, prompt(CHUNK / 4)))
  sampler.step()
  expect(outcomes.filter(({ tokens }) => tokens > 0)).toHaveLength(4)
  sampler.step()
  expect(outcomes.filter(({ tokens }) => tokens > 0)).toHaveLength(8)
  finish(sampler)
})

describe('without much memory', () => {
  const tiny = tinyConfig('qwen3')
  const weights = initParameters(tiny, 3)
  /** Has room for a sequence of the greatest length, 64 tokens, and no other. */
  const openTiny = (share: number) =>
    new ContinuousSampler(tiny, weights, null, { threads: 1, share, beforeRun: () => {} })
  const requests = Array.from({ length: 5 }, (_, i) => ({
    tokens: Int32Array.from({ length: 3 + 4 * i }, (_, t) => (5 * t + i) % 40),
    options: { maxTokens: 40, temperature: i % 2, seed: i, n: 2 },
  }))

  test('sequences wait, give up their place and continue: none is lost, and their tokens are the same', () => {
    const sampler = openTiny(0)
    const outcomes = requests.map(({ tokens, options }) => add(sampler, tokens, options))
    let most = 0
    for (let steps = 0; sampler.busy && steps < 2000; steps++) {
      sampler.step()
      most = Math.max(most, sampler.load.running)
    }
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThan(10)
    for (const [i, { tokens, options }] of requests.entries()) {
      const expected = sample(openTiny(1), tokens, options)
      expect(outcomes[i]!.sequences!.map((s) => s.tokens)).toEqual(expected.map((s) => s.tokens))
    }
  })
})

test('an aborted request leaves at the next step, before, while and after its prompt is computed', () => {
  const expected = contents(sample(open(), prompt(0).length === 0 ? Int32Array.of(7, 8, 9) : prompt(0)))
  for (const steps of [0, 1, 3, 12]) {
    const sampler = open()
    let aborted = false
    const one = add(sampler, prompt(200), { n: 4, maxTokens: 50 }, () => aborted)
    const other = add(sampler, Int32Array.of(7, 8, 9))
    for (let k = 0; k < steps; k++) sampler.step()
    aborted = true
    const { tokens } = one
    finish(sampler)
    expect(one).toEqual({ tokens, error: new Error('the request was aborted') })
    expect(contents(other.sequences!)).toEqual(expected)
    expect(sampler.load.running).toBe(0)
  }
})

test('probabilities that are not finite fail the requests, and later ones', () => {
  const broken = new Map(parameters).set(
    'model.norm.weight',
    new Float32Array(config.hiddenSize).fill(Number.NaN),
  )
  const sampler = new ContinuousSampler(config, broken, null, { threads: 1, share: 1, beforeRun: () => {} })
  for (let i = 0; i < 2; i++) {
    const outcome = add(sampler, prompt(5))
    finish(sampler)
    expect(String(outcome.error)).toMatch(/not finite/)
  }
})

test('a step that fails, fails all requests with its error', () => {
  const sampler = new ContinuousSampler(config, parameters, null, {
    threads: 1,
    share: 1,
    beforeRun: () => {
      throw new Error('stopped')
    },
  })
  const outcomes = [add(sampler, prompt(5)), add(sampler, prompt(6))]
  sampler.step()
  expect(sampler.busy).toBe(false)
  expect(outcomes.map(({ error }) => String(error))).toEqual(['Error: stopped', 'Error: stopped'])
})
