import type { Schedule } from '../../algorithms/schedules.ts'
import { plural } from '../../common/words.ts'

/*
 * Warnings of training on examples: that there is too little to learn from, before training, and that nothing was learned
 * that helps with held-out examples, after it.
 */

/**
 * Fewer optimizer steps leave most of the loss: the embedded base on demonstrations of its own task with the default
 * settings keeps 75 % of it after 3 steps, 39 % after 6, 26 % after 12 and 13 % after 24.
 */
const FEW_STEPS = 10
/** The loss on fewer held-out examples is mostly chance. */
const FEW_HELD_OUT = 3
/** A loss in nats, per token or per comparison, of a model that already does what the examples show. */
const LEARNED_LOSS = 0.05
/** A loss has risen again if it is above its lowest value by this factor. */
const RISEN = 1.02

/** The settings that the warnings depend on. */
interface Tuning {
  readonly batchSize: number
  readonly epochs: number
  readonly learningRate: number
  readonly schedule: Schedule
}

/** What can be said before the first evaluation. */
export function tooLittle(
  { training, heldOut, steps }: { training: number; heldOut: number; steps: number },
  { batchSize, epochs, learningRate, schedule }: Tuning,
): string[] {
  const warnings: string[] = []
  if (learningRate === 0) warnings.push('the learning rate is 0: nothing is learned')
  if (steps < FEW_STEPS) {
    const warmup =
      steps <= schedule.warmup ? `; all of them are warm-up (schedule.warmup=${schedule.warmup})` : ''
    warnings.push(
      `only ${plural(steps, 'optimizer step')} in all (${plural(training, 'training row')}, batchSize=${batchSize}, epochs=${epochs}), which will change the model little: add rows, raise epochs or lower batchSize${warmup}`,
    )
  }
  if (heldOut < FEW_HELD_OUT)
    warnings.push(
      `the held-out loss is that of ${plural(heldOut, 'row')}, which says little about others: add rows, or raise eval.share`,
    )
  return warnings
}

/** What can be said after the evaluation before training. */
export const alreadyLearned = (loss: number): string[] =>
  loss < LEARNED_LOSS
    ? [
        `the held-out loss is ${loss.toFixed(4)} before training: the model already does what these rows show, so there is little to learn from them`,
      ]
    : []

/** What can be said after the last evaluation. `evaluated`: the held-out loss by step, that before training first. */
export function notLearned(
  evaluated: readonly { readonly step: number; readonly value: number }[],
  { learningRate }: Tuning,
): string[] {
  const [before, ...later] = evaluated
  const after = later.at(-1)
  if (!before || !after || learningRate === 0) return []
  const best = later.reduce((a, b) => (b.value < a.value ? b : a))
  const change = `${before.value.toFixed(4)} before training, ${after.value.toFixed(4)} after`
  const overfitted = best.value * RISEN < after.value
  if (overfitted && best.value < before.value)
    return [
      `the held-out loss has risen since step ${best.step} (${best.value.toFixed(4)}; ${change}): the model overfits. Use fewer epochs, a lower learningRate or more rows; the checkpoint of step ${best.step} is kept`,
    ]
  return after.value >= before.value
    ? [
        `the held-out loss did not fall (${change}): nothing was learned that helps with other rows. Use more rows, or another learningRate`,
      ]
    : []
}
