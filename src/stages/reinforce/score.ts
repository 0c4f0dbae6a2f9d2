import { scoreRollout, type WeightedReward } from '../../rewards/compose.ts'
import type { RolloutScores, SampledRollout } from '../sample/rollouts.ts'

/** A rollout with the scores that the rewards gave it. */
export interface ScoredRollout extends RolloutScores {
  readonly rollout: SampledRollout
}

/** A reward that takes longer counts as failed. */
const TIMEOUT_MS = 10_000

/** Scores a rollout with every reward, and checks its answer with the task. */
export async function score(
  rollout: SampledRollout,
  rewards: readonly WeightedReward[],
): Promise<ScoredRollout> {
  const { total, byName, errors } = await scoreRollout(rewards, rollout, { timeoutMs: TIMEOUT_MS })
  return {
    rollout,
    rewards: byName,
    total,
    correct: (await rollout.verdict()).correct,
    errors: errors.map(({ name, message }) => `${name}: ${message}`),
  }
}
