import type { Reward } from './reward.ts'

/** 1 for a right answer, 0 for a wrong one or none, `null` where the task cannot know. */
export const accuracy: Reward = {
  name: 'accuracy',
  // A check that runs programs limits each of them; what takes long is the queue.
  timeoutMs: 30 * 60_000,
  score: async ({ task, question, answer }) => {
    const { correct } = await task.check(question, answer)
    return correct === null ? null : Number(correct)
  },
}
