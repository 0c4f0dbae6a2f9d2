import type { Reward } from './reward.ts'

/** A check limits the time of each program that it runs, but many checks may wait in a queue. */
export const CHECK_TIMEOUT_MS = 30 * 60_000

/** 1 for a right answer, 0 for a wrong answer or none, `null` if the task cannot tell. */
export const accuracy: Reward = {
  name: 'accuracy',
  timeoutMs: CHECK_TIMEOUT_MS,
  score: async ({ verdict }) => {
    const { correct } = await verdict()
    return correct === null ? null : Number(correct)
  },
  reason: async ({ verdict }) => (await verdict()).reason,
}
