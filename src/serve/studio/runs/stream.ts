import type { StudioEvent, Watcher } from './watcher.ts'

/** Milliseconds between two comments that keep a silent connection open. */
const SILENCE = 15_000
/** Events that wait for a page that does not read them; then the page is left, connects again, and reads everything anew. */
const WAITING = 500

/**
 * Server-sent events with what happens to the runs: first `hello` with the id of this server's start, then those of the watcher.
 * Ends when the page leaves, or `signal` is aborted.
 */
export function eventStream(watcher: Watcher, start: string, signal: AbortSignal): Response {
  let end = (): void => {}
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = (text: string): void => controller.enqueue(ENCODER.encode(text))
        const tell = ({ event, data }: StudioEvent | { event: 'hello'; data: object }): void => {
          if ((controller.desiredSize ?? 0) < -WAITING) end()
          else write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        }
        write('retry: 1000\n\n')
        tell({ event: 'hello', data: { id: start } })
        const silence = setInterval(() => write(': \n\n'), SILENCE)
        silence.unref()
        let leave = (): void => {}
        end = () => {
          end = () => {}
          clearInterval(silence)
          leave()
          signal.removeEventListener('abort', onAbort)
          try {
            controller.close()
          } catch {
            // the page has left: the stream is closed already
          }
        }
        const onAbort = (): void => end()
        signal.addEventListener('abort', onAbort)
        leave = watcher.listen(tell)
      },
      cancel: () => end(),
    },
    new CountQueuingStrategy({ highWaterMark: 0 }),
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

const ENCODER = new TextEncoder()
