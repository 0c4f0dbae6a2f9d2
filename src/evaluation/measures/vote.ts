import type { Random } from '../../common/random.ts'

/** A response's vote. */
export interface Vote {
  /** Responses with equal answers have the same group; null: it has no answer, and so no vote. */
  readonly group: number | null
  /** null if the task cannot check its answer. */
  readonly right: boolean | null
}

/** Random orders in which the stored responses to a question are drawn. */
const DRAWS = 256

/**
 * cons@k for each k: the probability that the answer with the most of k votes is right. Of equally frequent answers, the
 * one that was drawn first wins; where no response has an answer, the vote is wrong.
 *
 * It is the mean over random subsets of k of the n stored responses, not only the first k. Each subset of independent
 * responses is itself k independent responses, so the mean is unbiased, whatever the number of subsets. For k = 1 it is the
 * share of right responses, exactly.
 *
 * @returns for each k, NaN (unknown) if there are fewer than k responses or no winner could be checked.
 */
export function consAtK(votes: readonly Vote[], ks: readonly number[], random: Random): number[] {
  const sums = ks.map(() => ({ right: 0, known: 0 }))
  const order = votes.map((_, i) => i)
  for (let draw = 0; draw < DRAWS; draw++) {
    random.shuffle(order)
    const winners = winnersOf(order.map((i) => votes[i]!))
    for (const [i, k] of ks.entries()) {
      const right = k <= votes.length ? winners[k - 1]! : null
      if (right === null) continue
      sums[i]!.right += Number(right)
      sums[i]!.known++
    }
  }
  return ks.map((k, i) => (k === 1 ? shareRight(votes) : sums[i]!.right / sums[i]!.known))
}

/** After each vote, whether the answer that leads is right; null if that is unknown. */
function winnersOf(votes: readonly Vote[]): (boolean | null)[] {
  const counts = new Map<number, { count: number; right: boolean | null; order: number }>()
  let leader: { count: number; right: boolean | null; order: number } | null = null
  return votes.map(({ group, right }) => {
    if (group !== null) {
      const own = counts.get(group) ?? { count: 0, right, order: counts.size }
      own.count++
      counts.set(group, own)
      if (
        leader === null ||
        own.count > leader.count ||
        (own.count === leader.count && own.order < leader.order)
      )
        leader = own
    }
    return leader === null ? false : leader.right
  })
}

/** The share of right responses among those that could be checked; NaN, unknown, if there are none. */
export function shareRight(votes: readonly Pick<Vote, 'right'>[]): number {
  const known = votes.filter(({ right }) => right !== null)
  return known.filter(({ right }) => right).length / known.length
}
