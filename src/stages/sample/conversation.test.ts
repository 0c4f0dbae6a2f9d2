import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Sampler } from '../../engines/contract.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { r1ZeroPrompt } from '../../thinking/template.ts'
import { Conversation } from './conversation.ts'

const base = fileURLToPath(new URL('../../../models/miniature-base', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ruminate-conversation-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The miniature's tokenizer with another chat template. */
function tokenizerWith(name: string, template: string | null): Renderer {
  const folder = join(root, name)
  cpSync(base, folder, { recursive: true })
  const file = join(folder, 'tokenizer_config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), chat_template: template }))
  return Renderer.load(folder)
}

const LINES = (opening: string): string =>
  `{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]${opening}{% endif %}`
const miniature = Renderer.load(base)
const bare = tokenizerWith('bare', null)
const instruct = tokenizerWith('instruct', LINES(''))
const opening = tokenizerWith('opening', LINES('<think>\n'))

/** A sampler with prepared responses, which records the prompts. */
function scripted(tokenizer: Renderer, ...responses: string[]) {
  const prompts: string[] = []
  const limits: number[] = []
  const sampler: Sampler = {
    async sample(prompt, { maxTokens, onToken }) {
      prompts.push(tokenizer.decode(prompt))
      limits.push(maxTokens)
      for (const token of tokenizer.encode(responses.shift()!)) onToken?.(0, token)
      onToken?.(0, tokenizer.endOfText)
      return []
    },
    close: async () => {},
  }
  return { sampler, prompts, limits }
}

const options = { maxTokens: 50, temperature: 0, seed: 0 }
const room = { maxPositions: 1024 }

test.each([
  ['the miniature', miniature],
  ['a model without a chat template', bare],
])('%s gets each question on its own, in R1-Zero’s template', async (_, tokenizer) => {
  const { sampler, prompts } = scripted(tokenizer, ' <think>a</think><answer>3</answer>', ' <think>hm')
  const conversation = new Conversation(sampler, tokenizer, room)
  expect(conversation.remembers).toBe(false)
  expect(await conversation.ask('1+2?', options)).toEqual({
    text: ' <think>a</think><answer>3</answer>',
    thinking: 'a',
    answer: '3',
  })
  expect(await conversation.ask('And 2+2?', options)).toMatchObject({ thinking: 'hm', answer: null })
  expect(prompts).toEqual([r1ZeroPrompt('1+2?'), r1ZeroPrompt('And 2+2?')])
})

describe('a model with a chat template', () => {
  test('sees the whole conversation, without earlier thinking, until it is reset', async () => {
    const { sampler, prompts } = scripted(instruct, '<think>a</think>\n3', '4', '5')
    const conversation = new Conversation(sampler, instruct, room)
    expect(conversation.remembers).toBe(true)
    expect(await conversation.ask('1+2?', options)).toMatchObject({ thinking: 'a', answer: '3' })
    expect(await conversation.ask('Plus 1?', options)).toMatchObject({ thinking: null, answer: '4' })
    conversation.reset()
    await conversation.ask('2+3?', options)
    expect(prompts).toEqual([
      '[user]1+2?[assistant]',
      '[user]1+2?[assistant]3[user]Plus 1?[assistant]',
      '[user]2+3?[assistant]',
    ])
  })

  test.each([
    ['a</think>3', 'a', '3'],
    ['a, and on', 'a, and on', null],
    ['', '', null],
  ])('with a template that opens the thinking: %j', async (response, thinking, answer) => {
    const { sampler } = scripted(opening, response)
    expect(await new Conversation(sampler, opening, room).ask('?', options)).toMatchObject({
      thinking,
      answer,
    })
  })

  test('a reply stays within the context, and a question that does not fit leaves the conversation unchanged', async () => {
    const { sampler, prompts, limits } = scripted(instruct, '3', '4')
    const length = instruct.encode('[user]1+2?[assistant]').length
    const conversation = new Conversation(sampler, instruct, { maxPositions: length + 7 })
    await conversation.ask('1+2?', options)
    expect(limits).toEqual([7])
    await expect(conversation.ask('And what is 1+2+3+4+5?', options)).rejects.toThrow(
      /\/reset starts a new conversation/,
    )
    conversation.reset()
    await conversation.ask('2+2?', options)
    expect(prompts.at(-1)).toBe('[user]2+2?[assistant]')
  })
})

test.each([
  [miniature, ' <think>ab</think><answer>3</answer>', ' <think>ab</think>'],
  [instruct, 'Just 3.', ''],
  [opening, 'ab</think>3', 'ab</think>'],
])('the stream marks which pieces are thinking', async (tokenizer, response, dimmed) => {
  const { sampler } = scripted(tokenizer, response)
  const pieces: [string, boolean][] = []
  await new Conversation(sampler, tokenizer, room).ask('?', options, (piece, isThinking) =>
    pieces.push([piece, isThinking]),
  )
  expect(pieces.map(([piece]) => piece).join('')).toBe(response)
  const thinking = pieces.filter(([, isThinking]) => isThinking).map(([piece]) => piece)
  expect(thinking.join('').trim()).toBe(dimmed.trim())
})

test('an empty question is refused, and the conversation goes on', async () => {
  const { sampler, prompts } = scripted(instruct, '3')
  const conversation = new Conversation(sampler, instruct, room)
  for (const question of ['', ' \n\t'])
    await expect(conversation.ask(question, options)).rejects.toThrow('the message is empty')
  await conversation.ask('1+2?', options)
  expect(prompts).toEqual(['[user]1+2?[assistant]'])
})
