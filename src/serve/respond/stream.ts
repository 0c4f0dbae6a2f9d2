import type { Frame } from '../dialect.ts'
import type { Limits } from '../limits.ts'

/** A frame as it is sent. */
export function written({ event, data }: Frame, framing: 'sse' | 'lines'): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  if (framing === 'lines') return `${text}\n`
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`
}

/** Pieces that come within so many milliseconds of the last write are written together: each write costs a system call. */
const GATHER = 10

/**
 * A stream of bytes that is written ahead of its reader by at most `unreadBytes`: with a slow reader, writing waits. Where
 * there is nothing to write for `silence` milliseconds, `keepAlive` is sent. `onLeave` is called when the reader leaves, and
 * `onStall` when it has read nothing for `stall` milliseconds while it could. If `pieces` fails, so does the
 * stream.
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
        let gathered = ''
        let sentAt = Number.NEGATIVE_INFINITY
        let gathering: NodeJS.Timeout | undefined
        const send = (): void => {
          clearTimeout(gathering)
          gathering = undefined
          if (left || gathered === '') return
          controller.enqueue(encoder.encode(gathered))
          gathered = ''
          sentAt = performance.now()
        }
        const pulse = setInterval(() => {
          if (keepAlive !== null && !isFull()) controller.enqueue(encoder.encode(keepAlive))
        }, silence)
        const write = async (): Promise<void> => {
          for await (const piece of pieces) {
            if (left) return
            gathered += piece
            const wait = sentAt + GATHER - performance.now()
            if (wait <= 0) send()
            else gathering ??= setTimeout(send, wait)
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
          send()
          if (!left) controller.close()
        }
        write()
          .catch((error) => controller.error(error))
          .finally(() => clearInterval(pulse))
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
