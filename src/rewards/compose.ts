import type { Reward, Rollout } from './reward.ts'

/** A reward and its weight in the total. A reward of weight 0 is only measured: it never affects the total. */
export interface WeightedReward {
  readonly reward: Reward
  readonly weight: number
}

/** A reward function of a program's own, with its weight in the total. */
export interface OwnReward extends Reward {
  readonly weight: number
}

/** The scores of one rollout. */
export interface RolloutScore {
  /** Σ weight · score; `null` if a weighted score is unknown: the rollout is then left out of the update. */
  readonly total: number | null
  /** The score of every reward that applies, by name; `null` if it is unknown or the reward failed. */
  readonly byName: Record<string, number | null>
  /** Why, by name: of the rewards that say it; missing if none does. */
  readonly reasons?: Record<string, string>
  /** The rewards that threw, took too long, or returned something other than a number or `null`. */
  readonly errors: readonly { readonly name: string; readonly message: string }[]
}

/**
 * Scores a rollout by all rewards that apply to it, concurrently. Each has `timeoutMs`, or its own limit if it has one. A
 * failure is reported in `errors`, never scored as 0.
 *
 * @throws Error if two rewards have the same name.
 */
export async function scoreRollout(
  rewards: readonly WeightedReward[],
  rollout: Rollout,
  { timeoutMs }: { timeoutMs: number },
): Promise<RolloutScore> {
  const byName: Record<string, number | null> = {}
  const reasons: Record<string, string> = {}
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
        const limit = reward.timeoutMs ?? timeoutMs
        const score = await inTime(() => reward.score(rollout), limit)
        if (score !== null && !Number.isFinite(score))
          throw new Error(`returned ${score}, which is neither a finite number nor null`)
        byName[reward.name] = score
        const reason = await inTime(() => reward.reason?.(rollout, score) ?? null, limit)
        if (reason !== null) reasons[reward.name] = reason
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
  return {
    total,
    byName,
    ...(Object.keys(reasons).length > 0 && { reasons }),
    errors: failures.flat(),
  }
}

/** Node's longest timer, 25 days; a longer limit counts as none. */
const LONGEST_TIMER = 2 ** 31 - 1

/** @throws Error if the work takes longer than the limit. */
async function inTime<T>(work: () => T | Promise<T>, timeoutMs: number): Promise<T> {
  const started = performance.now()
  const late = () =>
    new Error(`took longer than ${timeoutMs} ms; give the reward a longer timeoutMs if it needs more time`)
  const result = work()
  if (result instanceof Promise) {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      if (timeoutMs <= LONGEST_TIMER) timer = setTimeout(() => reject(late()), timeoutMs)
    })
    return Promise.race([result, deadline]).finally(() => clearTimeout(timer))
  }
  if (performance.now() - started > timeoutMs) throw late()
  return result
}
