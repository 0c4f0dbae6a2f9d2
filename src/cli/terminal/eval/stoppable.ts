import { Stopped } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import type { Output } from '../output.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Runs an evaluation with a signal that the first SIGINT (Ctrl-C) or SIGTERM aborts. A second one ends the process at once.
 * `out` is the folder that keeps its answers; null if nothing is kept.
 *
 * @throws Stopped after the first one
 */
export async function stoppable<T>(
  output: Output,
  out: string | null,
  evaluate: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stopping = new AbortController()
  const leave = (): void => {
    for (const name of SIGNALS) process.off(name, onSignal)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      leave()
      output.endLive()
      // an orderly exit would dispose of the runtime while it computes
      process.kill(process.pid, signal)
    } else {
      output.live('stopping; Ctrl-C again quits at once')
      stopping.abort()
    }
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  try {
    return await evaluate(stopping.signal)
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    throw new Stopped(
      out === null
        ? 'stopped; with --out DIR, what was answered would have been kept'
        : `stopped; ${pathFromHere(out)} keeps what was answered, and the same command goes on from there`,
    )
  } finally {
    leave()
  }
}
