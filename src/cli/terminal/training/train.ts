import { dirname, resolve } from 'node:path'
import { observeRuns } from '../../../runs/observe.ts'
import { textOption, type Values } from '../arguments.ts'
import { interruptible } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { studioBeside } from '../studio/beside.ts'
import { writeEvents } from './tensorboard.ts'

/**
 * Does the training of a command: Ctrl-C stops it with a checkpoint. With `--studio`, the studio shows the folder of the run for
 * as long; with `--tensorboard`, every run that is trained gets an event file.
 *
 * @param directory the folder of the run, where it is known; otherwise that of --out, or one in runs/.
 */
export async function train<T>(
  output: Output,
  values: Values,
  work: (signal: AbortSignal) => Promise<T>,
  directory = textOption(values, 'out'),
): Promise<T> {
  const root = directory === undefined ? 'runs' : dirname(resolve(directory))
  const closeStudio = values.studio ? studioBeside(output, root) : () => {}
  const endEvents = values.tensorboard ? observeRuns((run) => writeEvents(output, run)) : () => {}
  try {
    return await interruptible(output, work)
  } finally {
    endEvents()
    closeStudio()
  }
}
