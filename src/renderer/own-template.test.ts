import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { R1_ZERO_TEMPLATE, r1ZeroPrompt } from '../thinking/r1/template.ts'
import type { ChatMessage } from './messages.ts'
import { Renderer } from './renderer.ts'

const miniature = fileURLToPath(new URL('../../models/miniature-base', import.meta.url))
const system = R1_ZERO_TEMPLATE.split(' User:')[0]!

describe('the chat template of our own models', () => {
  const user = (content: string): ChatMessage => ({ role: 'user', content })
  const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
  const render = (
    messages: ChatMessage[],
    { enableThinking, ...options }: { addGenerationPrompt?: boolean; enableThinking?: boolean } = {},
  ) => {
    const settings = { arguments: enableThinking === undefined ? {} : { enable_thinking: enableThinking } }
    return Renderer.load(miniature, { chat: settings }).chat.render(messages, options)
  }
  const question = 'What is 3 + 4?'

  it.each([question, ' Use + - to fill 8 ? 6 = 2. ', "It's {{ 1 }} 100%."])(
    'is the R1-Zero prompt for one question: %j',
    (text) => expect(render([user(text)], { addGenerationPrompt: true })).toBe(r1ZeroPrompt(text)),
  )

  it.each<[string, ChatMessage[], object, string]>([
    [
      'a system message replaces the default',
      [{ role: 'system', content: 'Be brief.' }, user('Hi.')],
      {},
      'Be brief. User: Hi. Assistant:',
    ],
    [
      'earlier thinking is dropped, the latest kept',
      [
        user('A'),
        assistant('<think>\nold\n</think>\n<answer>1</answer>'),
        user('B'),
        assistant('<think>new</think>2'),
      ],
      {},
      `${system} User: A. Assistant: <answer>1</answer><|endoftext|>\nUser: B. Assistant: <think>new</think>2<|endoftext|>`,
    ],
    [
      'thinking in reasoning_content is put back',
      [user('A'), { role: 'assistant', content: '2', reasoning_content: 'one' }],
      {},
      `${system} User: A. Assistant: <think>\none\n</think>\n2<|endoftext|>`,
    ],
    [
      'thinking switched off',
      [user('A')],
      { addGenerationPrompt: true, enableThinking: false },
      `${system} User: A. Assistant: <think>\n\n</think>\n`,
    ],
  ])('%s', (_, messages, options, expected) => {
    expect(render(messages, options)).toBe(expected)
  })

  it.each<[ChatMessage[], string]>([
    [[user('A'), { role: 'system', content: 'B' }], 'A system message must be the first message.'],
    [[{ role: 'tool', content: 'B' }], 'Unknown role: tool'],
  ])('refuses %j', (messages, problem) => {
    expect(() => render(messages)).toThrow(problem)
  })
})
