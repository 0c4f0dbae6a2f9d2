import { createAnthropic } from '@ai-sdk/anthropic'
import { createDeepSeek } from '@ai-sdk/deepseek'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, type LanguageModel, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'

/* The AI SDK with three of its providers against a real socket. */

let server: ServedModel
beforeAll(async () => {
  server = await serveModel()
})
afterAll(() => server.close())

type Open = (model?: string, apiKey?: string) => LanguageModel
const providers: [string, Open][] = [
  [
    'openai-compatible',
    (model = 'fake', apiKey = KEY) =>
      createOpenAICompatible({ name: 'ruminate', baseURL: `${server.url}/v1`, apiKey, includeUsage: true })(
        model,
      ),
  ],
  ['deepseek', (model = 'fake', apiKey = KEY) => createDeepSeek({ baseURL: server.url, apiKey })(model)],
  [
    'anthropic',
    (model = 'fake', apiKey = KEY) => createAnthropic({ baseURL: `${server.url}/v1`, apiKey })(model),
  ],
]
const add = tool({
  description: 'Adds',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a + b,
})

describe.each(providers)('%s', (name, open) => {
  const usage = {
    inputTokens: USAGE.prompt,
    outputTokens: USAGE.completion,
    outputTokenDetails: { reasoningTokens: USAGE.thinking },
  }
  const asking = (prompt: string) => ({ model: open(), prompt, maxRetries: 0 })

  it('reads thinking apart from the answer', async () => {
    const result = await generateText({ ...asking('2 + 2?'), system: 'Be brief.', maxOutputTokens: 99 })
    expect(result).toMatchObject({ text: ANSWER, reasoningText: THINKING, finishReason: 'stop', usage })
    expect(server.requests.at(-1)).toMatchObject({
      maxTokens: 99,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: '2 + 2?' },
      ],
    })
  })

  it('streams the same', async () => {
    const result = streamText(asking('2 + 2?'))
    let streamed = ''
    for await (const delta of result.textStream) streamed += delta
    expect(streamed).toBe(ANSWER)
    expect(await result.reasoningText).toBe(THINKING)
    expect(await result.finishReason).toBe('stop')
    expect(await result.usage).toMatchObject(usage)
  })

  it('is cut off', async () => {
    expect(await generateText(asking('cut'))).toMatchObject({
      reasoningText: THINKING,
      finishReason: 'length',
    })
  })

  it('uses a tool and goes on', async () => {
    const options = { tools: { add }, stopWhen: stepCountIs(3) }
    const result = await generateText({ ...asking('2 + 2?'), ...options })
    expect(result.steps).toMatchObject([
      { finishReason: 'tool-calls', toolResults: [{ toolName: 'add', input: { a: 2, b: 2 }, output: 4 }] },
      { finishReason: 'stop', text: ANSWER },
    ])
    const [, said, answered] = server.requests.at(-1)!.messages
    expect(said).toMatchObject({ role: 'assistant', reasoning_content: THINKING })
    expect(answered).toMatchObject({ role: 'tool', content: '4' })
    const streamed = streamText({ ...asking('2 + 2?'), ...options })
    expect(await streamed.text).toBe(ANSWER)
    expect((await streamed.steps).length).toBe(2)
  })

  it.each<[string, Parameters<Open>, string, number]>([
    ['a wrong key', ['fake', 'wrong'], '2 + 2?', 401],
    ['another model', ['other'], '2 + 2?', 404],
    ['a long prompt', [], 'long', 400],
    ['a failure', [], 'break', 500],
  ])('%s', async (_, model, prompt, statusCode) => {
    const error = await generateText({ ...asking(prompt), model: open(...model) }).catch(
      (error: unknown) => error,
    )
    expect(APICallError.isInstance(error)).toBe(true)
    // a message of the server, which the provider found in its shape of error
    expect(error).toMatchObject({ statusCode, message: expect.stringMatching(/key|"other"|9999|failed/) })
  })

  it('fails within a stream', async () => {
    const errors: unknown[] = []
    const result = streamText({ ...asking('break'), onError: ({ error }) => void errors.push(error) })
    for await (const _ of result.textStream) expect.unreachable(`${name} wrote an answer`)
    expect(errors).toHaveLength(1)
  })

  it('stops the work when it is aborted', async () => {
    const controller = new AbortController()
    const result = streamText({ ...asking('forever'), abortSignal: controller.signal })
    for await (const { type } of result.fullStream) if (type === 'reasoning-delta') controller.abort()
    await server.idle()
  })
})

it('budgets of thinking', async () => {
  const [, , [, open]] = providers as [unknown, unknown, [string, Open]]
  await generateText({
    model: open(),
    prompt: '2 + 2?',
    providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
  })
  expect(server.requests.at(-1)).toMatchObject({ thinking: true })
})
