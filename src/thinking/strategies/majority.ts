/** Are two answers the same? */
export type Same = (a: string, b: string) => boolean

/** Answers that are the same. */
export interface Group {
  /** Numbers of the answers, in their order. */
  readonly members: readonly number[]
  /** Sum of their weights; without weights, how many they are. */
  readonly weight: number
}

/**
 * Groups answers in their order: an answer joins the first group whose first answer is the same as it, and otherwise begins
 * a group. So `same` need not be transitive, and the same answers in the same order give the same groups. Missing answers
 * (null, undefined) and those without a weight are left out. `same` is not asked about answers that are equal as text.
 */
export function groupAnswers(
  answers: readonly (string | null | undefined)[],
  same: Same,
  weights?: readonly (number | null | undefined)[],
): Group[] {
  const groups: { members: number[]; weight: number }[] = []
  const known = new Map<string, (typeof groups)[number]>()
  for (const [i, answer] of answers.entries()) {
    const weight = weights === undefined ? 1 : weights[i]
    if (answer == null || weight == null) continue
    let group = known.get(answer) ?? groups.find(({ members }) => same(answers[members[0]!]!, answer))
    if (group === undefined) {
      group = { members: [], weight: 0 }
      groups.push(group)
    }
    group.members.push(i)
    group.weight += weight
    known.set(answer, group)
  }
  return groups
}

/** The group with the largest weight, the one that begins first if several have it; null if there are no answers. */
export const heaviest = (groups: readonly Group[]): Group | null =>
  groups.reduce<Group | null>(
    (most, group) => (most === null || group.weight > most.weight ? group : most),
    null,
  )

/** The majority of answers: those of the group with the largest weight. null if there are none. */
export const majority = (...args: Parameters<typeof groupAnswers>): Group | null =>
  heaviest(groupAnswers(...args))

/**
 * Can the answers that are still missing change which group is the heaviest, if each of them weighs at most `most`?
 *
 * @param missing Their numbers among the answers. Exact for a `same` that is transitive.
 */
export function isDecided(groups: readonly Group[], missing: readonly number[], most = 1): boolean {
  const leader = heaviest(groups)
  if (missing.length === 0) return true
  if (leader === null) return false
  const earliest = Math.min(...missing)
  const rivals = [
    { weight: 0, members: [Number.POSITIVE_INFINITY] },
    ...groups.filter((group) => group !== leader),
  ]
  return rivals.every(({ weight, members }) => {
    const possible = weight + missing.length * most
    if (possible !== leader.weight) return possible < leader.weight
    return leader.members[0]! < Math.min(members[0]!, earliest)
  })
}
