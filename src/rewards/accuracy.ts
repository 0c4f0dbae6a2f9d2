import type { Reward } from './reward.ts'

/** 1 for a right answer, 0 for a wrong one or none, `null` where the task cannot know. */
export const accuracy: Reward = {
  name: 'accuracy',
  score: ({ task, question, answer }) => {
    const { correct } = task.check(question, answer)
    return correct === null ? null : Number(correct)
  },
}
