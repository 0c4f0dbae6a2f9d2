import { signal } from '@preact/signals'
import type { RunSummary } from './types.ts'

/** New values of the metrics of a run. */
export interface NewMetrics {
  readonly id: string
  readonly step: number
  readonly values: Readonly<Record<string, number>>
}

/** Does the server send its events to this page? */
export const connection = signal<'connecting' | 'open' | 'lost'>('connecting')
/** Increased when another server answers than before, so that everything is read again. */
export const epoch = signal(0)
/** The summaries that have changed since the page was opened, by the id of their run; null for a run that is gone. */
export const changed = signal<ReadonlyMap<string, RunSummary | null>>(new Map())

const metricListeners = new Set<(metrics: NewMetrics) => void>()

/** Calls `listener` for each step of each run. Returns the function that ends this. */
export function onMetrics(listener: (metrics: NewMetrics) => void): () => void {
  metricListeners.add(listener)
  return () => metricListeners.delete(listener)
}

/** Milliseconds before a stream that the server refused is asked for again. */
const RETRY = 2000

let server: string | null = null

/** Listens to the server for as long as the page is open. */
export function listen(): void {
  const source = new EventSource('/studio/api/events')
  const on = <T>(name: string, handle: (data: T) => void) =>
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)))
  source.onopen = () => {
    connection.value = 'open'
  }
  source.onerror = () => {
    connection.value = 'lost'
    if (source.readyState !== EventSource.CLOSED) return
    source.close()
    setTimeout(listen, RETRY)
  }
  on<{ id: string }>('hello', ({ id }) => {
    if (server !== null) {
      changed.value = new Map()
      epoch.value += 1
    }
    server = id
  })
  on<RunSummary>('run', (run) => {
    changed.value = new Map(changed.value).set(run.id, run)
  })
  on<{ id: string }>('gone', ({ id }) => {
    changed.value = new Map(changed.value).set(id, null)
  })
  on<NewMetrics>('metrics', (metrics) => {
    for (const listener of metricListeners) listener(metrics)
  })
}
