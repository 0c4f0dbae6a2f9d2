import type { Reward } from './reward.ts'

/** A check that runs programs limits each of them; what takes long is the queue. */
export const CHECK_TIMEOUT_MS = 30 * 60_000

/** 1 for a right answer, 0 for a wrong one or none, `null` where the task cannot know. */
export const accuracy: Reward = {
  name: 'accuracy',
  timeoutMs: CHECK_TIMEOUT_MS,
  score: async ({ verdict }) => {
    const { correct } = await verdict()
    return correct === null ? null : Number(correct)
  },
}
