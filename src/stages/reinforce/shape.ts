import { klPenalty } from '../../algorithms/kl.ts'
import { overlongPunishment } from '../../algorithms/overlong.ts'
import { Random } from '../../common/random.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import { perPosition, sampledPart } from './datums.ts'
import type { Groups } from './groups.ts'
import type { ReinforceSettings } from './job.ts'
import type { RlSettings } from './rl-settings.ts'
import type { ScoredRollout } from './score.ts'

/**
 * The rewards that advantages are computed from: each rollout's total, minus the KL penalty and plus the (negative)
 * overlong punishment, if these are on; null if the total is unknown. With `shuffleRewards`, a control experiment, the
 * rewards of a step are shuffled among its rollouts, so nothing can be learned.
 */
export function shapedRewards(
  { used_P_G, references_P_G }: Groups,
  { rl, seed, shuffleRewards }: Pick<ReinforceSettings, 'rl' | 'seed' | 'shuffleRewards'>,
  step: number,
): (number | null)[][] {
  const shaped_P_G = used_P_G.map((scored_G, p) =>
    scored_G.map((scored, g) => shaped(scored, references_P_G[p]![g]!, rl)),
  )
  if (!shuffleRewards) return shaped_P_G
  const shuffled = new Random(seed, 'shuffle', step).shuffle(shaped_P_G.flat())
  let next = 0
  return shaped_P_G.map((shaped_G) => shaped_G.map(() => shuffled[next++]!))
}

function shaped(
  { rollout, total }: ScoredRollout,
  reference: Float32Array | null,
  rl: RlSettings,
): number | null {
  if (total === null) return null
  const kl = rl.klInReward
    ? klPenalty(
        sampledPart(rollout, perPosition(rollout, rollout.sequence.logprobs)),
        sampledPart(rollout, reference!),
        rl.klInReward,
      )
    : 0
  return total - kl + punishment(rollout, rl)
}

const punishment = ({ tokens }: SampledRollout, { overlong, maxTokens }: RlSettings): number =>
  overlong ? overlongPunishment(tokens, maxTokens, overlong.buffer) : 0

/**
 * The rewards that are compared with each other: within each group or, where advantages ignore groups, within the step.
 * Without the KL penalty, from which nothing but the reference can be learned.
 */
export function comparedRewards({ used_P_G }: Groups, rl: RlSettings): (number | null)[][] {
  const rewards_P_G = used_P_G.map((scored_G) =>
    scored_G.map(({ rollout, total }) => (total === null ? null : total + punishment(rollout, rl))),
  )
  return rl.advantage === 'batch_normalised' ? [rewards_P_G.flat()] : rewards_P_G
}
