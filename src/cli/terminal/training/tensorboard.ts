import { UserError } from '../../../common/errors.ts'
import { EventFile } from '../../../report/event-file.ts'
import type { ObservedRun, RunObserver } from '../../../runs/observe.ts'
import type { Output } from '../output.ts'

/**
 * Writes the metrics of a run to an event file for TensorBoard in its folder. Of a run that had none so far, all earlier steps
 * are written, too. Where the disk fails, there are no more events, and the training goes on.
 */
export function writeEvents(output: Output, run: ObservedRun): RunObserver {
  let file: EventFile | null = new EventFile(run.directory)
  const attempt = (write: (file: EventFile) => void): void => {
    if (file === null) return
    try {
      write(file)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      file = null
      output.warn(`no more events for TensorBoard: ${error.message}`)
    }
  }
  return {
    recorded: (step, metrics) => attempt((file) => file.scalars(step, metrics)),
    truncated: (step) =>
      attempt((file) => {
        if (file.isContinued) file.begins(step + 1)
        else
          for (let earlier = 0; earlier <= run.info().step; earlier++)
            file.scalars(earlier, run.metricsAt(earlier))
      }),
  }
}
