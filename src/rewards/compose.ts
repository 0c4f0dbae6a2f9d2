import type { Reward, Rollout } from './reward.ts'

/** A reward and its part in the total. Weight 0 measures only: whatever comes of it leaves the total alone. */
export interface WeightedReward {
  readonly reward: Reward
  readonly weight: number
}

export interface RolloutScore {
  /** Σ weight · score; `null` where a weighted score is unknown: the rollout is then left out of the update. */
  readonly total: number | null
  /** The score of every reward that applies, by name; `null`: unknown or failed. */
  readonly byName: Record<string, number | null>
  /** What threw, took too long, or gave something that is not a number. */
  readonly errors: readonly { readonly name: string; readonly message: string }[]
}

/** Scores a rollout by all rewards that apply to it at once, each within `timeoutMs` or its own. A failure is reported, never scored 0. */
export async function scoreRollout(
  rewards: readonly WeightedReward[],
  rollout: Rollout,
  { timeoutMs }: { timeoutMs: number },
): Promise<RolloutScore> {
  const byName: Record<string, number | null> = {}
  for (const { reward } of rewards) {
    if (reward.name in byName) throw new Error(`Two rewards are named "${reward.name}": rename one of them`)
    byName[reward.name] = null
  }
  const failures = await Promise.all(
    rewards.map(async ({ reward }) => {
      try {
        if (reward.applies?.(rollout) === false) {
          delete byName[reward.name]
          return []
        }
        byName[reward.name] = await scoreInTime(reward, rollout, reward.timeoutMs ?? timeoutMs)
        return []
      } catch (error) {
        return [{ name: reward.name, message: error instanceof Error ? error.message : String(error) }]
      }
    }),
  )
  let total: number | null = 0
  for (const { reward, weight } of rewards) {
    const score = byName[reward.name]
    if (weight === 0 || score === undefined) continue
    total = total === null || score === null ? null : total + weight * score
  }
  return { total, byName, errors: failures.flat() }
}

async function scoreInTime(reward: Reward, rollout: Rollout, timeoutMs: number): Promise<number | null> {
  const started = performance.now()
  const late = () => new Error(`took longer than ${timeoutMs} ms`)
  let score = reward.score(rollout)
  if (score !== null && typeof score === 'object') {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late()), timeoutMs)
    })
    score = await Promise.race([score, deadline]).finally(() => clearTimeout(timer))
  } else if (performance.now() - started > timeoutMs) throw late()
  if (score !== null && !Number.isFinite(score)) throw new Error(`gave ${score}, not a finite number or null`)
  return score
}
