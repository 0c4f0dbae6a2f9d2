import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { type AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { ChatDeepSeek } from '@langchain/deepseek'
import { ChatOllama } from '@langchain/ollama'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'

/* Four of LangChain's models against a real socket. */

let server: ServedModel
beforeAll(async () => {
  server = await serveModel()
})
afterAll(() => server.close())

interface Given {
  readonly model: string
  readonly apiKey: string
}
interface Provider {
  readonly open: (given: Given) => BaseChatModel
  /** Where it keeps the thinking of a message. */
  readonly thinking: (message: AIMessageChunk) => unknown
  /** Does it read the number of thinking tokens? */
  readonly countsThinking: boolean
  /** Does it close its connection when it is aborted? */
  readonly leaves?: boolean
}
const fields = { maxRetries: 0 }
const extra = ({ additional_kwargs }: AIMessageChunk): unknown => additional_kwargs.reasoning_content
const providers: Record<string, Provider> = {
  ChatOpenAI: {
    open: (given) => new ChatOpenAI({ ...fields, ...given, configuration: { baseURL: `${server.url}/v1` } }),
    thinking: extra,
    countsThinking: true,
  },
  'ChatOpenAI with responses': {
    open: (given) =>
      new ChatOpenAI({
        ...fields,
        ...given,
        useResponsesApi: true,
        configuration: { baseURL: `${server.url}/v1` },
      }),
    thinking: ({ contentBlocks }) =>
      contentBlocks.flatMap((block) => (block.type === 'reasoning' ? [block.reasoning] : [])).join(''),
    countsThinking: true,
  },
  ChatDeepSeek: {
    open: (given) => new ChatDeepSeek({ ...fields, ...given, configuration: { baseURL: server.url } }),
    thinking: extra,
    countsThinking: true,
  },
  ChatAnthropic: {
    open: (given) => new ChatAnthropic({ ...fields, ...given, maxTokens: 2000, anthropicApiUrl: server.url }),
    thinking: ({ content }) =>
      (content as { thinking?: string }[]).map(({ thinking }) => thinking ?? '').join(''),
    countsThinking: false,
  },
  ChatOllama: {
    open: ({ model, apiKey }) =>
      new ChatOllama({
        ...fields,
        model,
        baseUrl: server.url,
        headers: new Headers({ authorization: `Bearer ${apiKey}` }),
      }),
    thinking: extra,
    countsThinking: false,
    leaves: false,
  },
}
const add = {
  name: 'add',
  description: 'Adds',
  schema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
}

describe.each(Object.entries(providers))('%s', (_, { open, thinking, countsThinking, leaves = true }) => {
  const model = (given: Partial<Given> = {}) => open({ model: 'fake', apiKey: KEY, ...given })
  const usage = {
    input_tokens: USAGE.prompt,
    output_tokens: USAGE.completion,
    total_tokens: USAGE.prompt + USAGE.completion,
    ...(countsThinking ? { output_token_details: { reasoning: USAGE.thinking } } : {}),
  }

  it('reads thinking apart from the answer', async () => {
    const message = await model().invoke([new SystemMessage('Be brief.'), new HumanMessage('2 + 2?')])
    expect(message.text).toBe(ANSWER)
    expect(thinking(message)).toBe(THINKING)
    expect(message.usage_metadata).toMatchObject(usage)
    expect(server.requests.at(-1)!.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '2 + 2?' },
    ])
  })

  it('streams the same', async () => {
    let whole: AIMessageChunk | undefined
    for await (const chunk of await model().stream('2 + 2?')) whole = whole?.concat(chunk) ?? chunk
    expect(whole!.text).toBe(ANSWER)
    expect(thinking(whole!)).toBe(THINKING)
    expect(whole!.usage_metadata).toMatchObject(usage)
  })

  it('uses a tool and goes on', async () => {
    const withTools = model().bindTools!([add])
    const question = new HumanMessage('2 + 2?')
    const message = (await withTools.invoke([question])) as AIMessageChunk
    expect(message.tool_calls).toMatchObject([{ name: 'add', args: { a: 2, b: 2 } }])
    const answered = await withTools.invoke([
      question,
      message,
      new ToolMessage({ content: '4', tool_call_id: message.tool_calls![0]!.id!, name: 'add' }),
    ])
    expect(answered.text).toBe(ANSWER)
    expect(server.requests.at(-1)!.messages.slice(1)).toMatchObject([
      { role: 'assistant', tool_calls: [{ function: { name: 'add', arguments: { a: 2, b: 2 } } }] },
      { role: 'tool', content: '4' },
    ])
  })

  it.each<[string, Partial<Given>, string, RegExp]>([
    ['a wrong key', { apiKey: 'wrong' }, '2 + 2?', /key/],
    ['another model', { model: 'other' }, '2 + 2?', /other/],
    ['a long prompt', {}, 'long', /9999 tokens/],
    ['a failure', {}, 'break', /failed to respond/],
  ])('%s', async (_, given, content, message) => {
    await expect(model(given).invoke(content)).rejects.toThrow(message)
  })

  it('fails within a stream', async () => {
    await expect(async () => {
      for await (const _ of await model().stream('break'));
    }).rejects.toThrow(/failed to respond/)
  })

  it('stops the work when it is aborted', async () => {
    const controller = new AbortController()
    await expect(async () => {
      for await (const _ of await model().stream('forever', { signal: controller.signal })) controller.abort()
    }).rejects.toThrow()
    if (leaves) await server.idle()
  })
})

it('ChatOllama is told the thinking apart from the answer where it asked for it', async () => {
  const model = new ChatOllama({
    model: 'fake',
    baseUrl: server.url,
    think: true,
    headers: new Headers({ authorization: `Bearer ${KEY}` }),
  })
  let whole: AIMessageChunk | undefined
  for await (const chunk of await model.stream('2 + 2?')) whole = whole?.concat(chunk) ?? chunk
  expect(whole!.additional_kwargs.reasoning_content).toBe(THINKING)
  expect(server.requests.at(-1)!.thinking).toBe(true)
})
