import { expect, test } from 'vitest'
import { closeTo, options, texts, toDatum } from './data.ts'
import type { LanguageModel } from './resources.ts'

/** A sampler: its tokens, their log-probs, and when a sequence ends. */
export function samplingTests({ untrained, prompts, sampleAll }: LanguageModel): void {
  test('sampler and scorer agree on log-probabilities', async () => {
    const engine = await untrained()
    const groups = await sampleAll(await engine.sampler(engine.base))
    const scorer = await engine.scorer(engine.base)
    for (const [i, group] of groups.entries()) {
      expect(group).toHaveLength(options.n)
      for (const { tokens, logprobs, stopReason } of group) {
        expect(tokens.length).toBe(options.maxTokens)
        expect(stopReason).toBe('length')
        const [scored] = await scorer.logprobs([toDatum(prompts[i]!, tokens)])
        closeTo([scored!.slice(prompts[i]!.length - 1)], [logprobs])
      }
    }
  })

  test('a seed gives the same sequences, whatever else is in the batch; tokens and ends are reported', async () => {
    const engine = await untrained()
    const sampler = await engine.sampler(engine.base)
    const together = await sampleAll(sampler)
    const streamed: number[][] = Array.from({ length: options.n }, () => [])
    const ended: number[] = []
    const alone = await sampler.sample(prompts[1]!, {
      ...options,
      seed: 1,
      onToken: (index, token) => streamed[index]!.push(token),
      onEnd: (index) => ended.push(index),
    })
    expect(texts(alone)).toEqual(texts(together[1]!))
    expect(streamed).toEqual(texts(alone))
    expect(ended.sort((a, b) => a - b)).toEqual([...streamed.keys()])
    expect(texts(await sampler.sample(prompts[1]!, { ...options, seed: 2 }))).not.toEqual(texts(alone))
  })

  test('a stop token ends a sequence and is its last token', async () => {
    const engine = await untrained()
    const sampler = await engine.sampler(engine.base)
    const [free] = await sampler.sample(prompts[0]!, { ...options, n: 1 })
    const stop = free!.tokens[2]!
    const [stopped] = await sampler.sample(prompts[0]!, { ...options, n: 1, stopTokens: [stop] })
    expect(stopped!.stopReason).toBe('stop')
    expect([...stopped!.tokens]).toEqual([...free!.tokens.slice(0, free!.tokens.indexOf(stop) + 1)])
  })

  test('many sequences of one prompt are those of fewer', async () => {
    const engine = await untrained()
    const sampler = await engine.sampler(engine.base)
    const ended = new Set<number>()
    const onEnd = (index: number) => ended.add(index)
    const many = await sampler.sample(prompts[0]!, { ...options, n: 1200, maxTokens: 2, onEnd })
    const few = await sampler.sample(prompts[0]!, { ...options, n: 3, maxTokens: 2 })
    expect(many).toHaveLength(1200)
    expect(ended.size).toBe(1200)
    expect(texts(many.slice(0, 3))).toEqual(texts(few))
  })

  test('greedy sampling reports log-probabilities of temperature 1', async () => {
    const engine = await untrained()
    const sampler = await engine.sampler(engine.base)
    const scorer = await engine.scorer(engine.base)
    const [greedy] = await sampler.sample(prompts[0]!, { ...options, n: 1, temperature: 0 })
    const [scored] = await scorer.logprobs([toDatum(prompts[0]!, greedy!.tokens)])
    closeTo([scored!.slice(prompts[0]!.length - 1)], [greedy!.logprobs])
    expect(greedy!.samplingLogprobs.every((logprob) => logprob === 0)).toBe(true)
  })
}
