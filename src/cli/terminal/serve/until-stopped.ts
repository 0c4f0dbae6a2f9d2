import type { RunningServer } from '../../../serve/serve.ts'
import { type Output, writeMessage } from '../output.ts'

/**
 * Waits for SIGINT (Ctrl-C) or SIGTERM, then stops the server: running requests may end. A second signal ends the process at
 * once. Resolves to the exit code.
 */
export async function untilStopped(output: Output, server: RunningServer): Promise<number> {
  await new Promise<void>((resolve) => {
    const first = (signal: NodeJS.Signals): void => {
      for (const name of SIGNALS) {
        process.off(name, first)
        process.on(name, second)
      }
      output.endLive()
      if (process.stderr.isTTY) process.stderr.write('\r')
      writeMessage('stopping once the running requests have ended; Ctrl-C again quits at once')
      output.emit({ type: 'stopping', signal })
      resolve()
    }
    // an orderly exit would dispose of the runtime while it computes
    const second = (signal: NodeJS.Signals): void => {
      for (const name of SIGNALS) process.off(name, second)
      process.kill(process.pid, signal)
    }
    for (const name of SIGNALS) process.on(name, first)
  })
  await server.stop()
  output.emit({ type: 'stopped' })
  return 0
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
