import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import type { Engine, Sampler } from '../../engines/contract.ts'
import { openEngine } from '../../engines/open.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { r1ZeroPrompt } from '../../thinking/template.ts'
import { localTextModel } from './text-model.ts'

const folder = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const renderer = Renderer.load(folder)
const ask = (content: string, more: Partial<TextRequest> = {}): TextRequest => ({
  messages: [{ role: 'user', content }],
  seed: 7,
  ...more,
})

async function all(events: AsyncIterable<TextEvent>): Promise<TextEvent[]> {
  const read: TextEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

describe('the miniature', () => {
  let engine: Engine
  let sampler: Sampler
  let model: TextModel
  beforeAll(async () => {
    engine = await openEngine({ model: folder, threads: 1 })
    sampler = await engine.sampler(engine.base)
    model = localTextModel(sampler, { name: 'mini', renderer, maxPositions: 1024, identity: 'w' })
  })
  afterAll(() => engine.close())

  test('gives the tokens that the sampler gives for the same seed', async () => {
    const question = 'What is 17 + 25?'
    const { tokens } = renderer.prompt({ prompt: question })
    const [direct] = await sampler.sample(tokens, {
      n: 1,
      maxTokens: 60,
      temperature: 1,
      seed: 7,
      stopTokens: renderer.stopTokens,
    })
    const { end, thinking } = await collect(model.respond(ask(question, { maxTokens: 60 })))
    const ended = direct!.stopReason === 'stop'
    expect(end).toMatchObject({
      reason: direct!.stopReason,
      tokens: ended ? direct!.tokens.subarray(0, -1) : direct!.tokens,
      usage: { promptTokens: tokens.length, completionTokens: direct!.tokens.length },
      text: renderer.response(direct!.tokens),
    })
    expect(thinking).not.toBeNull()
  })

  test('continues a response from any of its tokens as if it had not been interrupted', async () => {
    const request = ask('Compute 3*4+5.', { temperature: 0, maxTokens: 60 })
    const whole = await collect(model.respond(request))
    const tokens = whole.end.tokens!
    for (let cut = 0; cut < tokens.length; cut += 3) {
      const { end } = await collect(model.respond({ ...request, prefix: [tokens.subarray(0, cut)] }))
      expect([...tokens.subarray(0, cut), ...end.tokens!]).toEqual([...tokens])
    }
  })
})

/** A sampler that writes `response`, and notes what it is asked. */
function scripted(of: Renderer, response: string, stopReason: 'stop' | 'length' = 'stop') {
  const asked: string[] = []
  const sampler: Sampler = {
    async sample(prompt, { onToken }) {
      asked.push(of.decode(prompt))
      const tokens = Int32Array.of(...of.encode(response), ...(stopReason === 'stop' ? [of.endOfText] : []))
      for (const token of tokens) onToken?.(0, token)
      const logprobs = new Float32Array(tokens.length)
      return [{ tokens, logprobs, samplingLogprobs: logprobs, stopReason }]
    },
    close: async () => {},
  }
  return {
    asked,
    model: localTextModel(sampler, { name: 'mini', renderer: of, maxPositions: 1024, identity: 'w' }),
  }
}

test('R1-Zero’s template shows the last question, with the system message in front', async () => {
  const { asked, model } = scripted(renderer, ' <think>a</think><answer>3</answer>')
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '1+1?' },
    { role: 'assistant', content: '2' },
    { role: 'user', content: '1+2?' },
  ]
  expect(model.can).toMatchObject({ remembers: false, tools: false })
  const { thinking, answer } = await collect(model.respond({ messages, seed: 0 }))
  expect({ thinking, answer }).toEqual({ thinking: 'a', answer: '3' })
  expect(asked).toEqual([r1ZeroPrompt('Be brief.\n\n1+2?')])
})

test.each<[string, Partial<TextRequest>, RegExp]>([
  ['no messages', { messages: [] }, /no messages/],
  ['the assistant’s last', { messages: [{ role: 'assistant', content: 'a' }] }, /assistant's/],
  ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, /no place for tools/],
  ['an argument', { templateArguments: { enable_thinking: true } }, /no argument "enable_thinking"/],
  ['no thinking', { thinking: false }, /no argument that turns thinking off/],
  ['an empty prompt', { prompt: '' }, /the prompt is empty/],
])('refused: %s', async (_, given, message) => {
  const { model } = scripted(renderer, '3')
  const responded = all(model.respond(ask('1+2?', given)))
  await expect(responded).rejects.toThrow(message)
  await expect(responded).rejects.toBeInstanceOf(UserError)
})

test('a prompt that fills the context', async () => {
  const { model } = scripted(renderer, '3')
  await expect(all(model.respond(ask('1'.repeat(2000))))).rejects.toBeInstanceOf(PromptTooLong)
})

test('the stop string before which a response ended, and the length of a prompt', async () => {
  const { model } = scripted(renderer, ' <think>a</think><answer>3</answer>')
  const { end } = await collect(model.respond(ask('1+2?', { stop: ['nothing', '<answer>'] })))
  expect(end.stop).toBe('<answer>')
  expect((await collect(model.respond(ask('1+2?', { stop: ['nothing'] })))).end.stop).toBeNull()
  expect(await model.countPrompt!({ messages: ask('1+2?').messages })).toBe(end.usage.promptTokens)
})
