import type { SampledRollout } from '../sample/rollouts.ts'

/**
 * Is the most frequent answer to a question right? If answers are equally frequent, the one sampled first counts. A
 * response without an answer has no vote. Null if the task cannot check the answer.
 */
export async function majorityIsRight(rollouts_G: readonly SampledRollout[]): Promise<boolean | null> {
  const votes = new Map<string, SampledRollout[]>()
  for (const rollout of rollouts_G) {
    if (rollout.answer === null) continue
    const key = normalised(rollout.answer)
    votes.set(key, [...(votes.get(key) ?? []), rollout])
  }
  const winners = [...votes.values()].reduce<readonly SampledRollout[]>(
    (most, voters) => (voters.length > most.length ? voters : most),
    [],
  )
  return (await (winners[0] ?? rollouts_G[0]!).verdict()).correct
}

/** Removes differences in case, in spaces around symbols, and in a full stop at the end. */
const normalised = (answer: string): string =>
  answer
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
    .replace(/\s+/g, ' ')
    .replace(/(?<![\p{L}\p{N}]) | (?![\p{L}\p{N}])/gu, '')
