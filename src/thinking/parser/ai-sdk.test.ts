import { extractReasoningMiddleware, generateText, streamText, wrapLanguageModel } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import { thinkingMiddleware } from './ai-sdk.ts'
import type { ParserOptions } from './parser.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const finishReason = { unified: 'stop' as const, raw: 'stop' }

/** A model that writes these chunks. */
const writing = (chunks: readonly string[]) =>
  new MockLanguageModelV3({
    doGenerate: async () => ({
      content: [{ type: 'text', text: chunks.join('') }],
      finishReason,
      usage,
      warnings: [],
    }),
    doStream: async () => ({
      stream: convertArrayToReadableStream([
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: '1' },
        ...chunks.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason, usage },
      ]),
    }),
  })

type Middleware = Parameters<typeof wrapLanguageModel>[0]['middleware']

async function generated(chunks: readonly string[], middleware: Middleware) {
  const model = wrapLanguageModel({ model: writing(chunks), middleware })
  const { reasoningText = null, text } = await generateText({ model, prompt: '?' })
  return { reasoning: reasoningText, text }
}

async function streamed(chunks: readonly string[], middleware: Middleware) {
  const model = wrapLanguageModel({ model: writing(chunks), middleware })
  const result = streamText({ model, prompt: '?' })
  const types: string[] = []
  for await (const part of result.fullStream) {
    if (part.type === 'error') throw part.error
    if (/^(text|reasoning)-(start|end)$/.test(part.type)) types.push(part.type)
  }
  const { reasoningText = null, text } = {
    reasoningText: await result.reasoningText,
    text: await result.text,
  }
  return { reasoning: reasoningText ?? null, text, types }
}

const T = ['reasoning-start', 'reasoning-end']
const A = ['text-start', 'text-end']

describe.each<[string, string, string | null, string, string[], ParserOptions?]>([
  ['thinking, then an answer', '<think>\na\n</think>\n\nb', 'a', 'b', [...T, ...A]],
  ['no thinking', 'b', null, 'b', A],
  ['empty thinking', '<think>\n\n</think>\n\nb', null, 'b', A],
  ['thinking that never ends', '<think>a', 'a', '', T],
  ['several blocks', '<think>a</think>b<think>c</think>d', 'a\nc', 'b\nd', [...T, ...A, ...T, ...A]],
  [
    'tags in code',
    'Use `<think>`: \n```\n<think>a</think>\n```',
    null,
    'Use `<think>`: \n```\n<think>a</think>\n```',
    A,
  ],
  ['opened by the prompt', 'a</think>b', 'a', 'b', [...T, ...A], { opened: true }],
  ['another format', '[THINK]a[/THINK]b', 'a', 'b', [...T, ...A], { format: 'magistral' }],
  ['nothing', '', null, '', A],
])('%s', (_, text, reasoning, answer, types, options) => {
  const middleware = thinkingMiddleware(options)

  test('generated', async () => {
    expect(await generated([text], middleware)).toEqual({ reasoning, text: answer })
  })

  test('streamed, cut anywhere', async () => {
    for (let i = 0; i <= text.length; i++) {
      const chunks = [text.slice(0, i), text.slice(i)].filter((chunk) => chunk !== '')
      expect(await streamed(chunks, middleware)).toEqual({ reasoning, text: answer, types })
    }
    expect(await streamed(text.split(''), middleware)).toEqual({ reasoning, text: answer, types })
  })
})

test.each([['<think>a</think>b'], ['<think>a</think>b<think>c</think>d'], ['<think>a'], ['b']])(
  '%j as the SDK itself splits it when it streams',
  async (text) => {
    const theirs = await streamed([text], extractReasoningMiddleware({ tagName: 'think' }))
    const ours = await streamed([text], thinkingMiddleware())
    // the SDK joins blocks of thinking without their separator
    expect([ours.reasoning?.replace(/\n/g, ''), ours.text]).toEqual([
      theirs.reasoning?.replace(/\n/g, ''),
      theirs.text,
    ])
  },
)

test.each([
  ['tags in code', 'Use `<think>` to think.', null, 'Use `<think>` to think.'],
  ['tags in a quotation', 'She wrote "<think>".', null, 'She wrote "<think>".'],
  ['an unclosed block, not streamed', '<think>a', 'a', ''],
  ['opened by the prompt, not streamed, nobody said so', 'a</think>b', 'a', 'b'],
])('where the SDK itself goes wrong: %s', async (_, text, reasoning, answer) => {
  const theirs = await generated([text], extractReasoningMiddleware({ tagName: 'think' }))
  const streamedTheirs = await streamed([text], extractReasoningMiddleware({ tagName: 'think' }))
  const right = { reasoning, text: answer }
  expect([theirs, { reasoning: streamedTheirs.reasoning, text: streamedTheirs.text }]).not.toEqual([
    right,
    right,
  ])
  expect(await generated([text], thinkingMiddleware())).toEqual(right)
})

test('a response of a model of version 2', async () => {
  const doGenerate = async () => ({
    content: [{ type: 'text' as const, text: '<think>a</think>b' }],
    finishReason: 'stop' as const,
    usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    warnings: [],
  })
  expect(await thinkingMiddleware().wrapGenerate({ doGenerate })).toEqual({
    ...(await doGenerate()),
    content: [
      { type: 'reasoning', text: 'a' },
      { type: 'text', text: 'b' },
    ],
  })
})

test('other parts pass, and a stream that stops in the middle of a text still gives out all of it', async () => {
  const stream = convertArrayToReadableStream<unknown>([
    { type: 'text-start', id: '1', providerMetadata: { x: { y: 1 } } },
    { type: 'text-delta', id: '1', delta: '<think>a</think>b <thi' },
    { type: 'tool-call', toolCallId: '1', toolName: 'f', input: '{}' },
    { type: 'error', error: 'gone' },
  ])
  const { stream: split } = await thinkingMiddleware().wrapStream({ doStream: async () => ({ stream }) })
  const found: unknown[] = []
  for await (const part of split as AsyncIterable<unknown>) found.push(part)
  expect(found).toEqual([
    { type: 'reasoning-start', id: '1-reasoning-0' },
    { type: 'reasoning-delta', id: '1-reasoning-0', delta: 'a' },
    { type: 'reasoning-end', id: '1-reasoning-0' },
    { type: 'text-start', id: '1', providerMetadata: { x: { y: 1 } } },
    { type: 'text-delta', id: '1', delta: 'b ' },
    { type: 'tool-call', toolCallId: '1', toolName: 'f', input: '{}' },
    { type: 'text-delta', id: '1', delta: '<thi' },
    { type: 'text-end', id: '1' },
    { type: 'error', error: 'gone' },
  ])
})
