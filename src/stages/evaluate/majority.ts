import { majority } from '../../thinking/strategies/majority.ts'
import type { SampledRollout } from '../sample/rollouts.ts'

/**
 * Is the most frequent answer to a question right? If answers are equally frequent, the one sampled first counts. A
 * response without an answer has no vote. Null if the task cannot check the answer.
 */
export async function majorityIsRight(rollouts_G: readonly SampledRollout[]): Promise<boolean | null> {
  const answers = rollouts_G.map(({ answer }) => (answer === null ? null : normalised(answer)))
  const [winner] = majority(answers, (a, b) => a === b)?.members ?? [0]
  return (await rollouts_G[winner!]!.verdict()).correct
}

/** Removes differences in case, in spaces around symbols, and in a full stop at the end. */
const normalised = (answer: string): string =>
  answer
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
    .replace(/\s+/g, ' ')
    .replace(/(?<![\p{L}\p{N}]) | (?![\p{L}\p{N}])/gu, '')
