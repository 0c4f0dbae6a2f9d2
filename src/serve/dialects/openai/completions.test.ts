import { afterEach, describe, expect, it } from 'vitest'
import {
  ended,
  eventsIn,
  scripted,
  send,
  startServer,
  type TestServer,
} from '../../../testing/servers/fake-server.ts'
import type { TextEvent } from '../../../thinking/model.ts'

let server: TestServer
afterEach(() => server?.stop())

const post = (body: object) => send(server, '/v1/completions', { body })
const streamed = async (body: object): Promise<string[]> => {
  const { text } = await post({ ...body, stream: true })
  const texts: string[] = []
  for (const chunk of eventsIn(text).slice(0, -1) as { choices: { index: number; text: string }[] }[])
    for (const { index, text } of chunk.choices) texts[index] = (texts[index] ?? '') + text
  return texts
}
const whole = async (body: object): Promise<string[]> =>
  JSON.parse((await post(body)).text).choices.map(({ text }: { text: string }) => text)

describe('completions', () => {
  it.each<[string, string, TextEvent[], string]>([
    [
      'plain text, white space included',
      '6·7 =',
      [{ type: 'answer', text: ' 42\n', tokens: 2 }, ended({ text: ' 42\n' })],
      ' 42\n',
    ],
    [
      'thinking stays in the text',
      'Q',
      [
        { type: 'thinking', text: '\nhm\n', tokens: 1 },
        { type: 'answer', text: '\n42', tokens: 1 },
        ended({ text: '<think>\nhm\n</think>\n42' }),
      ],
      '<think>\nhm\n</think>\n42',
    ],
    [
      'thinking that the prompt opened',
      'Q<think>\n',
      [
        { type: 'thinking', text: 'hm\n', tokens: 1 },
        { type: 'answer', text: '42', tokens: 1 },
        ended({ text: 'hm\n</think>42' }),
      ],
      'hm\n</think>42',
    ],
    [
      'thinking that ends without an answer',
      'Q<think>',
      [{ type: 'thinking', text: 'hm', tokens: 1 }, ended({ text: 'hm</think>' })],
      'hm</think>',
    ],
    [
      'a provider that separates them',
      'Q',
      [{ type: 'thinking', text: 'hm', tokens: 1 }, { type: 'answer', text: '42', tokens: 1 }, ended()],
      '<think>hm</think>42',
    ],
  ])('%s', async (_, prompt, events, text) => {
    const model = scripted(() => events)
    server = await startServer(model)
    expect(await whole({ prompt })).toEqual([text])
    expect(await streamed({ prompt })).toEqual([text])
    expect(await whole({ prompt, echo: true })).toEqual([prompt + text])
    expect(await streamed({ prompt, echo: true })).toEqual([prompt + text])
    expect(model.requests[0]).toMatchObject({ prompt, messages: [], maxTokens: 16, sample: 0 })
  })

  it('answers several prompts n times each', async () => {
    server = await startServer(
      scripted(({ prompt, sample }) => [{ type: 'answer', text: `${prompt}${sample}`, tokens: 1 }, ended()]),
    )
    const body = { prompt: ['a', 'b'], n: 2, seed: 1, max_tokens: 5 }
    expect(await whole(body)).toEqual(['a0', 'a1', 'b0', 'b1'])
    expect(await streamed(body)).toEqual(['a0', 'a1', 'b0', 'b1'])
    expect(JSON.parse((await post(body)).text).usage).toMatchObject({
      prompt_tokens: 20,
      completion_tokens: 28,
    })
  })

  it('gives log-probabilities', async () => {
    const logprobs = [
      { token: 'a', logprob: -1, top: [{ token: 'a', logprob: -1 }] },
      { token: 'bc', logprob: -2, top: [{ token: 'x', logprob: -0.5 }] },
    ]
    server = await startServer(
      scripted(() => [{ type: 'answer', text: 'abc', tokens: 2, logprobs }, ended({ text: 'abc' })], {
        logprobs: true,
      }),
    )
    expect(JSON.parse((await post({ prompt: 'Q', logprobs: 1 })).text).choices[0].logprobs).toEqual({
      tokens: ['a', 'bc'],
      token_logprobs: [-1, -2],
      top_logprobs: [{ a: -1 }, { x: -0.5 }],
      text_offset: [0, 1],
    })
  })

  it.each([
    [{}, 'prompt'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: [1, 2] }, 'prompt[0]'],
    [{ prompt: [[1, 2]] }, 'prompt[0]'],
    [{ prompt: 'Q', suffix: 'x' }, 'suffix'],
    [{ prompt: 'Q', echo: true, logprobs: 1 }, 'echo'],
    [{ prompt: 'Q', best_of: 4 }, 'best_of'],
    [{ prompt: 'Q', max_tokens: 0 }, 'max_tokens'],
    [{ prompt: ['a', 'b'], n: 100 }, 'prompt'],
    [{ prompt: 'Q', logprobs: 1 }, 'logprobs'],
  ])('%j is refused for %s', async (body, param) => {
    server = await startServer(scripted(() => [ended()]))
    const { status, text } = await post(body)
    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'invalid_request_error', param } })
  })
})
