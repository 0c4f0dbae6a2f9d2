import { languageShare } from './language.ts'
import type { Reward } from './reward.ts'

/**
 * Language consistency: the share of the words of the thinking that are in the question's language (DeepSeek-R1, Nature
 * 645, Methods). Missing or empty thinking scores 0; thinking without words (only arithmetic) scores 1.
 *
 * Range 0 … 1. Fooled by: arithmetic without words; words inside code or LaTeX; words of the question; a language in the
 * same script that cannot be told apart (pinyin, or a Latin language without a list of function words).
 */
export const language: Reward = {
  name: 'language',
  score: ({ thinking, task, question }) =>
    thinking
      ? (languageShare(thinking, question.language ?? task.language, { question: question.prompt }) ?? 1)
      : 0,
}
