import { EventSourceParserStream } from 'eventsource-parser/stream'
import { headers, withQuery } from '../api/client.ts'

export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
  readonly reasoning_content?: string
}

export interface Strategy {
  readonly kind: 'vote' | 'best-of-n' | 'refine'
  /** Responses; of 'refine', rounds. */
  readonly samples: number
  /** The run whose reward model chooses or weighs. */
  readonly reward: string | null
}

export interface Asked {
  readonly model: string
  readonly messages: readonly Message[]
  readonly temperature?: number
  readonly seed?: number
  readonly thinking_token_budget?: number
  /** How an answer is made of several responses; null: it is one response. */
  readonly strategy: Strategy | null
}

/** What the server sends of a response. */
export interface Chunk {
  readonly choices?: readonly { delta?: { reasoning_content?: string; content?: string } }[]
  readonly usage?: {
    completion_tokens?: number
    completion_tokens_details?: { reasoning_tokens?: number }
  } | null
  readonly error?: { readonly message?: string }
}

const post = (model: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(`/studio/models/${encodeURIComponent(model)}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers() },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

/** The prompt as the model sees it; null if its provider does not tell. @throws Error with what the server says */
export async function promptOf(model: string, messages: readonly Message[]): Promise<string | null> {
  const response = await post(model, 'prompt', { messages })
  if (!response.ok) throw await problemIn(response)
  return ((await response.json()) as { prompt: string | null }).prompt
}

/** Asks a model, and gives what it writes as it writes it. @throws Error with what the server says */
export async function* ask({ strategy, ...asked }: Asked, signal: AbortSignal): AsyncGenerator<Chunk> {
  const count = strategy?.kind === 'refine' ? 'rounds' : 'samples'
  const path = withQuery('v1/chat/completions', {
    strategy: strategy?.kind,
    [count]: strategy?.samples,
    reward: strategy?.reward,
  })
  const body = { ...asked, stream: true, stream_options: { include_usage: true } }
  const response = await post(asked.model, path, body, signal)
  if (!response.ok || !response.body) throw await problemIn(response)
  const events = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream())
  const reader = events.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done || value.data === '[DONE]') return
    const chunk = JSON.parse(value.data) as Chunk
    if (chunk.error) throw new Error(chunk.error.message ?? 'the server ended the response')
    yield chunk
  }
}

async function problemIn(response: Response): Promise<Error> {
  const body = (await response.json().catch(() => null)) as Chunk | null
  return new Error(body?.error?.message ?? `the server answered with status ${response.status}`)
}
