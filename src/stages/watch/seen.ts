import { isZeroVariance } from '../../algorithms/advantages.ts'
import { runningTotal } from './metrics.ts'

/** What some steps of a run have sampled. NaN: unknown, in a run that an earlier version began. */
export interface Seen {
  readonly steps: number
  readonly rollouts: number
  /** Rollouts whose answer could be checked, and those among them with a right answer. */
  readonly checked: number
  readonly right: number
  /** Rollouts whose reward is known. */
  readonly rewarded: number
  /** Rollouts that something can be learned from: those in groups whose rewards differ. */
  readonly differing: number
}

/** A scored rollout as it is counted. */
interface Counted {
  readonly correct: boolean | null
  readonly total: number | null
}

type Counts = Omit<Seen, 'steps'>

/** The metric of each total. */
const METRICS = {
  rollouts: 'total/rollouts',
  checked: 'total/checked',
  right: 'total/right',
  rewarded: 'total/rewarded',
  differing: 'total/differing',
} as const satisfies Record<keyof Counts, string>
const NAMES = Object.keys(METRICS) as (keyof Counts)[]

/**
 * Adds the rollouts of a step to the running totals, which are metrics of the run, so that a resumed run continues them.
 *
 * @param rewards_P_G the rewards of the rollouts that are compared with each other
 */
export function seenMetrics(
  before: Readonly<Record<string, number>>,
  step: number,
  sampled: readonly Counted[],
  rewards_P_G: readonly (readonly (number | null)[])[],
): Record<string, number> {
  const counts: Counts = {
    rollouts: sampled.length,
    checked: sampled.filter(({ correct }) => correct !== null).length,
    right: sampled.filter(({ correct }) => correct).length,
    rewarded: sampled.filter(({ total }) => total !== null).length,
    differing: rewards_P_G.filter((rewards_G) => !isZeroVariance(rewards_G)).flat().length,
  }
  return Object.fromEntries(
    NAMES.map((name) => [METRICS[name], runningTotal(before, METRICS[name], step, counts[name])]),
  )
}

/** What the steps after `from` up to `to` have sampled; `from = 0`: all steps up to `to`. */
export function seenBetween(
  metricsAt: (step: number) => Readonly<Record<string, number>>,
  from: number,
  to: number,
): Seen {
  const [before, after] = [from === 0 ? null : metricsAt(from), metricsAt(to)]
  const read = (metrics: Readonly<Record<string, number>>, name: keyof Counts): number =>
    metrics[METRICS[name]] ?? Number.NaN
  const counts = Object.fromEntries(
    NAMES.map((name) => [name, read(after, name) - (before ? read(before, name) : 0)]),
  )
  return { steps: to - from, ...(counts as unknown as Counts) }
}
