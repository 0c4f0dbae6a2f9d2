import type { Session } from 'node:inspector'
import { isMainThread } from 'node:worker_threads'
import { UserError } from '../common/errors.ts'

/*
 * ONNX Runtime reports its use to its vendor, with a device id that it keeps in the user's cache folder, unless this is in
 * the environment of the process before the library is loaded. A value that is set already stays.
 */
const TURN_OFF = "process.env.ORT_DISABLE_TELEMETRY ??= '1'"
const inherited = process.env.ORT_DISABLE_TELEMETRY !== undefined
process.env.ORT_DISABLE_TELEMETRY ??= '1'

/**
 * Turns telemetry off for the process. In the main thread, importing this module has done so. A worker thread has only a
 * copy of the environment, so in a program that uses this package in a worker alone, the main thread is asked to set it,
 * which Node allows by its inspector. To be called before the runtime is loaded.
 *
 * @throws UserError if this Node has no inspector, and the variable is not set.
 */
export async function turnOffTelemetry(): Promise<void> {
  if (isMainThread) return
  // a thread that only waits for the inspector would end
  const alive = setInterval(() => {}, 1000)
  let session: Session | null = null
  try {
    const inspector = await import('node:inspector')
    const opened = new inspector.Session()
    opened.connectToMainThread()
    session = opened
    await new Promise<void>((resolve, reject) =>
      opened.post('Runtime.evaluate', { expression: TURN_OFF }, (error) =>
        error ? reject(error) : resolve(),
      ),
    )
  } catch {
    if (!inherited)
      throw new UserError(
        "ONNX Runtime's telemetry cannot be turned off from this thread: set ORT_DISABLE_TELEMETRY=1, or import this package in the main thread too, before this thread is started",
      )
  } finally {
    session?.disconnect()
    clearInterval(alive)
  }
}
