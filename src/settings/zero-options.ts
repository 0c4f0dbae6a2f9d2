import type { Sampler } from '../engines/contract.ts'
import type { OwnReward } from '../rewards/compose.ts'
import type { Evaluation } from '../stages/evaluate/evaluate.ts'
import type { ReinforceStep } from '../stages/reinforce/job.ts'
import type { Task } from '../tasks/task.ts'
import type { Tree } from './layers.ts'
import type { ZeroInput, ZeroSettings } from './zero.ts'

/* The options of `zero` in a program: settings, its own task and rewards, and callbacks. */

/** Callbacks and the signal of a run. */
export interface ZeroWatch {
  /** When aborted, the run stops after the current step, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: ZeroSettings) => void) | undefined
  readonly onEvaluation?: ((when: 'before' | 'after', evaluation: Evaluation) => void) | undefined
  readonly onStep?: ((step: ReinforceStep) => void) | undefined
  /** Called with warnings: problems of the task, and reasons why nothing is learned. By default they go to standard error. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Called with lines that say what is being done, such as downloads, evaluations, and the parts of a step. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** The parts of a program that settings cannot express. */
export interface ZeroOwn {
  readonly task?: Task | undefined
  readonly rewards?: readonly OwnReward[] | undefined
  /** Further metrics to measure, by name, in every evaluation. */
  readonly alsoMeasure?: ((policy: Sampler) => Promise<Record<string, number>>) | undefined
}

/** Settings of R1-Zero, in which a program may replace the named task or rewards by its own. */
export interface ZeroOptions extends Omit<ZeroInput, 'task' | 'rewards'>, ZeroWatch {
  readonly task?: string | Task | undefined
  readonly rewards?: ZeroInput['rewards'] | readonly OwnReward[] | undefined
  readonly alsoMeasure?: ZeroOwn['alsoMeasure']
  /** Folder of the run; by default the next free `runs/zero-<n>`. */
  readonly out?: string | undefined
}

/** Separates the settings, the program's own parts and the callbacks. */
export function separateOptions(options: Omit<ZeroOptions, 'out'>): {
  own: ZeroOwn
  watch: ZeroWatch
  given: Tree
} {
  const { signal, onStart, onEvaluation, onStep, onWarning, onProgress, ...rest } = options
  const { task, rewards, alsoMeasure, ...given } = rest
  const ownTask = typeof task === 'object' ? task : undefined
  const ownRewards = Array.isArray(rewards) ? (rewards as readonly OwnReward[]) : undefined
  return {
    own: { task: ownTask, rewards: ownRewards, alsoMeasure },
    watch: { signal, onStart, onEvaluation, onStep, onWarning, onProgress },
    given: { ...given, task: ownTask?.name ?? task, rewards: ownRewards ? undefined : rewards } as Tree,
  }
}
