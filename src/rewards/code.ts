import { CHECK_TIMEOUT_MS } from './accuracy.ts'
import type { Reward } from './reward.ts'

/**
 * The share of a question's test cases that the program in the answer passes; accuracy requires all of them.
 *
 * Range 0 … 1; `null` if the task cannot tell. Fooled by: hard-coded outputs for the question's samples, if these are among
 * the tests; a constant that is the right output of several tests.
 *
 * @throws Error if the question has no tests.
 */
export const code: Reward = {
  name: 'code',
  timeoutMs: CHECK_TIMEOUT_MS,
  async score({ verdict, task }) {
    const { correct, share } = await verdict()
    if (correct === null) return null
    if (!share) throw new Error(`the questions of ${task.name} have no tests`)
    return share()
  },
  reason: async ({ verdict }) => (await verdict()).reason,
}
