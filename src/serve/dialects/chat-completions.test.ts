import { afterEach, describe, expect, it } from 'vitest'
import { eventsIn, send, startServer, type TestServer } from '../../testing/fake-server.ts'
import { fakeTextModel } from '../../testing/fake-text-model.ts'

let server: TestServer
afterEach(() => server.stop())

const question = { model: 'fake', messages: [{ role: 'user', content: '6·7?' }] }
const thinker = () => fakeTextModel(() => ({ thinking: ['\nsix ', 'sevens\n'], answer: ['\n\n4', '2\n'] }))

describe('chat completions', () => {
  it('answers with the thinking apart from the answer', async () => {
    server = await startServer(thinker())
    const { status, text } = await send(server, '/v1/chat/completions', { body: question })
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'fake',
      system_fingerprint: null,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: '42',
            reasoning_content: 'six sevens',
            reasoning: 'six sevens',
            refusal: null,
          },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 4,
        total_tokens: 8,
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
  })

  it('streams the same text', async () => {
    server = await startServer(thinker())
    const { text, headers } = await send(server, '/v1/chat/completions', {
      body: { ...question, stream: true, stream_options: { include_usage: true } },
    })
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const chunks = eventsIn(text) as {
      choices: { delta: object; finish_reason: string | null }[]
      usage: object
    }[]
    expect(chunks.at(-1)).toBe('[DONE]')
    expect(chunks.slice(0, -2).map(({ choices }) => [choices[0]!.delta, choices[0]!.finish_reason])).toEqual([
      [{ role: 'assistant', content: '', reasoning_content: 'six', reasoning: 'six' }, null],
      [{ reasoning_content: ' sevens', reasoning: ' sevens' }, null],
      [{ content: '4' }, null],
      [{ content: '2' }, null],
      [{}, 'stop'],
    ])
    expect(chunks.at(-2)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 4, completion_tokens: 4, completion_tokens_details: { reasoning_tokens: 2 } },
    })
  })
})
