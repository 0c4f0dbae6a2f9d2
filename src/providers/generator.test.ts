import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { UserError } from '../common/errors.ts'
import type { SampleOptions, Sampler } from '../engines/contract.ts'
import { Renderer } from '../renderer/renderer.ts'
import { generatorOf } from './generator.ts'
import { localTextModel, openLocalTextModel } from './local/text-model.ts'

const base = fileURLToPath(new URL('../../models/miniature-base', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ruminate-local-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const renderer = Renderer.load(base, { template: 'chat' })
const question = [{ role: 'user', content: '1+2?' }]

/** Writes `response`, and notes what it is asked. */
function scripted(of: Renderer, response: string, stopReason: 'stop' | 'length' = 'stop') {
  const asked: { prompt: string; options: SampleOptions }[] = []
  const sampler: Sampler = {
    async sample(prompt, options) {
      asked.push({ prompt: of.decode(prompt), options })
      const written = [...of.encode(response), ...(stopReason === 'stop' ? [of.endOfText] : [])]
      for (const token of written) options.onToken?.(0, token)
      const logprobs = new Float32Array(written.length)
      return [{ tokens: Int32Array.from(written), logprobs, samplingLogprobs: logprobs, stopReason }]
    },
    close: async () => {},
  }
  return { sampler, asked }
}
const sampling = { temperature: 1, topK: 20, topP: 0.9, minP: 0.05 }
const settings = { maxTokens: 20, ...sampling }
const generatorWith = (sampler: Sampler, of: Renderer, maxPositions = 1024) =>
  generatorOf(localTextModel(sampler, { name: 'm', renderer: of, maxPositions, identity: 'w' }), settings)

test.each<[string, 'stop' | 'length', string, string | null]>([
  [' <think>\n1+2=3\n</think>\n3', 'stop', '3', '1+2=3'],
  [' 3', 'stop', '3', null],
  [' <think>1+2', 'length', '', '1+2'],
])('%j, %s', async (response, finishReason, text, reasoning) => {
  const { sampler, asked } = scripted(renderer, response, finishReason)
  const generator = generatorWith(sampler, renderer)
  const reply = await generator.generate(question, { seed: 3 })
  expect(reply).toMatchObject({ text, reasoning, finishReason })
  expect(asked[0]!.prompt).toBe(renderer.chatPrompt(question).text)
  expect(asked[0]!.options).toMatchObject({ n: 1, maxTokens: 20, ...sampling, seed: 3 })
  expect(generator.spent()).toMatchObject({ calls: 1, cost: null, ...reply.usage })
})

test('a prompt that fills the context', async () => {
  const { sampler, asked } = scripted(renderer, '3')
  const prompt = renderer.chatPrompt(question).tokens.length
  const of = (maxPositions: number) => generatorWith(sampler, renderer, maxPositions)
  await of(prompt + 5).generate(question, { seed: 0 })
  expect(asked[0]!.options.maxTokens).toBe(5)
  await expect(of(prompt).generate(question, { seed: 0 })).rejects.toThrow(UserError)
})

test('the arguments of the template belong to the identity', () => {
  const identityWith = (values?: Record<string, unknown>) =>
    generatorWith(
      scripted(renderer, '3').sampler,
      Renderer.load(base, { template: 'chat', chat: values && { arguments: values } }),
    ).identity
  expect(identityWith({})).toBe(identityWith())
  expect(identityWith({ enable_thinking: false })).not.toBe(identityWith())
  expect(identityWith({ enable_thinking: false })).not.toBe(identityWith({ enable_thinking: true }))
})

test('a model without a chat template', async () => {
  const folder = join(root, 'bare')
  cpSync(base, folder, { recursive: true })
  const file = join(folder, 'tokenizer_config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), chat_template: null }))
  const opened = openLocalTextModel({ model: folder, threads: 1, template: 'chat' })
  await expect(opened).rejects.toThrow('has no chat template')
})

test('a model folder: the same seed gives the same reply', async () => {
  const model = await openLocalTextModel({ model: base, threads: 1, template: 'chat' })
  const generator = generatorOf(model, { maxTokens: 8, temperature: 1 })
  try {
    const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => generator.generate(question, { seed })))
    expect(a).toEqual(b)
    expect(c).not.toEqual(a)
    expect(generator.spent()).toMatchObject({ calls: 3 })
    expect(generator.identity).toMatch(/^\["\[\\"[0-9a-f]{64}\\"/)
  } finally {
    await generator.close()
  }
})
