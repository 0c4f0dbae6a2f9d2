import { EventSourceParserStream } from 'eventsource-parser/stream'
import { headers } from '../api/client.ts'

export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
  readonly reasoning_content?: string
}

export interface Asked {
  readonly model: string
  readonly messages: readonly Message[]
  readonly temperature?: number
  readonly seed?: number
  readonly thinking_token_budget?: number
  readonly strategy?: { readonly kind: 'vote' | 'refine'; readonly samples: number }
}

/** What the server sends of a response. */
export interface Chunk {
  readonly choices?: readonly { delta?: { reasoning_content?: string; content?: string } }[]
  readonly usage?: {
    completion_tokens?: number
    completion_tokens_details?: { reasoning_tokens?: number }
  } | null
  /** The prompt as the model saw it. */
  readonly ruminate?: { readonly prompt?: string }
  readonly error?: { readonly message?: string }
}

/** Asks a model, and gives what it writes as it writes it. @throws Error with what the server says */
export async function* ask(asked: Asked, signal: AbortSignal): AsyncGenerator<Chunk> {
  const response = await fetch(`/studio/models/${encodeURIComponent(asked.model)}/v1/chat/completions`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', ...headers() },
    body: JSON.stringify({ ...asked, stream: true, stream_options: { include_usage: true } }),
  })
  if (!response.ok || !response.body) {
    const body = (await response.json().catch(() => null)) as Chunk | null
    throw new Error(body?.error?.message ?? `the server answered with status ${response.status}`)
  }
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
