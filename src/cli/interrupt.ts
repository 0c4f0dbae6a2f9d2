import type { Output } from './output.ts'

/**
 * Runs `work` with a signal that the first Ctrl-C (or a polite kill) raises; a second one quits at once.
 */
export async function interruptible<T>(
  output: Output,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
    output.endLive()
    process.stderr.write('stopping after this step, with a checkpoint; Ctrl-C again quits at once\n')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
