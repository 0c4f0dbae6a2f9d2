import { PromptTooLong } from '../../common/errors.ts'
import type { TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'
import { startServer } from './fake-server.ts'

/** What the model behind the server thinks and answers, and the tokens that it counts. */
export const [THINKING, ANSWER] = ['Let me see. 2 + 2 is 4.', 'The answer\nis 4.']
export const USAGE = { prompt: 4, completion: 11, thinking: 7 }
export const KEY = 'sk-test'

export interface ServedModel {
  readonly url: string
  /** What the model was asked. */
  readonly requests: readonly TextRequest[]
  /** Resolves when no response is being written. */
  idle(): Promise<void>
  close(): Promise<void>
}

/**
 * A server on a real socket, with the key `KEY` and the model `fake`, which thinks `THINKING` and answers `ANSWER`. Offered a
 * tool, it calls the first one with `{ a: 2, b: 2 }`. Some words of the last message make it do something else: `forever`
 * never ends, `long` does not fit, `break` fails after some thinking, `cut` is cut off in the thinking.
 */
export async function serveModel(): Promise<ServedModel> {
  const requests: TextRequest[] = []
  let running = 0
  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    requests.push(request)
    running++
    try {
      for await (const event of events(request)) {
        request.signal?.throwIfAborted()
        yield event
      }
    } finally {
      running--
    }
  }
  const model: TextModel = {
    name: 'fake',
    identity: 'fake',
    can: {
      prefix: true,
      logprobs: true,
      seed: true,
      tools: true,
      thinks: true,
      switchThinking: true,
      maxTokens: 4096,
      format: { name: 'deepseek', thinking: { start: '<think>', end: '</think>' }, answer: null },
    },
    respond,
    countPrompt: async () => USAGE.prompt,
    close: async () => {},
  }
  const server = await startServer(model, { access: { keys: [KEY] } })
  return {
    url: server.url,
    requests,
    async idle() {
      while (running > 0) await new Promise((resolve) => setTimeout(resolve, 2))
    },
    close: () => server.stop(),
  }
}

async function* events(request: TextRequest): AsyncGenerator<TextEvent> {
  const { messages, prompt, tools = [], signal, logprobs } = request
  const asked = messages.at(-1)?.content ?? prompt ?? ''
  const end = (reason: 'stop' | 'length' | 'tool_calls', stop: string | null = null): TextEvent => ({
    type: 'end',
    reason,
    stop,
    usage: {
      promptTokens: USAGE.prompt,
      cachedTokens: null,
      completionTokens: USAGE.completion,
      thinkingTokens: USAGE.thinking,
    },
    text: null,
    tokens: null,
  })
  const piece = (type: 'thinking' | 'answer', text: string): TextEvent => ({
    type,
    text,
    tokens: 1,
    ...(logprobs == null ? {} : { logprobs: [{ token: text, logprob: -1, top: [] }] }),
  })
  if (asked.includes('long')) throw new PromptTooLong('the prompt has 9999 tokens, and the model reads 4096')
  if (asked.includes('forever'))
    for (;;) {
      yield piece('thinking', 'Hm. ')
      await new Promise((resolve) => setTimeout(resolve, 2))
      signal?.throwIfAborted()
    }
  for (const text of THINKING.split(/(?<= )/)) yield piece('thinking', text)
  if (asked.includes('break')) throw new Error('a secret of the server')
  if (asked.includes('cut')) return yield end('length')
  if (tools.length > 0 && messages.at(-1)!.role !== 'tool') {
    const [tool] = tools as { function: { name: string } }[]
    yield { type: 'tool_call', id: 'call00001', name: tool!.function.name, arguments: { a: 2, b: 2 } }
    return yield end('tool_calls')
  }
  yield piece('answer', '\n\n')
  for (const text of ANSWER.split(/(?<=\s)/)) yield piece('answer', text)
  yield end('stop', request.stop?.[0] ?? null)
}
