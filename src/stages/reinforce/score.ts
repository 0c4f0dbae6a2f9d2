import { scoreRollout, type WeightedReward } from '../../rewards/compose.ts'
import type { RolloutScores, SampledRollout } from '../sample/rollouts.ts'

/** A rollout with the scores that the rewards gave it. */
export interface ScoredRollout extends RolloutScores {
  readonly rollout: SampledRollout
  readonly reason: string
}

/** A reward that takes longer counts as failed. */
const TIMEOUT_MS = 10_000

/** Scores a rollout with every reward, and checks its answer with the task. */
export async function score(
  rollout: SampledRollout,
  rewards: readonly WeightedReward[],
): Promise<ScoredRollout> {
  const { total, byName, reasons, errors } = await scoreRollout(rewards, rollout, { timeoutMs: TIMEOUT_MS })
  const { correct, reason } = await rollout.verdict()
  return {
    rollout,
    rewards: byName,
    reasons: {
      ...reasons,
      ...Object.fromEntries(errors.map(({ name, message }) => [name, `the reward failed: ${message}`])),
    },
    total,
    correct,
    reason,
    errors: errors.map(({ name, message }) => `${name}: ${message}`),
  }
}
