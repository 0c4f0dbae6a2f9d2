/**
 * How rewards become advantages, for a response i with reward r_i:
 * - `group`: (r_i − mean(group)) / (std(group) + 1e-4) (DeepSeekMath, arXiv 2402.03300, §4.1.2; Nature 645, 633, eq. 3)
 * - `mean`: r_i − mean(group) (Dr. GRPO, arXiv 2503.20783)
 * - `batch`: (r_i − mean(group)) / (std(all groups) + 1e-4) (TRL's scale_rewards="batch"; Liu et al., arXiv 2508.08221)
 * - `leave_one_out`: r_i − mean(the others of the group) (RLOO: Kool et al. 2019; arXiv 2402.14740)
 * - `batch_normalised`: (r_i − mean(all groups)) / (std(all groups) + 1e-4) (REINFORCE++, arXiv 2501.03262)
 *
 * std is the sample standard deviation (n − 1), and 1e-4 keeps it off zero, both as in TRL; the papers leave both open.
 */
export type AdvantageKind = 'group' | 'mean' | 'batch' | 'leave_one_out' | 'batch_normalised'

type Rewards = readonly number[]
type Rule = (group: Rewards, batch: Rewards) => (reward: number) => number

const EPSILON = 1e-4

const rules: { readonly [K in AdvantageKind]: Rule } = {
  group: (group) => scaled(centred(group), std(group)),
  mean: (group) => centred(group),
  batch: (group, batch) => scaled(centred(group), std(batch)),
  // r_i − (Σ r − r_i)/(n − 1) = n/(n − 1) · (r_i − mean)
  leave_one_out: (group) => {
    const n = group.length
    const centre = centred(group)
    return n === 1 ? () => 0 : (r) => (n / (n - 1)) * centre(r)
  },
  batch_normalised: (_, batch) => scaled(centred(batch), std(batch)),
}

/**
 * The advantage of each response of each group (one group a question). `null` is a response left out of the update (its
 * reward failed): it has no advantage and does not count in its group's or the batch's statistics. A group in which all
 * rewards are equal has advantages of exactly 0, except under `batch_normalised`, which knows no groups.
 */
export function groupAdvantages(
  rewards_P_G: readonly (readonly (number | null)[])[],
  kind: AdvantageKind,
): (number | null)[][] {
  const batch = rewards_P_G.flat().filter((r) => r !== null)
  for (const r of batch)
    if (!Number.isFinite(r)) throw new Error(`groupAdvantages: a reward is ${r}; leave it out as null`)
  return rewards_P_G.map((group) => {
    const known = group.filter((r) => r !== null)
    const advantage = rules[kind](known, batch)
    return group.map((r) => (r === null ? null : advantage(r)))
  })
}

/** Does the group teach nothing: are all its known rewards equal? DAPO's dynamic sampling drops such groups (eq. 11). */
export const isZeroVariance = (group: readonly (number | null)[]): boolean =>
  new Set(group.filter((r) => r !== null)).size <= 1

const mean = (xs: Rewards): number => xs.reduce((a, b) => a + b, 0) / xs.length

/** Sample standard deviation; 0 for equal values, and for one value alone. */
function std(xs: Rewards): number {
  if (isZeroVariance(xs)) return 0
  const m = mean(xs)
  return Math.sqrt(xs.reduce((sum, x) => sum + (x - m) ** 2, 0) / (xs.length - 1))
}

/** r − mean, free of rounding where all are equal. */
function centred(xs: Rewards): (reward: number) => number {
  if (isZeroVariance(xs)) return () => 0
  const m = mean(xs)
  return (r) => r - m
}

const scaled = (centre: (reward: number) => number, deviation: number) => (reward: number) =>
  centre(reward) / (deviation + EPSILON)
