import { createHash } from 'node:crypto'
import { collect } from '../../thinking/collect.ts'
import type {
  TextEnd,
  TextEvent,
  TextModel,
  TextRequest,
  TokenLogprob,
  ToolCall,
} from '../../thinking/model.ts'
import type { AnswerStore, KeptResponse } from './store.ts'

/** A model whose responses are kept. */
export interface KeptModel extends TextModel {
  /** The key under which the responses to a request are kept. */
  key(request: TextRequest): string
  /** Responses that the model was asked for, and those that were found in the store. */
  readonly counts: { readonly asked: number; readonly found: number }
}

/**
 * The same model with its responses kept in a store: by the model's identity, the request and the number of the sample. A
 * response that is there is not asked for again, by this strategy or any other, nor by two callers at the same time. A
 * response is kept once it has ended; one that is left early is not. Whoever opened the model closes it.
 */
export function keptModel(model: TextModel, store: AnswerStore): KeptModel {
  const counts = { asked: 0, found: 0 }
  /** Requests in progress. */
  const pending = new Map<string, Promise<void>>()
  const key = (request: TextRequest): string => hash([model.identity, requestBody(request)])

  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    const sample = request.sample ?? 0
    const of = key(request)
    const place = `${of} ${sample}`
    for (;;) {
      const known = store.response(of, sample)
      if (known !== null) {
        counts.found++
        yield* replay(known)
        return
      }
      const same = pending.get(place)
      if (same === undefined) break
      await same
      request.signal?.throwIfAborted()
    }
    let settle = (): void => {}
    pending.set(place, new Promise((resolve) => (settle = resolve)))
    try {
      counts.asked++
      const started = performance.now()
      const events: TextEvent[] = []
      for await (const event of model.respond(request)) {
        events.push(event)
        if (event.type === 'end') {
          store.keepRequest(of, model.name, requestBody(request))
          store.keepResponse(of, sample, await kept(events, event, (performance.now() - started) / 1000))
        }
        yield event
      }
    } finally {
      pending.delete(place)
      settle()
    }
  }

  return {
    name: model.name,
    identity: model.identity,
    can: model.can,
    counts,
    key,
    respond,
    close: async () => {},
  }
}

/** What a response depends on besides the model and the number of the sample, as text. */
function requestBody({ signal: _signal, whole: _whole, sample: _sample, ...request }: TextRequest): string {
  return JSON.stringify(request, (_, value) =>
    value === null ? undefined : value instanceof Int32Array ? [...value] : sorted(value),
  )
}

/** A mapping with its names in order, so that equal requests are equal as text. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A SHA-256 of values. */
export const hash = (values: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(values)).digest('hex')

async function kept(events: readonly TextEvent[], end: TextEnd, seconds: number): Promise<KeptResponse> {
  const { thinking, answer, toolCalls } = await collect(inOrder(events))
  const logprobs = (type: 'thinking' | 'answer'): TokenLogprob[] =>
    events.flatMap((event) => (event.type === type ? (event.logprobs ?? []) : []))
  const [thought, said] = [logprobs('thinking'), logprobs('answer')]
  const any = thought.length + said.length > 0
  return {
    thinking,
    answer,
    toolCalls,
    end,
    seconds,
    logprobs: any ? { thinking: thought, answer: said } : null,
  }
}

async function* inOrder(events: readonly TextEvent[]): AsyncGenerator<TextEvent> {
  yield* events
}

/** The events of a kept response: its thinking and its answer in one piece each. */
function* replay({ thinking, answer, toolCalls, logprobs, end }: KeptResponse): Generator<TextEvent> {
  const { completionTokens, thinkingTokens } = end.usage
  const answerTokens =
    completionTokens === null || thinkingTokens === null ? null : completionTokens - thinkingTokens
  if (thinking !== null)
    yield { type: 'thinking', text: thinking, tokens: thinkingTokens, logprobs: logprobs?.thinking }
  if (answer !== null)
    yield { type: 'answer', text: answer, tokens: answerTokens, logprobs: logprobs?.answer }
  yield* toolCalls satisfies readonly ToolCall[]
  yield end
}
