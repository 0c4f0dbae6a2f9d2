import { checkpointsWritten, openRuns } from '../../runs/open-runs.ts'
import { type Output, writeMessage } from './output.ts'

/**
 * Runs `work` with a signal that the first SIGINT (Ctrl-C) or SIGTERM aborts, which stops a run with a checkpoint. The second
 * one ends the process as soon as that checkpoint is written, and the third one at once. So does the first one while there is
 * no run yet, and the second one while nothing is trained.
 *
 * The process is then ended by the signal's default action: an orderly exit would dispose of the runtime while it computes.
 */
export async function interruptible<T>(
  output: Output,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let signals = 0
  const ignore = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  const end = (signal: NodeJS.Signals): void => {
    ignore()
    process.kill(process.pid, signal)
  }
  const say = (message: string): void => {
    output.endLive()
    // the terminal has printed ^C, which the message replaces
    if (process.stderr.isTTY) process.stderr.write('\r')
    writeMessage(message)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    signals++
    const runs = openRuns()
    if (!runs.any || signals > 2 || (signals === 2 && !runs.training)) end(signal)
    else if (signals === 2) {
      say('quitting once the checkpoint is written; Ctrl-C again quits without it')
      checkpointsWritten().then(() => end(signal))
    } else {
      say(
        runs.training
          ? 'stopping with a checkpoint of the last completed step'
          : 'stopping after this part of the run; Ctrl-C again quits at once',
      )
      controller.abort()
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    return await work(controller.signal)
  } finally {
    ignore()
  }
}
