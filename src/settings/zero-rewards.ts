import { UserError } from '../common/errors.ts'
import type { WeightedReward } from '../rewards/compose.ts'
import { namedRewards } from '../rewards/index.ts'
import { NothingToLearn } from '../stages/watch/nothing-to-learn.ts'
import type { ZeroSettings } from './zero.ts'
import type { ZeroOwn } from './zero-options.ts'

/** The rewards of a run: those of the settings (accuracy and format, unless they name others), or the program's own. */
export const rewardsOf = ({ rewards, rl, template }: ZeroSettings, own: ZeroOwn): WeightedReward[] =>
  own.rewards?.map((reward) => ({ reward, weight: reward.weight })) ??
  namedRewards(rewards, { ...rl, template })

/**
 * Checks the rewards of a run before it starts. Each is the metric `reward/NAME`, next to `reward/total`.
 *
 * @throws UserError for names that are not distinct; `NothingToLearn` if no reward has a weight although something is to be
 * learned.
 */
export function checkRewards(settings: ZeroSettings, own: ZeroOwn): void {
  const names = ['total']
  for (const { name } of own.rewards ?? []) {
    if (!name || names.includes(name))
      throw new UserError(
        `a reward is called ${JSON.stringify(name)}: names must differ, and "total" is the weighted sum; rename it`,
        2,
      )
    names.push(name)
  }
  const { rl, rewards, steps, whenNothingToLearn, teacher } = settings
  const isWeightless = rewardsOf(settings, own).every(({ weight }) => weight === 0) && !rl.overlong
  if (rewards.shuffle && isWeightless && !rl.klInReward)
    throw new UserError(
      'setting rewards.shuffle has no effect where no reward has a weight: leave it out, or set one, such as rewards.accuracy=1',
      2,
    )
  const isControl = rewards.shuffle || rl.learningRate === 0 || whenNothingToLearn === 'continue'
  if (steps === 0 || isControl || teacher) return
  if (isWeightless)
    throw new NothingToLearn(
      'no reward has a weight, so nothing can be learned: set one, such as rewards.accuracy=1',
      2,
    )
}
