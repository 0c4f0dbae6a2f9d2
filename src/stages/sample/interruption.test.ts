import { describe, expect, test } from 'vitest'
import type { SampledSequence, SampleOptions, Sampler } from '../../engines/contract.ts'
import { modelFolder } from '../../hub/find-model.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { rlPreset } from '../../settings/presets.ts'
import { fakeTask } from '../../testing/fakes/fake-engine.ts'
import { sampledTokens, toDatum } from '../reinforce/datums.ts'
import { checkInterruption, INTERRUPTION_PHRASE, interruptingTokens, isThinking } from './interruption.ts'
import { readSampled, sampleResponses } from './rollouts.ts'

const folder = await modelFolder('miniature-base')
const renderer = Renderer.load(folder, { template: 'r1-zero' })
const interruption = { after: 12, phrase: INTERRUPTION_PHRASE }
const question = { id: 'q', prompt: '1+1?', gold: '2', kind: 'sum' }

/** A sampler that says these texts: one for each first part, and `later` after every prompt that is longer. */
function saying(texts: readonly string[], later: string) {
  const asked: { prompt: string; options: SampleOptions }[] = []
  const sequence = (text: string, maxTokens: number): SampledSequence => {
    const all = Int32Array.of(...renderer.encode(text), renderer.endOfText)
    const tokens = all.slice(0, maxTokens)
    const logprobs = new Float32Array(tokens.length).fill(-0.5)
    return {
      tokens,
      logprobs,
      samplingLogprobs: logprobs,
      stopReason: all.length > maxTokens ? 'length' : 'stop',
    }
  }
  const sampler: Pick<Sampler, 'sample'> = {
    sample: async (prompt, options) => {
      asked.push({ prompt: renderer.decode(prompt), options })
      return options.n === 1 && asked.length > 1
        ? [sequence(later, options.maxTokens)]
        : texts.map((text) => sequence(text, options.maxTokens))
    },
  }
  const sample = async (maxTokens = 200) =>
    (
      await sampleResponses(sampler as Sampler, renderer, [question], {
        group: texts.length,
        maxTokens,
        temperature: 1,
        interruption,
        stream: ['test'],
      })
    )[0]!
  return { sample, asked }
}

const long = ` <think>\n${'1+1=2, '.repeat(10)}`

describe('thinking that is too long', () => {
  test('is ended with the phrase, and the model goes on with its answer', async () => {
    const { sample, asked } = saying([long, long], '2 </answer>')
    const [response] = await sample()
    const rollout = readSampled(renderer, fakeTask, response!)
    expect(rollout.response).toContain(`\n${INTERRUPTION_PHRASE}\n</think>\n<answer>2 </answer>`)
    expect(rollout).toMatchObject({ wellFormed: true, answer: '2', stopReason: 'stop' })
    expect(asked.map(({ options: { n, first, maxTokens } }) => ({ n, first, maxTokens }))).toEqual([
      { n: 2, first: undefined, maxTokens: 12 },
      ...[0, 1].map((first) => ({
        n: 1,
        first,
        maxTokens: 200 - 12 - interruptingTokens(renderer, interruption).length,
      })),
    ])
    expect(asked[1]!.prompt.endsWith('</think>\n<answer>')).toBe(true)
  })

  test('what was put in is not learned', async () => {
    const [response] = await saying([long, long], '2 </answer>').sample()
    const phrase = interruptingTokens(renderer, interruption)
    expect(response!.inserted).toEqual({ from: 12, to: 12 + phrase.length })
    const datum = toDatum(response!, 0.25)
    const learned = datum.targets.filter((_, t) => datum.weights[t] === 0.25)
    const { tokens } = response!.sequence
    expect(learned).toEqual(Int32Array.of(...tokens.slice(0, 12), ...tokens.slice(12 + phrase.length)))
    expect(learned).toHaveLength(sampledTokens(response!))
    expect(datum.tokens).toHaveLength(response!.promptTokens.length + tokens.length - 1)
  })

  test('cut off at the longest response, the answer is, too', async () => {
    const [response] = await saying([long, long], 'and so on '.repeat(50)).sample(100)
    expect(response!.sequence.tokens).toHaveLength(100)
    expect(response!.sequence.stopReason).toBe('length')
  })
})

describe('nothing is put into', () => {
  test('a response that ends in time', async () => {
    const { sample, asked } = saying([' <think>2</think>'], 'never')
    const [response] = await sample()
    expect(response!.inserted).toBeUndefined()
    expect(asked).toHaveLength(1)
  })

  test('a response whose thinking has ended, or that does not think; it goes on', async () => {
    for (const text of [
      ' <think>2</think> <answer>2 and more and more',
      'The answer is surely nothing but 2, I say',
    ]) {
      const [response] = await saying([text, text], ' end').sample()
      expect(response!.inserted).toBeUndefined()
      expect(renderer.response(response!.sequence.tokens).endsWith(' end')).toBe(true)
    }
  })
})

test.each([
  ['<think> a', false, true],
  ['\n<think>a</think>', false, false],
  ['a <think>', false, false],
  ['a', true, true],
  ['a</think>', true, false],
])('is %j (prompt opened: %o) still thinking? %o', (text, opened, expected) => {
  expect(isThinking(text, opened)).toBe(expected)
})

test('the preset of ScaleRL leaves the embedded base room to answer', () => {
  const { interruption: preset, maxTokens } = rlPreset('miniature', 'scalerl')
  expect(() => checkInterruption(preset, renderer, maxTokens)).not.toThrow()
})

test('before a run: room for an answer, and a template that thinks', () => {
  expect(() => checkInterruption(interruption, renderer, 100)).not.toThrow()
  expect(() => checkInterruption(null, renderer, 1)).not.toThrow()
  expect(() => checkInterruption(interruption, renderer, 20)).toThrow(
    /rl\.interruption leaves no room.*rl\.maxTokens is 20/,
  )
})
