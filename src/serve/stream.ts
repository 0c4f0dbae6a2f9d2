import type { Frame } from './dialect.ts'
import type { Limits } from './limits.ts'

/** A frame as it is sent. */
export function written({ event, data }: Frame, framing: 'sse' | 'lines'): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  if (framing === 'lines') return `${text}\n`
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`
}

/**
 * A stream of bytes that is written ahead of its reader by at most `unreadBytes`: with a slow reader, writing waits. Where
 * there is nothing to write for `silence` milliseconds, `keepAlive` is sent. `onLeave` is called when the reader leaves, and
 * `onStall` when it has read nothing for `stall` milliseconds while it could. `pieces` does not fail.
 */
export function streamOf(
  pieces: AsyncIterable<string>,
  {
    limits: { unreadBytes, stall, silence },
    keepAlive,
    onLeave,
    onStall,
  }: { limits: Limits; keepAlive: string | null; onLeave: () => void; onStall: () => void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let hasRoom = (): void => {}
  let left = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const isFull = (): boolean => (controller.desiredSize ?? 0) <= 0
        const pulse = setInterval(() => {
          if (keepAlive !== null && !isFull()) controller.enqueue(encoder.encode(keepAlive))
        }, silence)
        const write = async (): Promise<void> => {
          for await (const piece of pieces) {
            if (left) return
            controller.enqueue(encoder.encode(piece))
            pulse.refresh()
            if (!isFull()) continue
            await new Promise<void>((resolve) => {
              const timer = setTimeout(onStall, stall)
              hasRoom = () => {
                clearTimeout(timer)
                resolve()
              }
            })
          }
          if (!left) controller.close()
        }
        void write().finally(() => clearInterval(pulse))
      },
      pull: () => hasRoom(),
      cancel() {
        left = true
        hasRoom()
        onLeave()
      },
    },
    { highWaterMark: unreadBytes, size: (chunk) => chunk.byteLength },
  )
}
