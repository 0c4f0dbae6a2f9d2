import type { TextCapabilities, TextEvent, TextModel, TextRequest } from '../../thinking/model.ts'

/** What a fake model responds: the pieces of its thinking and of its answer. */
export interface FakeResponse {
  readonly thinking?: readonly string[]
  readonly answer?: readonly string[]
  readonly reason?: 'stop' | 'length'
}

/**
 * A model that responds as `respond` says, one event a piece and one token a piece, with `wait` before each piece. It keeps
 * the requests.
 */
export function fakeTextModel(
  respond: (request: TextRequest) => FakeResponse,
  {
    can = {},
    wait = async () => {},
  }: { can?: Partial<TextCapabilities>; wait?: (request: TextRequest) => Promise<void> } = {},
): TextModel & { readonly requests: TextRequest[] } {
  const requests: TextRequest[] = []
  async function* events(request: TextRequest): AsyncGenerator<TextEvent> {
    requests.push(request)
    const { thinking = [], answer = [], reason = 'stop' } = respond(request)
    for (const [type, pieces] of [['thinking', thinking] as const, ['answer', answer] as const])
      for (const text of pieces) {
        await wait(request)
        request.signal?.throwIfAborted()
        yield { type, text, tokens: 1 }
      }
    const opened = thinking.length > 0 ? `<think>${thinking.join('')}` : ''
    const closed = thinking.length > 0 && answer.length > 0 ? '</think>' : ''
    yield {
      type: 'end',
      reason,
      usage: {
        promptTokens: request.messages.reduce((sum, { content }) => sum + content.length, 0),
        cachedTokens: null,
        completionTokens: thinking.length + answer.length,
        thinkingTokens: thinking.length,
      },
      text: `${opened}${closed}${answer.join('')}`,
      tokens: null,
    }
  }
  return {
    name: 'fake',
    identity: 'fake',
    can: {
      prefix: true,
      logprobs: false,
      seed: true,
      tools: false,
      switchThinking: true,
      maxTokens: 4096,
      format: { name: 'deepseek', thinking: { start: '<think>', end: '</think>' }, answer: null },
      ...can,
    },
    requests,
    respond: (request) => events(request),
    close: async () => {},
  }
}
