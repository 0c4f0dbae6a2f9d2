import type { Progress } from '../../common/progress.ts'
import type { Warn } from '../../common/warnings.ts'
import { plural } from '../../common/words.ts'
import type { Capabilities } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { fittingTask } from '../../tasks/fit.ts'
import type { Task } from '../../tasks/task.ts'
import { asked, promptFit } from './fit.ts'

/** Fewer different training questions than this in a step can be learned by heart. */
const FEW_QUESTIONS = 10

interface Asking {
  readonly renderer: Renderer
  /** What the model can take. */
  readonly can: Capabilities
  /** Longest response in tokens. */
  readonly maxTokens: number
  readonly questionsPerStep: number
  /** Number of held-out questions. */
  readonly heldOut: number
  readonly seed: number
  readonly warn: Warn
  readonly progress: Progress
}

/**
 * The task of a training run without the questions that the model cannot be asked. Warns if its steps have few different
 * questions.
 *
 * @throws UserError if too few questions are left.
 */
export function askableTask(task: Task, asking: Asking): Task {
  const { renderer, can, maxTokens, questionsPerStep: count, heldOut, seed, warn, progress } = asking
  const fit = promptFit([asked(renderer, can, maxTokens)])
  const fitting = fittingTask(task, fit, { training: count, warn, progress })
  // the questions of a task that makes them are checked when they are drawn: so the first ones are drawn here
  const drawn = fitting.training({ seed, step: 1, count })
  fitting.heldOut({ count: heldOut })
  const distinct = new Set(drawn.map(({ id }) => id)).size
  if (distinct < FEW_QUESTIONS && distinct <= drawn.length / 2)
    warn(
      `${fitting.name}: only ${plural(distinct, 'training question')} in each step, asked again and again: the model may learn the answers by heart. Add questions`,
    )
  return fitting
}
