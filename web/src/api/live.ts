import { signal } from '@preact/signals'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { API, headers } from './client.ts'
import type { RunSummary } from './types.ts'

/** New values of the metrics of a run. */
export interface NewMetrics {
  readonly id: string
  readonly step: number
  readonly values: Readonly<Record<string, number>>
}

/** Does the server send its events to this page? */
export const connection = signal<'connecting' | 'open' | 'lost'>('connecting')
/** Increased when what was read must be read again: another server answers, or a run has discarded steps. */
export const epoch = signal(0)
/** The summaries that have changed since the page was opened, by the id of their run; null for a run that is gone. */
export const changed = signal<ReadonlyMap<string, RunSummary | null>>(new Map())

const metricListeners = new Set<(metrics: NewMetrics) => void>()

/** Calls `listener` for each step of each run. Returns the function that ends this. */
export function onMetrics(listener: (metrics: NewMetrics) => void): () => void {
  metricListeners.add(listener)
  return () => metricListeners.delete(listener)
}

/** Milliseconds before a stream that has ended is asked for again. */
const RETRY = 1000

/** Listens to the server for as long as the page is open. */
export async function listen(): Promise<never> {
  for (;;) {
    await follow().catch(() => {})
    connection.value = 'lost'
    await new Promise((resolve) => setTimeout(resolve, RETRY))
  }
}

/** Reads the events until the stream ends. An `EventSource` could not send the token, which a server for others asks for. */
async function follow(): Promise<void> {
  const response = await fetch(`${API}events`, { headers: headers() })
  if (!response.ok || !response.body) throw new Error('the server sends no events')
  const isBack = connection.value === 'lost'
  connection.value = 'open'
  // What happened meanwhile is not told.
  if (isBack) readAgain()
  const reader = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream())
    .getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    handle(value.event ?? '', JSON.parse(value.data))
  }
}

let server: string | null = null

function handle(event: string, data: { id: string }): void {
  if (event === 'hello') {
    if (server !== null && server !== data.id) readAgain()
    server = data.id
  }
  if (event === 'run') changed.value = new Map(changed.value).set(data.id, data as RunSummary)
  if (event === 'gone') changed.value = new Map(changed.value).set(data.id, null)
  if (event === 'reset') epoch.value += 1
  if (event === 'metrics') for (const listener of metricListeners) listener(data as NewMetrics)
}

function readAgain(): void {
  changed.value = new Map()
  epoch.value += 1
}
