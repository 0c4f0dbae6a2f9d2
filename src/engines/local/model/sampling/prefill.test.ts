import { describe, expect, test } from 'vitest'
import { Random } from '../../../../common/random.ts'
import { initParameters, parameterShapes } from '../../../../models/parameters.ts'
import { Session } from '../../../../onnx/session.ts'
import { tinyConfig } from '../../../../testing/models.ts'
import { parameterFeeds, rotaryFeeds } from '../feeds.ts'
import { prefillProgram } from '../programs.ts'
import { vectorNames } from './cache.ts'
import { planPrefills, prefillFeeds, promptCache } from './prefill.ts'

const random = new Random('prefill')
const tokens = (length: number): number[] => Array.from({ length }, () => random.int(0, 47))
const beginning = tokens(11)
const prompts = [1, 4, 7].map((own) => Int32Array.from([...beginning, ...tokens(own)]))

describe('prompts that begin with the same tokens', () => {
  test.each(['qwen3', 'llama', 'gemma3_text'] as const)('%s: computed once, they give the same', (type) => {
    const config = tinyConfig(type)
    const parameters = parameterFeeds(parameterShapes(config), initParameters(config, 0))
    const prefill = (shared: number) => {
      const session = new Session(prefillProgram(config, 'few', { shared: shared > 0 }), { threads: 1 })
      const out = session.run({
        ...parameters,
        ...rotaryFeeds(config, config.maxPositions),
        ...prefillFeeds(prompts, shared),
        scale: { data: new Float32Array([1, 0.5, 1]), dims: [3, 1] },
      })
      return {
        probs: out.probs!.data as Float32Array,
        caches: prompts.map(({ length }, k) => promptCache(config, out, k, length)),
      }
    }
    const [alone, together] = [prefill(0), prefill(beginning.length)]
    expectClose(together.probs, alone.probs)
    for (const [k, { vectors }] of together.caches.entries())
      for (const i of vectorNames(config).keys()) expectClose(vectors[i]!, alone.caches[k]!.vectors[i]!)
  })

  const large = tinyConfig('llama', { hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 24 })
  const lengths = (of: readonly Int32Array[]) => planPrefills(large, of).batches.map((batch) => [...batch])
  const long = (common: number, own: readonly number[]) => {
    const same = tokens(common)
    return own.map((length) => Int32Array.from([...same, ...tokens(length)]))
  }

  test('share them where that saves much work', () => {
    expect(planPrefills(large, long(900, [9, 5, 7])).shared).toBe(900)
    expect(planPrefills(large, prompts).shared).toBe(0)
    expect(planPrefills(tinyConfig('llama'), long(900, [9, 5, 7])).shared).toBe(0)
    expect(planPrefills(large, [Int32Array.from(tokens(900))]).shared).toBe(0)
  })

  test('the last token of each is its own, even if they are equal', () => {
    const [prompt] = long(900, [5]) as [Int32Array]
    expect(planPrefills(large, [prompt, prompt, prompt.subarray(0, 800)]).shared).toBe(799)
  })

  test('batches have prompts of similar length, as many as the limits allow', () => {
    expect(lengths(long(1500, [600, 20, 700, 10]))).toEqual([
      [3, 1],
      [0, 2],
    ])
    expect(lengths([2100, 30, 2200, 20].map((n) => Int32Array.from(tokens(n))))).toEqual([[3], [1], [0], [2]])
  })
})

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length)
  for (const [i, x] of actual.entries()) expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-5)
}
