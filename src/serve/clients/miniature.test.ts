import { fileURLToPath } from 'node:url'
import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLocalTextModel } from '../../providers/local/text-model.ts'
import { startServer, type TestServer } from '../../testing/servers/fake-server.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextModel } from '../../thinking/model.ts'
import { openResponder } from '../respond/responder.ts'

/* The miniature behind a real socket. */

let model: TextModel
let server: TestServer
beforeAll(async () => {
  const folder = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
  model = await openLocalTextModel({ model: folder, schedule: 'continuous', threads: 2 })
  const { withWish } = await openResponder(model)
  server = await startServer(model, { names: ['miniature'], withWish, limits: { running: 64 } })
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

const [question, maxTokens] = ['Compute 17+25.', 80]
const messages = [{ role: 'user' as const, content: question }]
const asked = { model: 'miniature', messages, temperature: 0, max_tokens: maxTokens }
/** What depends on the requests before. */
const uncached = {
  prompt_tokens_details: undefined,
  prompt_cache_hit_tokens: undefined,
  prompt_cache_miss_tokens: undefined,
}
const direct = () => collect(model.respond({ messages, maxTokens, temperature: 0, seed: 0 }))

it('is read alike by every client, streamed or not', async () => {
  const { thinking, answer, end } = await direct()
  const { promptTokens, completionTokens, thinkingTokens } = end.usage
  const expected = { thinking, answer: answer ?? '', promptTokens, completionTokens }
  expect(thinkingTokens).toBeGreaterThan(0)
  expect(expected.answer).not.toBe('')

  const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
  const whole = await openai.chat.completions.create(asked)
  const { message } = whole.choices[0]!
  expect({
    thinking: (message as { reasoning_content?: string }).reasoning_content,
    answer: message.content,
    promptTokens: whole.usage!.prompt_tokens,
    completionTokens: whole.usage!.completion_tokens,
  }).toEqual(expected)
  expect(whole.usage!.completion_tokens_details!.reasoning_tokens).toBe(thinkingTokens)

  const anthropic = new Anthropic({ baseURL: server.url, apiKey: 'none' })
  const { content, usage } = await anthropic.messages.stream(asked).finalMessage()
  expect({
    thinking: content[0]?.type === 'thinking' && content[0].thinking,
    answer: content[1]?.type === 'text' && content[1].text,
    promptTokens: usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
    completionTokens: usage.output_tokens,
  }).toEqual(expected)

  const ollama = new Ollama({ host: server.url })
  const options = { temperature: 0, num_predict: maxTokens }
  const told = await ollama.chat({ model: 'miniature', messages, think: true, options })
  expect({
    thinking: told.message.thinking,
    answer: told.message.content,
    promptTokens: told.prompt_eval_count,
    completionTokens: told.eval_count,
  }).toEqual(expected)
})

it('keeps to a budget of thinking and to a stop sequence', async () => {
  const anthropic = new Anthropic({ baseURL: server.url, apiKey: 'none' })
  const stopped = await anthropic.messages.create({ ...asked, stop_sequences: ['<answer>'] })
  expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '<answer>' })
  expect(stopped.content.map(({ type }) => type)).toEqual(['thinking'])
  const thinking = { type: 'enabled' as const, budget_tokens: 4 }
  const cut = await anthropic.messages.create({ ...asked, thinking })
  expect(cut.usage.output_tokens_details!.thinking_tokens).toBeLessThanOrEqual(8)
  expect(cut.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
})

it('does not think where it is asked not to', async () => {
  const anthropic = new Anthropic({ baseURL: server.url, apiKey: 'none' })
  const { content } = await anthropic.messages.create({ ...asked, thinking: { type: 'disabled' } })
  expect(content.map(({ type }) => type)).toEqual(['text'])
  const ollama = new Ollama({ host: server.url })
  const { message } = await ollama.chat({
    model: 'miniature',
    messages,
    think: false,
    options: { temperature: 0 },
  })
  expect(message).toEqual({ role: 'assistant', content: content[0]!.type === 'text' ? content[0]!.text : '' })
  const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
  const { choices } = await openai.chat.completions.create({ ...asked, reasoning_effort: 'none' })
  expect(choices[0]!.message.content).toBe(message.content)
})

it('answers a greedy request alike, alone or among 63 others', async () => {
  const ask = async (number: number): Promise<unknown> => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...asked,
        messages: [{ role: 'user', content: `What is ${number} + ${3 * number}?` }],
      }),
    })
    const { choices, usage } = (await response.json()) as { choices: { message: object }[]; usage: object }
    return [choices[0]!.message, { ...usage, ...uncached }]
  }
  const numbers = Array.from({ length: 64 }, (_, index) => index + 5)
  const together = await Promise.all(numbers.map(ask))
  for (const [index, number] of numbers.entries()) expect(await ask(number)).toEqual(together[index])
  // the miniature has few answers, but not one
  expect(new Set(together.map((one) => JSON.stringify(one))).size).toBeGreaterThan(16)
})
