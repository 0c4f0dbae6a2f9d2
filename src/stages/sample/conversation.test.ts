import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Sampler } from '../../engines/contract.ts'
import { localTextModel } from '../../providers/local/text-model.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { type FakeResponse, fakeTextModel } from '../../testing/fakes/fake-text-model.ts'
import type { TextModel } from '../../thinking/model.ts'
import { r1ZeroPrompt } from '../../thinking/r1/template.ts'
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

/** A model with prepared responses, and the prompts and longest responses that its sampler was called with. */
function scripted(renderer: Renderer, ...responses: string[]) {
  return within(1024, renderer, ...responses)
}

function within(maxPositions: number, renderer: Renderer, ...responses: string[]) {
  const prompts: string[] = []
  const limits: number[] = []
  const sampler: Sampler = {
    async sample(prompt, { maxTokens, onToken }) {
      prompts.push(renderer.decode(prompt))
      limits.push(maxTokens)
      const tokens = Int32Array.of(...renderer.encode(responses.shift()!), renderer.endOfText)
      for (const token of tokens) onToken?.(0, token)
      const logprobs = new Float32Array(tokens.length)
      return [{ tokens, logprobs, samplingLogprobs: logprobs, stopReason: 'stop' }]
    },
    close: async () => {},
  }
  const model = localTextModel(sampler, { name: 'scripted', identity: 'scripted', renderer, maxPositions })
  return { model, prompts, limits }
}

const options = { maxTokens: 50, temperature: 0, seed: 0 }

test.each([
  ['the miniature', miniature],
  ['a model without a chat template', bare],
])('%s gets each question on its own, in R1-Zero’s template', async (_, renderer) => {
  const { model, prompts } = scripted(renderer, ' <think>a</think><answer>3</answer>', ' <think>hm')
  const conversation = new Conversation(model)
  expect(conversation.remembers).toBe(false)
  expect(await conversation.ask('1+2?', options)).toMatchObject({
    thinking: 'a',
    answer: '3',
    end: { text: ' <think>a</think><answer>3</answer>' },
  })
  expect(await conversation.ask('And 2+2?', options)).toMatchObject({ thinking: 'hm', answer: null })
  expect(prompts).toEqual([r1ZeroPrompt('1+2?'), r1ZeroPrompt('And 2+2?')])
})

describe('a model with a chat template', () => {
  test('sees the whole conversation, without earlier thinking, until it is reset', async () => {
    const { model, prompts } = scripted(instruct, '<think>a</think>\n3', '4', '5')
    const conversation = new Conversation(model)
    expect(conversation.remembers).toBe(true)
    expect(await conversation.ask('1+2?', options)).toMatchObject({ thinking: 'a', answer: '3' })
    expect(await conversation.ask('Plus 1?', options)).toMatchObject({ thinking: null, answer: '4' })
    conversation.reset()
    conversation.system = 'be brief'
    await conversation.ask('2+3?', options)
    expect(prompts).toEqual([
      '[user]1+2?[assistant]',
      '[user]1+2?[assistant]3[user]Plus 1?[assistant]',
      '[system]be brief[user]2+3?[assistant]',
    ])
  })

  test.each([
    ['a</think>3', 'a', '3'],
    ['a, and on', 'a, and on', null],
    ['', null, null],
  ])('with a template that opens the thinking: %j', async (response, thinking, answer) => {
    const { model } = scripted(opening, response)
    expect(await new Conversation(model).ask('?', options)).toMatchObject({ thinking, answer })
  })

  test('a reply stays within the context, and a question that does not fit leaves the conversation unchanged', async () => {
    const length = instruct.encode('[user]1+2?[assistant]').length
    const { model, prompts, limits } = within(length + 7, instruct, '3', '4')
    const conversation = new Conversation(model)
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
  [miniature, ' <think>ab</think><answer>3</answer>', 'ab', '3'],
  [instruct, 'Just 3.', '', 'Just 3.'],
  [opening, 'ab</think>3', 'ab', '3'],
])('the events say what is thinking', async (renderer, response, thinking, answer) => {
  const { model } = scripted(renderer, response)
  const text = { thinking: '', answer: '' }
  await new Conversation(model).ask('?', options, (event) => {
    if (event.type === 'thinking' || event.type === 'answer') text[event.type] += event.text
  })
  expect(text).toEqual({ thinking, answer })
})

test('an empty question is refused, and the conversation goes on', async () => {
  const { model, prompts } = scripted(instruct, '3')
  const conversation = new Conversation(model)
  for (const question of ['', ' \n\t'])
    await expect(conversation.ask(question, options)).rejects.toThrow('the message is empty')
  await conversation.ask('1+2?', options)
  expect(prompts).toEqual(['[user]1+2?[assistant]'])
})

describe('a reply that is aborted', () => {
  const aborting = async (pieces: FakeResponse, after: string) => {
    const model = fakeTextModel(() => pieces)
    const conversation = new Conversation(model)
    const leaving = new AbortController()
    const reply = await conversation.ask('q', { ...options, signal: leaving.signal }, (event) => {
      if ('text' in event && event.text === after) leaving.abort()
    })
    await conversation.ask('again', options)
    return { reply, seen: model.requests[1]!.messages.map(({ content }) => content) }
  }

  test('in its thinking is no part of the conversation', async () => {
    const { reply, seen } = await aborting({ thinking: ['a', 'b'], answer: ['c'] }, 'a')
    expect(reply).toMatchObject({ thinking: 'a', answer: null, end: null })
    expect(seen).toEqual(['again'])
  })

  test('in its answer is kept as far as it came', async () => {
    const { reply, seen } = await aborting({ thinking: ['a'], answer: ['c', 'd'] }, 'c')
    expect(reply).toMatchObject({ thinking: 'a', answer: 'c', end: null })
    expect(seen).toEqual(['q', 'c', 'again'])
  })
})

test('tokens that only the end of a reply tells are in its statistics', async () => {
  const fake = fakeTextModel(() => ({ thinking: ['a', 'b'], answer: ['c'] }))
  const silent: TextModel = {
    ...fake,
    async *respond(request) {
      for await (const event of fake.respond(request))
        yield 'tokens' in event ? { ...event, tokens: null } : event
    },
  }
  const { statistics } = await new Conversation(silent).ask('?', options)
  expect(statistics).toMatchObject({ thinking: { tokens: 2 }, answer: { tokens: 1 } })
})
