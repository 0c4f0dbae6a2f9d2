import { expect, test } from 'vitest'
import type { SampleOptions, Sampler } from '../engines/contract.ts'
import { characterRenderer } from '../testing/fakes/fake-renderer.ts'
import { documentGenerator } from './documents.ts'

const renderer = characterRenderer('r1-zero')
const EOS = renderer.endOfText
const shown = (tokens: Int32Array) => renderer.decode(tokens).replaceAll('\0', '<eos>')

/** The reply of a model that continues the document with `written`. */
async function reply(
  messages: readonly { role: string; content: string }[],
  written: string,
  stopReason: 'stop' | 'length' = 'stop',
) {
  let prompt = ''
  let options: SampleOptions | null = null
  const tokens = renderer.encode(written)
  const sampler: Pick<Sampler, 'sample'> = {
    sample: async (promptTokens, sampleOptions) => {
      prompt = shown(promptTokens)
      options = sampleOptions
      const logprobs = new Float32Array(tokens.length)
      return [{ tokens, logprobs, samplingLogprobs: logprobs, stopReason }]
    },
  }
  const generator = documentGenerator(sampler as Sampler, renderer, {
    identity: 'base',
    maxTokens: 9,
    temperature: 0.8,
  })
  const generation = await generator.generate(messages, { seed: 7 })
  return { generation, prompt, options: options as SampleOptions | null, generator }
}

const user = (content: string) => ({ role: 'user', content })
const assistant = (content: string) => ({ role: 'assistant', content })

test('questions and answers become documents; system messages do not', async () => {
  const { prompt, options } = await reply(
    [
      { role: 'system', content: 'Reflect.' },
      user('5+2?'),
      assistant('<think>\nFirst 5+2=7\n</think>\nIt is \\boxed{7}.'),
      user('李有 5 个.'),
      assistant('五'),
      user('1+1?'),
    ],
    '',
  )
  expect(prompt).toBe(
    'Question: 5+2?\nSolution:\nFirst 5+2=7\nAnswer: 7<eos>' +
      '问题: 李有 5 个.\n解答:\n\n答案: 五<eos>' +
      'Question: 1+1?\nSolution:\n',
  )
  expect(options).toEqual({
    n: 1,
    maxTokens: 9,
    temperature: 0.8,
    seed: 7,
    stopTokens: [EOS],
    stop: ['\nQuestion:', '\n问题:'],
  })
})

test.each([
  ['to its end', 'First 1+1=2\nAnswer: 2\0', 'First 1+1=2', '\\boxed{2}'],
  ['to an answer in a box', 'Sum\nAnswer: \\boxed{2}.\0', 'Sum', '\\boxed{2}'],
  ['in Chinese', '首先 1+1=2\n答案: 2\0', '首先 1+1=2', '\\boxed{2}'],
  ['into the next document', 'Sum\nAnswer: 2\nQuestion:', 'Sum', '\\boxed{2}'],
  ['into the next Chinese document', 'Sum\nAnswer: 2\n问题:', 'Sum', '\\boxed{2}'],
  ['to no answer', 'First 1+1=2\0', 'First 1+1=2', ''],
  ['to an empty answer', 'Sum\nAnswer: \0', 'Sum\nAnswer:', ''],
  ['to a second answer', 'Sum\nAnswer: 3\nno\nAnswer: 2\0', 'Sum\nAnswer: 3\nno', '\\boxed{2}'],
  ['to nothing', '\0', '', ''],
])('a document that continues %s', async (_, written, reasoning, text) => {
  expect((await reply([user('1+1?')], written)).generation).toMatchObject({
    reasoning,
    text,
    finishReason: 'stop',
  })
})

test('a document that is cut off, its usage and the identity of the generator', async () => {
  const { generation, generator } = await reply([user('1+1?')], 'First 1+', 'length')
  expect(generation).toMatchObject({
    text: '',
    finishReason: 'length',
    usage: { promptTokens: 25, completionTokens: 8 },
  })
  expect(generator.spent()).toMatchObject({ calls: 1, promptTokens: 25, completionTokens: 8 })
  expect(JSON.parse(generator.identity)).toEqual(['base', 'documents', 9, { temperature: 0.8 }])
})
