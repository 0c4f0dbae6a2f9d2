import type { TextEnd, TokenLogprob, ToolCall } from '../../../thinking/model.ts'
import type { Ask, AskedRequest, Choice } from '../../dialect.ts'

/** What one object of a response says. */
export interface Piece {
  readonly thinking?: string
  readonly text?: string
  readonly calls?: readonly object[]
}

/** How the responses to a request are written; `piece` writes what the model says. Without a request, Ollama loads the model. */
export function replies(
  request: AskedRequest | null,
  { model, piece }: { readonly model: string; piece(said: Piece): object },
): Pick<Ask, 'framing' | 'body' | 'frames' | 'failed'> {
  const since = performance.now()
  const line = (said: Piece, rest: object): object => ({
    model,
    created_at: new Date().toISOString(),
    ...piece(said),
    ...rest,
  })
  const loaded = line({}, { done: true, done_reason: 'load' })
  return {
    framing: 'lines',
    body: ([choice]) =>
      choice
        ? line(whole(choice), {
            done: true,
            ...ended(choice.end, { since, first: choice.firstAt }),
            ...logprobs(choice.pieces.flatMap((one) => one.logprobs ?? [])),
          })
        : loaded,
    async *frames(events) {
      if (request === null) yield { data: loaded }
      let first: number | null = null
      let calls = 0
      for await (const { event } of events) {
        if (event.type === 'progress') continue
        first ??= performance.now()
        if (event.type === 'thinking' || event.type === 'answer') {
          const detail = logprobs(event.logprobs ?? [])
          if (event.text === '' && event.logprobs === undefined) continue
          const said = event.type === 'thinking' ? { thinking: event.text } : { text: event.text }
          yield { data: line(said, { done: false, ...detail }) }
        } else if (event.type === 'tool_call')
          yield { data: line({ calls: [call(event, calls++)] }, { done: false }) }
        else if (event.type === 'end')
          yield { data: line({}, { done: true, ...ended(event, { since, first }) }) }
      }
    },
    failed: ({ message }) => [{ data: { error: message } }],
  }
}

const whole = ({ thinking, answer, toolCalls }: Choice): Piece => ({
  text: answer ?? '',
  ...(thinking === null ? {} : { thinking }),
  ...(toolCalls.length === 0 ? {} : { calls: toolCalls.map(call) }),
})

const call = ({ id, name, arguments: given }: ToolCall, index: number): object => ({
  id,
  function: { index, name, arguments: given },
})

/** Counts and, in nanoseconds, durations; those that are unknown are left out. */
function ended(
  { reason, usage }: TextEnd,
  { since, first }: { since: number; first: number | null },
): object {
  const now = performance.now()
  const nanoseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6)
  return {
    done_reason: reason === 'tool_calls' ? 'stop' : reason,
    total_duration: nanoseconds(now - since),
    load_duration: 0,
    ...(usage.promptTokens === null ? {} : { prompt_eval_count: usage.promptTokens }),
    ...(first === null ? {} : { prompt_eval_duration: nanoseconds(first - since) }),
    ...(usage.completionTokens === null ? {} : { eval_count: usage.completionTokens }),
    ...(first === null ? {} : { eval_duration: nanoseconds(now - first) }),
  }
}

function logprobs(tokens: readonly TokenLogprob[]): { logprobs?: object[] } {
  if (tokens.length === 0) return {}
  const one = ({ token, logprob }: { token: string; logprob: number }): object => ({
    token,
    logprob,
    bytes: [...Buffer.from(token)],
  })
  return { logprobs: tokens.map((token) => ({ ...one(token), top_logprobs: token.top.map(one) })) }
}
