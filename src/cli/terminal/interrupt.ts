import type { Output } from './output.ts'

/**
 * Runs `work` with a signal that the first SIGINT (Ctrl-C) or SIGTERM aborts. The second one ends the process at once, by
 * the signal's default action: an orderly exit would dispose of the runtime while it computes.
 */
export async function interruptible<T>(
  output: Output,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const ignore = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      ignore()
      process.kill(process.pid, signal)
      return
    }
    controller.abort()
    output.endLive()
    process.stderr.write('stopping after this step, with a checkpoint; Ctrl-C again quits at once\n')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    return await work(controller.signal)
  } finally {
    ignore()
  }
}
