import { scoreRollout, type WeightedReward } from '../../rewards/compose.ts'
import type { Judgement, SampledRollout } from '../sample/rollouts.ts'

export type { WeightedReward }

/** A rollout with what the rewards made of it. */
export interface Judged extends Judgement {
  readonly rollout: SampledRollout
}

/** A reward that takes longer has failed. */
const TIMEOUT_MS = 10_000

/** Scores a rollout by every reward, and by the task's own check. */
export async function judge(rollout: SampledRollout, rewards: readonly WeightedReward[]): Promise<Judged> {
  const { total, byName, errors } = await scoreRollout(rewards, rollout, { timeoutMs: TIMEOUT_MS })
  return {
    rollout,
    rewards: byName,
    total,
    correct: (await rollout.verdict()).correct,
    errors: errors.map(({ name, message }) => `${name}: ${message}`),
  }
}
