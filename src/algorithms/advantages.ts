type Rewards = readonly number[]
/** `batch`: all rewards; `centredBatch`: all rewards, each minus the mean of its group. */
type Rule = (group: Rewards, batch: Rewards, centredBatch: Rewards) => (reward: number) => number

/** Keeps the divisor above zero, as in TRL; the papers do not specify it. */
const EPSILON = 1e-4

/**
 * How rewards become advantages, for a response i with reward r_i. std is the sample standard deviation (n − 1), as in
 * TRL; the papers do not specify it.
 */
const rules = {
  // (r_i − mean(group)) / (std(group) + 1e-4)   (DeepSeekMath, arXiv 2402.03300, §4.1.2; Nature 645, 633, eq. 3)
  group: (group) => scaled(centred(group), std(group)),
  // r_i − mean(group)   (Dr. GRPO, arXiv 2503.20783)
  mean: (group) => centred(group),
  // (r_i − mean(group)) / (std(all groups) + 1e-4)   (TRL's scale_rewards="batch"; Liu et al., arXiv 2508.08221)
  batch: (group, batch) => scaled(centred(group), std(batch)),
  // (r_i − mean(group)) / (std of these over all groups + 1e-4)   (ScaleRL, arXiv 2510.13786, §4; Magistral, arXiv
  // 2506.10910, §2.1)
  centred_batch: (group, _, centredBatch) => scaled(centred(group), std(centredBatch)),
  // r_i − mean(the rest of the group) = r_i − (Σ r − r_i)/(n − 1) = n/(n − 1) · (r_i − mean(group))
  // (RLOO: Kool et al. 2019; arXiv 2402.14740)
  leave_one_out: (group) => {
    const n = group.length
    const centre = centred(group)
    return n === 1 ? () => 0 : (r) => (n / (n - 1)) * centre(r)
  },
  // (r_i − mean(all groups)) / (std(all groups) + 1e-4)   (REINFORCE++, arXiv 2501.03262)
  batch_normalised: (_, batch) => scaled(centred(batch), std(batch)),
} satisfies Record<string, Rule>

/** How rewards become advantages: the name of one of the rules above. */
export type AdvantageKind = keyof typeof rules
export const advantageKinds = Object.keys(rules) as readonly AdvantageKind[]

/**
 * The advantage of each response of each group (one group per question). `null` marks a response that is left out of the
 * update because its reward failed: it has no advantage and does not count in the statistics of its group or of the
 * batch. A group in which all rewards are equal has advantages of exactly 0, except under `batch_normalised`, which
 * ignores groups.
 *
 * @throws Error if a reward is not finite.
 */
export function groupAdvantages(
  rewards_P_G: readonly (readonly (number | null)[])[],
  kind: AdvantageKind,
): (number | null)[][] {
  const batch = rewards_P_G.flat().filter((r) => r !== null)
  for (const r of batch)
    if (!Number.isFinite(r)) throw new Error(`groupAdvantages: a reward is ${r}; leave it out as null`)
  const known_P_G = rewards_P_G.map((group) => group.filter((r) => r !== null))
  const centredBatch = known_P_G.flatMap((known) => known.map(centred(known)))
  return rewards_P_G.map((group, p) => {
    const advantage = rules[kind](known_P_G[p]!, batch, centredBatch)
    return group.map((r) => (r === null ? null : advantage(r)))
  })
}

/** Whether all known rewards of a group are equal, so that it teaches nothing. DAPO's dynamic sampling drops such groups (eq. 11). */
export const isZeroVariance = (group: readonly (number | null)[]): boolean =>
  new Set(group.filter((r) => r !== null)).size <= 1

const mean = (xs: Rewards): number => xs.reduce((a, b) => a + b, 0) / xs.length

/** Sample standard deviation; 0 for equal values and for a single value. */
function std(xs: Rewards): number {
  if (isZeroVariance(xs)) return 0
  const m = mean(xs)
  return Math.sqrt(xs.reduce((sum, x) => sum + (x - m) ** 2, 0) / (xs.length - 1))
}

/** r − mean; exactly 0 if all values are equal. */
function centred(xs: Rewards): (reward: number) => number {
  if (isZeroVariance(xs)) return () => 0
  const m = mean(xs)
  return (r) => r - m
}

const scaled = (centre: (reward: number) => number, deviation: number) => (reward: number) =>
  centre(reward) / (deviation + EPSILON)
