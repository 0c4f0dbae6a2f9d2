import { consistencyOf } from './language/language.ts'
import type { Reward } from './reward.ts'

/**
 * Language consistency: the share of the words of the thinking that are in the question's language (DeepSeek-R1, Nature
 * 645, Methods). Missing or empty thinking scores 0; thinking without words (only arithmetic) scores 1.
 *
 * Range 0 … 1; `null` if the language of eight words or more in Latin script is unknown. Fooled by: arithmetic without words;
 * single words of a language in the same script; words of the question; capitals.
 */
export const language: Reward = {
  name: 'language',
  score: ({ thinking, task, question }) =>
    thinking ? consistencyOf(thinking, question.language ?? task.language, { question: question.prompt }) : 0,
}
