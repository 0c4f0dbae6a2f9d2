import type { Warn } from '../../common/warnings.ts'
import type { Engine, Trainer } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { WeightedReward } from '../../rewards/compose.ts'
import type { StepRecord } from '../../runs/rows.ts'
import type { Run } from '../../runs/with-run.ts'
import type { Task } from '../../tasks/task.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import type { RlSettings } from './rl-settings.ts'
import type { Teacher } from './teacher.ts'

/** What the loop of reinforcement learning is set by. */
export interface ReinforceSettings {
  readonly rl: RlSettings
  readonly seed: number
  readonly steps: number
  /** Sample coming steps during the updates, with weights that are at most `staleness` updates old; by default off. */
  readonly async?: { readonly staleness: number } | null | undefined
  /** A control experiment: the rewards of a step are shuffled among its rollouts, so nothing can be learned. */
  readonly shuffleRewards: boolean
  readonly checkpointEvery: number
  /** See `StepEnd.seconds`. */
  readonly checkpointSeconds: number | null
  /** With 'stop', the alarm for reward hacking ends the training, as if its step had been the last. */
  readonly alarm: 'warn' | 'stop'
  /** With 'stop', a run fails in which step after step there is nothing to learn from. */
  readonly whenNothingToLearn: 'stop' | 'continue'
}

/** The report of one step. */
export interface ReinforceStep {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
  readonly newest: SampledRollout
}

/** A reinforcement-learning run and what it is made of. */
export interface Reinforcement {
  readonly run: Run
  readonly engine: Engine
  /** Holds the weights of the run's last checkpoint, or the base weights. */
  readonly trainer: Trainer
  readonly renderer: Renderer
  readonly task: Task
  readonly rewards: readonly WeightedReward[]
  /** Teaches the policy token by token, beside the rewards. By default nobody. */
  readonly teacher?: Teacher | null | undefined
  readonly settings: ReinforceSettings
  /** Called after each step; evaluates the policy if an evaluation is due. Its record is added to the step's. */
  readonly evaluate?: ((step: number, last: boolean) => Promise<StepRecord>) | undefined
  readonly onStep?: ((step: ReinforceStep) => void) | undefined
  /** Receives the warnings of the steps. By default they go to standard error. */
  readonly onWarning?: Warn | undefined
}
